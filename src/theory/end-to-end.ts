import { jacobiSvd } from "./jacobi-svd.ts";

/** A deep linear network whose `depth` square weight matrices are balanced: W_{l+1}ᵀ·W_{l+1} = W_l·W_lᵀ. */
export interface Product {
  readonly depth: number;
  readonly width: number;
  /** [width, width], row-major: what the product of the matrices should become, for whitened inputs. */
  readonly task: ArrayLike<number>;
  /** [width, width]: the product at the start, of full rank. */
  readonly start: ArrayLike<number>;
}

/**
 * The product P of balanced matrices in continuous time, τ·dP/dt = Σ_j (PPᵀ)^((j−1)/D)·(Σ − P)·(PᵀP)^((D−j)/D), which need not be decoupled.
 * Integrated by the classical Runge-Kutta method in `steps` steps of `step`, in units of τ = 1/η.
 *
 * @returns [steps + 1][width · width]
 * @see Arora, Cohen & Hazan 2018, theorem 1
 */
export function endToEndCurve(product: Product, step: number, steps: number): Float64Array[] {
  let at = Float64Array.from(product.start);
  const curve = [at];
  const moved = (slope: Float64Array, by: number) => at.map((entry, i) => entry + by * slope[i]!);
  for (let i = 0; i < steps; i++) {
    const first = slopeOf(product, at);
    const second = slopeOf(product, moved(first, step / 2));
    const third = slopeOf(product, moved(second, step / 2));
    const fourth = slopeOf(product, moved(third, step));
    at = at.map((entry, j) => entry + (step / 6) * (first[j]! + 2 * (second[j]! + third[j]!) + fourth[j]!));
    curve.push(at);
  }
  return curve;
}

/** In the singular bases of P, entry (a, b) of Σ − P is weighted by Σ_j σ_a^(2(j−1)/D)·σ_b^(2(D−j)/D). */
function slopeOf({ depth, width, task }: Product, at: Float64Array): Float64Array {
  const { sigma, left, right } = jacobiSvd(at, width, width);
  const gap = at.map((entry, i) => task[i]! - entry);
  const slope = new Float64Array(at.length);
  for (let a = 0; a < width; a++) {
    const row = new Float64Array(width);
    for (let r = 0; r < width; r++) for (let c = 0; c < width; c++) row[c]! += left[a]![r]! * gap[r * width + c]!;
    for (let b = 0; b < width; b++) {
      let inner = 0;
      for (let c = 0; c < width; c++) inner += row[c]! * right[b]![c]!;
      let weight = 0;
      for (let j = 1; j <= depth; j++) {
        weight += sigma[a]! ** ((2 * (j - 1)) / depth) * sigma[b]! ** ((2 * (depth - j)) / depth);
      }
      const size = weight * inner;
      for (let r = 0; r < width; r++) {
        const entry = size * left[a]![r]!;
        for (let c = 0; c < width; c++) slope[r * width + c]! += entry * right[b]![c]!;
      }
    }
  }
  return slope;
}
