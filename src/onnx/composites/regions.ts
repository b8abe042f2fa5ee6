import { sizeOf } from "../../base/index.ts";
import { int, toNumbers } from "../build.ts";
import type { Node } from "../model.ts";
import { type OperatorRewriting, type Rewrite, standard } from "../rewrite.ts";
import { clampTo, entriesAround, linear, zerosBeyond } from "./interpolate.ts";
import { type Writer, writerOf } from "./writer.ts";

/** Where a region of interest is sampled along one axis of the picture. Each bin of the output has several samples. */
interface Samples {
  /** The most samples of a bin. */
  readonly most: number;
  /** Positions [R, bins, most], inside the picture. */
  readonly at: string;
  /** 1 where a sample counts, and 0 beyond the picture, [R, bins, most]. */
  readonly counts: string;
  /** 1 for samples that the region has, [R, 1, most]; `undefined` if all regions have the same number. */
  readonly exists: string | undefined;
  /** How many samples a bin has, [R, 1, 1], at least 1. */
  readonly number: string;
}

const FLOAT = 1;
const LOWEST = -3.4e38;

/**
 * The samples along the axis whose ends are the columns `from` and `from + 2` of the regions. If their number adapts to the size of a
 * region that is not constant, regions count as at most as large as the picture.
 */
function samplesOf(node: Node, to: Rewrite, write: Writer, from: 0 | 1, bins: number, extent: number): Samples {
  const rois = node.inputs[1]!;
  const read = to.attributes;
  const scale = read.float("spatial_scale", 1);

  const isHalf = read.text("coordinate_transformation_mode", "half_pixel") === "half_pixel";
  const ratio = read.int("sampling_ratio", 0);
  const [regions] = to.shape(rois) as [number];
  const end = (column: number) =>
    write.affine(scale, write.reshape(write.slice(rois, 1, column, column + 1), [regions, 1, 1]), isHalf ? -0.5 : 0);
  const start = end(from);
  const difference = write.sub(end(from + 2), start);
  const size = isHalf ? difference : write.op("Max", [difference, write.number(1)]);
  const bin = write.affine(1 / bins, size, 0);
  const given = to.value(rois);
  const sizes = given && toNumbers(given).flatMap((x, i, all) => (i % 4 === from ? [(all[i + 2]! - x) * scale] : []));
  const largest = sizes === undefined ? extent + 1 : Math.max(1, ...sizes);
  const most = ratio > 0 ? ratio : Math.max(1, Math.ceil(largest / bins + 1e-3));
  const own = ratio > 0 ? undefined : write.op("Ceil", [bin]);
  const number = own === undefined ? write.number(ratio) : write.op("Max", [own, write.number(1)]);
  const order = Array.from({ length: most }, (_, s) => s);
  const before = write.floats([bins, 1], [...Array(bins).keys()]);
  const share = write.div(
    write.floats(
      [most],
      order.map((s) => s + 0.5),
    ),
    number,
  );
  const position = write.add(start, write.mul(bin, write.add(before, share)));
  const near = write.op("And", [
    write.op("GreaterOrEqual", [position, write.number(-1)]),
    write.op("LessOrEqual", [position, write.number(extent)]),
  ]);
  return {
    most,
    at: clampTo(write, position, extent),
    counts: write.op("Cast", [near], { to: int(FLOAT) }),
    exists:
      own &&
      write.op("Less", [
        write.floats(
          [most],
          order.map((s) => s + 0.5),
        ),
        own,
      ]),
    number,
  };
}

/** The share of each entry of an axis in the mean of each bin, [R, bins, extent]. Interpolation is linear. */
function shares(write: Writer, { at, counts, exists, number }: Samples, extent: number): string {
  const distance = write.op("Abs", [
    write.sub(write.op("Unsqueeze", [at, write.ints([-1])]), write.floats([extent], [...Array(extent).keys()])),
  ]);
  const hat = write.op("Relu", [write.affine(-1, distance, 1)]);
  const all = exists === undefined ? counts : write.mul(counts, write.op("Cast", [exists], { to: int(FLOAT) }));
  const weights = write.op("Unsqueeze", [write.div(all, number), write.ints([-1])]);
  return write.sum(write.mul(hat, weights), [2]);
}

/**
 * Each bin of a region is the mean of its samples, or the largest of the entries around its samples, each times its weight. The mean is
 * taken along one axis after the other, as products with matrices.
 *
 * @see He et al. 2017, "Mask R-CNN"
 */
function roiAlign(node: Node, to: Rewrite): Node {
  const [x = "", rois = "", indices = ""] = node.inputs;
  const write = writerOf(to);
  const [batch, channels, height, width] = to.shape(x) as [number, number, number, number];
  const [regions] = to.shape(rois) as [number];
  const [rows, columns] = [to.attributes.int("output_height", 1), to.attributes.int("output_width", 1)];
  if (regions === 0) return ofNone(node, write, [channels, rows, columns]);
  const down = samplesOf(node, to, write, 1, rows, height);
  const across = samplesOf(node, to, write, 0, columns, width);
  const own = batch === 1 ? x : write.gather(x, indices, 0);
  if (to.attributes.text("mode", "avg") === "max") return largestSamples();
  const [byRow, byColumn] = [shares(write, down, height), shares(write, across, width)];
  let wide: string;
  if (batch === 1) {
    const matrix = write.reshape(write.transpose(byColumn, [2, 0, 1]), [width, regions * columns]);
    const product = write.op("MatMul", [write.reshape(own, [channels * height, width]), matrix]);
    wide = write.transpose(write.reshape(product, [channels, height, regions, columns]), [2, 1, 0, 3]);
  } else {
    const lines = write.reshape(own, [regions, channels * height, width]);
    const product = write.op("MatMul", [lines, write.transpose(byColumn, [0, 2, 1])]);
    wide = write.transpose(write.reshape(product, [regions, channels, height, columns]), [0, 2, 1, 3]);
  }
  const bins = write.op("MatMul", [byRow, write.reshape(wide, [regions, height, channels * columns])]);
  const apart = write.reshape(bins, [regions, rows, channels, columns]);
  return standard(node, "Identity", [write.transpose(apart, [0, 2, 1, 3])]);

  function largestSamples(): Node {
    const full = [regions, rows, columns, down.most, across.most];
    const held = batch === 1 ? 1 : regions;
    const count = sizeOf(full) / held;
    const both = (a: string, b: string, apart: boolean) => [
      write.reshape(a, [regions, apart ? rows : 1, 1, down.most, 1]),
      write.reshape(b, [regions, 1, apart ? columns : 1, 1, across.most]),
    ];
    const everywhere = (name: string) => write.reshape(write.op("Expand", [name, write.ints(full)]), [held, count]);
    const positions = both(down.at, across.at, true).map(everywhere);
    const shape = [held, channels, height, width];
    const { entries, weights } = entriesAround(write, {
      x: own,
      shape,
      positions,
      count,
      kernel: linear,
      beyond: { ...zerosBeyond, isZero: false },
    });
    const [first, second] = both(down.counts, across.counts, true);
    const counted = write.op("Unsqueeze", [everywhere(write.mul(first!, second!)), write.ints([1])]);
    const weighted = write.mul(entries, write.mul(weights!, counted));
    const form = [channels, held, 4, count / (down.most * across.most), down.most * across.most];
    let values = write.reshape(weighted, form);
    if (down.exists !== undefined) {
      const all = both(down.exists, across.exists!, false);
      const exist = write.op("Expand", [write.op("And", all), write.ints(full)]);
      const shaped = write.reshape(exist, [held, 1, ...form.slice(3)]);
      values = write.op("Where", [shaped, values, write.number(LOWEST)]);
    }
    const bins = write.op("ReduceMax", [values, write.ints([2, 4])], { keepdims: int(0) });
    const apart = write.reshape(bins, [channels, regions, rows, columns]);
    return standard(node, "Transpose", [apart], { perm: { kind: "ints", value: [1, 0, 2, 3] } });
  }
}

/** Where whole entries of an axis are in each bin, [R, bins, extent]: the ends of a region are rounded, and its bins may share entries. */
function entriesOfBins(to: Rewrite, write: Writer, rois: string, from: 1 | 2, bins: number, extent: number): string {
  const [regions] = to.shape(rois) as [number];
  const scale = to.attributes.float("spatial_scale", 1);
  const end = (column: number) =>
    write.op("Floor", [
      write.affine(scale, write.reshape(write.slice(rois, 1, column, column + 1), [regions, 1, 1]), 0.5),
    ]);
  const start = end(from);
  const size = write.op("Max", [write.affine(1, write.sub(end(from + 2), start), 1), write.number(1)]);
  const bin = write.affine(1 / bins, size, 0);
  const order = [...Array(bins).keys()];
  const first = write.add(start, write.op("Floor", [write.mul(bin, write.floats([bins, 1], order))]));
  const last = write.add(
    start,
    write.op("Ceil", [
      write.mul(
        bin,
        write.floats(
          [bins, 1],
          order.map((i) => i + 1),
        ),
      ),
    ]),
  );
  const places = write.floats(
    [extent],
    [...Array(extent).keys()].map((i) => i + 0.5),
  );
  return write.op("And", [write.op("Greater", [places, first]), write.op("Less", [places, last])]);
}

/**
 * The largest entry of each bin of a region, and 0 for a bin without entries.
 *
 * @see Girshick 2015, "Fast R-CNN"
 */
function maxRoiPool(node: Node, to: Rewrite): Node {
  const [x = "", rois = ""] = node.inputs;
  const write = writerOf(to);
  const [batch, channels, height, width] = to.shape(x) as [number, number, number, number];
  const [regions] = to.shape(rois) as [number];
  const [rows, columns] = to.attributes.ints("pooled_shape") as [number, number];
  if (regions === 0) return ofNone(node, write, [channels, rows, columns]);
  const down = entriesOfBins(to, write, rois, 2, rows, height);
  const across = entriesOfBins(to, write, rois, 1, columns, width);
  const number = write.op("Cast", [write.reshape(write.slice(rois, 1, 0, 1), [regions])], { to: int(7) });
  const own = batch === 1 ? x : write.gather(x, number, 0);
  const held = batch === 1 ? 1 : regions;
  const lowest = write.number(LOWEST);
  const largest = (values: string) => write.op("ReduceMax", [values, write.ints([-1])], { keepdims: int(0) });
  // [R, C, rows, W, H], then [R, C, rows, columns, W].
  const turned = write.reshape(write.transpose(own, [0, 1, 3, 2]), [held, channels, 1, width, height]);
  const byRow = largest(write.op("Where", [write.reshape(down, [regions, 1, rows, 1, height]), turned, lowest]));
  const wide = write.reshape(byRow, [regions, channels, rows, 1, width]);
  const bins = largest(write.op("Where", [write.reshape(across, [regions, 1, 1, columns, width]), wide, lowest]));
  const isFull = write.op("Greater", [bins, write.number(LOWEST / 2)]);
  return standard(node, "Where", [isFull, bins, write.number(0)]);
}

/** What a pool of no regions is: a tensor without entries, as where a detector finds nothing. */
const ofNone = (node: Node, write: Writer, shape: readonly number[]): Node =>
  standard(node, "Identity", [write.number(0, [0, ...shape])]);

/** Pools of regions of interest. */
export const regions: Readonly<Record<string, OperatorRewriting>> = {
  MaxRoiPool: { attributes: ["pooled_shape", "spatial_scale"], looksAt: [0, 1], rewrite: maxRoiPool },
  RoiAlign: {
    attributes: [
      "coordinate_transformation_mode",
      "mode",
      "output_height",
      "output_width",
      "sampling_ratio",
      "spatial_scale",
    ],
    looksAt: [0, 1],
    rewrite: roiAlign,
  },
};
