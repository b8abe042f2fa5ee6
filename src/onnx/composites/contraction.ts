import { text } from "../build.ts";
import type { Node } from "../model.ts";
import type { OperatorRewriting, Rewrite } from "../rewrite.ts";

const LETTERS = [..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"];
/** ONNX Runtime takes many more, but nobody writes them. */
const MOST_OPERANDS = 32;

/**
 * The equation with letters in place of ellipses, if these cover different numbers of axes: ONNX Runtime takes only ellipses that cover
 * the same number.
 */
function einsum(node: Node, to: Rewrite): Node {
  const equation = to.attributes.text("equation", "").replace(/\s/g, "");
  const [left = "", right] = equation.split("->");
  const terms = left.split(",");
  const covered = terms.map((term, i) =>
    term.includes("...") ? (to.shape(node.inputs[i] ?? "")?.length ?? 0) - (term.length - 3) : undefined,
  );
  const counts = covered.filter((count) => count !== undefined);
  const most = Math.max(0, ...counts);
  if (counts.every((count) => count === most)) return node;
  const free = LETTERS.filter((letter) => !equation.includes(letter)).slice(0, most);
  const spelled = (term: string, count = 0) => term.replace("...", free.slice(most - count).join(""));
  const output = right ?? `...${onceIn(left)}`;
  const explicit = `${terms.map((term, i) => spelled(term, covered[i])).join(",")}->${spelled(output, most)}`;
  return { ...node, attributes: { equation: text(explicit) } };
}

/** The letters that occur once, in alphabetical order: those of the output if none is given. */
const onceIn = (terms: string): string => {
  const letters = [...terms].filter((letter) => LETTERS.includes(letter));
  return letters
    .filter((letter) => letters.indexOf(letter) === letters.lastIndexOf(letter))
    .sort()
    .join("");
};

/** Products of tensors. */
export const contraction: Readonly<Record<string, OperatorRewriting>> = {
  Einsum: { attributes: ["equation"], looksAt: [...Array(MOST_OPERANDS).keys()], rewrite: einsum },
};
