import { int, ints, intTensor, node } from "../build.ts";
import { freshName } from "../graph.ts";
import type { Attributes, Node, Tensor } from "../model.ts";
import type { Replacement } from "./body.ts";

/** Writes nodes in the form of one opset in place of a node; names that it adds begin with that node's. */
export class Steps {
  readonly into: Replacement;
  readonly taken: Set<string>;
  readonly #opset: number;
  readonly #prefix: string;

  constructor(of: Node, opset: number, taken: Set<string>) {
    this.into = { nodes: [], initializers: new Map() };
    this.taken = taken;
    this.#opset = opset;
    this.#prefix = of.name || of.outputs[0] || of.op;
  }

  fresh(role: string): string {
    return freshName(this.taken, `${this.#prefix}/${role}`);
  }

  constant(role: string, tensor: Tensor, name = this.fresh(role)): string {
    this.into.initializers.set(name, tensor);
    return name;
  }

  /** A node; returns the names of its outputs. */
  add(
    op: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Attributes = {},
  ): readonly string[] {
    this.into.nodes.push(node({ op, inputs, outputs, attributes }));
    return outputs;
  }

  /** Gives a tensor, a sequence or an optional another name. */
  alias(from: string, to: string): void {
    this.add("Identity", [from], [to]);
  }

  #withAxes(op: string, x: string, axes: readonly number[], output: string): string {
    if (this.#opset < 13) this.add(op, [x], [output], { axes: ints(axes) });
    else this.add(op, [x, this.constant("axes", intTensor(axes))], [output]);
    return output;
  }

  unsqueeze(x: string, axis: number, output = this.fresh("part")): string {
    return this.#withAxes("Unsqueeze", x, [axis], output);
  }

  squeeze(x: string, axis: number, output = this.fresh("part")): string {
    return this.#withAxes("Squeeze", x, [axis], output);
  }

  concat(parts: readonly string[], axis: number, output: string): void {
    if (parts.length === 1) this.alias(parts[0]!, output);
    else this.add("Concat", parts, [output], { axis: int(axis) });
  }

  /** Tensors of one shape as one tensor, with a new axis for them. */
  stack(parts: readonly string[], axis: number, output: string): void {
    if (parts.length === 1) this.unsqueeze(parts[0]!, axis, output);
    else
      this.concat(
        parts.map((part) => this.unsqueeze(part, axis)),
        axis,
        output,
      );
  }

  /** Parts of these sizes along an axis. */
  split(x: string, axis: number, sizes: readonly number[]): readonly string[] {
    if (sizes.length === 1) return [x];
    const outputs = sizes.map((_, i) => this.fresh(`part.${i}`));
    if (this.#opset < 13) return this.add("Split", [x], outputs, { axis: int(axis), split: ints(sizes) });
    return this.add("Split", [x, this.constant("sizes", intTensor(sizes))], outputs, { axis: int(axis) });
  }

  /** Some entries along the first axis. */
  entries(x: string, places: readonly number[]): string {
    const indices = this.constant("places", intTensor(places));
    return this.add("Gather", [x, indices], [this.fresh("entries")], { axis: int(0) })[0]!;
  }

  /** The entries along the first axis in the opposite order. */
  flipped(x: string, count: number): string {
    return this.entries(x, [...Array(count).keys()].reverse());
  }

  /** The tensor with one axis at another place. */
  movedAxis(x: string, rank: number, from: number, to: number): string {
    const [source, target] = [from, to].map((axis) => (axis < 0 ? axis + rank : axis)) as [number, number];
    if (source === target) return x;
    const perm = [...Array(rank).keys()].filter((axis) => axis !== source);
    perm.splice(target, 0, source);
    return this.add("Transpose", [x], [this.fresh("turned")], { perm: ints(perm) })[0]!;
  }

  /** The slices along an axis, without that axis. */
  unstack(x: string, axis: number, count: number): string[] {
    if (count === 0) return [];
    return this.split(x, axis, new Array<number>(count).fill(1)).map((part) => this.squeeze(part, axis));
  }
}
