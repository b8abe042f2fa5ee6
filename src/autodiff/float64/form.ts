import type { Shape } from "../../base/index.ts";
import type { Attributes, Node, Tensor } from "../../onnx/index.ts";

/** Writes float64 nodes. Its functions take and return names of tensors; `shape` and `wide` take names of the float32 graph. */
export interface Float64Nodes {
  shape(name: string): Shape;
  /** The tensor in float64. */
  wide(name: string): string;
  node(op: string, inputs: readonly string[], attributes?: Attributes): string;
  ints(values: readonly number[]): string;
  number(value: number): string;
  /** A constant in its own type. */
  constant(tensor: Tensor): string;
  /** The numbers of a constant of the graph: none where the name is empty; `undefined` where the tensor is no constant. */
  numbers(name: string): number[] | undefined;
}

/** A node written with other operators; returns the name of its first output in float64, or `undefined` if there is no such form. */
export type Float64Form = (write: Float64Nodes, of: Node) => string | undefined;
