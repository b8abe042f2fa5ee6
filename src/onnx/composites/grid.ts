import { sizeOf } from "../../base/index.ts";
import { toNumbers } from "../build.ts";
import type { Node } from "../model.ts";
import { type OperatorRewriting, type Rewrite, standard } from "../rewrite.ts";
import { type Beyond, clampTo, cubic, interpolate, linear, zerosBeyond } from "./interpolate.ts";
import { type Writer, writerOf } from "./writer.ts";

/** Between `low` and `high`: those beyond are reflected at the border until they are inside. */
function reflected(write: Writer, x: string, low: number, high: number): string {
  const range = high - low;
  if (range === 0) return write.affine(0, x, low);
  const from = write.affine(1, x, -low);
  const periods = write.op("Floor", [write.affine(1 / (2 * range), from, 0)]);
  const rest = write.sub(from, write.affine(2 * range, periods, 0));
  return write.affine(-1, write.op("Abs", [write.affine(1, rest, -range)]), high);
}

/** The position where it is inside, and otherwise what replaces it. */
function insideOr(write: Writer, x: string, low: number, high: number, replaced: string): string {
  const isInside = write.op("And", [
    write.op("GreaterOrEqual", [x, write.number(low)]),
    write.op("LessOrEqual", [x, write.number(high)]),
  ]);
  return write.op("Where", [isInside, x, replaced]);
}

/** Values of X at positions that the grid states, in units from −1 to 1 across X. */
function gridSample(node: Node, to: Rewrite): Node {
  const [x = "", grid = ""] = node.inputs;
  const read = to.attributes;
  const write = writerOf(to);
  const [shape, gridShape] = [to.shape(x)!, to.shape(grid)!];
  const [batch, channels, ...spatial] = shape as [number, number, ...number[]];
  const output = gridShape.slice(1, -1);
  const count = sizeOf(output);
  const aligned = read.int("align_corners", 0) !== 0;
  const padding = read.text("padding_mode", "zeros");
  const mode = read.text("mode", "linear");
  const coordinates = write.reshape(grid, [batch, count, spatial.length]);
  const positions = spatial.map((extent, d) => {
    // The first coordinate belongs to the last axis.
    const own = write.gather(coordinates, write.ints([spatial.length - 1 - d], []), 2);
    const scale = (aligned ? extent - 1 : extent) / 2;
    const position = write.affine(scale, own, scale - (aligned ? 0 : 0.5));
    const placed = mode === "nearest" ? write.op("Round", [position]) : position;
    const [low, high] = aligned ? [0, extent - 1] : [-0.5, extent - 0.5];
    if (padding === "zeros") return placed;
    if (padding === "reflection") return reflected(write, placed, low, high);
    return mode.endsWith("cubic")
      ? insideOr(write, placed, low, high, clampTo(write, placed, extent))
      : clampTo(write, placed, extent);
  });
  const reflect: Beyond["index"] = (w, index, extent) =>
    clampTo(w, aligned ? reflected(w, index, 0, extent - 1) : reflected(w, index, -0.5, extent - 0.5), extent);
  const beyond: Beyond =
    padding === "zeros" ? zerosBeyond : { index: padding === "reflection" ? reflect : clampTo, isZero: false };
  const kernel = mode === "nearest" ? undefined : mode.endsWith("cubic") ? cubic() : linear;
  const y = interpolate(write, { x, shape, positions, count, kernel, beyond });
  return standard(node, "Reshape", [write.transpose(y, [1, 0, 2]), write.ints([batch, channels, ...output])]);
}

/** The positions of an evenly spaced grid, from −1 to 1, mapped by affine maps. Its size must be the same at every input. */
function affineGrid(node: Node, to: Rewrite): Node {
  const [theta = "", size = ""] = node.inputs;
  const write = writerOf(to);
  const asked = to.value(size);
  if (asked === undefined) return node;
  const [batch, , ...spatial] = toNumbers(asked) as [number, number, ...number[]];
  const aligned = to.attributes.int("align_corners", 0) !== 0;
  const places = spatial.map((extent) =>
    Array.from({ length: extent }, (_, i) => {
      if (!aligned) return (2 * i + 1) / extent - 1;
      return extent === 1 ? -1 : (2 * i) / (extent - 1) - 1;
    }),
  );
  // The first coordinate belongs to the last axis, and the last one is 1.
  const points = places.reduce<number[][]>(
    (all, axis) => all.flatMap((point) => axis.map((at) => [at, ...point])),
    [[]],
  );
  const base = write.floats(
    [points.length, spatial.length + 1],
    points.flatMap((point) => [...point, 1]),
  );
  const grid = write.op("MatMul", [base, write.transpose(theta, [0, 2, 1])]);
  return standard(node, "Reshape", [grid, write.ints([batch, ...spatial, spatial.length])]);
}

/** Sampling at positions that are computed. */
export const grid: Readonly<Record<string, OperatorRewriting>> = {
  AffineGrid: { attributes: ["align_corners"], looksAt: [1], rewrite: affineGrid },
  GridSample: { attributes: ["align_corners", "mode", "padding_mode"], looksAt: [0, 1], rewrite: gridSample },
};
