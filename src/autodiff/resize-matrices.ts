import { type Shape, sizeOf } from "../base/index.ts";
import { type Attributes, float, floatTensor, int, ints, intTensor, type Tensor, text } from "../onnx/index.ts";
import type { ShapedNode } from "./rule.ts";

/** A Resize, and what its inputs say. */
export interface Resizing extends Pick<ShapedNode, "attributes"> {
  readonly from: Shape;
  readonly to: Shape;
  /** For each axis of the attribute `axes`, or for all; empty where the other is given. */
  readonly scales: readonly number[];
  readonly sizes: readonly number[];
  /** Where the cut begins on each of these axes, then where it ends, as parts of the axis; empty if nothing is cut. */
  readonly roi: readonly number[];
}

/** Writes ONNX nodes; `V` stands for a tensor. */
export interface NodeWriter<V> {
  constant(tensor: Tensor): V;
  op(op: string, inputs: readonly V[], shape: Shape, attributes?: Attributes): V;
}

/** One axis of a Resize: its index counted from the left, its extents, and its scale if that is given as a number. */
interface ResizedAxis {
  readonly axis: number;
  readonly from: number;
  readonly to: number;
  readonly scale: number | undefined;
  /** The size asked for, if the node has sizes. */
  readonly size: number | undefined;
  /** The part that is cut out of it, if the node cuts. */
  readonly cut: readonly [from: number, to: number] | undefined;
}

/** The matrix [from, to] of an axis, counted from the left: the resized unit vectors, in float32. */
export interface AxisMatrix<V> {
  readonly axis: number;
  readonly from: number;
  readonly to: number;
  readonly matrix: V;
}

/**
 * Every mode interpolates each axis separately and linearly, so Resize is one matrix per axis, those aside along which it
 * changes nothing. A matrix is obtained by resizing unit vectors along its axis with the runtime.
 */
export function resizeMatrices<V>(of: Resizing, nodes: NodeWriter<V>): AxisMatrix<V>[] {
  const axes = resizedAxes(of);
  const leader = leadingAxis(of, axes);
  return axes
    .filter(
      ({ from, to, scale, cut }) =>
        leader !== undefined || from !== to || (scale !== undefined && scale !== 1) || (cut && !isWhole(cut)),
    )
    .map((one) => ({
      axis: one.axis,
      from: one.from,
      to: one.to,
      matrix: leader ? matrixUnderPolicy(of, nodes, one, leader) : matrixOf(of, nodes, one),
    }));
}

/** The multiply-adds of one matrix product for each axis whose extent changes. */
export function resizeCost({ attributes, inputs: [x], outputs: [y] }: ShapedNode): number {
  let shape = x!.shape;
  return resizedAxes({ attributes, from: shape, to: y!.shape, scales: [], sizes: [], roi: [] }).reduce((total, one) => {
    shape = shape.map((extent, axis) => (axis === one.axis ? one.to : extent));
    return one.from === one.to ? total : total + sizeOf(shape) * one.from;
  }, 0);
}

const isWhole = ([from, to]: readonly [number, number]) => from === 0 && to === 1;

/** Whether the node cuts a part out of its input. */
export const crops = ({ attributes }: Pick<Resizing, "attributes">): boolean =>
  attributes.text("coordinate_transformation_mode", "half_pixel") === "tf_crop_and_resize";

function resizedAxes({ attributes, from, to, scales, sizes, roi }: Resizing): ResizedAxis[] {
  const stated = attributes.ints("axes")?.map((axis) => (axis < 0 ? axis + from.length : axis));
  const axes = stated ?? [...from.keys()];
  return axes.map((axis, i) => ({
    axis,
    from: from[axis]!,
    to: to[axis]!,
    scale: scales[i],
    size: sizes[i],
    cut: crops({ attributes }) && roi.length > 0 ? [roi[i]!, roi[axes.length + i]!] : undefined,
  }));
}

/**
 * The axis whose ratio of size to extent is the scale of all axes: the smallest ratio (`not_larger`) or the largest (`not_smaller`).
 * `undefined` if each axis has its own scale.
 */
function leadingAxis({ attributes }: Resizing, axes: readonly ResizedAxis[]): ResizedAxis | undefined {
  const policy = attributes.text("keep_aspect_ratio_policy", "stretch");
  if (policy === "stretch" || axes.some(({ size }) => size === undefined)) return undefined;
  const ratio = ({ size, from }: ResizedAxis) => size! / from;
  const sign = policy === "not_larger" ? 1 : -1;
  return axes.reduce((best, axis) => (sign * (ratio(axis) - ratio(best)) < 0 ? axis : best));
}

/** How to interpolate, as the node says it. What lies beyond the input adds a number that does not move, so that it is 0 here. */
const interpolation = ({ attributes }: Resizing) => ({
  mode: text(attributes.text("mode", "nearest")),
  coordinate_transformation_mode: text(attributes.text("coordinate_transformation_mode", "half_pixel")),
  nearest_mode: text(attributes.text("nearest_mode", "round_prefer_floor")),
  cubic_coeff_a: float(attributes.float("cubic_coeff_a", -0.75)),
  exclude_outside: int(attributes.int("exclude_outside", 0)),
  antialias: int(attributes.int("antialias", 0)),
});

/** The matrix [from, to] of an axis that has its own scale. */
function matrixOf<V>(of: Resizing, nodes: NodeWriter<V>, { from, to, scale, cut }: ResizedAxis): V {
  const none = nodes.constant(floatTensor([0], []));
  const roi = cut === undefined ? none : nodes.constant(floatTensor([8], [0, 0, 0, cut[0], 1, 1, 1, cut[1]]));
  // Where a part is cut out, the positions follow from the extents alone.
  const by =
    scale !== undefined && cut === undefined
      ? [nodes.constant(floatTensor([4], [1, 1, 1, scale]))]
      : [none, nodes.constant(intTensor([1, 1, from, to]))];
  const unit = nodes.constant(floatTensor([1, 1, from, from], unitVectors(from, 1)));
  const resized = nodes.op("Resize", [unit, roi, ...by], [1, 1, from, to], interpolation(of));
  return nodes.op("Reshape", [resized, nodes.constant(intTensor([from, to]))], [from, to]);
}

/**
 * The matrix [from, to] of an axis under `keep_aspect_ratio_policy`. The unit vectors are resized together with a copy of
 * the leading axis along which they do not change, so that the runtime itself takes the common scale and rounds the extent.
 */
function matrixUnderPolicy<V>(of: Resizing, nodes: NodeWriter<V>, own: ResizedAxis, leader: ResizedAxis): V {
  const none = nodes.constant(floatTensor([0], []));
  const unit = nodes.constant(floatTensor([1, own.from, leader.from, own.from], unitVectors(own.from, leader.from)));
  const sizes = nodes.constant(intTensor([leader.size!, own.size!]));
  const resized = nodes.op("Resize", [unit, none, none, sizes], [1, own.from, leader.to, own.to], {
    ...interpolation(of),
    axes: ints([2, 3]),
    keep_aspect_ratio_policy: text(of.attributes.text("keep_aspect_ratio_policy", "stretch")),
  });
  const bound = (at: number) => nodes.constant(intTensor([at]));
  const row = nodes.op("Slice", [resized, bound(0), bound(1), bound(2)], [1, own.from, 1, own.to]);
  return nodes.op("Reshape", [row, nodes.constant(intTensor([own.from, own.to]))], [own.from, own.to]);
}

/** The unit vectors of an axis, each repeated along another: [extent, repeats, extent]. */
function unitVectors(extent: number, repeats: number): Float32Array {
  const data = new Float32Array(extent * repeats * extent);
  for (let i = 0; i < extent; i++) {
    for (let r = 0; r < repeats; r++) data[(i * repeats + r) * extent + i] = 1;
  }
  return data;
}
