import type { BlockAlgebra, Matrix } from "../operator/index.ts";
import { multiply, rowNorm, zeros } from "./small/matrix.ts";
import { smallSvd } from "./small/small-svd.ts";

/** Ritz triplets: the singular triplets of the projected matrix. */
export interface Ritz {
  /** [count], descending. */
  readonly sigma: Float64Array;
  /** [count, rows of U] */
  readonly u: Matrix;
  /** [count, rows of V that J was applied to] */
  readonly v: Matrix;
  /** [count], ‖Jᵀu − σv‖ as the recurrence predicts it; Jv = σu holds to rounding. */
  readonly residual: Float64Array;
}

/**
 * J seen through two orthonormal bases, rows of V and U: J·V = T·U, and Jᵀ·U = Tᵀ·V but for the last rows of U, whose
 * images have a part `coupling` in rows of V that J was not yet applied to.
 */
export class Projection {
  /** Row i holds J·v_i in the basis U. */
  private readonly rows: Float64Array[] = [];
  private columns = 0;
  /** [last rows of U, new rows of V] */
  private coupling: Matrix = zeros(0, 0);

  /** Rows of V that J was applied to, and rows of U. */
  get size(): { readonly v: number; readonly u: number } {
    return { v: this.rows.length, u: this.columns };
  }

  /** Rows of V that wait for J because the recurrence leads to them. */
  get coupled(): number {
    return this.coupling.columns;
  }

  /** J applied to the next rows of V gave coefficients · U + factor · (new rows of U); the images of those led to coupling. */
  grow(coefficients: Matrix, factor: Matrix, coupling: Matrix): void {
    this.columns += factor.columns;
    for (let i = 0; i < coefficients.rows; i++) {
      const row = new Float64Array(this.columns);
      row.set(coefficients.data.subarray(i * coefficients.columns, (i + 1) * coefficients.columns));
      row.set(factor.data.subarray(i * factor.columns, (i + 1) * factor.columns), coefficients.columns);
      this.rows.push(row);
    }
    this.coupling = coupling;
  }

  /** The `count` largest Ritz triplets, fewer where the bases are smaller. */
  async ritz(count: number, { multiply }: BlockAlgebra): Promise<Ritz> {
    const { v, u } = this.size;
    const whole = zeros(v, u);
    this.rows.forEach((row, i) => {
      whole.data.set(row, i * u);
    });
    const { sigma, left, right } = await smallSvd(whole, multiply, Math.min(count, v, u));
    const outside = this.outside(right);
    return { sigma, v: left, u: right, residual: Float64Array.from(sigma, (_, i) => rowNorm(outside, i)) };
  }

  /** Keeps only these Ritz triplets: T becomes diagonal, and each of the new rows of U couples to the waiting rows of V. */
  restart({ sigma, u }: Ritz): void {
    this.coupling = this.outside(u);
    this.rows.length = 0;
    this.columns = sigma.length;
    sigma.forEach((value, i) => {
      const row = new Float64Array(sigma.length);
      row[i] = value;
      this.rows.push(row);
    });
  }

  /** Takes what couples to the waiting rows of V for nothing, so that those may be replaced. */
  decouple(): void {
    this.coupling = zeros(0, 0);
  }

  /** What Jᵀ·(u·U) has in the waiting rows of V. */
  private outside(u: Matrix): Matrix {
    const { rows: last, columns } = this.coupling;
    const ends = zeros(u.rows, last);
    for (let i = 0; i < u.rows; i++) {
      ends.data.set(u.data.subarray((i + 1) * u.columns - last, (i + 1) * u.columns), i * last);
    }
    return last === 0 ? zeros(u.rows, columns) : multiply(ends, this.coupling);
  }
}
