import { PushforwardError, type Shape } from "../../base/index.ts";
import { float, int, ints, intTensor, toNumbers } from "../build.ts";
import type { Node } from "../model.ts";
import { type OperatorRewriting, type Rewrite, type Rewriting, standard, without } from "../rewrite.ts";
import { fastGelu, plus, scalar } from "./parts.ts";

/** The parameters of activations, in the order in which fused operators list them; those left out have the operator's default. */
const parametersOf: Readonly<Record<string, readonly ("alpha" | "beta" | "gamma")[]>> = {
  Celu: ["alpha"],
  Elu: ["alpha"],
  HardSigmoid: ["alpha", "beta"],
  HardSwish: [],
  LeakyRelu: ["alpha"],
  Mish: [],
  Relu: [],
  Selu: ["alpha", "gamma"],
  Sigmoid: [],
  Softplus: [],
  Softsign: [],
  Tanh: [],
  ThresholdedRelu: ["alpha"],
};

/** The activation that a fused operator applies last. */
function activate(
  node: Node,
  to: Rewrite,
  x: string,
  activation: string,
  values: readonly (number | undefined)[],
): Node {
  if (activation === "") return standard(node, "Identity", [x]);
  if (activation === "Clip") {
    const [low = Number.NEGATIVE_INFINITY, high = Number.POSITIVE_INFINITY] = values;
    return standard(node, "Clip", [x, scalar(to, "min", low), scalar(to, "max", high)]);
  }
  const parameters = Object.hasOwn(parametersOf, activation) ? parametersOf[activation] : undefined;
  if (parameters === undefined) {
    throw new PushforwardError("op-unsupported", {
      what: `The activation ${activation} of the fused operator ${node.op} is not supported.`,
      where: { node: node.name || node.outputs[0], op: node.op },
      fix: "Use the model from before its graph was optimized.",
    });
  }
  const given = parameters.flatMap((name, i) => {
    const value = values[i];
    return value === undefined ? [] : [[name, float(value)] as const];
  });
  return standard(node, activation, [x], Object.fromEntries(given));
}

const ACTIVATION = ["activation", "activation_alpha", "activation_beta", "activation_gamma"] as const;

/** The activation of a fused convolution, whose parameters are a list. */
function activateConv(node: Node, to: Rewrite, x: string): Node {
  const { attributes } = to;
  return activate(node, to, x, attributes.text("activation", ""), attributes.floats("activation_params") ?? []);
}

/** The activation of a fused product of matrices, whose parameters are attributes of their own. */
function activateProduct(node: Node, to: Rewrite, x: string): Node {
  const { attributes } = to;
  const activation = attributes.text("activation", "");
  const names =
    activation === "Selu" ? ["activation_alpha", "activation_gamma"] : ["activation_alpha", "activation_beta"];
  const values = names.map((name) => (attributes.has(name) ? attributes.float(name, 0) : undefined));
  return activate(node, to, x, activation, values);
}

function fusedConv(node: Node, to: Rewrite): Node {
  const [x = "", weight = "", bias = "", summand = ""] = node.inputs;
  const attributes = without(node.attributes, "activation", "activation_params");
  const product = to.add("Conv", bias === "" ? [x, weight] : [x, weight, bias], attributes);
  return activateConv(node, to, plus(to, product, summand));
}

/** Convolutions whose channels come last, with the weights in the order of ONNX. */
function nhwcConv(node: Node, to: Rewrite): Node {
  const [x = "", weight = "", bias = "", summand = ""] = node.inputs;
  const rank = to.shape(x)?.length;
  if (rank === undefined) return node;
  const spatial = Array.from({ length: rank - 2 }, (_, i) => i);
  const first = to.add("Transpose", [x], { perm: ints([0, rank - 1, ...spatial.map((i) => i + 1)]) });
  const attributes = without(node.attributes, "activation", "activation_params");
  const product = to.add("Conv", bias === "" ? [first, weight] : [first, weight, bias], attributes);
  const last = to.add("Transpose", [product], { perm: ints([0, ...spatial.map((i) => i + 2), 1]) });
  if (node.op === "NhwcConv") return standard(node, "Identity", [last]);
  return activateConv(node, to, plus(to, last, summand));
}

function fusedGemm(node: Node, to: Rewrite): Node {
  const product = to.add("Gemm", node.inputs, without(node.attributes, ...ACTIVATION));
  return activateProduct(node, to, product);
}

/**
 * α · op(A) · op(B). With transBatch, the rows are the first axis and the batch follows; op swaps the last two axes where the attributes
 * say so.
 */
function matMul(node: Node, to: Rewrite): string | undefined {
  const read = to.attributes;
  const operand = (name: string, side: "A" | "B"): string | undefined => {
    const isSwapped = read.int(`trans${side}`, 0) !== 0;
    const isMoved = read.has(`transBatch${side}`) && read.int(`transBatch${side}`, 0) !== 0;
    if (!isSwapped && !isMoved) return name;
    const shape = to.shape(name);
    if (shape === undefined) return undefined;
    if (shape.length < 2) return name;
    const order = isMoved ? firstToRows(shape) : [...shape.keys()];
    const perm = isSwapped ? [...order.slice(0, -2), ...order.slice(-2).reverse()] : order;
    return to.add("Transpose", [name], { perm: ints(perm) });
  };
  const [a = "", b = ""] = node.inputs;
  const [left, right] = [operand(a, "A"), operand(b, "B")];
  if (left === undefined || right === undefined) return undefined;
  const product = to.add("MatMul", [left, right]);
  const alpha = read.float("alpha", 1);
  return alpha === 1 ? product : to.add("Mul", [product, scalar(to, "alpha", alpha)]);
}

/** The permutation that makes the first axis the last but one. */
const firstToRows = ({ length }: Shape): number[] => [
  ...Array.from({ length: length - 2 }, (_, i) => i + 1),
  0,
  length - 1,
];

function fusedMatMul(node: Node, to: Rewrite): Node {
  const product = matMul(node, to);
  return product === undefined ? node : standard(node, "Identity", [product]);
}

function fusedMatMulActivation(node: Node, to: Rewrite): Node {
  const product = matMul(node, to);
  if (product === undefined) return node;
  if (to.attributes.text("activation", "") === "Softmax") {
    return standard(node, "Softmax", [product], { axis: int(to.attributes.int("activation_axis", -1)) });
  }
  return activateProduct(node, to, product);
}

/** Pads that are an input, and constant; they do not count where `auto_pad` says others. */
function convTranspose(node: Node, to: Rewrite): Node {
  const [x = "", weight = "", pads = "", bias = ""] = node.inputs;
  const inputs = bias === "" ? [x, weight] : [x, weight, bias];
  if (pads === "" || to.attributes.text("auto_pad", "NOTSET") !== "NOTSET")
    return standard(node, "ConvTranspose", inputs, node.attributes);
  const value = to.value(pads);
  if (value === undefined) {
    throw new PushforwardError("op-unsupported", {
      what: "The pads of ConvTransposeWithDynamicPads depend on an input of the model.",
      where: { node: node.name || node.outputs[0], op: node.op },
      fix: "Export the model with constant pads, or give the value of the input that they depend on.",
    });
  }
  return standard(node, "ConvTranspose", inputs, { ...node.attributes, pads: ints(toNumbers(value)) });
}

/** The distances between the rows of two matrices. */
function distances(node: Node, to: Rewrite): Node {
  const [a = "", b = ""] = node.inputs;
  const column = to.add("Unsqueeze", [a, to.constant("column", intTensor([1]))]);
  const difference = to.add("Sub", [column, to.add("Unsqueeze", [b, to.constant("row", intTensor([0]))])]);
  const axes = to.constant("axes", intTensor([2]));
  const op = to.attributes.text("metric", "sqeuclidean") === "euclidean" ? "ReduceL2" : "ReduceSumSquare";
  return standard(node, op, [difference, axes], { keepdims: int(0) });
}

const CONV = ["auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"] as const;
const MATRIX = ["alpha", "transA", "transB"] as const;
const BATCHES = ["transBatchA", "transBatchB"] as const;

const takenApart = (rewrite: Rewriting, attributes: readonly string[], looksAt: readonly number[] = []) => ({
  attributes,
  looksAt,
  rewrite,
});

/** Products and convolutions that ONNX Runtime fuses with what follows. */
export const microsoftLinear: Readonly<Record<string, OperatorRewriting>> = {
  "com.microsoft:CDist": takenApart(distances, ["metric"]),
  "com.microsoft:ConvTransposeWithDynamicPads": takenApart(
    convTranspose,
    ["auto_pad", "dilations", "group", "kernel_shape", "output_padding", "strides"],
    [2],
  ),
  "com.microsoft:FusedConv": takenApart(fusedConv, ["activation", "activation_params", ...CONV]),
  "com.microsoft:FusedGemm": takenApart(fusedGemm, [...ACTIVATION, "beta", ...MATRIX]),
  "com.microsoft:FusedMatMul": takenApart(fusedMatMul, [...MATRIX, ...BATCHES], [0, 1]),
  "com.microsoft:FusedMatMulActivation": takenApart(
    fusedMatMulActivation,
    [...ACTIVATION, "activation_axis", ...MATRIX, ...BATCHES],
    [0, 1],
  ),
  "com.microsoft:GemmFastGelu": takenApart((node, to) => {
    const [x = "", weight = "", bias = ""] = node.inputs;
    return standard(node, "Identity", [fastGelu(to, plus(to, to.add("MatMul", [x, weight]), bias))]);
  }, []),
  "com.microsoft:NhwcConv": takenApart(nhwcConv, CONV, [0]),
  "com.microsoft:NhwcFusedConv": takenApart(nhwcConv, ["activation", "activation_params", ...CONV], [0]),
  "com.microsoft:TransposeMatMul": takenApart(fusedMatMul, MATRIX, [0, 1]),
};
