import { type Shape, sizeOf, stridesOf } from "../../base/index.ts";
import { int } from "../build.ts";
import type { Writer } from "./writer.ts";

/** The entries around a position on one axis that an interpolation uses, and the polynomials of the fraction that weigh them. */
export interface Kernel {
  /** Where the entries lie, from the last one before the position. */
  readonly offsets: readonly number[];
  /** For each entry the coefficients of its weight, that of the highest power first. */
  readonly weights: readonly (readonly number[])[];
}

export const linear: Kernel = {
  offsets: [0, 1],
  weights: [
    [-1, 1],
    [1, 0],
  ],
};

/** @see Keys 1981, "Cubic convolution interpolation for digital image processing", with a = −0.75 */
export const cubic = (a = -0.75): Kernel => ({
  offsets: [-1, 0, 1, 2],
  weights: [
    [a, -2 * a, a, 0],
    [a + 2, -a - 3, 0, 1],
    [-a - 2, 2 * a + 3, -a, 0],
    [-a, a, 0, 0],
  ],
});

/** What lies beyond the first and last entry of an axis. */
export interface Beyond {
  /** Numbers and names of indices are floats. Returns the index of an entry for any whole number. */
  readonly index: (write: Writer, index: string, extent: number) => string;
  /** Whether entries beyond count as 0. */
  readonly isZero: boolean;
}

export const zerosBeyond: Beyond = { index: clampTo, isZero: true };

/** The number, or the nearest of the first and last index. */
export function clampTo(write: Writer, index: string, extent: number): string {
  return write.op("Clip", [index, write.number(0), write.number(extent - 1)]);
}

/** What is interpolated: x [B, C, …spatial] at positions, for each spatial axis [B, P] in units of entries. */
export interface Interpolation {
  readonly x: string;
  readonly shape: Shape;
  readonly positions: readonly string[];
  /** The number P of positions. */
  readonly count: number;
  /** Without a kernel, the positions are whole numbers, and their entries are taken. */
  readonly kernel: Kernel | undefined;
  readonly beyond: Beyond;
}

/**
 * The interpolated values [C, B, P]: the sum over the entries around each position of the entry times its weight, which is the product of
 * its weights on the axes.
 */
export function interpolate(write: Writer, of: Interpolation): string {
  const { entries, weights } = entriesAround(write, of);
  const weighted = weights === undefined ? entries : write.mul(entries, weights);
  return of.kernel === undefined ? weighted : write.sum(weighted, [2]);
}

/** The entries [C, B, taps, P] around each position and their weights [B, taps, P], if they need any; no axis of taps without a kernel. */
export function entriesAround(
  write: Writer,
  { x, shape, positions, count, kernel, beyond }: Interpolation,
): { readonly entries: string; readonly weights: string | undefined } {
  const [batch, channels, ...spatial] = shape as [number, number, ...number[]];
  const strides = stridesOf(spatial);
  const taps = kernel?.offsets.length ?? 1;
  const axes = positions.map((position, d) => {
    const place = spatial.map((_, e) => (e === d ? taps : 1));
    const below = kernel === undefined ? position : write.op("Floor", [position]);
    const wide = (name: string) => write.reshape(name, [batch, ...spatial.map(() => 1), count]);
    const whole =
      kernel === undefined ? wide(below) : write.add(wide(below), write.floats([...place, 1], kernel.offsets));
    const inside = beyond.index(write, whole, spatial[d]!);
    const index = write.mul(write.op("Cast", [inside], { to: int(INT64) }), write.ints([strides[d]!]));
    const fraction = kernel && wide(write.sub(position, below));
    const own = fraction && weightOf(write, kernel, fraction, place);
    return { index, weight: beyond.isZero ? product(write, own, isInside(write, whole, spatial[d]!)) : own };
  });
  const all = taps ** spatial.length;
  const form = kernel === undefined ? [batch, count] : [batch, all, count];
  let indices = write.reshape(axes.map(({ index }) => index).reduce(write.add), form);
  const size = sizeOf(spatial);
  if (batch > 1) {
    const starts = Array.from({ length: batch }, (_, b) => b * size);
    indices = write.add(indices, write.ints(starts, [batch, ...form.slice(1).map(() => 1)]));
  }
  const weight = axes.map((axis) => axis.weight).reduce((a, b) => product(write, a, b));
  const planes = write.transpose(write.reshape(x, [batch, channels, size]), [1, 0, 2]);
  const entries = write.gather(write.reshape(planes, [channels, batch * size]), indices, 1);
  return { entries, weights: weight && write.reshape(weight, form) };
}

/** The polynomials of a kernel at a fraction [B, 1…, P], along the axis of `place` that is not 1. */
function weightOf(write: Writer, { weights }: Kernel, fraction: string, place: readonly number[]): string {
  const [highest, ...rest] = weights[0]!.map((_, power) =>
    write.floats(
      [...place, 1],
      weights.map((one) => one[power]!),
    ),
  );
  return rest.reduce((sum, next) => write.add(write.mul(sum, fraction), next), highest!);
}

const product = (write: Writer, a: string | undefined, b: string | undefined): string | undefined =>
  a === undefined || b === undefined ? (a ?? b) : write.mul(a, b);

/** 1 where a whole number is an index, and 0 elsewhere. It is compared with halves, so that nothing is at a kink. */
function isInside(write: Writer, index: string, extent: number): string {
  const above = write.op("Greater", [index, write.number(-0.5)]);
  const below = write.op("Less", [index, write.number(extent - 0.5)]);
  return write.op("Cast", [write.op("And", [above, below])], { to: int(FLOAT) });
}

const FLOAT = 1;
const INT64 = 7;
