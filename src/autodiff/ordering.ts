import { int, intTensor } from "../onnx/index.ts";
import { exceeds, nearlyEqual, noteWindows } from "./kinks.ts";
import type { PrimalBuilder, Value } from "./primal.ts";

/** How TopK orders the entries along an axis (negative). */
interface Order {
  readonly axis: number;
  /** How many entries it takes. */
  readonly k: number;
  readonly largest: boolean;
}

const sortedBy = ({ axis, largest }: Pick<Order, "axis" | "largest">) => ({
  axis: int(axis),
  largest: int(largest ? 1 : 0),
  sorted: int(1),
});

/** The first entries of x in order, and their indices along the axis. */
function firstOf(primal: PrimalBuilder, x: Value, count: number, order: Pick<Order, "axis" | "largest">) {
  const shape = x.shape.map((extent, d) => (d === x.shape.length + order.axis ? count : extent));
  const types = [
    { type: x.type, shape },
    { type: "int64", shape },
  ] as const;
  return primal.ops("TopK", [x, primal.constant(intTensor([count]))], types, sortedBy(order)) as [Value, Value];
}

/** The entries at all places along an axis but the last, and those at all but the first. */
function neighbours(primal: PrimalBuilder, x: Value, axis: number): [Value, Value] {
  const count = x.shape.at(axis)! - 1;
  return [primal.sliceAxis(x, axis, 0, count), primal.sliceAxis(x, axis, 1, count)];
}

/**
 * The indices along the axis of the first k entries in order. Entries that follow each other within rounding count as equal, and
 * equal entries stand in the order of their indices.
 */
export function settledOrder(primal: PrimalBuilder, x: Value, { axis, k, largest }: Order): Value {
  const extent = x.shape.at(axis)!;
  const [values, indices] = firstOf(primal, x, extent, { axis, largest });
  const [before, after] = neighbours(primal, values, axis);
  const steps = largest ? exceeds(primal, before, after) : exceeds(primal, after, before);
  const starts = primal.padAxis(primal.mask(steps), axis, 1, 0);
  const along = primal.constant(intTensor([axis], []));
  const group = primal.cast(primal.op("CumSum", [starts, along], x.shape), "int64");
  const width = primal.constant(intTensor([extent], []));
  const keys = primal.op("Mul", [group, width], x.shape, {}, "int64");
  const distinct = primal.op("Add", [keys, indices], x.shape, {}, "int64");
  const [first] = firstOf(primal, distinct, k, { axis, largest: false });
  return primal.op("Mod", [first, width], first.shape, {}, "int64");
}

/** Records where two of the first k entries are equal, or the last of them and the next one: their order is a convention. */
export function noteTies(primal: PrimalBuilder, x: Value, { axis, k, largest }: Order): void {
  const count = Math.min(k + 1, x.shape.at(axis)!);
  const [values, indices] = firstOf(primal, x, count, { axis, largest });
  const isTie = nearlyEqual(primal, ...neighbours(primal, values, axis));
  const alive = primal.alive(x.name);
  const total = (ties: Value) => primal.reduce("ReduceSum", primal.mask(ties), [axis]);
  const moving = () => {
    const own = primal.op("GatherElements", [alive!, indices], indices.shape, { axis: int(axis) }, "bool");
    const [before, after] = neighbours(primal, own, axis);
    return primal.and(isTie, primal.or(before, after));
  };
  const ties = total(isTie);
  noteWindows(primal, primal.affine(1, ties, 1), alive === undefined ? ties : total(moving()));
}
