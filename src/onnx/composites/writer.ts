import type { Shape } from "../../base/index.ts";
import { filled, floatTensor, int, ints, intTensor } from "../build.ts";
import type { Attributes } from "../model.ts";
import type { Rewrite } from "../rewrite.ts";

/** Writes the nodes of an expansion. Its functions take and return names of tensors. Constants, and slices of one tensor, are made once. */
export interface Writer {
  op(op: string, inputs: readonly string[], attributes?: Attributes, output?: string): string;
  /** A tensor filled with one number; a scalar unless a shape is given. */
  number(value: number, shape?: Shape): string;
  floats(shape: readonly number[], values: ArrayLike<number>): string;
  ints(values: readonly number[], shape?: readonly number[]): string;
  add(a: string, b: string): string;
  sub(a: string, b: string): string;
  mul(a: string, b: string): string;
  div(a: string, b: string): string;
  /** a · x + b with numbers a and b. */
  affine(a: number, x: string, b: number): string;
  reshape(x: string, shape: readonly number[]): string;
  transpose(x: string, perm: readonly number[]): string;
  /** Entries `from` up to, but not including, `to` of an axis. */
  slice(x: string, axis: number, from: number, to: number): string;
  concat(parts: readonly string[], axis: number): string;
  gather(x: string, indices: string, axis: number): string;
  sum(x: string, axes: readonly number[], keepdims?: boolean): string;
}

export function writerOf(to: Rewrite): Writer {
  const once = new Map<string, string>();
  const shared = (key: string, make: () => string): string => {
    const made = once.get(key) ?? make();
    once.set(key, made);
    return made;
  };
  const write: Writer = {
    op: to.add,
    number: (value, shape = []) => shared(`${value} [${shape}]`, () => to.constant(`${value}`, filled(shape, value))),
    floats: (shape, values) => to.constant("values", floatTensor(shape, values)),
    ints: (values, shape) =>
      shared(`ints ${shape ?? values.length}: ${values}`, () => to.constant("ints", intTensor(values, shape))),
    add: (a, b) => to.add("Add", [a, b]),
    sub: (a, b) => to.add("Sub", [a, b]),
    mul: (a, b) => to.add("Mul", [a, b]),
    div: (a, b) => to.add("Div", [a, b]),
    affine(a, x, b) {
      const scaled = a === 1 ? x : write.mul(x, write.number(a));
      return b === 0 ? scaled : write.add(scaled, write.number(b));
    },
    reshape: (x, shape) => to.add("Reshape", [x, write.ints(shape)]),
    transpose: (x, perm) => (perm.every((axis, i) => axis === i) ? x : to.add("Transpose", [x], { perm: ints(perm) })),
    slice: (x, axis, from, end) =>
      shared(`${x} ${axis} ${from} ${end}`, () =>
        to.add("Slice", [x, write.ints([from]), write.ints([end]), write.ints([axis])]),
      ),
    concat: (parts, axis) => (parts.length === 1 ? parts[0]! : to.add("Concat", parts, { axis: int(axis) })),
    gather: (x, indices, axis) => to.add("Gather", [x, indices], { axis: int(axis) }),
    sum: (x, axes, keepdims = false) => to.add("ReduceSum", [x, write.ints(axes)], { keepdims: int(keepdims ? 1 : 0) }),
  };
  return write;
}
