import { floatTensor, intTensor } from "../build.ts";
import type { Rewrite } from "../rewrite.ts";

/** A constant number. */
export const scalar = (to: Rewrite, role: string, value: number): string => to.constant(role, floatTensor([], [value]));

export const reshape = (to: Rewrite, x: string, shape: readonly number[], output?: string): string =>
  to.add("Reshape", [x, to.constant("shape", intTensor(shape))], {}, output);

/** The entries of an axis from one place to before another; the last axis unless another is given. */
export function slice(to: Rewrite, x: string, from: number, until: number, axis = -1, step = 1): string {
  const numbers = [from, until, axis, ...(step === 1 ? [] : [step])];
  return to.add("Slice", [x, ...numbers.map((value) => to.constant("bound", intTensor([value])))]);
}

/** The sum of two tensors of which the second may be absent. */
export const plus = (to: Rewrite, x: string, y: string): string => (y === "" ? x : to.add("Add", [x, y]));

/** x · sigmoid(x) */
export const silu = (to: Rewrite, x: string): string => to.add("Mul", [x, to.add("Sigmoid", [x])]);
