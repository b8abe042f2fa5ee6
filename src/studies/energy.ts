import { gaussianArray, PushforwardError, type Rng } from "../base/index.ts";
import { type LinearOperator, unitRows } from "../operator/index.ts";
import type { Block, BlockAlgebra } from "../runtime/index.ts";
import { dot } from "./vector.ts";

/** Cotangents for `energyOf`, for an operator with `size` target entries: random ones, or all unit vectors if there are no more. */
export function probesOf(algebra: BlockAlgebra, size: number, count: number, rng: Rng): Block {
  if (size > count) return algebra.upload(gaussianArray(rng, count * size), count);
  return unitRows(
    algebra,
    Uint32Array.from({ length: size }, (_, i) => i),
    size,
  );
}

/**
 * Σσ² as estimated by these cotangents, up to a constant factor: the mean of ‖Jᵀu‖². It is the same factor for all operators.
 *
 * @throws PushforwardError `not-finite` if a product is not finite
 */
export async function energyOf(J: LinearOperator, probes: Block): Promise<number> {
  using product = await J.applyTranspose(probes);
  const data = await product.read();
  const energy = dot(data, data);
  if (Number.isFinite(energy)) return energy;
  throw new PushforwardError("not-finite", {
    what: "A product with Jᵀ at this input is NaN or infinite.",
    fix: "Leave this input out, or change the model so that its derivative there is finite.",
  });
}
