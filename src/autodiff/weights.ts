import type { Shape } from "../base/index.ts";
import { type Node, readAttributes } from "../onnx/index.ts";
import { contractedAxes } from "./einsum-equation.ts";

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

/** How an operator multiplies by weights. */
export interface Weights {
  /** The inputs that are weights if they are constant floats. */
  readonly positions: (node: Node) => readonly number[];
  /** The filters of such an input; `undefined` if it is not summed over, and so is a scale. */
  readonly filters: (node: Node, position: number, shape: Shape) => Filters | undefined;
  /** The input with the bias, which is added to every channel of axis 1, or is scaled by the attribute beta and broadcast. */
  readonly bias?: { readonly position: number; readonly to: "channels" | "output" };
  /** Whether it is a cell whose gates bound its output, so that the output is not proportional to the weights. */
  readonly isCell?: true;
}

/** Convolutions: W [O, I/group, …]. */
export const convolutionWeights: Weights = {
  positions: () => [1],
  filters: (_, __, shape) => ({ shape, apart: [0] }),
  bias: { position: 2, to: "channels" },
};

export const transposedWeights: Weights = {
  positions: () => [1],
  filters: transposedFilters,
  bias: { position: 2, to: "channels" },
};

export const matrixWeights: Weights = { positions: () => [0, 1], filters: matrixFilters };

export const gemmWeights: Weights = {
  positions: () => [0, 1],
  filters: gemmFilters,
  bias: { position: 2, to: "output" },
};

export const einsumWeights: Weights = { positions: ({ inputs }) => [...inputs.keys()], filters: einsumFilters };

/** W and R of a recurrent cell, [directions, gates · hidden, inputs]: a filter is one row of one gate. */
export const cellWeights: Weights = {
  positions: () => [1, 2],
  filters: (_, __, shape) => ({ shape, apart: [0, 1] }),
  isCell: true,
};

/** The filters of weights that are summed over along one axis. */
const summedOver = (shape: Shape, axis: number): Filters => ({ shape, apart: axesBut(shape, [axis]) });

const axesBut = (shape: Shape, axes: readonly number[]): number[] =>
  [...shape.keys()].filter((axis) => !axes.includes(axis));

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
