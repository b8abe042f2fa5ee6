import { powerOfTen } from "../base/index.ts";
import { columnsOf, shorten } from "./text.ts";

/** Explicit ticks and how to write them, for Plot's scale options. */
export interface Ticks {
  readonly ticks: readonly number[];
  readonly tickFormat: (tick: number) => string;
}

/** Ticks of a logarithmic σ axis: powers of ten, with 2 and 5 between them where it spans less than two decades. */
export function sigmaTicks([low, high]: readonly [number, number]): Ticks {
  const decades = Math.log10(high / low);
  const digits = decades < 2 ? [1, 2, 5] : [1];
  const from = Math.floor(Math.log10(low));
  const powers = Array.from({ length: Math.ceil(decades) + 2 }, (_, i) => from + i);
  const ticks = powers.flatMap((power) => digits.map((digit) => Number(`${digit}e${power}`)));
  const tickFormat = (tick: number) => {
    const power = Math.floor(Math.log10(tick) + 1e-9);
    if (power >= -2 && power <= 3) return String(tick);
    const digit = Math.round(tick / 10 ** power);
    return digit === 1 ? powerOfTen(power) : `${digit}·${powerOfTen(power)}`;
  };
  return { ticks: ticks.filter((tick) => tick >= low && tick <= high), tickFormat };
}

/** Ticks of a logarithmic axis of some pixels: powers of ten first, then 2 and 5 between them where there is room for their numbers. */
export function spacedTicks([low, high]: readonly [number, number], width: number): Ticks {
  const { ticks, tickFormat } = sigmaTicks([low, high]);
  const placeOf = (tick: number) => (width * Math.log(tick / low)) / Math.log(high / low || 1);
  const rank = (tick: number) => [1, 2, 5].indexOf(Number(tick.toExponential()[0]));
  const chosen: number[] = [];
  for (const tick of [...ticks].sort((a, b) => rank(a) - rank(b) || a - b)) {
    if (chosen.every((other) => Math.abs(placeOf(tick) - placeOf(other)) >= NUMBER_ROOM)) chosen.push(tick);
  }
  return { ticks: chosen.sort((a, b) => a - b), tickFormat };
}

/** The width in pixels of a number below an axis, with the space beside it. */
const NUMBER_ROOM = 30;

/** Ticks of an index axis from 1 to `last`; a narrow one has half as many. */
export function indexTicks(last: number, type: "linear" | "log", narrow: boolean): Ticks {
  const sizes = [1, 10, 100, 1000, 10000].flatMap((power) => [power, 2 * power, 5 * power]);
  if (type === "log") return { ticks: sizes.filter((tick) => tick <= last), tickFormat: String };
  const wanted = narrow ? 4 : 8;
  const step = sizes.find((size) => last / size <= wanted) ?? 100_000;
  const multiples = Array.from({ length: Math.floor(last / step) }, (_, i) => (i + 1) * step);
  return { ticks: step === 1 ? multiples : [1, ...multiples], tickFormat: String };
}

/**
 * The names along an axis that fit into its length in pixels when they are turned: all of them, or every second, third,
 * …, from the first on.
 */
export function nameTicks<T>(names: readonly T[], width: number): T[] {
  const step = Math.max(1, Math.ceil((names.length * ASLANT) / width));
  return names.filter((_, i) => i % step === 0);
}

/** The most columns of a turned name below an axis. */
const NAME_COLUMNS = 18;
/** The width in pixels that a column of a turned name takes to the left of its tick, and below the axis. */
const COLUMN = { left: 4.6, down: 4.4 };

/** The most columns to which names below an axis are cut, so that the first does not reach beyond the left edge, `room` before the axis. */
export function nameColumnsFor(names: readonly string[], { width, room }: { width: number; room: number }): number {
  const first = room + (NAME_PADDING * width) / Math.max(1, names.length - 1 + 2 * NAME_PADDING);
  return Math.max(8, Math.min(NAME_COLUMNS, Math.floor(first / COLUMN.left)));
}

/** The height in pixels of turned names that are cut to so many columns. */
export const heightOfNames = (names: readonly string[], columns: number): number =>
  COLUMN.down * Math.max(0, ...names.map((name) => columnsOf(shorten(name, columns))));

/** The space before the first name on an axis and after the last, in distances between two names. */
export const NAME_PADDING = 0.4;

/** The distance of two lines of turned text, in pixels. */
const ASLANT = 17;
