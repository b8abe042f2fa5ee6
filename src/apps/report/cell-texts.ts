import { formatNumber } from "../../base/index.ts";

/** Digits beyond which float32 products tell nothing. */
const MOST_DIGITS = 8;

/**
 * The cells of a table's row as they are printed: numbers to three digits, and a value with the two ends of its interval, which follow
 * it in columns that end in `low` and `high`, to as many as tell the ends apart.
 */
export function cellTexts(columns: readonly string[], cells: readonly (string | number)[]): string[] {
  const digits = cells.map(() => 3);
  columns.forEach((column, i) => {
    const [low, high] = [cells[i], cells[i + 1]];
    if (!isEnd(column, "low") || !isEnd(columns[i + 1], "high")) return;
    if (typeof low !== "number" || typeof high !== "number" || low === high) return;
    let count = 3;
    while (count < MOST_DIGITS && formatNumber(low, count) === formatNumber(high, count)) count++;
    digits.fill(count, Math.max(0, i - 1), i + 2);
  });
  return cells.map((cell, i) => (typeof cell === "number" ? formatNumber(cell, digits[i]) : cell));
}

const isEnd = (column: string | undefined, end: string): boolean =>
  column === end || column?.endsWith(`, ${end}`) === true;
