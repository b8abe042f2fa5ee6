import { sizeOf } from "../../src/base/index.ts";
import {
  type Array64,
  array,
  at,
  build,
  fibres,
  flat,
  fromLeft,
  indicesOf,
  type ReferenceOp,
  type ReferenceOps,
} from "./tensor.ts";

const combine: Readonly<Record<string, (before: number, update: number) => number>> = {
  none: (_before, update) => update,
  add: (before, update) => before + update,
  mul: (before, update) => before * update,
  max: Math.max,
  min: Math.min,
};

/** Writes entries to flat places of a copy of x, one after the other. */
function written(x: Array64, reduction: string, entries: Iterable<readonly [place: number, value: number]>): Array64 {
  const y = x.data.slice();
  for (const [place, value] of entries) y[place] = combine[reduction]!(y[place]!, value);
  return array(x.shape, y, x.type);
}

const gatherElements: ReferenceOp = ([x, indices], attributes) => {
  const axis = fromLeft(attributes.int("axis", 0), x!.shape.length);
  return build(
    indices!.shape,
    (index) => {
      const chosen = fromLeft(at(indices!, index), x!.shape[axis]!);
      return at(
        x!,
        index.map((place, d) => (d === axis ? chosen : place)),
      );
    },
    x!.type,
  );
};

const scatterElements: ReferenceOp = ([x, indices, updates], attributes) => {
  const axis = fromLeft(attributes.int("axis", 0), x!.shape.length);
  const entries = indicesOf(indices!.shape).map((index): [number, number] => {
    const chosen = fromLeft(at(indices!, index), x!.shape[axis]!);
    const place = index.map((own, d) => (d === axis ? chosen : own));
    return [flat(place, x!.shape), at(updates!, index)];
  });
  return written(x!, attributes.text("reduction", "none"), entries);
};

/** The index that a tuple of `indices` states, counted from the start. */
function tupleAt(indices: Array64, index: readonly number[], extents: readonly number[]): number[] {
  const length = indices.shape.at(-1)!;
  return Array.from({ length }, (_, i) => fromLeft(at(indices, [...index, i]), extents[i]!));
}

const gatherND: ReferenceOp = ([x, indices], attributes) => {
  const batch = attributes.int("batch_dims", 0);
  const length = indices!.shape.at(-1)!;
  const tuples = indices!.shape.length - 1;
  const shape = [...indices!.shape.slice(0, -1), ...x!.shape.slice(batch + length)];
  return build(
    shape,
    (index) => {
      const tuple = tupleAt(indices!, index.slice(0, tuples), x!.shape.slice(batch));
      return at(x!, [...index.slice(0, batch), ...tuple, ...index.slice(tuples)]);
    },
    x!.type,
  );
};

const scatterND: ReferenceOp = ([x, indices, updates], attributes) => {
  const tuples = indices!.shape.length - 1;
  const entries = indicesOf(updates!.shape).map((index): [number, number] => {
    const tuple = tupleAt(indices!, index.slice(0, tuples), x!.shape);
    return [flat([...tuple, ...index.slice(tuples)], x!.shape), at(updates!, index)];
  });
  return written(x!, attributes.text("reduction", "none"), entries);
};

/** The slices of x at some places of an axis. */
function slices(x: Array64, axis: number, places: readonly number[]): Array64 {
  const shape = x.shape.map((extent, d) => (d === axis ? places.length : extent));
  return build(
    shape,
    (index) =>
      at(
        x,
        index.map((i, d) => (d === axis ? places[i]! : i)),
      ),
    x.type,
  );
}

/** x as a vector, unless an axis is given; and the axis. */
function alongAxis(x: Array64, attributes: Parameters<ReferenceOp>[1]): [Array64, number] {
  if (!attributes.has("axis")) return [array([x.data.length], x.data, x.type), 0];
  return [x, fromLeft(attributes.int("axis", 0), x.shape.length)];
}

const compress: ReferenceOp = ([x, condition], attributes) => {
  const [from, axis] = alongAxis(x!, attributes);
  return slices(
    from,
    axis,
    [...condition!.data.keys()].filter((place) => condition!.data[place] !== 0),
  );
};

const topK: ReferenceOp = ([x, k], attributes) => {
  const axis = fromLeft(attributes.int("axis", -1), x!.shape.length);
  const sign = attributes.int("largest", 1) ? -1 : 1;
  const shape = x!.shape.map((extent, d) => (d === axis ? k!.data[0]! : extent));
  const [values, indices] = [new Float64Array(sizeOf(shape)), new Float64Array(sizeOf(shape))];
  const targets = fibres(shape, [axis]);
  fibres(x!.shape, [axis]).forEach((places, row) => {
    const order = [...places.keys()].sort((a, b) => sign * (x!.data[places[a]!]! - x!.data[places[b]!]!) || a - b);
    targets[row]!.forEach((target, i) => {
      values[target] = x!.data[places[order[i]!]!]!;
      indices[target] = order[i]!;
    });
  });
  return [array(shape, values, x!.type), array(shape, indices, "int64")];
};

const unique: ReferenceOp = ([x], attributes) => {
  const [from, axis] = alongAxis(x!, attributes);
  const count = from.shape[axis]!;
  const keys = Array.from({ length: count }, (_, place) => [...slices(from, axis, [place]).data]);
  const isSame = (a: number, b: number) => keys[a]!.every((value, i) => value === keys[b]![i]);
  const first = Array.from({ length: count }, (_, place) => keys.findIndex((_, other) => isSame(place, other)));
  const kept = [...new Set(first)];
  const order = (a: number, b: number): number => {
    const differs = keys[a]!.findIndex((value, i) => value !== keys[b]![i]);
    return keys[a]![differs]! - keys[b]![differs]!;
  };
  if (attributes.int("sorted", 1)) kept.sort(order);
  const inverse = first.map((place) => kept.indexOf(place));
  const counts = kept.map((_, i) => inverse.filter((own) => own === i).length);
  const whole = (values: readonly number[]) => array([values.length], values, "int64");
  return [slices(from, axis, kept), whole(kept), whole(inverse), whole(counts)];
};

const reverseSequence: ReferenceOp = ([x, lengths], attributes) => {
  const [batch, time] = [attributes.int("batch_axis", 1), attributes.int("time_axis", 0)];
  return build(
    x!.shape,
    (index) => {
      const length = lengths!.data[index[batch]!]!;
      const turned = (place: number) => (place < length ? length - 1 - place : place);
      return at(
        x!,
        index.map((place, d) => (d === time ? turned(place) : place)),
      );
    },
    x!.type,
  );
};

const oneHot: ReferenceOp = ([indices, depth, values], attributes) => {
  const count = depth!.data[0]!;
  const axis = fromLeft(attributes.int("axis", -1), indices!.shape.length + 1);
  const shape = [...indices!.shape.slice(0, axis), count, ...indices!.shape.slice(axis)];
  return build(
    shape,
    (index) => {
      const own = at(
        indices!,
        index.filter((_, d) => d !== axis),
      );
      return values!.data[fromLeft(own, count) === index[axis] ? 1 : 0]!;
    },
    values!.type,
  );
};

const trilu: ReferenceOp = ([x, k], attributes) => {
  const diagonal = k?.data[0] ?? 0;
  const isKept = (offset: number) => (attributes.int("upper", 1) ? offset >= diagonal : offset <= diagonal);
  return build(x!.shape, (index, place) => (isKept(index.at(-1)! - index.at(-2)!) ? x!.data[place]! : 0), x!.type);
};

const centerCropPad: ReferenceOp = ([x, target], attributes) => {
  const axes = (attributes.ints("axes") ?? x!.shape.map((_, d) => d)).map((axis) => fromLeft(axis, x!.shape.length));
  const shape = x!.shape.map((extent, d) => (axes.includes(d) ? target!.data[axes.indexOf(d)]! : extent));
  // The first entry of the smaller extent stands at half of the difference, rounded down.
  const starts = shape.map((extent, d) => {
    const half = Math.floor(Math.abs(extent - x!.shape[d]!) / 2);
    return extent < x!.shape[d]! ? half : -half;
  });
  return build(shape, (index) => {
    const from = index.map((place, d) => place + starts[d]!);
    return from.every((place, d) => place >= 0 && place < x!.shape[d]!) ? at(x!, from) : 0;
  });
};

const maxUnpool: ReferenceOp = ([x, indices, given], attributes) => {
  const kernel = attributes.ints("kernel_shape")!;
  const pads = attributes.ints("pads") ?? [];
  const inferred = kernel.map((extent, d) => {
    const stride = attributes.ints("strides")?.[d] ?? 1;
    return (x!.shape[d + 2]! - 1) * stride + extent - (pads[d] ?? 0) - (pads[kernel.length + d] ?? 0);
  });
  const shape = given ? [...given.data] : [...x!.shape.slice(0, 2), ...inferred];
  const zeros = array(shape, new Float64Array(sizeOf(shape)));
  return written(
    zeros,
    "none",
    [...x!.data.keys()].map((i) => [indices!.data[i]!, x!.data[i]!] as const),
  );
};

const col2Im: ReferenceOp = ([x, image, block], attributes) => {
  const rank = image!.data.length;
  const of = (name: string, d: number, otherwise: number) => attributes.ints(name)?.[d] ?? otherwise;
  const [extents, sizes] = [[...image!.data], [...block!.data]];
  const windows = extents.map((extent, d) => {
    const room = extent + of("pads", d, 0) + of("pads", rank + d, 0) - (sizes[d]! - 1) * of("dilations", d, 1) - 1;
    return Math.floor(room / of("strides", d, 1)) + 1;
  });
  const channels = x!.shape[1]! / sizeOf(sizes);
  const shape = [x!.shape[0]!, channels, ...extents];
  const y = new Float64Array(sizeOf(shape));
  const columns = [x!.shape[0]!, channels, ...sizes, ...windows];
  indicesOf(columns).forEach((index, from) => {
    const [offset, window] = [index.slice(2, 2 + rank), index.slice(2 + rank)];
    const place = offset.map((k, d) => window[d]! * of("strides", d, 1) + k * of("dilations", d, 1) - of("pads", d, 0));
    if (place.every((own, d) => own >= 0 && own < extents[d]!)) {
      y[flat([...index.slice(0, 2), ...place], shape)]! += x!.data[from]!;
    }
  });
  return array(shape, y);
};

/** Updates are written into a cache along an axis, from a place of their own for each entry of the batch on. */
const tensorScatter: ReferenceOp = ([cache, update, starts], attributes) => {
  const axis = fromLeft(attributes.int("axis", -2), cache!.shape.length);
  const isCircular = attributes.text("mode", "linear") === "circular";
  const entries = indicesOf(update!.shape).map((index): [number, number] => {
    const place = (starts?.data[index[0]!] ?? 0) + index[axis]!;
    const own = isCircular ? place % cache!.shape[axis]! : place;
    return [
      flat(
        index.map((i, d) => (d === axis ? own : i)),
        cache!.shape,
      ),
      at(update!, index),
    ];
  });
  return written(cache!, "none", entries);
};

/** What moves entries by indices. */
export const indexing: ReferenceOps = {
  GatherElements: gatherElements,
  GatherND: gatherND,
  ScatterElements: scatterElements,
  ScatterND: scatterND,
  Compress: compress,
  TopK: topK,
  Unique: unique,
  ReverseSequence: reverseSequence,
  OneHot: oneHot,
  Trilu: trilu,
  CenterCropPad: centerCropPad,
  MaxUnpool: maxUnpool,
  Col2Im: col2Im,
  TensorScatter: tensorScatter,
};
