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

/** x/2 · (1 + y) */
function halfTimesOnePlus(to: Rewrite, x: string, y: string): string {
  const half = to.add("Mul", [x, scalar(to, "half", 0.5)]);
  return to.add("Mul", [half, to.add("Add", [y, scalar(to, "one", 1)])]);
}

/** x/2 · (1 + erf(x/√2)) */
export const gelu = (to: Rewrite, x: string): string =>
  halfTimesOnePlus(to, x, to.add("Erf", [to.add("Mul", [x, scalar(to, "sqrt-half", Math.SQRT1_2)])]));

/** x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))) */
export function fastGelu(to: Rewrite, x: string): string {
  const cubed = to.add("Mul", [to.add("Mul", [x, x]), x]);
  const inner = to.add("Add", [x, to.add("Mul", [cubed, scalar(to, "cubic", 0.044715)])]);
  const slope = scalar(to, "slope", Math.sqrt(2 / Math.PI));
  return halfTimesOnePlus(to, x, to.add("Tanh", [to.add("Mul", [inner, slope])]));
}
