import { type Shape, sizeOf } from "../base/index.ts";
import { int, intTensor, text } from "../onnx/index.ts";
import { type Extreme, isExtreme, noteWindows } from "./kinks.ts";
import type { Rows } from "./places.ts";
import type { PrimalBuilder, Value } from "./primal.ts";
import type { LinearBuilder, Operand, Tangent } from "./program.ts";

/** Rows of updates that are combined with the rows of a tensor to which their places point. */
interface Scattering extends Rows {
  readonly reduction: string;
  /** `undefined` if the updates are scattered into zeros. */
  readonly data: Value | undefined;
  readonly updates: Value;
  readonly y: Value;
}

/** The factors of the two tangents: dy = data ∘ dx + scatter(updates ∘ du). `undefined` stands for ones. */
interface Factors {
  readonly data?: Operand;
  readonly updates?: Operand;
}

/**
 * The derivative of a scattering: dy = f ∘ dx + scatterAdd(g ∘ du). For `none`, f is 0 where something is written, and g is 1 for the
 * last row that is written to a place. For `add` both are 1, for `mul` they are the product of the other factors, and for `max` and
 * `min` they select the first of the entries that equal the extreme; x comes before the updates.
 */
export function scattering(primal: PrimalBuilder, of: Scattering) {
  const { places, rows, inner, y } = of;
  const count = sizeOf(places.shape);
  const [whole, part] = [rowsOf(rows, inner), rowsOf(count, inner)];
  const kept = primal.keep(places);
  const factors = factorsOf(primal, of, whole, part);
  const scaled = (l: LinearBuilder, factor: Operand | undefined, x: Tangent) => (factor ? l.scale(factor, x) : x);
  return (l: LinearBuilder, dx: Tangent, du: Tangent): Tangent => {
    const stays = scaled(l, factors.data, l.reshape(dx, whole));
    const written = scaled(l, factors.updates, l.reshape(du, part));
    const spread = l.scatterAdd(written, kept, inner === 1 ? -1 : -2, rows);
    return l.reshape(l.add(stays, spread), y.shape);
  };
}

/** The shape of a table of rows; a list if each row has one entry. */
const rowsOf = (rows: number, inner: number): Shape => (inner === 1 ? [rows] : [rows, inner]);

function factorsOf(primal: PrimalBuilder, of: Scattering, whole: Shape, part: Shape): Factors {
  switch (of.reduction) {
    case "none":
      return overwriting(primal, of, whole, part);
    case "add":
      return {};
    case "mul":
      return multiplying(primal, of, whole, part);
    case "max":
      return selecting(primal, "Max", of, whole, part);
    case "min":
      return selecting(primal, "Min", of, whole, part);
    default:
      throw new Error(`its reduction "${of.reduction}" is not known`);
  }
}

const ALONG = int(0);

/** ScatterElements of whole rows. */
function scatterRows(primal: PrimalBuilder, x: Value, places: Value, updates: Value, reduction: string): Value {
  const wide = updates.shape.length === 1 ? places : primal.expand(primal.reshape(places, [-1, 1]), updates.shape);
  return primal.op("ScatterElements", [x, wide, updates], x.shape, { axis: ALONG, reduction: text(reduction) }, x.type);
}

const gatherRows = (primal: PrimalBuilder, x: Value, places: Value, shape: Shape): Value =>
  primal.op("Gather", [x, places], shape, { axis: ALONG }, x.type);

const isSame = (primal: PrimalBuilder, a: Value, b: Value, shape: Shape) =>
  primal.op("Equal", [a, b], shape, {}, "bool");

function overwriting(primal: PrimalBuilder, { places, rows, data }: Scattering, whole: Shape, part: Shape): Factors {
  const count = sizeOf(places.shape);
  const numbers = primal.constant(intTensor(Array.from({ length: count }, (_, i) => i + 1)));
  const none = primal.expand(primal.constant(intTensor([0], [])), [rows]);
  const writers = scatterRows(primal, none, places, numbers, "none");
  const column = (condition: Value, shape: Shape) =>
    primal.keep(primal.mask(shape.length === 1 ? condition : primal.reshape(condition, [shape[0]!, 1])));
  const isLast = isSame(primal, gatherRows(primal, writers, places, [count]), numbers, [count]);
  const isFree = isSame(primal, writers, primal.constant(intTensor([0], [])), [rows]);
  return { updates: column(isLast, part), ...(data && { data: column(isFree, whole) }) };
}

/** The product of the other factors at a place, from the product of those that are not zero, so that nothing is divided by 0. */
function multiplying(primal: PrimalBuilder, { places, data, updates }: Scattering, whole: Shape, part: Shape): Factors {
  const [x, u] = [primal.reshape(data!, whole), primal.reshape(updates, part)];
  const [one, isZero] = [primal.scalar(1), (value: Value) => primal.not(primal.isNonZero(value))];
  const [zeroX, zeroU] = [isZero(x), isZero(u)];
  const [safeX, safeU] = [primal.where(zeroX, one, x), primal.where(zeroU, one, u)];
  const product = scatterRows(primal, safeX, places, safeU, "mul");
  const zeros = scatterRows(primal, primal.mask(zeroX), places, primal.mask(zeroU), "add");
  const others = (total: Value, safe: Value, zerosAt: Value, own: Value) => {
    const isAlone = primal.compare("Equal", zerosAt, primal.mask(own));
    return primal.keep(primal.mul(primal.div(total, safe), primal.mask(isAlone)));
  };
  return {
    data: others(product, safeX, zeros, zeroX),
    updates: others(gatherRows(primal, product, places, part), safeU, gatherRows(primal, zeros, places, part), zeroU),
  };
}

/** The first of the entries that equal the extreme at a place. Ties are recorded. */
function selecting(
  primal: PrimalBuilder,
  extreme: Extreme,
  { places, data, updates, y }: Scattering,
  whole: Shape,
  part: Shape,
): Factors {
  const [x, u, found] = [primal.reshape(data!, whole), primal.reshape(updates, part), primal.reshape(y, whole)];
  const foundAt = gatherRows(primal, found, places, part);
  const [reachesX, reachesU] = [isExtreme(primal, extreme, x, found), isExtreme(primal, extreme, u, foundAt)];
  const aliveAmong = (reaches: Value, tensor: Value) => {
    const alive = primal.alive(tensor.name);
    return primal.mask(alive === undefined ? reaches : primal.and(reaches, primal.reshape(alive, reaches.shape)));
  };
  const sharing = scatterRows(primal, primal.mask(reachesX), places, primal.mask(reachesU), "add");
  const alive = scatterRows(primal, aliveAmong(reachesX, data!), places, aliveAmong(reachesU, updates), "add");
  noteWindows(primal, sharing, alive);

  const count = sizeOf(places.shape);
  const scalar = (value: number) => primal.constant(intTensor([value], []));
  const numbered = Array.from({ length: count }, (_, i) => i + 1);
  const numbers = primal.constant(
    intTensor(
      numbered,
      part.map((extent, axis) => (axis === 0 ? extent : 1)),
    ),
  );
  const rank = (reaches: Value, own: Value) =>
    primal.op("Where", [reaches, own, scalar(count + 1)], reaches.shape, {}, "int64");
  const first = scatterRows(primal, rank(reachesX, scalar(0)), places, rank(reachesU, numbers), "min");
  const firstAt = gatherRows(primal, first, places, part);
  return {
    data: primal.keep(primal.mask(isSame(primal, first, scalar(0), whole))),
    updates: primal.keep(primal.mask(isSame(primal, firstAt, numbers, part))),
  };
}
