import { type Shape, sizeOf, stridesOf } from "../base/index.ts";
import { int, intTensor } from "../onnx/index.ts";
import { indexBy } from "./linear-ops/indexing.ts";
import type { PrimalBuilder, Value } from "./primal.ts";

const whole = (primal: PrimalBuilder, op: "Add" | "Mul" | "Mod", [a, b]: readonly [Value, Value], shape: Shape) =>
  primal.op(op, [a, b], shape, {}, "int64");

/** Indices into axes of these extents as int64, where negative ones count from the end. `extents` broadcasts to the indices. */
function fromStart(primal: PrimalBuilder, indices: Value, extents: Value): Value {
  const counted = whole(primal, "Add", [primal.cast(indices, "int64"), extents], indices.shape);
  return whole(primal, "Mod", [counted, extents], indices.shape);
}

/**
 * For GatherElements and ScatterElements: the flat index, in a tensor of shape `shape`, of the entry that each index along an axis
 * (negative) points to. The result is [M], one for each index.
 */
export function placesOfEntries(primal: PrimalBuilder, shape: Shape, indices: Value, axis: number): Value {
  const along = fromStart(primal, indices, primal.constant(intTensor([shape.at(axis)!], [])));
  const strides = stridesOf(shape);
  const stride = strides.at(axis)!;
  const others = strides.map((own, d) => (d === shape.length + axis ? 0 : own));
  const starts = primal.constant(intTensor([...indexBy(indices.shape, others, 0)], indices.shape));
  const steps =
    stride === 1 ? along : whole(primal, "Mul", [along, primal.constant(intTensor([stride], []))], indices.shape);
  return primal.reshape(whole(primal, "Add", [steps, starts], indices.shape), [sizeOf(indices.shape)]);
}

/** The rows of a tensor that index tuples point to. */
export interface Rows {
  /** The row of each tuple, [M]. */
  readonly places: Value;
  /** The number of rows: the product of the axes that the tuples index, and of the batch axes. */
  readonly rows: number;
  /** The number of entries in each row. */
  readonly inner: number;
}

/**
 * For GatherND and ScatterND: the row that each index tuple points to, where the tensor of shape `shape` is seen as rows over the axes
 * that the tuples index. The last axis of `indices` holds the tuples; the first `batch` axes belong to both tensors.
 */
export function placesOfTuples(primal: PrimalBuilder, shape: Shape, indices: Value, batch = 0): Rows {
  const length = indices.shape.at(-1)!;
  const indexed = shape.slice(batch, batch + length);
  const tuples = indices.shape.slice(0, -1);
  const [rowsOfBatch, count] = [sizeOf(indexed), sizeOf(tuples)];
  const perBatch = count / sizeOf(shape.slice(0, batch));
  const starts = Array.from({ length: count }, (_, i) => Math.floor(i / perBatch) * rowsOfBatch);
  const table = [count, length];
  const along = fromStart(primal, primal.reshape(indices, table), primal.constant(intTensor(indexed)));
  const steps = whole(primal, "Mul", [along, primal.constant(intTensor(stridesOf(indexed)))], table);
  const axes = primal.constant(intTensor([1]));
  const within = primal.op("ReduceSum", [steps, axes], [count], { keepdims: int(0) }, "int64");
  const places = whole(primal, "Add", [within, primal.constant(intTensor(starts))], [count]);
  return { places, rows: sizeOf(shape.slice(0, batch + length)), inner: sizeOf(shape.slice(batch + length)) };
}
