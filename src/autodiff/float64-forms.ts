import { type Shape, sizeOf } from "../base/index.ts";
import { int, ints, type Node, readAttributes } from "../onnx/index.ts";
import type { Float64Form, Float64Nodes } from "./float64-form.ts";
import { kernelOffsets, poolWindowOf, windowOf } from "./geometry.ts";
import type { Window } from "./program.ts";
import { resizeInFloat64 } from "./resize-in-float64.ts";

/** A form for every node of its operator. */
type Form = (write: Float64Nodes, of: Node) => string;

const KEEP = { keepdims: int(1) };
const spatial = (shape: Shape) => shape.slice(2).map((_, d) => d + 2);

/**
 * The entries that the windows contain at each place of the kernel, in row-major order of places. `x` is already
 * padded.
 */
function* windowPlaces(write: Float64Nodes, x: string, kernel: Shape, size: Shape, { strides, dilations }: Window) {
  const axes = write.ints(kernel.map((_, d) => d + 2));
  const steps = write.ints(strides);
  for (const offset of kernelOffsets(kernel)) {
    const start = offset.map((at, d) => at * dilations[d]!);
    const end = start.map((at, d) => at + (size[d]! - 1) * strides[d]! + 1);
    yield write.node("Slice", [x, write.ints(start), write.ints(end), axes, steps]);
  }
}

/** Pads the spatial axes; negative numbers crop them. */
function padded(write: Float64Nodes, x: string, pads: readonly number[], fill = 0): string {
  if (pads.every((pad) => pad === 0)) return x;
  const rank = pads.length / 2;
  const ends = [0, 0, ...pads.slice(0, rank), 0, 0, ...pads.slice(rank)];
  return write.node("Pad", [x, write.ints(ends), write.number(fill)]);
}

interface Convolution {
  /** [batch, channels, ...size], already padded. */
  readonly x: string;
  /** [M, C / group, ...kernel] */
  readonly weight: string;
  readonly weightShape: Shape;
  readonly outputShape: Shape;
  readonly group: number;
  readonly window: Window;
}

/**
 * A convolution as one matrix product for each group: the weight times the entries that each place of the kernel meets.
 */
function convolved(write: Float64Nodes, { x, weight, weightShape, outputShape, group, window }: Convolution): string {
  const [batch, channels, ...size] = outputShape as [number, number, ...number[]];
  const [, perGroup, ...kernel] = weightShape as [number, number, ...number[]];
  const reshape = (name: string, shape: Shape) => write.node("Reshape", [name, write.ints(shape)]);
  const met = [...windowPlaces(write, x, kernel, size, window)].map((place) =>
    reshape(place, [batch, group, perGroup, sizeOf(size)]),
  );
  const columns = write.node("Concat", met, { axis: int(2) });
  const split = reshape(weight, [group, channels / group, perGroup, sizeOf(kernel)]);
  const turned = write.node("Transpose", [split], { perm: ints([0, 1, 3, 2]) });
  const matrix = reshape(turned, [group, channels / group, perGroup * sizeOf(kernel)]);
  return reshape(write.node("MatMul", [matrix, columns]), outputShape);
}

function withBias(write: Float64Nodes, y: string, bias: string | undefined, rank: number): string {
  if (!bias) return y;
  const shape = write.ints([1, -1, ...new Array<number>(rank).fill(1)]);
  return write.node("Add", [y, write.node("Reshape", [write.wide(bias), shape])]);
}

const convolution: Form = (write, { inputs: [x, w, b], outputs: [y], attributes }) => {
  const read = readAttributes(attributes);
  const [weightShape, outputShape] = [write.shape(w!), write.shape(y!)];
  const window = windowOf({ attributes: read }, weightShape.slice(2), write.shape(x!).slice(2), outputShape.slice(2));
  const group = read.int("group", 1);
  const input = padded(write, write.wide(x!), window.pads);
  const product = convolved(write, { x: input, weight: write.wide(w!), weightShape, outputShape, group, window });
  return withBias(write, product, b, window.strides.length);
};

/**
 * A transposed convolution, as the convolution of the reversed kernel with the input, into which the strides insert
 * zeros.
 */
const transposedConvolution: Form = (write, { inputs: [x, w, b], outputs: [y], attributes }) => {
  const read = readAttributes(attributes);
  const [xs, ws, ys] = [write.shape(x!), write.shape(w!), write.shape(y!)];
  const [channels, perGroup, ...kernel] = ws as [number, number, ...number[]];
  const rank = kernel.length;
  const group = read.int("group", 1);
  const fill = (value: number) => new Array<number>(rank).fill(value);
  const strides = read.ints("strides") ?? fill(1);
  const dilations = read.ints("dilations") ?? fill(1);
  const begins = transposedPads(read, xs.slice(2), ys.slice(2), kernel, strides, dilations);

  const apart = write.ints([...xs.slice(0, 2), ...xs.slice(2).flatMap((extent) => [extent, 1])]);
  const gaps = strides.flatMap((stride) => [0, stride - 1]);
  const spread = write.node("Pad", [
    write.node("Reshape", [write.wide(x!), apart]),
    write.ints([0, 0, ...gaps.map(() => 0), 0, 0, ...gaps]),
    write.number(0),
  ]);
  const wide = xs.slice(2).map((extent, d) => extent * strides[d]!);
  const merged = write.node("Reshape", [spread, write.ints([...xs.slice(0, 2), ...wide])]);
  const before = kernel.map((extent, d) => (extent - 1) * dilations[d]! - begins[d]!);
  const after = kernel.map((extent, d) => ys[d + 2]! + (extent - 1) * dilations[d]! - wide[d]! - before[d]!);

  const axes = kernel.map((_, d) => d + 3);
  const grouped = write.ints([group, channels / group, perGroup, ...kernel]);
  const swapped = write.node("Transpose", [write.node("Reshape", [write.wide(w!), grouped])], {
    perm: ints([0, 2, 1, ...axes]),
  });
  const end = write.ints(fill(-(2 ** 31)));
  const turned = write.node("Slice", [swapped, write.ints(fill(-1)), end, write.ints(axes), write.ints(fill(-1))]);
  const weightShape = [group * perGroup, channels / group, ...kernel];
  const product = convolved(write, {
    x: padded(write, merged, [...before, ...after]),
    weight: write.node("Reshape", [turned, write.ints(weightShape)]),
    weightShape,
    outputShape: ys,
    group,
    window: { strides: fill(1), dilations, pads: [] },
  });
  return withBias(write, product, b, rank);
};

/** The number of entries that a transposed convolution crops at the beginning of each axis. */
function transposedPads(
  read: ReturnType<typeof readAttributes>,
  input: Shape,
  output: Shape,
  kernel: Shape,
  strides: readonly number[],
  dilations: readonly number[],
): readonly number[] {
  const auto = read.text("auto_pad", "NOTSET");
  const stated = read.ints("pads");
  const extra = read.ints("output_padding");
  const isGiven = read.ints("output_shape") !== undefined || auto === "SAME_UPPER" || auto === "SAME_LOWER";
  return kernel.map((extent, d) => {
    if (!isGiven) return auto === "NOTSET" ? (stated?.[d] ?? 0) : 0;
    const reach = (input[d]! - 1) * strides[d]! + (extent - 1) * dilations[d]! + 1 + (extra?.[d] ?? 0);
    const total = Math.max(reach - output[d]!, 0);
    return auto === "SAME_UPPER" ? Math.floor(total / 2) : total - Math.floor(total / 2);
  });
}

/** The sum of the entries in each window. */
function windowSum(write: Float64Nodes, x: string, kernel: Shape, size: Shape, window: Window): string {
  return [...windowPlaces(write, x, kernel, size, window)].reduce((a, b) => write.node("Add", [a, b]));
}

/** The node of a pool in the form that the geometry helpers take. */
function poolOf(write: Float64Nodes, { inputs: [x], outputs: [y], attributes }: Node) {
  const read = readAttributes(attributes);
  const kernel = read.ints("kernel_shape")!;
  const [input, output] = [write.shape(x!).slice(2), write.shape(y!).slice(2)];
  const shapes = { inputs: [{ shape: write.shape(x!) }], outputs: [{ shape: write.shape(y!) }] };
  return { read, kernel, input, output, window: poolWindowOf({ attributes: read, ...shapes }, kernel) };
}

const averagePool: Form = (write, of) => {
  const { read, kernel, input, output, window } = poolOf(write, of);
  const sum = windowSum(write, padded(write, write.wide(of.inputs[0]!), window.pads), kernel, output, window);
  // The same windows count the entries. Padding from the attributes counts if the node says so; what lies beyond it never counts.
  const stated = windowOf({ attributes: read }, kernel, input, output).pads;
  const rank = kernel.length;
  const ones = write.node("Expand", [write.number(1), write.ints([1, 1, ...input])]);
  const framed = padded(write, ones, stated, read.int("count_include_pad", 0) === 0 ? 0 : 1);
  const beyond = window.pads.map((pad, i) => (i < rank ? 0 : pad - stated[i]!));
  return write.node("Div", [sum, windowSum(write, padded(write, framed, beyond), kernel, output, window)]);
};

/** (Σ|x|ᵖ)^(1/p), where the sum is an argument. */
function pNorm(write: Float64Nodes, of: Node, sum: (powers: string) => string): string {
  const p = readAttributes(of.attributes).int("p", 2);
  const powers = write.node("Pow", [write.node("Abs", [write.wide(of.inputs[0]!)]), write.number(p)]);
  return write.node("Pow", [sum(powers), write.number(1 / p)]);
}

const localResponseNormalization: Form = (write, { inputs: [x], attributes }) => {
  const read = readAttributes(attributes);
  const size = read.int("size", 1);
  const rank = write.shape(x!).length;
  const channels = write.shape(x!)[1]!;
  const wide = write.wide(x!);
  const at = (axis: number, value: number) => Array.from({ length: rank }, (_, i) => (i === axis ? value : 0));
  const ends = [...at(1, Math.floor((size - 1) / 2)), ...at(1, Math.ceil((size - 1) / 2))];
  const squares = write.node("Pad", [write.node("Mul", [wide, wide]), write.ints(ends), write.number(0)]);
  const sum = Array.from({ length: size }, (_, start) =>
    write.node("Slice", [squares, write.ints([start]), write.ints([start + channels]), write.ints([1])]),
  ).reduce((a, b) => write.node("Add", [a, b]));
  const scaled = write.node("Mul", [sum, write.number(read.float("alpha", 1e-4) / size)]);
  const base = write.node("Add", [scaled, write.number(read.float("bias", 1))]);
  return write.node("Div", [wide, write.node("Pow", [base, write.number(read.float("beta", 0.75))])]);
};

/** (x − mean) / deviation over some axes; `deviation` computes the deviation from the variance. */
function standardized(
  write: Float64Nodes,
  x: string,
  axes: readonly number[],
  deviation: (variance: string) => string,
): string {
  const mean = (name: string) => write.node("ReduceMean", [name, write.ints(axes)], KEEP);
  const centred = write.node("Sub", [x, mean(x)]);
  return write.node("Div", [centred, deviation(mean(write.node("Mul", [centred, centred])))]);
}

/** √(variance + ε), with the attribute ε of a node. */
const deviationOf = (write: Float64Nodes, { attributes }: Node) => {
  const epsilon = readAttributes(attributes).float("epsilon", 1e-5);
  return (variance: string) => write.node("Sqrt", [write.node("Add", [variance, write.number(epsilon)])]);
};

/** y · scale + bias, where scale and bias contain one number for each entry of axis 1. */
function affine(write: Float64Nodes, y: string, scale: string, bias: string, rank: number): string {
  const shape = write.ints([1, -1, ...new Array<number>(rank - 2).fill(1)]);
  const [by, plus] = [scale, bias].map((name) => write.node("Reshape", [write.wide(name), shape])) as [string, string];
  return write.node("Add", [write.node("Mul", [y, by]), plus]);
}

const instanceNormalization: Form = (write, of) => {
  const [x, scale, bias] = of.inputs as [string, string, string];
  const shape = write.shape(x);
  const normal = standardized(write, write.wide(x), spatial(shape), deviationOf(write, of));
  return affine(write, normal, scale, bias, shape.length);
};

/** Scale and bias contain one number for each channel, or, before opset 21, one for each group. */
const groupNormalization: Form = (write, of) => {
  const [x, scale, bias] = of.inputs as [string, string, string];
  const shape = write.shape(x);
  const [batch, channels] = shape as [number, number];
  const groups = readAttributes(of.attributes).int("num_groups", 1);
  const inGroups = write.node("Reshape", [write.wide(x), write.ints([batch, groups, -1])]);
  const normal = standardized(write, inGroups, [2], deviationOf(write, of));
  const byGroup = write.shape(scale)[0] !== channels;
  const spread = byGroup ? normal : write.node("Reshape", [normal, write.ints([batch, channels, -1])]);
  return write.node("Reshape", [affine(write, spread, scale, bias, 3), write.ints(shape)]);
};

/** ONNX divides by the standard deviation plus 1e-9. */
const meanVarianceNormalization: Form = (write, { inputs: [x], attributes }) => {
  const axes = readAttributes(attributes).ints("axes") ?? [0, 2, 3];
  return standardized(write, write.wide(x!), axes, (variance) =>
    write.node("Add", [write.node("Sqrt", [variance]), write.number(1e-9)]),
  );
};

const mean: Form = (write, { inputs }) =>
  write.node("Div", [
    write.node(
      "Sum",
      inputs.map((name) => write.wide(name)),
    ),
    write.number(inputs.length),
  ]);

/** max(x, 0) + min(α(e^{x/α} − 1), 0) */
const celu: Form = (write, { inputs: [x], attributes }) => {
  const alpha = write.number(readAttributes(attributes).float("alpha", 1));
  const wide = write.wide(x!);
  const power = write.node("Exp", [write.node("Div", [wide, alpha])]);
  const left = write.node("Mul", [write.node("Sub", [power, write.number(1)]), alpha]);
  const zero = write.number(0);
  return write.node("Add", [write.node("Max", [wide, zero]), write.node("Min", [left, zero])]);
};

const overSpatial =
  (op: string): Form =>
  (write, { inputs: [x] }) =>
    write.node(op, [write.wide(x!), write.ints(spatial(write.shape(x!)))], KEEP);

/** Operators that ONNX Runtime has in float32 only, written with operators that it has in float64. */
export const float64Forms: Readonly<Record<string, Float64Form>> = {
  AveragePool: averagePool,
  Celu: celu,
  Conv: convolution,
  ConvTranspose: transposedConvolution,
  GlobalAveragePool: overSpatial("ReduceMean"),
  GlobalLpPool: (write, of) =>
    pNorm(write, of, (powers) =>
      write.node("ReduceSum", [powers, write.ints(spatial(write.shape(of.inputs[0]!)))], KEEP),
    ),
  GlobalMaxPool: overSpatial("ReduceMax"),
  GroupNormalization: groupNormalization,
  InstanceNormalization: instanceNormalization,
  LpPool: (write, of) =>
    pNorm(write, of, (powers) => {
      const { kernel, output, window } = poolOf(write, of);
      return windowSum(write, padded(write, powers, window.pads), kernel, output, window);
    }),
  LRN: localResponseNormalization,
  Mean: mean,
  MeanVarianceNormalization: meanVarianceNormalization,
  Resize: resizeInFloat64,
};
