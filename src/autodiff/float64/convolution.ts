import { type Shape, sizeOf } from "../../base/index.ts";
import { int, ints, readAttributes } from "../../onnx/index.ts";
import { windowOf } from "../geometry.ts";
import type { Window } from "../program.ts";
import type { Float64Form, Float64Nodes } from "./form.ts";
import { padded, windowPlaces } from "./windows.ts";

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

/** A convolution with its bias. */
export const convolutionInFloat64: Float64Form = (write, { inputs: [x, w, b], outputs: [y], attributes }) => {
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
export const transposedConvolutionInFloat64: Float64Form = (write, { inputs: [x, w, b], outputs: [y], attributes }) => {
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
