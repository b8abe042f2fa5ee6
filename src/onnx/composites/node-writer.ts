import type { Shape } from "../../base/index.ts";
import { filled, int, ints, intTensor } from "../build.ts";
import type { Attributes } from "../model.ts";
import type { Rewrite } from "../rewrite.ts";

/** Writes the nodes of an expansion. Constants, and slices of one tensor, are made once. */
export class NodeWriter {
  readonly #to: Rewrite;
  readonly #made = new Map<string, string>();

  constructor(to: Rewrite) {
    this.#to = to;
  }

  add(op: string, inputs: readonly string[], attributes: Attributes = {}): string {
    return this.#to.add(op, inputs, attributes);
  }

  /** A tensor filled with one number; a scalar unless a shape is given. */
  number(value: number, shape: Shape = []): string {
    return this.#once(`${value} [${shape}]`, () => this.#to.constant("number", filled(shape, value)));
  }

  ints(values: readonly number[], shape: Shape = [values.length]): string {
    return this.#once(`ints ${values} [${shape}]`, () => this.#to.constant("ints", intTensor(values, shape)));
  }

  /** The entries from `start` to before `end` of one axis. */
  slice(x: string, axis: number, start: number, end: number): string {
    return this.#once(`${x} ${axis} ${start} ${end}`, () =>
      this.add("Slice", [x, this.ints([start]), this.ints([end]), this.ints([axis])]),
    );
  }

  concat(parts: readonly string[], axis: number): string {
    return parts.length === 1 ? parts[0]! : this.add("Concat", parts, { axis: int(axis) });
  }

  reshape(x: string, shape: Shape): string {
    return this.add("Reshape", [x, this.ints(shape)]);
  }

  transpose(x: string, perm: readonly number[]): string {
    return this.add("Transpose", [x], { perm: ints(perm) });
  }

  #once(key: string, make: () => string): string {
    const made = this.#made.get(key) ?? make();
    this.#made.set(key, made);
    return made;
  }
}
