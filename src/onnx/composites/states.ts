import { int, intTensor } from "../build.ts";
import type { Rewrite } from "../rewrite.ts";
import { slice } from "./parts.ts";

/** The state from which a sequence starts: the last one of a window of states, or, without a window (0), the only one. */
export function firstState(to: Rewrite, past: string, window: number): string {
  if (window === 0) return past;
  return to.add("Squeeze", [slice(to, past, window - 1, window, 0), to.constant("first", intTensor([0]))]);
}

/**
 * The state after the last place of a sequence; or those after so many last places, one after the other along a new first axis. Where the
 * sequence is shorter than the window, `none` stands for the states that there are not.
 */
export function lastStates(
  to: Rewrite,
  { length, window, none }: { readonly length: number; readonly window: number; readonly none: () => string },
  stateAfter: (places: number) => string,
): string {
  if (window === 0) return stateAfter(length);
  const first = to.constant("first", intTensor([0]));
  const slots = Array.from({ length: window }, (_, slot) => {
    const places = length - window + slot + 1;
    return to.add("Unsqueeze", [places > 0 ? stateAfter(places) : none(), first]);
  });
  return to.add("Concat", slots, { axis: int(0) });
}
