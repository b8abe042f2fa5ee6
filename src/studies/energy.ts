import { gaussianArray, type Rng } from "../base/index.ts";
import { type Block, block, type LinearOperator, unitRows } from "../operator/index.ts";
import { dot } from "./vector.ts";

/** The cotangents by which `energyOf` sees an operator into `size` entries: random ones, or all, where it has no more. */
export function probesOf(size: number, count: number, rng: Rng): Block {
  if (size > count) return block(gaussianArray(rng, count * size), count);
  return unitRows(
    Uint32Array.from({ length: size }, (_, i) => i),
    size,
  );
}

/** Σσ² as these cotangents see it, to a factor that is theirs. */
export async function energyOf(J: LinearOperator, probes: Block): Promise<number> {
  const { data } = await J.applyTranspose(probes);
  return dot(data, data);
}
