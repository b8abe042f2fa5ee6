/**
 * The axes of one operand of an Einsum over which it sums: those whose label the output does not have.
 *
 * @param rank the number of axes of the operand, of which an ellipsis covers those without a label
 */
export function contractedAxes(equation: string, position: number, rank: number): number[] {
  const [left = "", right] = equation.replace(/\s/g, "").split("->");
  const operands = left.split(",").map(labelsOf);
  const output = right === undefined ? implicitOutput(operands) : labelsOf(right);
  const labels = withoutEllipsis(operands[position] ?? [], rank);
  return labels.flatMap((label, axis) => (label === ELLIPSIS || output.includes(label) ? [] : [axis]));
}

const ELLIPSIS = "...";

const labelsOf = (term: string): string[] => term.match(/\.\.\.|[A-Za-z]/g) ?? [];

/** Without an arrow, the output has the labels that occur once. */
function implicitOutput(operands: readonly (readonly string[])[]): string[] {
  const all = operands.flat();
  return all.filter((label) => all.indexOf(label) === all.lastIndexOf(label));
}

/** One label for each axis: an ellipsis is repeated for the axes that it covers. */
function withoutEllipsis(labels: readonly string[], rank: number): string[] {
  const covered = rank - labels.length + 1;
  return labels.flatMap((label) => (label === ELLIPSIS ? new Array<string>(covered).fill(ELLIPSIS) : [label]));
}
