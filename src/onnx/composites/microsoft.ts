import type { Node } from "../model.ts";
import { type OperatorRewriting, type Rewrite, type Rewriting, standard } from "../rewrite.ts";
import { microsoftAttention } from "./microsoft-attention.ts";
import { groupedAttention } from "./microsoft-grouped.ts";
import { microsoftLinear } from "./microsoft-linear.ts";
import { microsoftNormalization } from "./microsoft-normalization.ts";
import { plus, scalar, slice } from "./parts.ts";

/** x/2 · (1 + erf(x/√2)) */
function gelu(node: Node, to: Rewrite, x = node.inputs[0] ?? ""): Node {
  const erf = to.add("Erf", [to.add("Mul", [x, scalar(to, "sqrt-half", Math.SQRT1_2)])]);
  return halfTimesOnePlus(node, to, x, erf);
}

function halfTimesOnePlus(node: Node, to: Rewrite, x: string, y: string): Node {
  const half = to.add("Mul", [x, scalar(to, "half", 0.5)]);
  return standard(node, "Mul", [half, to.add("Add", [y, scalar(to, "one", 1)])]);
}

/** x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))), after a bias is added to x if one is given. */
function fastGelu(node: Node, to: Rewrite): Node {
  const [input = "", bias = ""] = node.inputs;
  const x = bias === "" ? input : to.add("Add", [input, bias]);
  const cubed = to.add("Mul", [to.add("Mul", [x, x]), x]);
  const inner = to.add("Add", [x, to.add("Mul", [cubed, scalar(to, "cubic", 0.044715)])]);
  const tanh = to.add("Tanh", [to.add("Mul", [inner, scalar(to, "slope", Math.sqrt(2 / Math.PI))])]);
  return halfTimesOnePlus(node, to, x, tanh);
}

/** x · sigmoid(alpha · x) */
function quickGelu(node: Node, to: Rewrite): Node {
  const [x = ""] = node.inputs;
  const alpha = to.attributes.float("alpha", 1.702);
  return standard(node, "Mul", [x, to.add("Sigmoid", [to.add("Mul", [x, scalar(to, "alpha", alpha)])])]);
}

/** The half before, times the gelu of the half after, on the last axis. */
function biasSplitGelu(node: Node, to: Rewrite): Node {
  const [x = "", bias = ""] = node.inputs;
  const width = to.shape(x)?.at(-1);
  if (width === undefined) return node;
  const sum = to.add("Add", [x, bias]);
  const [before, after] = [slice(to, sum, 0, width / 2), slice(to, sum, width / 2, width)];
  const erf = to.add("Erf", [to.add("Mul", [after, scalar(to, "sqrt-half", Math.SQRT1_2)])]);
  const half = to.add("Mul", [after, scalar(to, "half", 0.5)]);
  return standard(node, "Mul", [before, to.add("Mul", [half, to.add("Add", [erf, scalar(to, "one", 1)])])]);
}

/** In inference, dropout is the identity. */
function biasDropout(node: Node, to: Rewrite): Node {
  const [x = "", bias = "", residual = "", , training = ""] = node.inputs;
  const flag = training === "" ? undefined : to.value(training);
  if (node.outputs[1] || (training !== "" && flag?.data[0] !== 0)) return node;
  return standard(node, "Identity", [plus(to, to.add("Add", [x, bias]), residual)]);
}

const takenApart = (
  rewrite: Rewriting,
  attributes: readonly string[] = [],
  looksAt: readonly number[] = [],
): OperatorRewriting => ({ attributes, looksAt, rewrite });

/** The operators that ONNX Runtime adds, and those that it fuses others to. */
export const microsoft: Readonly<Record<string, OperatorRewriting>> = {
  ...groupedAttention,
  ...microsoftAttention,
  ...microsoftLinear,
  ...microsoftNormalization,
  "com.microsoft:BiasAdd": takenApart((node, to) =>
    standard(node, "Add", [to.add("Add", node.inputs.slice(0, 2)), node.inputs[2] ?? ""]),
  ),
  "com.microsoft:BiasDropout": takenApart(biasDropout, ["seed"], [4]),
  "com.microsoft:BiasGelu": takenApart((node, to) => gelu(node, to, to.add("Add", node.inputs))),
  "com.microsoft:BiasSplitGelu": takenApart(biasSplitGelu, [], [0]),
  "com.microsoft:FastGelu": takenApart(fastGelu),
  "com.microsoft:Gelu": takenApart((node, to) => gelu(node, to)),
  "com.microsoft:QuickGelu": takenApart(quickGelu, ["alpha"]),
};
