const number = /[-−]?\d+(?:\.\d+)?(?:e[-+]?\d+)?/g;

/** Below this a number is rounding error of float32: its digits differ from machine to machine. */
const ROUNDING = 1e-5;

/** One unit in the last digit written: 0.01 for `60.70`, 1e-8 for `1.3e-7`, 1 for `12`. */
function lastDigit(written: string): number {
  const [digits = "", exponent = "0"] = written.split("e");
  return 10 ** (Number(exponent) - (digits.split(".")[1]?.length ?? 0));
}

function agree(found: string, written: string): boolean {
  const [a, b] = [found, written].map((text) => Number(text.replace("−", "-"))) as [number, number];
  if (/^[-−]?\d+$/.test(written)) return a === b;
  if (Math.abs(a) < ROUNDING && Math.abs(b) < ROUNDING) return true;
  return Math.abs(a - b) <= 1.001 * lastDigit(written);
}

/** A line without what changes from run to run: durations, and the widths of columns that depend on them. */
const settled = (line: string) =>
  line
    .replace(/\b\d+(?:\.\d+)? (?:s|min|h)\b(?: \d+ (?:s|min)\b)?/g, "… s")
    .replace(/─+/g, "─")
    .replace(/ {2,}/g, "  ")
    .trim();

/**
 * What is wrong with a page's account of what an example prints; `undefined` where it is right. Whole numbers and words must
 * be the same; other numbers agree to one unit in the last digit that the page gives. Numbers below 1e-5 only have to be so,
 * and durations are not compared.
 */
export function disagreement(found: string, written: string): string | undefined {
  const [ours, theirs] = [found, written].map((text) => text.trimEnd().split("\n").map(settled)) as [
    string[],
    string[],
  ];
  if (ours.length !== theirs.length) return `prints ${ours.length} lines, not ${theirs.length}:\n${found}`;
  for (const [i, line] of ours.entries()) {
    const wanted = theirs[i]!;
    const [numbers, known] = [line.match(number) ?? [], wanted.match(number) ?? []];
    const sameWords = line.replace(number, "#") === wanted.replace(number, "#");
    if (sameWords && numbers.every((value, n) => agree(value, known[n]!))) continue;
    return `line ${i + 1}\n  prints ${line}\n  not    ${wanted}`;
  }
  return undefined;
}
