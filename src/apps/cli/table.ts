import { widthOf } from "./width.ts";

/** A table in plain text, columns aligned: numbers (columns named in `right`) to the right, the rest to the left. */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => widthOf(row[column] ?? ""))));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => {
        const fill = " ".repeat(widths[column]! - widthOf(cell));
        return right.includes(column) ? fill + cell : cell + fill;
      })
      .join("  ")
      .trimEnd();
  return [line(head), widths.map((width) => "─".repeat(width)).join("  "), ...rows.map(line)].join("\n");
}
