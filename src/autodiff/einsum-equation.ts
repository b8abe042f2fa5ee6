import type { Shape } from "../base/index.ts";

/** An Einsum whose labels are spelled out: an ellipsis has become one label for each axis that it covers. */
export interface Contraction {
  /** The label of each axis of each operand; a label that an operand has twice takes its diagonal. */
  readonly operands: readonly (readonly string[])[];
  readonly output: readonly string[];
  readonly extents: ReadonlyMap<string, number>;
}

/**
 * Reads the equation of an Einsum. The axes that an ellipsis covers are aligned at the right, as in broadcasting, and have the labels
 * `.1` (the last), `.2` and so on.
 */
export function readEinsum(equation: string, shapes: readonly Shape[]): Contraction {
  const [left = "", right] = equation.replace(/\s/g, "").split("->");
  const terms = left.split(",").map(labelsOf);
  const operands = terms.map((labels, i) => spelledOut(labels, shapes[i]?.length ?? 0));
  const covered = operands.flat().filter((label) => label.startsWith("."));
  const widest = covered.reduce((most, label) => Math.max(most, Number(label.slice(1))), 0);
  const stated = right === undefined ? implicitOutput(terms) : labelsOf(right);
  const output = spelledOut(stated, stated.length - (stated.includes(ELLIPSIS) ? 1 : 0) + widest);
  const extents = new Map<string, number>();
  operands.forEach((labels, i) => {
    labels.forEach((label, axis) => {
      extents.set(label, Math.max(extents.get(label) ?? 1, shapes[i]![axis]!));
    });
  });
  return { operands, output, extents };
}

/**
 * The axes of one operand of an Einsum over which it sums: those whose label the output does not have.
 *
 * @param rank the number of axes of the operand, of which an ellipsis covers those without a label
 */
export function contractedAxes(equation: string, position: number, rank: number): number[] {
  const [left = "", right] = equation.replace(/\s/g, "").split("->");
  const terms = left.split(",").map(labelsOf);
  const output = right === undefined ? implicitOutput(terms) : labelsOf(right);
  const labels = spelledOut(terms[position] ?? [], rank);
  return labels.flatMap((label, axis) => (label.startsWith(".") || output.includes(label) ? [] : [axis]));
}

const ELLIPSIS = "...";

const labelsOf = (term: string): string[] => term.match(/\.\.\.|[A-Za-z]/g) ?? [];

/** Without an arrow, the output has what the ellipses cover, and then the labels that occur once, in alphabetical order. */
function implicitOutput(terms: readonly (readonly string[])[]): string[] {
  const all = terms.flat();
  const once = all.filter((label) => label !== ELLIPSIS && all.indexOf(label) === all.lastIndexOf(label)).sort();
  return all.includes(ELLIPSIS) ? [ELLIPSIS, ...once] : once;
}

/** One label for each axis. */
function spelledOut(labels: readonly string[], rank: number): string[] {
  const covered = rank - labels.length + 1;
  return labels.flatMap((label) =>
    label === ELLIPSIS ? Array.from({ length: covered }, (_, i) => `.${covered - i}`) : [label],
  );
}
