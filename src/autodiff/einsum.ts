import { sizeOf } from "../base/index.ts";
import { intTensor, text } from "../onnx/index.ts";
import { type Contraction, readEinsum } from "./einsum-equation.ts";
import type { PrimalBuilder, Value } from "./primal.ts";
import type { LinearBuilder, Tangent } from "./program.ts";
import type { Rule, ShapedNode } from "./rule.ts";

/** Maps the tangent of one operand. */
type Along = (l: LinearBuilder, dx: NonNullable<Tangent>) => Tangent;

const contractionOf = ({ attributes, inputs }: ShapedNode): Contraction =>
  readEinsum(
    attributes.text("equation", ""),
    inputs.map(({ shape }) => shape),
  );

const distinct = (labels: readonly string[]) => [...new Set(labels)];

/** Y is linear in each operand: dY = Σ, over the operands, of the contraction of dX with the product of the others. */
export const einsum: Rule = (node, primal) => {
  const whole = contractionOf(node);
  const along = node.inputs.map((_, i) => (node.varies(i) ? alongOperand(primal, node.inputs, i, whole) : undefined));
  return (l, ...tangents) => l.add(...tangents.map((dx, i) => (dx === undefined ? undefined : along[i]?.(l, dx))));
};

/**
 * The product of the other operands, W, is computed at the point. The labels of X and W are those of a batch (both and the output have
 * them), of rows (X and the output), of columns (W and the output), or they are summed over. So the contraction is a matrix product,
 * or a product of entries if nothing is summed over.
 */
function alongOperand(primal: PrimalBuilder, inputs: readonly Value[], position: number, whole: Contraction): Along {
  const { operands, output, extents } = whole;
  const sizes = (labels: readonly string[]) => labels.map((label) => extents.get(label)!);
  const places = (labels: readonly string[]) => output.map((one) => (labels.includes(one) ? extents.get(one)! : 1));
  const others = inputs.flatMap((x, i) => (i === position ? [] : [withoutUnits(primal, x, operands[i]!, extents)]));
  const inW = distinct(others.flatMap(({ labels }) => labels));
  const { labels: all, steps } = withoutRepeats(primal, operands[position]!, extents);
  // An axis of 1 that broadcasts is none.
  const axisOf = (label: string) => operands[position]!.indexOf(label);
  const inX = all.filter((label) => inputs[position]!.shape[axisOf(label)] === extents.get(label));
  const batch = output.filter((label) => inX.includes(label) && inW.includes(label));
  const rows = output.filter((label) => inX.includes(label) && !inW.includes(label));
  const columns = output.filter((label) => !inX.includes(label) && inW.includes(label));
  const inner = inX.filter((label) => inW.includes(label) && !output.includes(label));
  /** dX with axes of these labels alone; it is summed over those that neither W nor the output has. */
  const arranged: (l: LinearBuilder, dx: Tangent, labels: readonly string[]) => Tangent = (l, dx, labels) => {
    const taken = steps.reduce((t, step) => step(l, t!), dx);
    const summed = all.filter((label) => !labels.includes(label));
    const narrow = l.sum(
      taken,
      summed.map((label) => all.indexOf(label) - all.length),
    );
    const kept = all.filter((label) => labels.includes(label));
    return l.transpose(
      l.reshape(narrow, sizes(kept)),
      labels.map((label) => kept.indexOf(label)),
    );
  };
  if (inner.length === 0) {
    const w =
      others.length === 0
        ? undefined
        : product(
            primal,
            others,
            [...output].filter((label) => inW.includes(label)),
            extents,
          );
    const factor = w && primal.keep(primal.reshape(w, places(inW)));
    const own = output.filter((label) => inX.includes(label));
    return (l, dx) => {
      const wide = l.broadcast(l.reshape(arranged(l, dx, own), places(own)), sizes(output));
      return factor ? l.scale(factor, wide) : wide;
    };
  }
  const [b, r, i, c] = [sizes(batch), ...[rows, inner, columns].map((labels) => [sizeOf(sizes(labels))])] as number[][];
  // The side on which W stands is that of its columns in the output.
  const onLeft = columns.length > 0 && rows.length > 0 && output.indexOf(columns[0]!) < output.indexOf(rows[0]!);
  const matrixLabels = onLeft ? [...batch, ...columns, ...inner] : [...batch, ...inner, ...columns];
  const matrixShape = onLeft ? [...b!, ...c!, ...i!] : [...b!, ...i!, ...c!];
  const matrix = primal.keep(primal.reshape(product(primal, others, matrixLabels, extents), matrixShape));
  const result = onLeft ? [...batch, ...columns, ...rows] : [...batch, ...rows, ...columns];
  return (l, dx) => {
    const y = onLeft
      ? l.matmulLeft(matrix, l.reshape(arranged(l, dx, [...batch, ...inner, ...rows]), [...b!, ...i!, ...r!]))
      : l.matmul(l.reshape(arranged(l, dx, [...batch, ...rows, ...inner]), [...b!, ...r!, ...i!]), matrix);
    return l.transpose(
      l.reshape(y, sizes(result)),
      output.map((label) => result.indexOf(label)),
    );
  };
}

interface Labelled {
  readonly value: Value;
  readonly labels: readonly string[];
}

/** An operand without its axes of 1 that broadcast. */
function withoutUnits(
  primal: PrimalBuilder,
  x: Value,
  labels: readonly string[],
  extents: Contraction["extents"],
): Labelled {
  const kept = [...x.shape.keys()].filter((axis) => x.shape[axis] === extents.get(labels[axis]!));
  const value =
    kept.length === labels.length
      ? x
      : primal.reshape(
          x,
          kept.map((axis) => x.shape[axis]!),
        );
  return { value, labels: kept.map((axis) => labels[axis]!) };
}

const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** The product of operands, with axes of these labels; it is summed over all others. */
function product(
  primal: PrimalBuilder,
  operands: readonly Labelled[],
  labels: readonly string[],
  extents: Contraction["extents"],
): Value {
  const [first] = operands;
  if (operands.length === 1 && first!.labels.join() === labels.join()) return first!.value;
  const all = distinct(operands.flatMap((operand) => operand.labels));
  const term = (of: readonly string[]) => of.map((label) => LETTERS[all.indexOf(label)]).join("");
  const equation = `${operands.map((operand) => term(operand.labels)).join(",")}->${term(labels)}`;
  return primal.op(
    "Einsum",
    operands.map(({ value }) => value),
    labels.map((label) => extents.get(label)!),
    { equation: text(equation) },
  );
}

/** Takes the diagonal of each two axes with one label, until the labels are distinct. */
function withoutRepeats(
  primal: PrimalBuilder,
  operand: readonly string[],
  extents: Contraction["extents"],
): { labels: readonly string[]; steps: readonly Along[] } {
  const steps: Along[] = [];
  let labels = operand;
  for (;;) {
    const second = labels.findIndex((label, axis) => labels.indexOf(label) < axis);
    if (second < 0) return { labels, steps };
    const first = labels.indexOf(labels[second]!);
    const extent = extents.get(labels[second]!)!;
    const rest = [...labels.keys()].filter((axis) => axis !== first && axis !== second);
    const places = primal.keep(primal.constant(intTensor(Array.from({ length: extent }, (_, i) => i * (extent + 1)))));
    // The diagonal, which is the last axis after it is taken, returns to the place of the first of the two.
    const back = [...rest.keys()].toSpliced(first, 0, rest.length);
    steps.push((l, x) => {
      const shape = [...rest.map((axis) => x.shape[axis]!), extent * extent];
      return l.transpose(l.gather(l.reshape(l.transpose(x, [...rest, first, second]), shape), places, -1), back);
    });
    labels = labels.filter((_, axis) => axis !== second);
  }
}

/** The multiply-adds by one of two operands: over all labels that the output has, or that both have. Of more operands, it is a bound. */
export function einsumCost(node: ShapedNode): number {
  const { operands, output, extents } = contractionOf(node);
  const isShared = (label: string) => operands.filter((labels) => labels.includes(label)).length > 1;
  const inner = [...extents.keys()].filter((label) => !output.includes(label) && isShared(label));
  if (inner.length === 0) return 0;
  return sizeOf([...output, ...inner].map((label) => extents.get(label)!));
}
