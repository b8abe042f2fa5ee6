import { PushforwardError } from "../../base/index.ts";
import { float } from "../build.ts";
import type { Node } from "../model.ts";
import type { Writer } from "./writer.ts";

/** An elementwise function of a tensor: the name of the result from the name of the argument. */
export type Activation = (to: Writer, x: string) => string;

interface Definition {
  /** The values of alpha and beta that ONNX gives where a node states none; a function has the parameters that have one. */
  readonly defaults: readonly number[];
  readonly write: (to: Writer, x: string, alpha: number, beta: number) => string;
}

const plain = (op: string): Definition => ({ defaults: [], write: (to, x) => to.op(op, [x]) });

/** The activations of recurrent operators, by their names in lower case. */
const definitions: Readonly<Record<string, Definition>> = {
  affine: { defaults: [1, 0], write: (to, x, alpha, beta) => to.affine(alpha, x, beta) },
  elu: { defaults: [1], write: (to, x, alpha) => to.op("Elu", [x], { alpha: float(alpha) }) },
  hardsigmoid: {
    defaults: [0.2, 0.5],
    write: (to, x, alpha, beta) => to.op("HardSigmoid", [x], { alpha: float(alpha), beta: float(beta) }),
  },
  leakyrelu: { defaults: [0.01], write: (to, x, alpha) => to.op("LeakyRelu", [x], { alpha: float(alpha) }) },
  relu: plain("Relu"),
  scaledtanh: {
    defaults: [1, 1],
    write: (to, x, alpha, beta) => to.affine(alpha, to.op("Tanh", [to.affine(beta, x, 0)]), 0),
  },
  sigmoid: plain("Sigmoid"),
  softplus: plain("Softplus"),
  softsign: plain("Softsign"),
  tanh: plain("Tanh"),
  thresholdedrelu: {
    defaults: [1],
    write: (to, x, alpha) => to.op("ThresholdedRelu", [x], { alpha: float(alpha) }),
  },
};

/**
 * The activations of a node, for each direction those of a cell in the order of the format. Values of alpha and beta are handed out in
 * this order, to the functions that have them; the others keep ONNX's own.
 *
 * @param names the activations of a cell where the node states none
 * @throws PushforwardError `op-unsupported` for a name that ONNX does not list, and for a wrong number of them
 */
export function activationsOf(
  node: Node,
  directions: number,
  names: readonly string[],
): readonly (readonly Activation[])[] {
  const { activations, activation_alpha: alphas, activation_beta: betas, clip } = node.attributes;
  const named = activations?.kind === "strings" ? activations.value : undefined;
  const all = named ?? Array.from({ length: directions }, () => names).flat();
  if (all.length !== directions * names.length) {
    throw refusal(node, `It names ${all.length} activations, and ${directions * names.length} are needed.`);
  }
  const parameters = [alphas, betas].map((list) => (list?.kind === "floats" ? [...list.value] : []));
  const limit = clip?.kind === "float" ? clip.value : undefined;
  const made = all.map((name): Activation => {
    const definition = definitions[name.toLowerCase()];
    if (definition === undefined) throw refusal(node, `Its activation ${name} is not one that ONNX lists.`);
    const [alpha = 0, beta = 0] = definition.defaults.map((otherwise, i) => parameters[i]!.shift() ?? otherwise);
    return (to, x) => definition.write(to, clipped(to, x, limit), alpha, beta);
  });
  return Array.from({ length: directions }, (_, i) => made.slice(i * names.length, (i + 1) * names.length));
}

const clipped = (to: Writer, x: string, limit: number | undefined): string =>
  limit === undefined ? x : to.op("Clip", [x, to.number(-limit), to.number(limit)]);

function refusal(node: Node, what: string): PushforwardError {
  return new PushforwardError("op-unsupported", {
    what,
    where: { node: node.name || node.outputs[0], op: node.op },
    fix: "Export the model with activations that the ONNX format lists.",
  });
}
