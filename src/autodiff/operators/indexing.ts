import { type Shape, sizeOf } from "../../base/index.ts";
import { floatTensor, int, intTensor, readAttributes } from "../../onnx/index.ts";
import { foldInFloat64, unpoolInFloat64 } from "../float64/indexing.ts";
import { foldedPlaces } from "../geometry.ts";
import { noteWindows } from "../kinks.ts";
import type { Operator, Operators } from "../operator.ts";
import { noteTies, settledOrder } from "../ordering.ts";
import { placesOfEntries, placesOfTuples } from "../places.ts";
import type { PrimalBuilder, Value } from "../primal.ts";
import { fromRight, type Rule, type RuleNode, steering } from "../rule.ts";
import { scattering } from "../scatter.ts";

/** The numbers 0, 1, 2, …, in row-major order. */
const numbered = (primal: PrimalBuilder, shape: Shape): Value =>
  primal.constant(
    intTensor(
      Array.from({ length: sizeOf(shape) }, (_, i) => i),
      shape,
    ),
  );

/** Each output is the entry of x at a flat index. */
function pick(primal: PrimalBuilder, x: Value, indices: Value, shape: Shape) {
  const kept = primal.keep(primal.reshape(indices, [sizeOf(shape)]));
  return (...[l, dx]: Parameters<ReturnType<Rule>>) =>
    l.reshape(l.gather(l.reshape(dx, [sizeOf(x.shape)]), kept, -1), shape);
}

/** Each output is the entry of x at an index along an axis (negative); x and the indices have the same number of axes. */
const pickAlong = (primal: PrimalBuilder, x: Value, indices: Value, axis: number) =>
  pick(primal, x, placesOfEntries(primal, x.shape, indices, axis), indices.shape);

const gatherElements: Rule = ({ inputs: [x, indices], attributes }, primal) =>
  pickAlong(primal, x!, indices!, fromRight(attributes.int("axis", 0), x!.shape));

const gatherND: Rule = ({ inputs: [x, indices], outputs: [y], attributes }, primal) => {
  const { places, rows, inner } = placesOfTuples(primal, x!.shape, indices!, attributes.int("batch_dims", 0));
  const kept = primal.keep(places);
  const [table, axis] = inner === 1 ? [[rows], -1] : [[rows, inner], -2];
  return (l, dx) => l.reshape(l.gather(l.reshape(dx, table), kept, axis), y!.shape);
};

const scatterElements: Rule = ({ inputs: [data, indices, updates], outputs: [y], attributes }, primal) => {
  const places = placesOfEntries(primal, data!.shape, indices!, fromRight(attributes.int("axis", 0), data!.shape));
  const rows = { places, rows: sizeOf(data!.shape), inner: 1 };
  const reduction = attributes.text("reduction", "none");
  const map = scattering(primal, { ...rows, reduction, data: data!, updates: updates!, y: y! });
  return (l, dx, _indices, du) => map(l, dx, du);
};

const scatterND: Rule = ({ inputs: [data, indices, updates], outputs: [y], attributes }, primal) => {
  const rows = placesOfTuples(primal, data!.shape, indices!);
  const reduction = attributes.text("reduction", "none");
  const map = scattering(primal, { ...rows, reduction, data: data!, updates: updates!, y: y! });
  return (l, dx, _indices, du) => map(l, dx, du);
};

/** The entries, or slices along an axis, at which the condition holds. Their number must be the same at every input. */
const compress: Rule = ({ inputs: [x, condition], outputs: [y], attributes }, primal) => {
  const axis = attributes.has("axis") ? fromRight(attributes.int("axis", 0), x!.shape) : undefined;
  const flat = axis === undefined ? [sizeOf(x!.shape)] : x!.shape;
  const along = axis ?? -1;
  const places = numbered(primal, [flat.at(along)!]);
  const count = y!.shape.at(along)!;
  const kept = primal.keep(primal.op("Compress", [places, condition!], [count], { axis: int(0) }, "int64"));
  return (l, dx) => l.gather(l.reshape(dx, flat), kept, along);
};

function orderOf(attributes: RuleNode["attributes"], x: Value, values: Value) {
  const axis = fromRight(attributes.int("axis", -1), x.shape);
  return { axis, k: values.shape.at(axis)!, largest: attributes.int("largest", 1) !== 0 };
}

/**
 * The k largest or smallest entries along an axis. If they are sorted, equal ones stand in the order of their indices; else in the
 * order that ONNX Runtime gives.
 */
const topK: Operator = {
  attributes: ["axis", "largest", "sorted"],
  kinks: "windows",
  keeps: "pooling switches",
  settle: (primal, [x], { attributes, outputs: [y] }) => {
    const read = readAttributes(attributes);
    const order = orderOf(read, x!, y!);
    return read.int("sorted", 1) !== 0 ? settledOrder(primal, x!, order) : undefined;
  },
  rule: ({ inputs: [x], outputs: [values, indices], attributes }, primal) => {
    const order = orderOf(attributes, x!, values!);
    noteTies(primal, x!, order);
    return pickAlong(primal, x!, indices!, order.axis);
  },
};

/** Whole rows of the first two axes move along one of them. */
const reverseSequence: Rule = ({ inputs: [x, lengths], attributes }, primal) => {
  const table = x!.shape.slice(0, 2);
  const axes = { batch_axis: int(attributes.int("batch_axis", 1)), time_axis: int(attributes.int("time_axis", 0)) };
  const reversed = primal.op("ReverseSequence", [numbered(primal, table), lengths!], table, axes, "int64");
  const kept = primal.keep(primal.reshape(reversed, [sizeOf(table)]));
  const rows = [sizeOf(table), sizeOf(x!.shape.slice(2))];
  return (l, dx) => l.reshape(l.gather(l.reshape(dx, rows), kept, -2), x!.shape);
};

/** Each output is one of the two values: that of the indices, or that of all other places. */
const oneHot: Rule = ({ inputs: [indices, , values], outputs: [y], attributes }, primal) => {
  const axis = attributes.int("axis", -1);
  const depth = primal.constant(intTensor([y!.shape.at(axis)!]));
  const inputs = [primal.cast(indices!, "int64"), depth, primal.constant(intTensor([0, 1]))];
  const chosen = primal.op("OneHot", inputs, y!.shape, { axis: int(axis) }, "int64");
  const map = pick(primal, values!, chosen, y!.shape);
  return (l, _indices, _depth, dvalues) => map(l, dvalues);
};

/** A triangle of each matrix; the other entries are zero. */
const trilu: Rule = (node, primal) => {
  const shape = node.inputs[0]!.shape.slice(-2) as [number, number];
  const k = node.optional(1);
  const upper = node.attributes.int("upper", 1);
  const mask = (diagonal: number) =>
    Float32Array.from({ length: sizeOf(shape) }, (_, i) => {
      const offset = (i % shape[1]) - Math.floor(i / shape[1]);
      return Number(upper !== 0 ? offset >= diagonal : offset <= diagonal);
    });
  const ones = () => primal.expand(primal.scalar(1), shape);
  const triangle =
    k === undefined || k.constant !== undefined
      ? primal.constant(floatTensor(shape, mask(steering(node, 1)?.[0] ?? 0)))
      : primal.mask(primal.isNonZero(primal.op("Trilu", [ones(), k], shape, { upper: int(upper) })));
  const kept = primal.keep(triangle);
  return (l, dx) => l.scale(kept, dx);
};

/** The first of each set of equal entries, or of equal slices along an axis. Their number must be the same at every input. */
const unique: Rule = ({ inputs: [x], outputs: [y], attributes }, primal) => {
  const axis = attributes.has("axis") ? fromRight(attributes.int("axis", 0), x!.shape) : undefined;
  const flat = axis === undefined ? [sizeOf(x!.shape)] : x!.shape;
  const along = axis ?? -1;
  const count = [y!.shape.at(along)!];
  const types = [y!, { type: "int64", shape: count }, { type: "int64", shape: [flat.at(along)!] }] as const;
  const outputs = [...types, types[1]].map(({ type, shape }) => ({ type, shape }));
  const own = { sorted: int(attributes.int("sorted", 1)), ...(axis === undefined ? {} : { axis: int(axis) }) };
  const [, first, , counts] = primal.ops("Unique", [x!], outputs, own);
  const sharing = primal.cast(counts!, "float32");
  noteWindows(primal, sharing, sharing);
  const kept = primal.keep(first!);
  return (l, dx) => l.gather(l.reshape(dx, flat), kept, along);
};

/** Crops or pads each axis to an extent, at both ends alike; of an odd number of entries, the end has one more. */
const centerCropPad: Rule = (node) => {
  const { shape } = node.inputs[0]!;
  const axes = (node.attributes.ints("axes") ?? shape.map((_, d) => d)).map((axis) => fromRight(axis, shape));
  const targets = steering(node, 1)!;
  return (l, dx) =>
    axes.reduce((t, axis, i) => {
      const [extent, target] = [shape.at(axis)!, targets[i]!];
      const before = Math.floor(Math.abs(target - extent) / 2);
      return target < extent ? l.slice(t, axis, before, target) : l.pad(t, axis, before, target - extent - before);
    }, dx);
};

/** Each entry of x is written to a flat index of the output, which is zero elsewhere. */
const maxUnpool: Rule = ({ inputs: [x, indices], outputs: [y] }, primal) => {
  const places = primal.reshape(primal.cast(indices!, "int64"), [sizeOf(x!.shape)]);
  const rows = { places, rows: sizeOf(y!.shape), inner: 1 };
  const map = scattering(primal, { ...rows, reduction: "none", data: undefined, updates: x!, y: y! });
  return (l, dx) => map(l, undefined, dx);
};

/** The columns of windows are added where the windows are: the adjoint of taking the windows of an image apart. */
const col2Im: Rule = (node, primal) => {
  const y = node.outputs[0]!;
  const { places, padded, before } = foldedPlaces(node.attributes, y.shape.slice(2), steering(node, 2)!);
  const indices = primal.keep(primal.constant(intTensor(places)));
  const lead = y.shape.slice(0, 2);
  return (l, dx) => {
    const flat = l.scatterAdd(l.reshape(dx, [...lead, places.length]), indices, -1, sizeOf(padded));
    const image = l.reshape(flat, [...lead, ...padded]);
    return before.reduce((t, start, d) => l.slice(t, d - before.length, start, y.shape[d + 2]!), image);
  };
};

export const indexing = {
  GatherElements: { attributes: ["axis"], keeps: "others", rule: gatherElements },
  GatherND: { attributes: ["batch_dims"], keeps: "others", rule: gatherND },
  ScatterElements: { attributes: ["axis", "reduction"], kinks: "windows", keeps: "others", rule: scatterElements },
  ScatterND: { attributes: ["reduction"], kinks: "windows", keeps: "others", rule: scatterND },
  Compress: { attributes: ["axis"], keeps: "others", rule: compress },
  TopK: topK,
  Unique: { attributes: ["axis", "sorted"], kinks: "windows", keeps: "others", rule: unique },
  ReverseSequence: {
    rearranges: true,
    attributes: ["batch_axis", "time_axis"],
    keeps: "others",
    rule: reverseSequence,
  },
  OneHot: { attributes: ["axis"], float64: "none", keeps: "others", rule: oneHot },
  Trilu: { attributes: ["upper"], keeps: "others", rule: trilu },
  CenterCropPad: { attributes: ["axes"], rule: centerCropPad },
  MaxUnpool: {
    attributes: ["kernel_shape", "pads", "strides"],
    float64: unpoolInFloat64,
    keeps: "pooling switches",
    rule: maxUnpool,
  },
  Col2Im: { attributes: ["dilations", "pads", "strides"], float64: foldInFloat64, rule: col2Im },
} satisfies Operators;
