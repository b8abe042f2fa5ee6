import { type Shape, sizeOf } from "../base/index.ts";
import { type Attributes, int, intTensor, readAttributes } from "../onnx/index.ts";
import { kernelOffsets } from "./geometry.ts";
import type { PrimalBuilder, Value } from "./primal.ts";
import type { Window } from "./program.ts";

/**
 * Two numbers count as equal if they differ by at most this fraction of the largest ordinary magnitude of their tensor. Float64
 * sums that are equal in exact arithmetic differ by less, in any order of summation. So the convention decides, and not rounding.
 */
const EQUAL = 1e-10;

/**
 * Entries of this magnitude or more count as masks (for example −1e9) and not as ordinary entries, unless all other
 * entries are zero.
 */
const MASK = 1e6;

export type Extreme = "Max" | "Min";

/**
 * A scalar: the largest difference with which two numbers of these tensors still count as equal. Constant limits do not
 * count, unless all tensors are constant.
 */
function tolerance(primal: PrimalBuilder, tensors: readonly Value[]): Value {
  const moving = tensors.filter((tensor) => tensor.constant === undefined);
  const counted = moving.length > 0 ? moving : tensors;
  return primal.once(`tolerance of ${counted.map(({ name }) => name).join(", ")}`, () => {
    const scales = counted.map((tensor) => scaleOf(primal, tensor));
    const largest = scales.reduce((a, b) => primal.op("Max", [a, b], []));
    return primal.affine(EQUAL, largest, 0);
  });
}

/** The largest ordinary magnitude of a tensor. */
function scaleOf(primal: PrimalBuilder, x: Value): Value {
  if (sizeOf(x.shape) === 0) return primal.scalar(0);
  return primal.once(`scale of ${x.name}`, () => {
    const magnitude = primal.map("Abs", x);
    const largestBelow = (bound: number) => {
      const isBelow = primal.op("Less", [magnitude, primal.scalar(bound)], x.shape, {}, "bool");
      const kept = primal.where(isBelow, magnitude, primal.scalar(0));
      return primal.op("ReduceMax", [kept], [], { keepdims: int(0) });
    };
    const ordinary = largestBelow(MASK);
    const isZero = primal.op("Equal", [ordinary, primal.scalar(0)], [], {}, "bool");
    return primal.where(isZero, largestBelow(Number.POSITIVE_INFINITY), ordinary);
  });
}

/**
 * The largest difference from `b` with which numbers still count as equal: the tolerance of their tensors, or the same fraction of
 * b itself if that is larger, as for large numbers beside small ones. In a comparison with a constant limit, only the tensors
 * determine it.
 */
function toleranceAt(primal: PrimalBuilder, b: Value, tensors: readonly Value[]): Value {
  const allowed = tolerance(primal, tensors);
  if (tensors.some(({ constant }) => constant !== undefined)) return allowed;
  const magnitude = primal.map("Abs", b);
  const isInfinite = primal.op("IsInf", [magnitude], b.shape, {}, "bool");
  const finite = primal.where(isInfinite, primal.scalar(0), magnitude);
  return primal.op("Max", [allowed, primal.affine(EQUAL, finite, 0)], b.shape);
}

/**
 * Whether a > b, for comparisons where the derivative does not jump at a = b. Of two equal numbers, neither exceeds the
 * other.
 */
export function exceeds(primal: PrimalBuilder, a: Value, b: Value): Value {
  return primal.compare("Greater", a, primal.add(b, toleranceAt(primal, b, [a, b])));
}

/** Whether a ≥ b, or a is less than b by at most the tolerance. */
function reaches(primal: PrimalBuilder, a: Value, b: Value): Value {
  return primal.compare("GreaterOrEqual", a, primal.sub(b, toleranceAt(primal, b, [a, b])));
}

export const nearlyEqual = (primal: PrimalBuilder, a: Value, b: Value): Value =>
  primal.and(reaches(primal, a, b), reaches(primal, b, a));

/**
 * Records which neurons are at a kink. Those whose own tangent is zero do not count. `x` is the node's input that
 * contains them.
 */
function noteNeurons(primal: PrimalBuilder, at: Value, x: Value): void {
  const alive = primal.alive(x.name);
  const hangs = alive !== undefined && sizeOf(alive.shape) === sizeOf(at.shape) ? primal.and(at, alive) : at;
  primal.kinks.push({ of: primal.owner ?? x.name, kind: "neurons", at: hangs });
}

/**
 * Whether a > b, for comparisons where the derivative jumps at a = b, which is recorded. `x` is the node's input that
 * contains the numbers.
 */
export function above(primal: PrimalBuilder, a: Value, b: Value, x = a.constant === undefined ? a : b): Value {
  noteNeurons(primal, nearlyEqual(primal, a, b), x);
  return exceeds(primal, a, b);
}

/** Whether a ≥ b, for comparisons where the derivative jumps at a = b, which is recorded. */
export function atLeast(primal: PrimalBuilder, a: Value, b: Value): Value {
  noteNeurons(primal, nearlyEqual(primal, a, b), a.constant === undefined ? a : b);
  return reaches(primal, a, b);
}

/** Whether a = b, which is recorded. */
export function equal(primal: PrimalBuilder, a: Value, b: Value): Value {
  const equal = nearlyEqual(primal, a, b);
  noteNeurons(primal, equal, a);
  return equal;
}

/** 1 where x > 0, and 0 elsewhere. */
export const positive = (primal: PrimalBuilder, x: Value): Value => primal.mask(above(primal, x, primal.scalar(0)));

/** The sign −1, 0 or 1. The derivative jumps at 0, which is recorded. */
export function sign(primal: PrimalBuilder, x: Value): Value {
  const isZero = equal(primal, x, primal.scalar(0));
  return primal.where(isZero, primal.scalar(0), primal.map("Sign", x));
}

/** Whether entries equal the extreme, which is their maximum or minimum. */
export const isExtreme = (primal: PrimalBuilder, extreme: Extreme, x: Value, found: Value): Value =>
  extreme === "Max" ? reaches(primal, x, found) : reaches(primal, found, x);

/**
 * Records the windows in which several entries equal the extreme. Windows in which all these entries have zero tangents do not
 * count.
 *
 * `sharing` is the number of such entries in each window, and `alive` the number of those with a tangent; both have one shape.
 */
export function noteWindows(primal: PrimalBuilder, sharing: Value, alive: Value): void {
  const several = primal.compare("Greater", sharing, primal.scalar(1));
  const moves = primal.compare("Greater", alive, primal.scalar(0));
  primal.kinks.push({ of: primal.owner!, kind: "windows", at: primal.and(several, moves) });
}

/** 1 at the entries that equal the extreme along an axis (negative), and 0 elsewhere. Ties are recorded. */
function sharesOfExtreme(
  primal: PrimalBuilder,
  extreme: Extreme,
  x: Value,
  axis: number,
  alive: Value | undefined,
): Value {
  const isFound = isExtreme(primal, extreme, x, primal.reduce(`Reduce${extreme}`, x, [axis]));
  const shares = primal.mask(isFound);
  const sharing = primal.reduce("ReduceSum", shares, [axis]);
  const moving =
    alive === undefined ? sharing : primal.reduce("ReduceSum", primal.mask(primal.and(isFound, alive)), [axis]);
  noteWindows(primal, sharing, moving);
  return shares;
}

/**
 * The index of the first entry that equals the extreme, for each row of a table [rows, columns]; the result is [rows].
 */
export function firstInRow(primal: PrimalBuilder, extreme: Extreme, table: Value, alive: Value | undefined): Value {
  const shares = sharesOfExtreme(primal, extreme, table, -1, alive);
  const rows = table.shape.slice(0, 1);
  return primal.op("ArgMax", [shares], rows, { axis: int(1), keepdims: int(0) }, "int64");
}

/** For each input: where it equals the extreme of all inputs, and no earlier input does. */
export function firstInput(primal: PrimalBuilder, extreme: Extreme, inputs: readonly Value[], y: Value): Value[] {
  const wide = inputs.map((x) => primal.expand(x, y.shape));
  const found = wide.reduce((a, b) => primal.op(extreme, [a, b], y.shape));
  const allowed = toleranceAt(primal, found, inputs);
  const bound = extreme === "Max" ? primal.sub(found, allowed) : primal.add(found, allowed);
  const is = wide.map((x) => primal.compare(extreme === "Max" ? "GreaterOrEqual" : "LessOrEqual", x, bound));
  const alive = inputs.map((x, i) => {
    const own = primal.alive(x.name);
    return own === undefined ? is[i]! : primal.and(is[i]!, primal.expand(own, y.shape));
  });
  const count = (conditions: readonly Value[]) => conditions.map((one) => primal.mask(one)).reduce(primal.add);
  if (inputs.length > 1) noteWindows(primal, count(is), count(alive));
  let taken: Value | undefined;
  return is.map((own) => {
    const first = taken === undefined ? own : primal.and(own, primal.not(taken));
    taken = taken === undefined ? own : primal.or(taken, own);
    return first;
  });
}

/**
 * The flat index of the entry of x that each window takes: the first, in row-major order, of the entries that equal the largest,
 * y. It is 0 for windows that contain only padding.
 */
export function firstInWindow(primal: PrimalBuilder, x: Value, y: Value, window: Window, kernel: Shape): Value {
  const { strides, dilations, pads } = window;
  const rank = kernel.length;
  const input = x.shape.slice(2);
  const output = y.shape.slice(2);
  const ends = [0, 0, ...pads.slice(0, rank), 0, 0, ...pads.slice(rank)];
  const steps = {
    axes: primal.constant(intTensor(kernel.map((_, d) => d + 2))),
    by: primal.constant(intTensor(strides)),
  };
  /** The entries that the windows contain at one place of the kernel. */
  const meet = (values: Value, offset: readonly number[]) => {
    const start = offset.map((at, d) => at * dilations[d]!);
    const end = start.map((at, d) => at + (output[d]! - 1) * strides[d]! + 1);
    const bounds = [start, end].map((list) => primal.constant(intTensor(list)));
    return primal.op("Slice", [values, ...bounds, steps.axes, steps.by], y.shape);
  };
  const pad = (values: Value) =>
    primal.op(
      "Pad",
      [values, primal.constant(intTensor(ends)), primal.scalar(0)],
      [...x.shape.slice(0, 2), ...input.map((extent, d) => extent + pads[d]! + pads[rank + d]!)],
    );
  const padded = pad(x);
  const alive = primal.alive(x.name);
  const paddedAlive = alive && pad(primal.mask(primal.reshape(alive, x.shape)));
  /** Whether the place of the kernel lies in the input, [1, 1, ...output]; `undefined` if it does in all windows. */
  const insideAt = (offset: readonly number[]): Value | undefined => {
    const inside = kernelOffsets(output).map((at) =>
      Number(
        at.every((window, d) => {
          const place = window * strides[d]! - pads[d]! + offset[d]! * dilations[d]!;
          return place >= 0 && place < input[d]!;
        }),
      ),
    );
    if (!inside.includes(0)) return undefined;
    return primal.constant({ type: "bool", shape: [1, 1, ...output], data: Uint8Array.from(inside) });
  };
  const bound = primal.sub(y, toleranceAt(primal, y, [x]));

  const strideOf = input.map((_, d) => sizeOf(input.slice(d + 1)));
  const flat = (at: readonly number[]) => at.reduce((sum, place, d) => sum + place * strideOf[d]!, 0);
  let taken = primal.constant(intTensor([0], []));
  let sharing = primal.scalar(0);
  let moving = primal.scalar(0);
  for (const offset of kernelOffsets(kernel).reverse()) {
    const isLargest = primal.compare("GreaterOrEqual", meet(padded, offset), bound);
    const inside = insideAt(offset);
    const isFound = inside === undefined ? isLargest : primal.and(isLargest, inside);
    const place = primal.constant(intTensor([flat(offset.map((at, d) => at * dilations[d]!))], []));
    taken = primal.op("Where", [isFound, place, taken], y.shape, {}, "int64");
    const found = primal.mask(isFound);
    sharing = primal.add(sharing, found);
    moving = primal.add(moving, paddedAlive ? primal.mul(found, meet(paddedAlive, offset)) : found);
  }
  noteWindows(primal, sharing, moving);
  // Where each window begins: before x, if it begins in the padding.
  const begins = kernelOffsets(output).map((at) => flat(at.map((place, d) => place * strides[d]! - pads[d]!)));
  const planes = Array.from({ length: sizeOf(y.shape.slice(0, 2)) }, (_, plane) => plane * sizeOf(input));
  const starts = [
    primal.constant(intTensor(begins, [1, 1, ...output])),
    primal.constant(intTensor(planes, [...y.shape.slice(0, 2), ...output.map(() => 1)])),
  ];
  const indices = starts.reduce((sum, start) => primal.op("Add", [sum, start], y.shape, {}, "int64"), taken);
  return primal.op("Max", [indices, primal.constant(intTensor([0], []))], y.shape, {}, "int64");
}

/** Whether each window of a pool, [1, 1, ...output], contains an entry of the input; `undefined` if all windows do. */
export function windowsWithEntries(input: Shape, output: Shape, kernel: Shape, window: Window): number[] | undefined {
  const meets = output.map((extent, d) =>
    Array.from({ length: extent }, (_, o) =>
      Array.from({ length: kernel[d]! }, (_, k) => o * window.strides[d]! - window.pads[d]! + k * window.dilations[d]!),
    ).map((places) => places.some((place) => place >= 0 && place < input[d]!)),
  );
  const all = kernelOffsets(output).map((at) => Number(at.every((place, d) => meets[d]![place])));
  return all.includes(0) ? all : undefined;
}

/** The index along an axis of the first entry that equals the extreme, as ArgMax and ArgMin give it. */
export function firstAlong(primal: PrimalBuilder, extreme: Extreme, x: Value, attributes: Attributes): Value {
  const axis = readAttributes(attributes).int("axis", 0);
  const fromRight = axis < 0 ? axis : axis - x.shape.length;
  const shares = sharesOfExtreme(primal, extreme, x, fromRight, undefined);
  return primal.op("ArgMax", [shares], [], attributes, "int64");
}
