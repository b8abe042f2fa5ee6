import { type Shape, sizeOf, stridesOf } from "../../base/index.ts";
import { intTensor } from "../../onnx/index.ts";
import { above, firstAlong, firstInRow, sign } from "../kinks.ts";
import type { Operator, Operators } from "../operator.ts";
import type { PrimalBuilder, Value } from "../primal.ts";
import { constant, fromRight, type Rule, type RuleNode, steering } from "../rule.ts";

/** The axes that a reduction removes, as negative numbers. */
function reducedAxes(node: RuleNode): number[] {
  const { shape } = node.inputs[0]!;
  const stated = steering(node, 1) ?? [];
  if (stated.length === 0 && node.attributes.int("noop_with_empty_axes", 0) === 0) {
    return shape.map((_, axis) => axis - shape.length);
  }
  return stated.map((axis) => fromRight(axis, shape)).sort((a, b) => a - b);
}

const kept = (shape: Shape, axes: readonly number[]): Shape =>
  shape.map((extent, axis) => (axes.includes(axis - shape.length) ? 1 : extent));

/** dy = factor · Σ slope ∘ dx. `slope` gets the output with its reduced axes as axes of extent 1. */
const weightedReduction =
  (slope: ((primal: PrimalBuilder, x: Value, y: Value) => Value) | undefined, mean = false): Rule =>
  (node, primal) => {
    const x = node.inputs[0]!;
    const y = node.outputs[0]!;
    const axes = reducedAxes(node);
    const wide = slope && primal.reshape(y, kept(x.shape, axes));
    const weights = slope && wide && primal.keep(slope(primal, x, wide));
    const factor = mean ? sizeOf(y.shape) / sizeOf(x.shape) : 1;
    return (l, dx) => l.reshape(l.multiply(factor, l.sum(weights ? l.scale(weights, dx) : dx, axes)), y.shape);
  };

/** Each output follows the entry that it took; among equal ones the first in row-major order. */
const extremum =
  (extreme: "Max" | "Min"): Rule =>
  (node, primal) => {
    const x = node.inputs[0]!;
    const y = node.outputs[0]!;
    const axes = reducedAxes(node).map((axis) => axis + x.shape.length);
    const rest = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
    const reduced = axes.map((axis) => x.shape[axis]!);
    const rows = sizeOf(y.shape);
    const columns = sizeOf(reduced);
    const asTable = (values: Value) => primal.reshape(primal.transpose(values, [...rest, ...axes]), [rows, columns]);
    const alive = primal.alive(x.name);
    const chosen = firstInRow(primal, extreme, asTable(x), alive && asTable(alive));
    const start = primal.constant(intTensor(Array.from({ length: rows }, (_, row) => row * columns)));
    const indices = primal.keep(primal.op("Add", [chosen, start], [rows], {}, "int64"));
    return (l, dx) => {
      const flat = l.reshape(l.transpose(dx, [...rest, ...axes]), [rows * columns]);
      return l.reshape(l.gather(flat, indices, -1), y.shape);
    };
  };

/** ∂y/∂xᵢ is the product of the other entries. It is computed from the product of the non-zero ones, so nothing is divided by 0. */
const product: Rule = (node, primal) => {
  const x = node.inputs[0]!;
  const axes = reducedAxes(node);
  const isZero = primal.not(primal.isNonZero(x));
  const safe = primal.where(isZero, primal.scalar(1), x);
  const others = primal.div(primal.reduce("ReduceProd", safe, axes), safe);
  const zeros = primal.reduce("ReduceSum", primal.mask(isZero), axes);
  const alone = primal.mask(primal.compare("Equal", zeros, primal.mask(isZero)));
  const slope = primal.keep(primal.mul(others, alone));
  return (l, dx) => l.reshape(l.sum(l.scale(slope, dx), axes), node.outputs[0]!.shape);
};

/** The sum of x along an axis up to each entry, as a product with a triangular matrix. */
const cumulativeSum: Rule = (node, primal) => {
  const x = node.inputs[0]!;
  const axis = fromRight(steering(node, 1)![0]!, x.shape);
  const extent = x.shape.at(axis)!;
  const exclusive = node.attributes.int("exclusive", 0) !== 0;
  const reverse = node.attributes.int("reverse", 0) !== 0;
  const inner = stridesOf(x.shape).at(axis)!;
  const counts = (from: number, to: number) => (from === to ? !exclusive : reverse ? from > to : from < to);
  const matrix = Float32Array.from({ length: extent * extent }, (_, i) =>
    counts(i % extent, Math.floor(i / extent)) ? 1 : 0,
  );
  const triangle = primal.keep(primal.constant({ type: "float32", shape: [extent, extent], data: matrix }));
  const rows = [sizeOf(x.shape) / extent / inner, extent, inner];
  return (l, dx) => l.reshape(l.matmulLeft(triangle, l.reshape(dx, rows)), x.shape);
};

const reducing = ["keepdims", "noop_with_empty_axes"];

/** The index of the extreme along an axis; of equal entries it is the first. */
const argument = (extreme: "Max" | "Min"): Operator => ({
  attributes: ["axis", "keepdims", "select_last_index"],
  kinks: "windows",
  settle: (primal, [x], { attributes }) => firstAlong(primal, extreme, x!, attributes),
  rule: constant,
});

export const reduction = {
  ReduceSum: { attributes: reducing, rule: weightedReduction(undefined) },
  ReduceMean: { attributes: reducing, rule: weightedReduction(undefined, true) },
  ReduceL1: { attributes: reducing, kinks: "neurons", keeps: "others", rule: weightedReduction(sign) },
  /** ∂y/∂x = x/y, 0 where y is 0. */
  ReduceL2: {
    attributes: reducing,
    kinks: "neurons",
    keeps: "others",
    rule: weightedReduction((p, x, y) => p.div(x, p.where(above(p, y, p.scalar(0)), y, p.scalar(1)))),
  },
  ReduceSumSquare: { attributes: reducing, keeps: "others", rule: weightedReduction((p, x) => p.affine(2, x, 0)) },
  /** y = log Σ x, so ∂y/∂x = e^−y. */
  ReduceLogSum: {
    attributes: reducing,
    keeps: "others",
    rule: weightedReduction((p, x, y) => p.expand(p.map("Exp", p.map("Neg", y)), x.shape)),
  },
  ReduceLogSumExp: {
    attributes: reducing,
    keeps: "others",
    rule: weightedReduction((p, x, y) => p.map("Exp", p.sub(x, y))),
  },
  ReduceProd: { attributes: reducing, keeps: "others", rule: product },
  ReduceMax: { attributes: reducing, kinks: "windows", keeps: "pooling switches", rule: extremum("Max") },
  ReduceMin: { attributes: reducing, kinks: "windows", keeps: "pooling switches", rule: extremum("Min") },
  CumSum: { attributes: ["exclusive", "reverse"], rule: cumulativeSum },
  ArgMax: argument("Max"),
  ArgMin: argument("Min"),
} satisfies Operators;
