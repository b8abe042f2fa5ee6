import { int, ints, intTensor, toNumbers } from "../build.ts";
import type { Node } from "../model.ts";
import { type OperatorRewriting, type Rewrite, standard } from "../rewrite.ts";
import { grid } from "./grid.ts";
import { clampTo, interpolate, linear, zerosBeyond } from "./interpolate.ts";
import { type Writer, writerOf } from "./writer.ts";

/** Where the rows or the columns of each crop lie in its picture, [crops, count], from the first and the last of them in units of the picture. */
function placesOf(write: Writer, first: string, last: string, count: number, extent: number): string {
  const [start, end] = [first, last].map((name) => write.affine(extent - 1, name, 0)) as [string, string];
  if (count === 1) return write.affine(0.5, write.add(start, end), 0);
  const steps = Array.from({ length: count }, (_, i) => i / (count - 1));
  return write.add(start, write.mul(write.sub(end, start), write.floats([1, count], steps)));
}

/** Parts of pictures, resized to one size; positions beyond a picture have a value of their own. */
function cropAndResize(node: Node, to: Rewrite): Node {
  const [x = "", rois = "", batchIndices = "", cropSize = ""] = node.inputs;
  const [shape, regions, size] = [to.shape(x), to.shape(rois), to.value(cropSize)];
  if (shape === undefined || regions === undefined || size === undefined) return node;
  const write = writerOf(to);
  const [crops = 0] = regions;
  const [, channels = 1, ...extents] = shape;
  const counts = toNumbers(size) as [number, number];
  const column = (at: number) => write.slice(rois, 1, at, at + 1);
  const axes = counts.map((count, d) => {
    const places = placesOf(write, column(d), column(d + 2), count, extents[d]!);
    const wide = write.reshape(places, d === 0 ? [crops, count, 1] : [crops, 1, count]);
    return write.reshape(write.op("Expand", [wide, write.ints([crops, ...counts])]), [crops, counts[0] * counts[1]]);
  });
  const isNearest = to.attributes.text("mode", "bilinear") === "nearest";
  const within = axes.map((place, d) => clampTo(write, place, extents[d]!));
  const positions = isNearest ? within.map((place) => write.op("Floor", [write.affine(1, place, 0.5)])) : within;
  const values = interpolate(write, {
    x: write.gather(x, batchIndices, 0),
    shape: [crops, channels, ...extents],
    positions,
    count: counts[0] * counts[1],
    kernel: isNearest ? undefined : linear,
    beyond: { ...zerosBeyond, isZero: false },
  });
  const isInside = axes
    .flatMap((place, d) => [
      write.op("GreaterOrEqual", [place, write.number(0)]),
      write.op("LessOrEqual", [place, write.number(extents[d]! - 1)]),
    ])
    .reduce((all, one) => write.op("And", [all, one]));
  const outside = write.number(to.attributes.float("extrapolation_value", 0));
  const y = write.op("Where", [write.reshape(isInside, [1, crops, counts[0] * counts[1]]), values, outside]);
  return standard(node, "Reshape", [write.transpose(y, [1, 0, 2]), write.ints([crops, channels, ...counts])]);
}

/** All slices of one size along an axis, with a step between them; their entries are the last axis. */
function unfoldTensor(node: Node, to: Rewrite): Node {
  const [x = ""] = node.inputs;
  const shape = to.shape(x);
  if (shape === undefined) return node;
  const read = to.attributes;
  const [stated, size, step] = [read.int("dim", -1), read.int("size", 1), read.int("step", 1)];
  const axis = stated < 0 ? stated + shape.length : stated;
  const count = Math.floor((shape[axis]! - size) / step) + 1;
  const places = Array.from({ length: count * size }, (_, i) => Math.floor(i / size) * step + (i % size));
  const slices = to.add("Gather", [x, to.constant("places", intTensor(places, [count, size]))], { axis: int(axis) });
  const others = [...shape.keys(), shape.length].filter((one) => one !== axis + 1);
  return standard(node, "Transpose", [slices], { perm: ints([...others, axis + 1]) });
}

/** Operators of ONNX Runtime that take parts of pictures and of signals. */
export const microsoftSampling: Readonly<Record<string, OperatorRewriting>> = {
  "com.microsoft:CropAndResize": {
    attributes: ["extrapolation_value", "mode"],
    looksAt: [0, 1, 3],
    rewrite: cropAndResize,
  },
  "com.microsoft:GridSample": grid.GridSample!,
  "com.microsoft:UnfoldTensor": { attributes: ["dim", "size", "step"], looksAt: [0], rewrite: unfoldTensor },
};
