import { int, intTensor } from "../build.ts";
import type { Node } from "../model.ts";
import { type OperatorRewriting, type Rewrite, standard } from "../rewrite.ts";
import { defaultScale } from "./attend.ts";
import { refuse } from "./microsoft-attention.ts";
import { plus, reshape, scalar, silu } from "./parts.ts";

const KEPT = { keepdims: int(1) };
const lastAxis = (to: Rewrite): string => to.constant("last", intTensor([-1]));

/** Each vector along the last axis in units of its root mean square, times a scale. */
export function unitRms(to: Rewrite, x: string, scale: string, epsilon: number): string {
  const square = to.add("ReduceMean", [to.add("Mul", [x, x]), lastAxis(to)], KEPT);
  const root = to.add("Sqrt", [to.add("Add", [square, scalar(to, "epsilon", epsilon)])]);
  return to.add("Mul", [to.add("Div", [x, root]), scale]);
}

/** x / √(mean(x²) + ε) · scale · gate, where the gate has passed an activation; parts of the last axis may be normalized by themselves. */
function gatedRmsNormalization(node: Node, to: Rewrite): Node {
  const [x = "", scale = "", gate = ""] = node.inputs;
  const [shape, width] = [to.shape(x), to.shape(scale)?.[0]];
  if (shape === undefined || width === undefined) return node;
  const activation = to.attributes.text("activation", "silu");
  if (!["sigmoid", "silu", "swish"].includes(activation)) throw refuse(node, `The activation ${activation}`);
  const open = activation === "sigmoid" ? to.add("Sigmoid", [gate]) : silu(to, gate);
  const isWhole = shape.at(-1) === width;
  const parts = isWhole ? x : reshape(to, x, [...shape.slice(0, -1), shape.at(-1)! / width, width]);
  const normal = unitRms(to, parts, scale, to.attributes.float("epsilon", 1e-5));
  return standard(node, "Mul", [isWhole ? normal : reshape(to, normal, shape), open]);
}

/** X + gate · Y, where the gate of each row is given, or is a product with weights that has passed a sigmoid. */
function gatedAdd(node: Node, to: Rewrite): Node {
  const [x = "", y = "", gate = "", weights = ""] = node.inputs;
  const open = weights === "" ? gate : to.add("Sigmoid", [to.add("MatMul", [gate, weights])]);
  return standard(node, "Add", [x, to.add("Mul", [y, open])]);
}

/** A value times how well a key fits a query: sigmoid(sign(d) √max(|d|, 1e-6)) of their product d. */
function engramGate(node: Node, to: Rewrite): Node {
  const [key = "", query = "", value = "", keyScale = "", queryScale = "", valueScale = ""] = node.inputs;
  const size = to.shape(key)?.at(-1);
  if (size === undefined) return node;
  const epsilon = to.attributes.float("epsilon", 1e-5);
  const product = to.add("Mul", [unitRms(to, key, keyScale, epsilon), unitRms(to, query, queryScale, epsilon)]);
  const sum = to.add("ReduceSum", [product, lastAxis(to)], KEPT);
  const dot = to.add("Mul", [sum, scalar(to, "scale", defaultScale(size))]);
  const large = to.add("Max", [to.add("Abs", [dot]), scalar(to, "least", 1e-6)]);
  const gate = to.add("Sigmoid", [to.add("Mul", [to.add("Sign", [dot]), to.add("Sqrt", [large])])]);
  const shared = to.add("Unsqueeze", [value, to.constant("copies", intTensor([2]))]);
  const y = to.add("Mul", [gate, shared]);
  const [, normed = ""] = node.outputs;
  if (normed !== "") to.add("Identity", [unitRms(to, y, valueScale, epsilon)], {}, normed);
  return standard(node, "Identity", [y]);
}

/** scale · softplus(a + bias), and the sigmoid of b. */
function linearAttentionGate(node: Node, to: Rewrite): Node {
  const [a = "", bias = "", scale = "", b = ""] = node.inputs;
  const [, beta = ""] = node.outputs;
  if (beta !== "") to.add("Sigmoid", [b], {}, beta);
  return standard(node, "Mul", [to.add("Softplus", [plus(to, a, bias)]), scale]);
}

/** q cos e + r sin e for queries q and their rotation r, and the same for keys. */
function gemmaRotaryEmbedding(node: Node, to: Rewrite): Node {
  const [angles = "", q = "", qTurned = "", k = "", kTurned = ""] = node.inputs;
  const heads = to.constant("heads", intTensor([1]));
  const [cos, sin] = ["Cos", "Sin"].map((op) => to.add("Unsqueeze", [to.add(op, [angles]), heads])) as [string, string];
  const [, keys = ""] = node.outputs;
  const parts = (x: string, turned: string): [string, string] => [
    to.add("Mul", [x, cos]),
    to.add("Mul", [turned, sin]),
  ];
  if (keys !== "") to.add("Add", parts(k, kTurned), {}, keys);
  return standard(node, "Add", parts(q, qTurned));
}

/** Gates of ONNX Runtime, which open and close for what attention and its relatives compute. */
export const microsoftGates: Readonly<Record<string, OperatorRewriting>> = {
  "com.microsoft:EngramGate": { attributes: ["epsilon"], looksAt: [0], rewrite: engramGate },
  "com.microsoft:GatedAdd": { attributes: [], rewrite: gatedAdd },
  "com.microsoft:GatedRMSNorm": {
    attributes: ["activation", "epsilon"],
    looksAt: [0, 1],
    rewrite: gatedRmsNormalization,
  },
  "com.microsoft:GemmaRotaryEmbedding": { attributes: [], rewrite: gemmaRotaryEmbedding },
  "com.microsoft:LinearAttentionGate": { attributes: [], rewrite: linearAttentionGate },
};
