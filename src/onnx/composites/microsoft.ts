import type { Node } from "../model.ts";
import { type OperatorRewriting, type Rewrite, type Rewriting, standard } from "../rewrite.ts";
import { microsoftAttention } from "./microsoft-attention.ts";
import { microsoftExperts } from "./microsoft-experts.ts";
import { microsoftForms } from "./microsoft-forms.ts";
import { groupedAttention } from "./microsoft-grouped.ts";
import { microsoftLinear } from "./microsoft-linear.ts";
import { microsoftNormalization } from "./microsoft-normalization.ts";
import { microsoftPadding } from "./microsoft-padding.ts";
import { microsoftPosition } from "./microsoft-position.ts";
import { microsoftSampling } from "./microsoft-sampling.ts";
import { microsoftSignal } from "./microsoft-signal.ts";
import { sparse } from "./microsoft-sparse.ts";
import { fastGelu, gelu, plus, scalar, slice } from "./parts.ts";

const takenApart = (
  rewrite: Rewriting,
  attributes: readonly string[] = [],
  looksAt: readonly number[] = [],
): OperatorRewriting => ({ attributes, looksAt, rewrite });

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
  return standard(node, "Mul", [slice(to, sum, 0, width / 2), gelu(to, slice(to, sum, width / 2, width))]);
}

/** In inference, dropout is the identity. */
const dropout =
  (place: number, sum: (node: Node, to: Rewrite) => string): Rewriting =>
  (node, to) => {
    const training = node.inputs[place] ?? "";
    const flag = training === "" ? undefined : to.value(training);
    if (node.outputs[1] || (training !== "" && flag?.data[0] !== 0)) return node;
    return standard(node, "Identity", [sum(node, to)]);
  };

const biasDropout = takenApart(
  dropout(4, ({ inputs: [x = "", bias = "", residual = ""] }, to) => plus(to, to.add("Add", [x, bias]), residual)),
  ["seed"],
  [4],
);

/** The operators that ONNX Runtime adds, and those that it fuses others to. */
export const microsoft: Readonly<Record<string, OperatorRewriting>> = {
  ...groupedAttention,
  ...microsoftAttention,
  ...microsoftExperts,
  ...microsoftForms,
  ...microsoftLinear,
  ...microsoftNormalization,
  ...microsoftPadding,
  ...microsoftPosition,
  ...microsoftSampling,
  ...microsoftSignal,
  ...sparse,
  "com.microsoft:BiasAdd": takenApart((node, to) =>
    standard(node, "Add", [to.add("Add", node.inputs.slice(0, 2)), node.inputs[2] ?? ""]),
  ),
  "com.microsoft:BiasDropout": biasDropout,
  "com.microsoft:BiasGelu": takenApart((node, to) =>
    standard(node, "Identity", [gelu(to, to.add("Add", node.inputs))]),
  ),
  "com.microsoft:BiasSplitGelu": takenApart(biasSplitGelu, [], [0]),
  "com.microsoft:BitmaskBiasDropout": biasDropout,
  "com.microsoft:BitmaskDropout": takenApart(
    dropout(2, ({ inputs: [x = ""] }) => x),
    ["seed"],
    [2],
  ),
  "com.microsoft:FastGelu": takenApart((node, to) => {
    const [x = "", bias = ""] = node.inputs;
    return standard(node, "Identity", [fastGelu(to, plus(to, x, bias))]);
  }),
  "com.microsoft:Gelu": takenApart((node, to) => standard(node, "Identity", [gelu(to, node.inputs[0] ?? "")])),
  "com.microsoft:QuickGelu": takenApart(quickGelu, ["alpha"]),
};
