import { sizeOf } from "../../base/index.ts";
import { float, floatTensor, int, ints, intTensor, text } from "../../onnx/index.ts";
import type { PrimalBuilder, Value } from "../primal.ts";
import type { LinearBuilder, Operand, Tangent } from "../program.ts";
import { type Rule, type RuleNode, steering } from "../rule.ts";

/** One axis of a Resize: its index counted from the left, its extents, and its scale if that is given as a number. */
interface ResizedAxis {
  readonly axis: number;
  readonly from: number;
  readonly to: number;
  readonly scale: number | undefined;
  /** The size asked for, if the node has sizes. */
  readonly size: number | undefined;
}

/**
 * Every mode interpolates each axis separately and linearly, so Resize is one matrix per axis. The matrix is obtained by resizing
 * unit vectors along this axis with the runtime.
 */
export const resize: Rule = (node, primal) => {
  const transformation = node.attributes.text("coordinate_transformation_mode", "half_pixel");
  if (transformation === "tf_crop_and_resize") throw new Error("tf_crop_and_resize is not supported");
  const axes = resizedAxes(node);
  const leader = leadingAxis(node, axes);
  const rank = node.inputs[0]!.shape.length;
  const matrices = axes
    .filter(({ from, to, scale }) => leader !== undefined || from !== to || (scale !== undefined && scale !== 1))
    .map((one) => ({
      axis: one.axis - rank,
      matrix: primal.keep(leader ? matrixUnderPolicy(node, primal, one, leader) : matrixOf(node, primal, one)),
    }));
  return (l, dx) => matrices.reduce<Tangent>((t, { axis, matrix }) => alongAxis(l, t, matrix, axis), dx);
};

function resizedAxes(node: RuleNode): ResizedAxis[] {
  const { shape } = node.inputs[0]!;
  const scales = steering(node, 2) ?? [];
  const sizes = steering(node, 3) ?? [];
  const stated = node.attributes.ints("axes")?.map((axis) => (axis < 0 ? axis + shape.length : axis));
  return (stated ?? [...shape.keys()]).map((axis, i) => ({
    axis,
    from: shape[axis]!,
    to: node.outputs[0]!.shape[axis]!,
    scale: scales[i],
    size: sizes[i],
  }));
}

/**
 * The axis whose ratio of size to extent is the scale of all axes: the smallest ratio (`not_larger`) or the largest (`not_smaller`).
 * `undefined` if each axis has its own scale.
 */
function leadingAxis(node: RuleNode, axes: readonly ResizedAxis[]): ResizedAxis | undefined {
  const policy = node.attributes.text("keep_aspect_ratio_policy", "stretch");
  if (policy === "stretch" || axes.some(({ size }) => size === undefined)) return undefined;
  const ratio = ({ size, from }: ResizedAxis) => size! / from;
  const sign = policy === "not_larger" ? 1 : -1;
  return axes.reduce((best, axis) => (sign * (ratio(axis) - ratio(best)) < 0 ? axis : best));
}

/** How to interpolate, as the node says it. */
const interpolation = ({ attributes }: RuleNode) => ({
  mode: text(attributes.text("mode", "nearest")),
  coordinate_transformation_mode: text(attributes.text("coordinate_transformation_mode", "half_pixel")),
  nearest_mode: text(attributes.text("nearest_mode", "round_prefer_floor")),
  cubic_coeff_a: float(attributes.float("cubic_coeff_a", -0.75)),
  exclude_outside: int(attributes.int("exclude_outside", 0)),
  antialias: int(attributes.int("antialias", 0)),
});

/** The matrix [from, to] of an axis that has its own scale. */
function matrixOf(node: RuleNode, primal: PrimalBuilder, { from, to, scale }: ResizedAxis): Value {
  const none = primal.constant(floatTensor([0], []));
  const by =
    scale !== undefined
      ? [none, primal.constant(floatTensor([4], [1, 1, 1, scale]))]
      : [none, none, primal.constant(intTensor([1, 1, from, to]))];
  const unit = primal.constant(floatTensor([1, 1, from, from], unitVectors(from, 1)));
  return primal.reshape(primal.op("Resize", [unit, ...by], [1, 1, from, to], interpolation(node)), [from, to]);
}

/**
 * The matrix [from, to] of an axis under `keep_aspect_ratio_policy`. The unit vectors are resized together with a copy of
 * the leading axis along which they do not change, so that the runtime itself takes the common scale and rounds the extent.
 */
function matrixUnderPolicy(node: RuleNode, primal: PrimalBuilder, own: ResizedAxis, leader: ResizedAxis): Value {
  const none = primal.constant(floatTensor([0], []));
  const unit = primal.constant(floatTensor([1, own.from, leader.from, own.from], unitVectors(own.from, leader.from)));
  const sizes = primal.constant(intTensor([leader.size!, own.size!]));
  const resized = primal.op("Resize", [unit, none, none, sizes], [1, own.from, leader.to, own.to], {
    ...interpolation(node),
    axes: ints([2, 3]),
    keep_aspect_ratio_policy: text(node.attributes.text("keep_aspect_ratio_policy", "stretch")),
  });
  const bound = (at: number) => primal.constant(intTensor([at]));
  const row = primal.op("Slice", [resized, bound(0), bound(1), bound(2)], [1, own.from, 1, own.to]);
  return primal.reshape(row, [own.from, own.to]);
}

/** The unit vectors of an axis, each repeated along another: [extent, repeats, extent]. */
function unitVectors(extent: number, repeats: number): Float32Array {
  const data = new Float32Array(extent * repeats * extent);
  for (let i = 0; i < extent; i++) {
    for (let r = 0; r < repeats; r++) data[(i * repeats + r) * extent + i] = 1;
  }
  return data;
}

/** x·R along one axis. */
function alongAxis(l: LinearBuilder, x: Tangent, matrix: Operand, axis: number): Tangent {
  if (x === undefined) return undefined;
  if (axis === -1 && x.shape.length >= 2) return l.matmul(x, matrix);
  const at = x.shape.length + axis;
  const rows = [sizeOf(x.shape.slice(0, at)), x.shape[at]!, sizeOf(x.shape.slice(at + 1))];
  const result = [...x.shape.slice(0, at), matrix.shape[1]!, ...x.shape.slice(at + 1)];
  return l.reshape(l.matmulLeft(matrix, l.reshape(x, rows), true), result);
}
