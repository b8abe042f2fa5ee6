import { PushforwardError, type Shape } from "../../base/index.ts";
import { float, int, ints, intTensor } from "../build.ts";
import type { Node } from "../model.ts";
import { type OperatorRewriting, type Rewrite, type Rewriting, standard, without } from "../rewrite.ts";
import { microsoftAttention } from "./microsoft-attention.ts";
import { groupedAttention } from "./microsoft-grouped.ts";
import { NORMALIZATION_ATTRIBUTES, rms, scaleToUnitRms } from "./normalization.ts";
import { scalar } from "./parts.ts";

/** The activation that a fused operator applies last, with its parameters in the order of the format. */
function activate(node: Node, to: Rewrite, x: string, activation: string, [a = 0, b = 0]: readonly number[]): Node {
  switch (activation) {
    case "":
      return standard(node, "Identity", [x]);
    case "Relu":
    case "Sigmoid":
    case "Tanh":
      return standard(node, activation, [x]);
    case "LeakyRelu":
      return standard(node, activation, [x], { alpha: float(a) });
    case "HardSigmoid":
      return standard(node, activation, [x], { alpha: float(a), beta: float(b) });
    case "Clip":
      return standard(node, activation, [x, scalar(to, "min", a), scalar(to, "max", b)]);
    default:
      throw new PushforwardError("op-unsupported", {
        what: `The activation ${activation} of the fused operator ${node.op} is not supported.`,
        where: { node: node.name || node.outputs[0], op: node.op },
        fix: "Use the model from before its graph was optimized.",
      });
  }
}

function fusedConv(node: Node, to: Rewrite): Node {
  const [x = "", weight = "", bias = "", summand = ""] = node.inputs;
  const read = to.attributes;
  const attributes = without(node.attributes, "activation", "activation_params");
  const product = to.add("Conv", bias === "" ? [x, weight] : [x, weight, bias], attributes);
  const total = summand === "" ? product : to.add("Add", [product, summand]);
  return activate(node, to, total, read.text("activation", ""), read.floats("activation_params") ?? []);
}

function fusedGemm(node: Node, to: Rewrite): Node {
  const read = to.attributes;
  const own = ["activation", "activation_alpha", "activation_beta", "activation_gamma"];
  const product = to.add("Gemm", node.inputs, without(node.attributes, ...own));
  const parameters = [read.float("activation_alpha", 0), read.float("activation_beta", 0)];
  return activate(node, to, product, read.text("activation", ""), parameters);
}

/** alpha · op(A) · op(B), where op swaps the last two axes if the attributes say so. */
function fusedMatMul(node: Node, to: Rewrite): Node {
  const [a = "", b = ""] = node.inputs;
  const read = to.attributes;
  const operand = (name: string, transposed: boolean): string | undefined => {
    if (!transposed) return name;
    const shape = to.shape(name);
    if (shape === undefined || shape.length < 2) return undefined;
    return to.add("Transpose", [name], { perm: ints(swapLast(shape)) });
  };
  if (read.int("transBatchA", 0) !== 0 || read.int("transBatchB", 0) !== 0) return node;
  const left = operand(a, read.int("transA", 0) !== 0);
  const right = operand(b, read.int("transB", 0) !== 0);
  if (left === undefined || right === undefined) return node;
  const alpha = read.float("alpha", 1);
  if (alpha === 1) return standard(node, "MatMul", [left, right]);
  return standard(node, "Mul", [to.add("MatMul", [left, right]), scalar(to, "alpha", alpha)]);
}

/** The permutation that swaps the last two axes. */
function swapLast(shape: Shape): number[] {
  const { length } = shape;
  return [...shape.keys()].map((axis) => (axis < length - 2 ? axis : 2 * length - 3 - axis));
}

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

/** The sum of the first two inputs and of a bias. If the fourth output is used, the sum has its name. */
function skipSum(node: Node, to: Rewrite, bias: string): string {
  const [x = "", skip = ""] = node.inputs;
  const name = node.outputs[3] || undefined;
  if (bias === "") return to.add("Add", [x, skip], {}, name);
  return to.add("Add", [to.add("Add", [x, skip]), bias], {}, name);
}

function skipLayerNormalization(node: Node, to: Rewrite): Node {
  if (node.outputs[1] || node.outputs[2]) return node;
  const [, , gamma = "", beta = "", bias = ""] = node.inputs;
  const epsilon = float(to.attributes.float("epsilon", 1e-12));
  return standard(node, "LayerNormalization", [skipSum(node, to, bias), gamma, beta], { epsilon, axis: int(-1) });
}

function skipRmsNormalization(node: Node, to: Rewrite): Node {
  if (node.outputs[1] || node.outputs[2]) return node;
  const [, , gamma = "", bias = ""] = node.inputs;
  const epsilon = to.attributes.float("epsilon", 1e-12);
  return scaleToUnitRms(node, to, skipSum(node, to, bias), gamma, to.constant("axes", intTensor([-1])), epsilon);
}

const MATRIX = ["alpha", "transA", "transB"] as const;

const takenApart = (rewrite: Rewriting, attributes: readonly string[] = []): OperatorRewriting => ({
  attributes,
  rewrite,
});

/** The fused operators of ONNX Runtime. */
export const microsoft: Readonly<Record<string, OperatorRewriting>> = {
  ...groupedAttention,
  ...microsoftAttention,
  "com.microsoft:BiasGelu": takenApart((node, to) => gelu(node, to, to.add("Add", node.inputs))),
  "com.microsoft:FastGelu": takenApart(fastGelu),
  "com.microsoft:FusedConv": takenApart(fusedConv, [
    "activation",
    "activation_params",
    "auto_pad",
    "dilations",
    "group",
    "kernel_shape",
    "pads",
    "strides",
  ]),
  "com.microsoft:FusedGemm": takenApart(fusedGemm, [
    "activation",
    "activation_alpha",
    "activation_beta",
    "activation_gamma",
    "beta",
    ...MATRIX,
  ]),
  "com.microsoft:FusedMatMul": {
    attributes: [...MATRIX, "transBatchA", "transBatchB"],
    looksAt: [0, 1],
    rewrite: fusedMatMul,
  },
  "com.microsoft:Gelu": takenApart((node, to) => gelu(node, to)),
  "com.microsoft:LayerNormalization": takenApart((node) => ({ ...node, domain: "" }), NORMALIZATION_ATTRIBUTES),
  "com.microsoft:QuickGelu": takenApart(quickGelu, ["alpha"]),
  "com.microsoft:SimplifiedLayerNormalization": rms,
  "com.microsoft:SkipLayerNormalization": takenApart(skipLayerNormalization, ["epsilon"]),
  "com.microsoft:SkipSimplifiedLayerNormalization": takenApart(skipRmsNormalization, ["epsilon"]),
};
