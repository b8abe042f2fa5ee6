import { sizeOf } from "../../src/base/index.ts";
import { type Array64, array, fibres, fromLeft, type ReferenceOp, type ReferenceOps, zip } from "./tensor.ts";

const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
const mean = (values: readonly number[]) => total(values) / values.length;

/** One number for each vector along the reduced axes. */
const reduce =
  (f: (values: readonly number[]) => number): ReferenceOp =>
  ([x, axes], attributes) => {
    const rank = x!.shape.length;
    const stated = [...(axes?.data ?? [])].map((axis) => fromLeft(axis, rank));
    const isWhole = stated.length === 0 && attributes.int("noop_with_empty_axes", 0) === 0;
    const reduced = isWhole ? x!.shape.map((_, axis) => axis) : stated;
    const kept = x!.shape.map((extent, axis) => (reduced.includes(axis) ? 1 : extent));
    const shape = attributes.int("keepdims", 1) ? kept : x!.shape.filter((_, axis) => !reduced.includes(axis));
    return array(
      shape,
      fibres(x!.shape, reduced).map((places) => f(places.map((i) => x!.data[i]!))),
    );
  };

/** Position of the best entry along one axis, the first among equal ones. */
const argument =
  (better: (a: number, b: number) => boolean): ReferenceOp =>
  ([x], attributes) => {
    const axis = fromLeft(attributes.int("axis", 0), x!.shape.length);
    const shape = attributes.int("keepdims", 1)
      ? x!.shape.map((extent, i) => (i === axis ? 1 : extent))
      : x!.shape.filter((_, i) => i !== axis);
    const best = fibres(x!.shape, [axis]).map((places) =>
      places.reduce((chosen, place, i) => (better(x!.data[place]!, x!.data[places[chosen]!]!) ? i : chosen), 0),
    );
    return array(shape, best, "int64");
  };

/** Replaces each vector along some axes by another of the same length. */
function mapFibres(x: Array64, axes: readonly number[], f: (values: number[]) => readonly number[]): Array64 {
  const data = new Float64Array(x.data.length);
  for (const places of fibres(x.shape, axes)) {
    f(places.map((i) => x.data[i]!)).forEach((value, i) => {
      data[places[i]!] = value;
    });
  }
  return array(x.shape, data);
}

const along =
  (f: (values: number[]) => readonly number[]): ReferenceOp =>
  ([x], attributes) =>
    mapFibres(x!, [fromLeft(attributes.int("axis", -1), x!.shape.length)], f);

const softmax = (values: readonly number[]) => {
  const top = Math.max(...values);
  const powers = values.map((value) => Math.exp(value - top));
  return powers.map((power) => power / total(powers));
};

const varianceOf = (values: readonly number[]) => {
  const centre = mean(values);
  return mean(values.map((value) => (value - centre) ** 2));
};
const standardized = (values: readonly number[], epsilon: number) => {
  const centre = mean(values);
  const variance = varianceOf(values);
  return values.map((value) => (value - centre) / Math.sqrt(variance + epsilon));
};

/** scale ∘ x + bias with one scale and bias for each entry, given by the entry's place. */
const affine = (x: Array64, scale: (place: number) => number, bias: (place: number) => number) =>
  array(
    x.shape,
    x.data.map((value, place) => value * scale(place) + bias(place)),
  );

const channelOf =
  ({ shape }: Array64) =>
  (place: number) =>
    Math.floor(place / sizeOf(shape.slice(2))) % (shape[1] ?? 1);

/** Reductions, and normalizations over axes. */
export const reduction: ReferenceOps = {
  ReduceSum: reduce(total),
  ReduceMean: reduce(mean),
  ReduceL1: reduce((values) => total(values.map(Math.abs))),
  ReduceL2: reduce((values) => Math.hypot(...values)),
  ReduceSumSquare: reduce((values) => total(values.map((value) => value ** 2))),
  ReduceLogSum: reduce((values) => Math.log(total(values))),
  ReduceLogSumExp: reduce((values) => Math.log(total(values.map(Math.exp)))),
  ReduceProd: reduce((values) => values.reduce((product, value) => product * value, 1)),
  ReduceMax: reduce((values) => values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)),
  ReduceMin: reduce((values) => values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)),
  ArgMax: argument((a, b) => a > b),
  ArgMin: argument((a, b) => a < b),

  Softmax: along(softmax),
  LogSoftmax: along((values) => softmax(values).map(Math.log)),
  Hardmax: along((values) => values.map((_, i) => Number(i === values.indexOf(Math.max(...values))))),
  LpNormalization: ([x], attributes) => {
    const euclidean = attributes.int("p", 2) === 2;
    return mapFibres(x!, [fromLeft(attributes.int("axis", -1), x!.shape.length)], (values) => {
      const norm = euclidean ? Math.hypot(...values) : total(values.map(Math.abs));
      return values.map((value) => value / norm);
    });
  },
  CumSum: ([x, axis], attributes) => {
    const reverse = attributes.int("reverse", 0) !== 0;
    const exclusive = attributes.int("exclusive", 0) !== 0;
    return mapFibres(x!, [fromLeft(axis!.data[0]!, x!.shape.length)], (values) => {
      const ordered = reverse ? [...values].reverse() : values;
      const sums = ordered.map((_, i) => total(ordered.slice(0, exclusive ? i : i + 1)));
      return reverse ? sums.reverse() : sums;
    });
  },

  BatchNormalization: ([x, scale, bias, given, spread], attributes) => {
    const channel = channelOf(x!);
    const epsilon = attributes.float("epsilon", 1e-5);
    const trains = attributes.int("training_mode", 0) !== 0;
    const axes = x!.shape.map((_, axis) => axis).filter((axis) => axis !== 1);
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const own = fibres(x!.shape, axes).map((places) => places.map((place) => x!.data[place]!));
    const means = own.map(mean);
    const variances = own.map((values, c) => mean(values.map((value) => (value - means[c]!) ** 2)));
    const centre = trains ? array(given!.shape, means) : given;
    const variance = trains ? array(spread!.shape, variances) : spread;
    const data = x!.data.map((value, place) => {
      const c = channel(place);
      return ((value - centre!.data[c]!) / Math.sqrt(variance!.data[c]! + epsilon)) * scale!.data[c]! + bias!.data[c]!;
    });
    if (!trains) return array(x!.shape, data);
    const momentum = attributes.float("momentum", 0.9);
    const running = (old: Array64, now: readonly number[]) =>
      array(
        old.shape,
        old.data.map((value, c) => momentum * value + (1 - momentum) * now[c]!),
      );
    return [array(x!.shape, data), running(given!, means), running(spread!, variances)];
  },
  InstanceNormalization: ([x, scale, bias], attributes) => {
    const axes = x!.shape.map((_, axis) => axis).slice(2);
    const channel = channelOf(x!);
    const normal = mapFibres(x!, axes, (values) => standardized(values, attributes.float("epsilon", 1e-5)));
    return affine(
      normal,
      (place) => scale!.data[channel(place)]!,
      (place) => bias!.data[channel(place)]!,
    );
  },
  LayerNormalization: ([x, scale, bias], attributes) => {
    const first = fromLeft(attributes.int("axis", -1), x!.shape.length);
    const axes = x!.shape.map((_, axis) => axis).slice(first);
    const epsilon = attributes.float("epsilon", 1e-5);
    const normal = mapFibres(x!, axes, (values) => standardized(values, epsilon));
    const y = zip([normal, scale!, bias ?? array([], [0])], (entry, factor, term) => entry * factor + term);
    const shape = x!.shape.map((extent, axis) => (axis < first ? extent : 1));
    const each = fibres(x!.shape, axes).map((places) => places.map((i) => x!.data[i]!));
    const inverse = each.map((values) => 1 / Math.sqrt(varianceOf(values) + epsilon));
    return [y, array(shape, each.map(mean)), array(shape, inverse)];
  },
  GroupNormalization: ([x, scale, bias], attributes) => {
    const groups = attributes.int("num_groups", 1);
    const [batch, channels] = x!.shape as [number, number];
    const grouped = array([batch, groups, x!.data.length / batch / groups], x!.data);
    const normal = mapFibres(grouped, [2], (values) => standardized(values, attributes.float("epsilon", 1e-5)));
    const channel = channelOf(x!);
    // One scale a channel from operator set 21 on, one a group before.
    const affineAt = (place: number) => Math.floor((channel(place) * scale!.data.length) / channels);
    return affine(
      array(x!.shape, normal.data),
      (place) => scale!.data[affineAt(place)]!,
      (place) => bias!.data[affineAt(place)]!,
    );
  },
  MeanVarianceNormalization: ([x], attributes) => {
    const axes = (attributes.ints("axes") ?? [0, 2, 3]).map((axis) => fromLeft(axis, x!.shape.length));
    return mapFibres(x!, axes, (values) => {
      const centre = mean(values);
      const deviation = Math.sqrt(mean(values.map((value) => (value - centre) ** 2)));
      return values.map((value) => (value - centre) / (deviation + 1e-9));
    });
  },
  LRN: ([x], attributes) => {
    const size = attributes.int("size", 1);
    const channels = x!.shape[1]!;
    const inner = sizeOf(x!.shape.slice(2));
    const channel = channelOf(x!);
    const data = x!.data.map((value, place) => {
      const c = channel(place);
      let squares = 0;
      for (let i = c - Math.floor((size - 1) / 2); i <= c + Math.ceil((size - 1) / 2); i++) {
        if (i >= 0 && i < channels) squares += x!.data[place + (i - c) * inner]! ** 2;
      }
      const base = attributes.float("bias", 1) + (attributes.float("alpha", 1e-4) / size) * squares;
      return value / base ** attributes.float("beta", 0.75);
    });
    return array(x!.shape, data);
  },
};
