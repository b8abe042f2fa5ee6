import { powerOfTen } from "../base/index.ts";

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

/** The distance of two lines of turned text, in pixels. */
const ASLANT = 17;
