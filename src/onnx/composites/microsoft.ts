import { dropoutFactor } from "../dropout.ts";
import type { Node } from "../model.ts";
import { type OperatorRewriting, type Rewrite, type Rewriting, standard } from "../rewrite.ts";
import { microsoftAttention } from "./microsoft-attention.ts";
import { microsoftDecoder } from "./microsoft-decoder.ts";
import { microsoftExperts } from "./microsoft-experts.ts";
import { microsoftForms } from "./microsoft-forms.ts";
import { microsoftGates } from "./microsoft-gates.ts";
import { groupedAttention } from "./microsoft-grouped.ts";
import { microsoftLinear } from "./microsoft-linear.ts";
import { microsoftNormalization } from "./microsoft-normalization.ts";
import { microsoftPadding } from "./microsoft-padding.ts";
import { paged } from "./microsoft-paged.ts";
import { microsoftPosition } from "./microsoft-position.ts";
import { microsoftRotary } from "./microsoft-rotary.ts";
import { microsoftSampling } from "./microsoft-sampling.ts";
import { microsoftSignal } from "./microsoft-signal.ts";
import { sparse } from "./microsoft-sparse.ts";
import { microsoftVarlen } from "./microsoft-varlen.ts";
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

/** What dropout leaves out entries of, and what is added then. */
type DropoutParts = (node: Node, to: Rewrite) => { readonly sum: string; readonly residual?: string };

/** Dropout of a sum, plus a residual if there is one. In inference nothing is left out. A mask of bits is not made. */
const dropout =
  (place: number, parts: DropoutParts, maskOf: "truth values" | "bits" = "truth values"): Rewriting =>
  (node, to) => {
    const [ratio = "", training = ""] = node.inputs.slice(place - 1);
    const mask = node.outputs[1] ?? "";
    if (mask !== "" && maskOf === "bits") return node;
    const { sum, residual = "" } = parts(node, to);
    const infers = training === "" || to.value(training)?.data[0] === 0;
    if (infers && mask === "") return standard(node, "Identity", [plus(to, sum, residual)]);
    const kept = to.add("Mul", [sum, dropoutFactor(to, sum, { ratio, training, mask, seed: node.attributes })]);
    return standard(node, "Identity", [plus(to, kept, residual)]);
  };

const biased: DropoutParts = ({ inputs: [x = "", bias = "", residual = ""] }, to) => ({
  sum: to.add("Add", [x, bias]),
  residual,
});

/** The operators that ONNX Runtime adds, and those that it fuses others to. */
export const microsoft: Readonly<Record<string, OperatorRewriting>> = {
  ...groupedAttention,
  ...microsoftAttention,
  ...microsoftDecoder,
  ...microsoftExperts,
  ...microsoftForms,
  ...microsoftGates,
  ...microsoftLinear,
  ...microsoftNormalization,
  ...microsoftPadding,
  ...microsoftPosition,
  ...microsoftRotary,
  ...microsoftSampling,
  ...microsoftSignal,
  ...microsoftVarlen,
  ...paged,
  ...sparse,
  "com.microsoft:BiasAdd": takenApart((node, to) =>
    standard(node, "Add", [to.add("Add", node.inputs.slice(0, 2)), node.inputs[2] ?? ""]),
  ),
  "com.microsoft:BiasDropout": takenApart(dropout(4, biased), ["seed"], [4]),
  "com.microsoft:BiasGelu": takenApart((node, to) =>
    standard(node, "Identity", [gelu(to, to.add("Add", node.inputs))]),
  ),
  "com.microsoft:BiasSplitGelu": takenApart(biasSplitGelu, [], [0]),
  "com.microsoft:BitmaskBiasDropout": takenApart(dropout(4, biased, "bits"), ["seed"], [4]),
  "com.microsoft:BitmaskDropout": takenApart(
    dropout(2, ({ inputs: [x = ""] }) => ({ sum: x }), "bits"),
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
