import type { Shape } from "../base/index.ts";
import { type Node, readAttributes } from "../onnx/index.ts";
import { contractedAxes } from "./einsum.ts";

/**
 * How the weights of a layer form filters. A filter is what computes one output: that of a convolution, or a row or column of a matrix.
 * Its weights are summed over, so that to shuffle them keeps its norm.
 */
export interface Filters {
  /** The shape of the weights, in which the groups of a ConvTranspose have an axis of their own. */
  readonly shape: Shape;
  /** The axes of `shape` along which the filters lie. The weights of one filter lie along the other axes. */
  readonly apart: readonly number[];
}

type FiltersAt = (node: Node, position: number, shape: Shape) => Filters | undefined;

interface Multiplying {
  /** The inputs that can be weights. */
  readonly positions: (node: Node) => readonly number[];
  /** `undefined` for an input that is not summed over, and so is a scale. */
  readonly filters: FiltersAt;
}

const convFilters: FiltersAt = (_, __, shape) => ({ shape, apart: [0] });

/** The filters of weights that are summed over along one axis. */
const summedOver = (shape: Shape, axis: number): Filters => ({ shape, apart: axesBut(shape, [axis]) });

const axesBut = (shape: Shape, axes: readonly number[]): number[] =>
  [...shape.keys()].filter((axis) => !axes.includes(axis));

/** W and R of a recurrent cell, [directions, gates · hidden, inputs]: a filter is one row of one gate. */
const recurrent: Multiplying = { positions: () => [1, 2], filters: (_, __, shape) => ({ shape, apart: [0, 1] }) };

/** The operators of the format that multiply by weights. */
const multiplying: ReadonlyMap<string, Multiplying> = new Map([
  ["Conv", { positions: () => [1], filters: convFilters }],
  ["DeformConv", { positions: () => [1], filters: convFilters }],
  ["ConvTranspose", { positions: () => [1], filters: transposedFilters }],
  ["MatMul", { positions: () => [0, 1], filters: matrixFilters }],
  ["Gemm", { positions: () => [0, 1], filters: gemmFilters }],
  ["Einsum", { positions: ({ inputs }) => [...inputs.keys()], filters: einsumFilters }],
  ["GRU", recurrent],
  ["LSTM", recurrent],
  ["RNN", recurrent],
]);

/** The inputs of a node that are weights if they are constant floats. */
export const weightPositions = (node: Node): readonly number[] =>
  (node.domain === "" ? multiplying.get(node.op)?.positions(node) : undefined) ?? [];

/** The filters of the weights that are an input of a node; `undefined` if the input is not summed over, and so is a scale. */
export const filtersAt: FiltersAt = (node, position, shape) => multiplying.get(node.op)?.filters(node, position, shape);

/** W [I, O/group, …]: a filter is one channel of the output, and those of different groups do not mix. */
function transposedFilters(node: Node, _: number, [inputs = 1, ...rest]: Shape): Filters {
  const group = readAttributes(node.attributes).int("group", 1);
  return { shape: [group, inputs / group, ...rest], apart: [0, 2] };
}

function matrixFilters(_: Node, position: number, shape: Shape): Filters {
  return summedOver(shape, position === 0 ? shape.length - 1 : Math.max(0, shape.length - 2));
}

function gemmFilters(node: Node, position: number, shape: Shape): Filters {
  const transposed = readAttributes(node.attributes).int(position === 0 ? "transA" : "transB", 0) !== 0;
  return summedOver(shape, transposed === (position === 0) ? 0 : 1);
}

/** A filter is what has the same place in the output; the axes of the weights that the output does not have are summed over. */
function einsumFilters(node: Node, position: number, shape: Shape): Filters | undefined {
  const equation = readAttributes(node.attributes).text("equation", "");
  const summed = contractedAxes(equation, position, shape.length);
  return summed.length === 0 ? undefined : { shape, apart: axesBut(shape, summed) };
}
