import { formatNumber } from "../../base/index.ts";
import type { Estimate } from "../../studies/index.ts";

/** Digits beyond which float32 products tell nothing. */
const MOST_DIGITS = 8;

/**
 * An estimate as a table prints it: to three digits, or to as many as tell the ends of its interval apart. There is no interval if there
 * are too few images, or if the value is the same for all.
 */
export function estimateTexts({ value, low, high }: Pick<Estimate, "value" | "low" | "high">): {
  readonly value: string;
  readonly interval: string | undefined;
} {
  if (!(Number.isFinite(low) && Number.isFinite(high)) || low === high) {
    return { value: formatNumber(value), interval: undefined };
  }
  let digits = 3;
  while (digits < MOST_DIGITS && formatNumber(low, digits) === formatNumber(high, digits)) digits++;
  const [middle, from, to] = [value, low, high].map((number) => formatNumber(number, digits));
  return { value: middle!, interval: `${from} to ${to}` };
}
