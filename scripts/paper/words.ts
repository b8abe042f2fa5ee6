// Numbers and lists as the page writes them.
import { toldBriefly } from "../../src/studies/index.ts";

export type Interval = Parameters<typeof toldBriefly>[0] & { readonly n: number; readonly draws?: number };

/** `a`, `a and b`, `a, b and c`. */
export function listed(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}

/** `16 × 6`: images × draws; of a network alone, or of a single control, the images. */
export const sizeOf = ({ n, draws = 1 }: Interval, all = n): string =>
  draws > 1 ? `${n} × ${draws}` : n === 1 && all > 1 ? `1 for all ${all}` : String(n);

/** A number, or the two numbers between which it lies. */
export function between(least: Interval, most: Interval = least): string {
  return Object.is(least.value, most.value)
    ? toldBriefly(least)
    : `between ${toldBriefly(least)} and ${toldBriefly(most)}`;
}

/** A table of Markdown; columns of numbers are aligned to the right. */
export function markdownTable(
  columns: readonly { readonly name: string; readonly right?: boolean }[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const line = (cells: readonly (string | number)[]) =>
    `| ${cells.map((cell) => String(cell).replaceAll("|", "\\|")).join(" | ")} |`;
  const rule = `|${columns.map(({ right }) => (right ? " ---: |" : " --- |")).join("")}`;
  return [line(columns.map(({ name }) => name)), rule, ...rows.map(line)].join("\n");
}

/** Columns of text. */
export const named = (...names: readonly string[]) => names.map((name) => ({ name }));
