import { gaussianArray, type Rng } from "../base/index.ts";
import { type Block, block, type LinearOperator, unitRows } from "../operator/index.ts";
import { dot } from "./vector.ts";

/** Cotangents that see Σσ² well enough: of a tap with no more entries, all of them, and Σσ² is exact. */
export const PROBES = 16;

/** The cotangents by which `energyOf` sees an operator into `size` entries. */
export function probesOf(size: number, rng: Rng): Block {
  if (size <= PROBES)
    return unitRows(
      Uint32Array.from({ length: size }, (_, i) => i),
      size,
    );
  return block(gaussianArray(rng, PROBES * size), PROBES);
}

/** Σσ² as these cotangents see it, to a factor that is theirs. */
export async function energyOf(J: LinearOperator, probes: Block): Promise<number> {
  const { data } = await J.applyTranspose(probes);
  return dot(data, data);
}
