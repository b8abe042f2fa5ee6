import type { Run, UnitPlace, UnitResult } from "../../results/index.ts";
import { AT_ONCE } from "./at-once.ts";

/** Units of a run without their vectors, in the order of the places; `undefined` where there is none. */
export async function* readUnits(
  run: Run,
  places: readonly UnitPlace[],
): AsyncGenerator<readonly [UnitPlace, UnitResult | undefined]> {
  for (let at = 0; at < places.length; at += AT_ONCE) {
    const some = places.slice(at, at + AT_ONCE);
    const units = await Promise.all(some.map(({ input, tap }) => run.readUnit(input, tap, { vectors: false })));
    for (const [i, place] of some.entries()) yield [place, units[i]];
  }
}
