import type { LinearOperator } from "../../src/operator/index.ts";
import type { SingularTriplets } from "../../src/svd/index.ts";
import type { Truth } from "./truth.ts";

/** Triplets held against the true J, in float64. */
export interface Measured {
  /** [k], (‖Jv − σu‖² + ‖Jᵀu − σv‖²)^½ with the true J. */
  readonly residual: Float64Array;
  /** [k], how far the operator's own Jv and Jᵀu are from the true ones, both together: what float32 products cost. */
  readonly rounding: Float64Array;
}

/** Multiplies the vectors of a result once more, by the operator and by the true J. */
export async function measured(
  operator: LinearOperator,
  { m, n, matrix }: Truth,
  { sigma, u, v }: SingularTriplets,
): Promise<Measured> {
  const k = sigma.length;
  const Jv = await (await operator.apply(operator.algebra.upload(v, k))).read();
  const Jtu = await (await operator.applyTranspose(operator.algebra.upload(u, k))).read();
  const [residual, rounding] = [new Float64Array(k), new Float64Array(k)];
  for (let i = 0; i < k; i++) {
    const transposed = new Float64Array(n);
    let [off, error] = [0, 0];
    for (let row = 0; row < m; row++) {
      const weight = u[i * m + row]!;
      let image = 0;
      for (let column = 0; column < n; column++) {
        const entry = matrix[row * n + column]!;
        image += entry * v[i * n + column]!;
        transposed[column]! += entry * weight;
      }
      off += (image - sigma[i]! * weight) ** 2;
      error += (image - Jv[i * m + row]!) ** 2;
    }
    for (let column = 0; column < n; column++) {
      off += (transposed[column]! - sigma[i]! * v[i * n + column]!) ** 2;
      error += (transposed[column]! - Jtu[i * n + column]!) ** 2;
    }
    residual[i] = Math.sqrt(off);
    rounding[i] = Math.sqrt(error);
  }
  return { residual, rounding };
}
