import { joinFactors } from "./join-factors.ts";
import { narrowRepeats } from "./narrow-repeats.ts";
import type { PrimalBuilder } from "./primal.ts";
import type { LinearProgram } from "./program.ts";
import { convolveParts, scaleAfterGather, spreadAfterProduct } from "./simplify.ts";
import { settleUntaken } from "./untaken.ts";

/**
 * A recorded program as it is computed: slopes that do not matter are zero, and less is computed for the same result. With `apart`, the
 * values of each node stay separate.
 */
export function tidied(recorded: LinearProgram, primal: PrimalBuilder, apart = false): LinearProgram {
  const settled = settleUntaken(narrowRepeats(recorded), primal);
  const merging = [scaleAfterGather, spreadAfterProduct, joinFactors];
  const merged = apart ? settled : merging.reduce((now, merge) => merge(now, primal), settled);
  return convolveParts(merged, primal);
}
