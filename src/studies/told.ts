import { plural, typeset } from "../base/index.ts";
import { type Estimate, unitOf } from "./statistics.ts";

/**
 * `0.512 (95 % interval 0.401 to 0.633, n = 16 images)`; `0.512 (3 images: no interval)`; `0.9 (the same for all 40 images)`. The
 * ends have as many digits as tell them apart. That of a control also says over how many draws it is a mean. An estimate of one image that stands for all is given the number of `all`.
 */
export function told({ value, low, high, n, draws, sample }: Estimate, all = n): string {
  const unit = unitOf(sample);
  if (Number.isNaN(value)) return `not known of any ${unit}`;
  const networks = draws === undefined || draws === 1 ? "" : ` × ${draws} draws`;
  const images = `${plural(n, unit)}${networks}`;
  const alone = inDigits(value, 3);
  if (n === 1 && all > 1) return `${alone} (J is the same for all ${all} images)`;
  if (Number.isNaN(low)) return `${alone} (${images}: no interval)`;
  if (low === high) return `${alone} (the same for all ${images})`;
  const { middle, from, to } = ends({ value, low, high });
  return `${middle} (95 % interval ${from} to ${to}, n = ${images})`;
}

/** `0.512 (0.401 to 0.633)`, or the value alone where there is no interval, for tables that say the rest elsewhere. */
export function toldBriefly({ value, low, high }: Pick<Estimate, "value" | "low" | "high">): string {
  if (Number.isNaN(value)) return "not known";
  if (Number.isNaN(low) || low === high) return inDigits(value, 3);
  const { middle, from, to } = ends({ value, low, high });
  return `${middle} (${from} to ${to})`;
}

function ends({ value, low, high }: Pick<Estimate, "value" | "low" | "high">) {
  let digits = 3;
  while (inDigits(low, digits) === inDigits(high, digits)) digits++;
  return { middle: inDigits(value, digits), from: inDigits(low, digits), to: inDigits(high, digits) };
}

/** Formats a number with at least so many digits, and with all digits before the point. */
const inDigits = (value: number, digits: number): string =>
  typeset(Math.abs(value) >= 10 ** digits && Math.abs(value) < 1e9 ? value.toFixed(0) : value.toPrecision(digits));

/** `between 6.48 (conv1) and 1911 (fire9)`: the range over all taps, for statements about the first and the last tap. */
export function rangeOf(places: readonly string[], values: readonly number[]): string {
  const known = values.flatMap((value, i) => (Number.isFinite(value) ? [{ value, place: places[i]! }] : []));
  if (known.length === 0) return "nowhere that is known";
  const [least, most] = [-1, 1].map((sign) =>
    known.reduce((a, b) => (sign * b.value > sign * a.value ? b : a), known[0]!),
  );
  return `between ${inDigits(least!.value, 3)} (${least!.place}) and ${inDigits(most!.value, 3)} (${most!.place})`;
}
