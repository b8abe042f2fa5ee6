import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** So many bytes more than after the last collection are held before the next one. */
const MOST_GROWTH = 2 ** 29;

/** Bytes that tensors hold outside of the heap of JavaScript, and the fewest since the last collection. */
let [held, fewest] = [0, 0];

/**
 * Notes that tensors outside of the heap hold more bytes, or fewer. The garbage collector does not know of this memory. So once it has
 * grown by much, a collection is asked for, which frees what was forgotten and not disposed of.
 */
export function noteHeld(bytes: number): void {
  held += bytes;
  fewest = Math.min(fewest, held);
  if (held - fewest < MOST_GROWTH) return;
  fewest = held;
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}

/** The bytes that tensors hold now. */
export const heldBytes = (): number => held;
