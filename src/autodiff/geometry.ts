import type { Shape } from "../base/index.ts";
import type { Window } from "./program.ts";
import type { ShapedNode } from "./rule.ts";

/** The attributes that tell the window of a convolution or pool. */
export const windowAttributes = ["auto_pad", "dilations", "kernel_shape", "pads", "strides"];

/** The strides, dilations and explicit pads of a convolution or pool, in whichever form the node states them. */
export function windowOf(
  { attributes }: Pick<ShapedNode, "attributes">,
  kernel: Shape,
  input: Shape,
  output: Shape,
): Window {
  const rank = kernel.length;
  const fill = (value: number) => new Array<number>(rank).fill(value);
  const strides = attributes.ints("strides") ?? fill(1);
  const dilations = attributes.ints("dilations") ?? fill(1);
  const reach = kernel.map((extent, d) => (extent - 1) * dilations[d]! + 1);
  const auto = attributes.text("auto_pad", "NOTSET");
  if (auto === "SAME_UPPER" || auto === "SAME_LOWER") {
    const total = input.map((extent, d) => Math.max((output[d]! - 1) * strides[d]! + reach[d]! - extent, 0));
    const small = total.map((pad) => Math.floor(pad / 2));
    const large = total.map((pad, d) => pad - small[d]!);
    return { strides, dilations, pads: auto === "SAME_UPPER" ? [...small, ...large] : [...large, ...small] };
  }
  const pads = (auto === "NOTSET" ? attributes.ints("pads") : undefined) ?? [...fill(0), ...fill(0)];
  return { strides, dilations, pads };
}

/**
 * The window of a pool. Its end pads follow from the number of outputs, because `ceil_mode` goes beyond the stated padding.
 */
export function poolWindowOf(node: ShapedNode, kernel: Shape): Window {
  const input = node.inputs[0]!.shape.slice(2);
  const output = node.outputs[0]!.shape.slice(2);
  const window = windowOf(node, kernel, input, output);
  const rank = kernel.length;
  const ends = input.map((extent, d) => {
    const reach = (kernel[d]! - 1) * window.dilations[d]! + 1;
    const needed = (output[d]! - 1) * window.strides[d]! + reach - extent - window.pads[d]!;
    return Math.max(needed, window.pads[rank + d]!);
  });
  return { ...window, pads: [...window.pads.slice(0, rank), ...ends] };
}

/** The position of each entry of a kernel, in row-major order. */
export function kernelOffsets(kernel: Shape): number[][] {
  return kernel.reduce<number[][]>(
    (offsets, extent) => offsets.flatMap((offset) => Array.from({ length: extent }, (_, at) => [...offset, at])),
    [[]],
  );
}

/** Where the columns of windows stand in an image, for Col2Im. */
export interface Fold {
  /** The flat index in the padded image of each entry of each window: places of the block first, then windows, in row-major order. */
  readonly places: readonly number[];
  /** The extents of the image with its padding. */
  readonly padded: Shape;
  /** The padding before the image. */
  readonly before: readonly number[];
}

export function foldedPlaces(attributes: ShapedNode["attributes"], image: Shape, block: Shape): Fold {
  const fill = (value: number) => image.map(() => value);
  const strides = attributes.ints("strides") ?? fill(1);
  const dilations = attributes.ints("dilations") ?? fill(1);
  const pads = attributes.ints("pads") ?? [...fill(0), ...fill(0)];
  const padded = image.map((extent, d) => extent + pads[d]! + pads[image.length + d]!);
  const windows = padded.map(
    (extent, d) => Math.floor((extent - (block[d]! - 1) * dilations[d]! - 1) / strides[d]!) + 1,
  );
  const flat = (at: readonly number[]) => at.reduce((sum, place, d) => sum * padded[d]! + place, 0);
  const places = kernelOffsets(block).flatMap((offset) =>
    kernelOffsets(windows).map((window) => flat(window.map((w, d) => w * strides[d]! + offset[d]! * dilations[d]!))),
  );
  return { places, padded, before: pads.slice(0, image.length) };
}
