import { broadcastShapes, sizeOf } from "../../src/base/index.ts";
import { type Array64, array, at, build, fromLeft, indicesOf, type ReferenceOp, type ReferenceOps } from "./tensor.ts";

const numbers = (x: Array64 | undefined): number[] | undefined => x && [...x.data];

/** The same entries under another shape. */
const viewed = (x: Array64, shape: readonly number[]): Array64 => ({ ...x, shape });

/** Entries of x taken from places that depend on the place asked for. */
const picked = (x: Array64, shape: readonly number[], from: (index: readonly number[]) => readonly number[]): Array64 =>
  build(shape, (index) => at(x, from(index)), x.type);

const slice: ReferenceOp = ([x, starts, ends, axes, steps]) => {
  const rank = x!.shape.length;
  const cuts = x!.shape.map((extent) => ({ from: 0, step: 1, count: extent }));
  [...starts!.data].forEach((start, i) => {
    const axis = fromLeft(numbers(axes)?.[i] ?? i, rank);
    const step = numbers(steps)?.[i] ?? 1;
    const extent = x!.shape[axis]!;
    const places = Array.from({ length: extent }, (_, place) => place);
    const first = start < 0 ? start + extent : start;
    const last = ends!.data[i]! < 0 ? ends!.data[i]! + extent : ends!.data[i]!;
    // Walk from the first place in range towards the end.
    const from = step > 0 ? Math.max(first, 0) : Math.min(first, extent - 1);
    const taken = places.filter((place) =>
      step > 0
        ? place >= from && place < last && (place - from) % step === 0
        : place <= from && place > last && (from - place) % -step === 0,
    );
    cuts[axis] = { from, step, count: taken.length };
  });
  return picked(
    x!,
    cuts.map(({ count }) => count),
    (index) => index.map((i, axis) => cuts[axis]!.from + i * cuts[axis]!.step),
  );
};

/** The entry that stands at a place beyond the edge, walked there one step at a time; `undefined` where a constant does. */
function reflected(mode: string, place: number, extent: number): number | undefined {
  if (place >= 0 && place < extent) return place;
  if (mode === "constant") return undefined;
  if (mode === "edge") return place < 0 ? 0 : extent - 1;
  if (mode === "wrap") return reflected(mode, place < 0 ? place + extent : place - extent, extent);
  return reflected(mode, place < 0 ? -place : 2 * (extent - 1) - place, extent);
}

const pad: ReferenceOp = ([x, pads, value, axes], attributes) => {
  const rank = x!.shape.length;
  const mode = attributes.text("mode", "constant");
  const listed = (numbers(axes) ?? x!.shape.map((_, axis) => axis)).map((axis) => fromLeft(axis, rank));
  const before = x!.shape.map((_, axis) => (listed.includes(axis) ? pads!.data[listed.indexOf(axis)]! : 0));
  const after = x!.shape.map((_, axis) =>
    listed.includes(axis) ? pads!.data[listed.length + listed.indexOf(axis)]! : 0,
  );
  const shape = x!.shape.map((extent, axis) => extent + before[axis]! + after[axis]!);
  return build(shape, (index) => {
    const from = index.map((i, axis) => reflected(mode, i - before[axis]!, x!.shape[axis]!));
    return from.includes(undefined) ? (value?.data[0] ?? 0) : at(x!, from as number[]);
  });
};

const gather: ReferenceOp = ([x, indices], attributes) => {
  const axis = fromLeft(attributes.int("axis", 0), x!.shape.length);
  const rank = indices!.shape.length;
  const shape = [...x!.shape.slice(0, axis), ...indices!.shape, ...x!.shape.slice(axis + 1)];
  return picked(x!, shape, (index) => {
    const chosen = at(indices!, index.slice(axis, axis + rank));
    return [...index.slice(0, axis), fromLeft(chosen, x!.shape[axis]!), ...index.slice(axis + rank)];
  });
};

const concat: ReferenceOp = (inputs, attributes) => {
  const parts = inputs as Array64[];
  const axis = fromLeft(attributes.int("axis", 0), parts[0]!.shape.length);
  const owners = parts.flatMap((part) => Array.from({ length: part.shape[axis]! }, (_, i) => ({ part, i })));
  const shape = parts[0]!.shape.map((extent, d) => (d === axis ? owners.length : extent));
  return build(
    shape,
    (index) => {
      const { part, i } = owners[index[axis]!]!;
      return at(
        part,
        index.map((place, d) => (d === axis ? i : place)),
      );
    },
    parts[0]!.type,
  );
};

const split: ReferenceOp = ([x, sizes], attributes, outputs) => {
  const axis = fromLeft(attributes.int("axis", 0), x!.shape.length);
  const chunk = Math.ceil(x!.shape[axis]! / outputs);
  let start = 0;
  return Array.from({ length: outputs }, (_, part) => {
    const extent = numbers(sizes)?.[part] ?? Math.min(chunk, x!.shape[axis]! - start);
    const from = start;
    start += extent;
    return picked(
      x!,
      x!.shape.map((whole, d) => (d === axis ? extent : whole)),
      (index) => index.map((i, d) => (d === axis ? i + from : i)),
    );
  });
};

const reshape: ReferenceOp = ([x, target], attributes) => {
  const asked = numbers(target)!.map((extent, axis) =>
    extent === 0 && !attributes.int("allowzero", 0) ? x!.shape[axis]! : extent,
  );
  const known = sizeOf(asked.filter((extent) => extent !== -1));
  return viewed(
    x!,
    asked.map((extent) => (extent === -1 ? x!.data.length / known : extent)),
  );
};

/** Where the entry at [n, depth, h, w] of the deep form stands in the wide one, by block position. */
const blockPosition = (channel: number, blocks: number, depth: number, columnFirst: boolean) =>
  columnFirst
    ? { block: channel % blocks, place: Math.floor(channel / blocks) }
    : { block: Math.floor(channel / depth), place: channel % depth };

export const shape: ReferenceOps = {
  Reshape: reshape,
  Flatten: ([x], attributes) => {
    const axis = fromLeft(attributes.int("axis", 1), x!.shape.length);
    return viewed(x!, [sizeOf(x!.shape.slice(0, axis)), sizeOf(x!.shape.slice(axis))]);
  },
  Squeeze: ([x, axes]) => {
    const gone = numbers(axes)?.map((axis) => fromLeft(axis, x!.shape.length));
    return viewed(
      x!,
      x!.shape.filter((extent, axis) => !(gone ? gone.includes(axis) : extent === 1)),
    );
  },
  Unsqueeze: ([x, axes]) => {
    const rank = x!.shape.length + axes!.data.length;
    const added = numbers(axes)!.map((axis) => fromLeft(axis, rank));
    const rest = [...x!.shape];
    return viewed(
      x!,
      Array.from({ length: rank }, (_, axis) => (added.includes(axis) ? 1 : rest.shift()!)),
    );
  },
  Transpose: ([x], attributes) => {
    const perm = attributes.ints("perm") ?? x!.shape.map((_, axis) => x!.shape.length - 1 - axis);
    return picked(
      x!,
      perm.map((axis) => x!.shape[axis]!),
      (index) => x!.shape.map((_, axis) => index[perm.indexOf(axis)]!),
    );
  },
  Concat: concat,
  Split: split,
  Slice: slice,
  Pad: pad,
  Gather: gather,
  Expand: ([x, target]) => {
    const wide = broadcastShapes(x!.shape, numbers(target)!)!;
    return picked(x!, wide, (index) =>
      x!.shape.map((extent, axis) => (extent === 1 ? 0 : index[wide.length - x!.shape.length + axis]!)),
    );
  },
  Tile: ([x, repeats]) =>
    picked(
      x!,
      x!.shape.map((extent, axis) => extent * repeats!.data[axis]!),
      (index) => index.map((i, axis) => i % x!.shape[axis]!),
    ),
  DepthToSpace: ([x], attributes) => {
    const b = attributes.int("blocksize", 1);
    const [batch, channels, height, width] = x!.shape as [number, number, number, number];
    const depth = channels / b ** 2;
    const columnFirst = attributes.text("mode", "DCR") === "CRD";
    const y = new Float64Array(x!.data.length);
    indicesOf(x!.shape).forEach(([n, c, h, w], from) => {
      const { block, place } = blockPosition(c!, b * b, depth, columnFirst);
      const [row, column] = [h! * b + Math.floor(block / b), w! * b + (block % b)];
      y[((n! * depth + place) * height * b + row) * width * b + column] = x!.data[from]!;
    });
    return array([batch, depth, height * b, width * b], y);
  },
  SpaceToDepth: ([x], attributes) => {
    const b = attributes.int("blocksize", 1);
    const [batch, channels, height, width] = x!.shape as [number, number, number, number];
    return picked(x!, [batch, channels * b ** 2, height / b, width / b], ([n, c, h, w]) => {
      const { block, place } = blockPosition(c!, b * b, channels, false);
      return [n!, place, h! * b + Math.floor(block / b), w! * b + (block % b)];
    });
  },
  Shape: ([x], attributes) => {
    const extents = x!.shape.slice(
      attributes.int("start", 0),
      attributes.has("end") ? attributes.int("end", 0) : undefined,
    );
    return array([extents.length], extents, "int64");
  },
  EyeLike: ([x], attributes) => build(x!.shape, ([i, j]) => (j === i! + attributes.int("k", 0) ? 1 : 0)),
  MelWeightMatrix: (inputs) => {
    const [bins, length, rate, low, high] = inputs.map((x) => x!.data[0]!) as [number, number, number, number, number];
    const mel = (hertz: number) => 2595 * Math.log10(1 + hertz / 700);
    const places = Array.from({ length: bins + 2 }, (_, i) => {
      const at = mel(low) + (i * (mel(high) - mel(low))) / (bins + 2);
      return Math.floor(((length + 1) * 700 * (10 ** (at / 2595) - 1)) / rate);
    });
    return build([Math.floor(length / 2) + 1, bins], ([j, i]) => {
      const [left, centre, right] = places.slice(i, i! + 3) as [number, number, number];
      if (j! >= centre && j! < right) return (right - j!) / (right - centre);
      if (left === centre) return j === centre ? 1 : 0;
      return j! >= left && j! <= centre ? (j! - left) / (centre - left) : 0;
    });
  },
  Size: ([x]) => array([], [x!.data.length], "int64"),
  ConstantOfShape: ([target], attributes) => {
    const value = attributes.tensor("value");
    const fill = Number((value?.data[0] as number | bigint | undefined) ?? 0);
    return build(numbers(target)!, () => fill, value?.type ?? "float32");
  },
  Range: ([start, limit, delta]) => {
    const count = Math.max(0, Math.ceil((limit!.data[0]! - start!.data[0]!) / delta!.data[0]!));
    return build([count], ([i]) => start!.data[0]! + i! * delta!.data[0]!, start!.type);
  },
  NonZero: ([x]) => {
    const found = indicesOf(x!.shape).filter((_, place) => x!.data[place] !== 0);
    return build([x!.shape.length, found.length], ([axis, i]) => found[i!]![axis!]!, "int64");
  },
};
