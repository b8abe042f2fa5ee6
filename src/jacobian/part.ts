import type { AxisRange, Selection } from "../autodiff/index.ts";
import { formatShape, PushforwardError, type Shape, sizeOf, stridesOf } from "../base/index.ts";

/** Some entries of a tensor, by the indices with which NumPy selects them. */
export interface Part extends Selection {
  /** The indices as they were given, without spaces: `[0,7]`. */
  readonly text: string;
}

/** The name of a tensor and its indices, `x[0,7]`; `undefined` if the text does not end in indices. */
export function splitIndices(text: string): { readonly name: string; readonly indices: string } | undefined {
  const match = /^(.+?)\s*\[([^[\]]*)\]$/s.exec(text.trim());
  return match === null ? undefined : { name: match[1]!, indices: match[2]! };
}

/**
 * The entries of a tensor that indices select, by NumPy's basic indexing: a whole number takes one place of an axis and removes the
 * axis, `start:stop:step` takes a range of it, `...` stands for as many whole axes as are left, and axes without an index are whole.
 * Negative places count from the end. The axes are those of the tensor in the file, its batch axis included.
 *
 * @param indices the text between the brackets: `0,7`, `:,-1`, `0,2:5`
 * @throws PushforwardError `usage` for other indices; `shape-mismatch` for too many of them, and for a place that an axis does not have
 */
export function partOf(shape: Shape, indices: string, tap: string): Part {
  const words = indices.split(",").map((word) => word.replace(/\s+/g, ""));
  const text = `[${words.join(",")}]`;
  const whole = words.filter((word) => word === "...").length;
  if (whole > 1) throw malformed(text, tap, "it has more than one `...`");
  const stated = words.length - whole;
  if (stated > shape.length) {
    throw new PushforwardError("shape-mismatch", {
      what: `${text} has ${stated} indices, but "${tap}" has ${shape.length} axes: ${formatShape(shape)} in the file.`,
      where: { tap },
      fix: "Give at most one index for each axis.",
    });
  }
  const full = Array.from({ length: shape.length - stated }, () => ":");
  const each = whole === 0 ? [...words, ...full] : words.flatMap((word) => (word === "..." ? full : [word]));
  const axes = each.map((word, axis) => axisOf(word, { shape, axis, text, tap }));
  return {
    text,
    ranges: axes.map(({ range }) => range),
    shape: axes.flatMap(({ range, isOne }) => (isOne ? [] : [range.count])),
  };
}

interface Where {
  readonly shape: Shape;
  readonly axis: number;
  readonly text: string;
  readonly tap: string;
}

/** What one index takes of its axis. */
function axisOf(
  word: string,
  { shape, axis, text, tap }: Where,
): { readonly range: AxisRange; readonly isOne: boolean } {
  const extent = shape[axis]!;
  if (/^-?\d+$/.test(word)) {
    const stated = Number(word);
    const start = stated < 0 ? stated + extent : stated;
    if (start < 0 || start >= extent) {
      throw new PushforwardError("shape-mismatch", {
        what: `Index ${stated} of ${text} is out of range: axis ${axis} of "${tap}" has ${extent} places.`,
        where: { tap },
        fix: `The shape in the file is ${formatShape(shape)}${shape[0] === 1 && axis === 0 ? `, with the batch axis first: ${tap}[0,${word}]` : ""}.`,
      });
    }
    return { range: { start, step: 1, count: 1 }, isOne: true };
  }
  const parts = word.split(":");
  if (parts.length < 2 || parts.length > 3 || parts.some((part) => !/^(-?\d+)?$/.test(part))) {
    throw malformed(text, tap, `"${word}" is neither a whole number nor a range`);
  }
  const [from, to, by] = parts.map((part) => (part === "" ? undefined : Number(part)));
  const step = by ?? 1;
  if (step === 0) throw malformed(text, tap, "the step of a range is 0");
  const [lowest, highest] = step > 0 ? [0, extent] : [-1, extent - 1];
  const limited = (place: number) => Math.min(Math.max(place < 0 ? place + extent : place, lowest), highest);
  const start = from === undefined ? (step > 0 ? lowest : highest) : limited(from);
  const stop = to === undefined ? (step > 0 ? highest : lowest) : limited(to);
  return { range: { start, step, count: Math.max(0, Math.ceil((stop - start) / step)) }, isOne: false };
}

const malformed = (text: string, tap: string, why: string) =>
  new PushforwardError("usage", {
    what: `The indices ${text} of "${tap}" cannot be read: ${why}.`,
    where: { tap },
    fix: "Give whole numbers and ranges, one for each axis, as in NumPy: x[0,7], x[0,2:5], x[...,-1].",
  });

/** The entries of a part, from all entries of its tensor. */
export function takePart(value: Float32Array, shape: Shape, { ranges }: Part): Float32Array {
  const strides = stridesOf(shape);
  const result = new Float32Array(sizeOf(ranges.map(({ count }) => count)));
  const places = ranges.reduce<number[]>(
    (starts, { start, step, count }, axis) =>
      starts.flatMap((before) => Array.from({ length: count }, (_, i) => before + (start + i * step) * strides[axis]!)),
    [0],
  );
  places.forEach((place, i) => {
    result[i] = value[place]!;
  });
  return result;
}
