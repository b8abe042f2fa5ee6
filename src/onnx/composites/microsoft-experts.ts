import { int, ints, intTensor, zeros } from "../build.ts";
import type { Node } from "../model.ts";
import { type OperatorRewriting, type Rewrite, standard } from "../rewrite.ts";
import { refuse } from "./microsoft-attention.ts";
import { fastGelu, reshape, scalar, silu, slice } from "./parts.ts";

/** The names of the weights and the bias of one layer of all experts. */
interface Layer {
  readonly weights: string;
  readonly bias: string;
}

/** The result of a layer of every expert for every token: [experts, tokens, rows] of x [1 or experts, tokens, columns]. */
function applied(to: Rewrite, x: string, { weights, bias }: Layer): string {
  const turned = to.add("Transpose", [weights], { perm: ints([0, 2, 1]) });
  const product = to.add("MatMul", [x, turned]);
  if (bias === "") return product;
  return to.add("Add", [product, to.add("Unsqueeze", [bias, to.constant("tokens", intTensor([1]))])]);
}

/** G · sigmoid(α G) · (L + β), where G is g up to a limit, and L is l between limits; or the limit is that of g · sigmoid(α g). */
function swiglu(to: Rewrite, g: string, l: string): string {
  const read = to.attributes;
  const [alpha, beta] = [read.float("activation_alpha", 1), read.float("activation_beta", 0)];
  const limit = read.float("swiglu_limit", Number.POSITIVE_INFINITY);
  const most = () => scalar(to, "limit", limit);
  const upToLimit = (x: string) => (Number.isFinite(limit) ? to.add("Min", [x, most()]) : x);
  const comesAfter = read.int("swiglu_limit_after_activation", 0) !== 0;
  const gate = comesAfter ? g : upToLimit(g);
  const linear = Number.isFinite(limit) ? to.add("Clip", [l, scalar(to, "least", -limit), most()]) : l;
  const inner = alpha === 1 ? gate : to.add("Mul", [gate, scalar(to, "alpha", alpha)]);
  const factor = beta === 0 ? linear : to.add("Add", [linear, scalar(to, "beta", beta)]);
  const activated = to.add("Mul", [gate, to.add("Sigmoid", [inner])]);
  return to.add("Mul", [comesAfter ? upToLimit(activated) : activated, factor]);
}

/** What follows the first layer; `third` is the result of the third, where experts have one. */
function activated(node: Node, to: Rewrite, first: string, width: number, third: string | undefined): string {
  const type = to.attributes.text("activation_type", "relu");
  const gated: Readonly<Record<string, (g: string, l: string) => string>> = {
    geglu: (g, l) => to.add("Mul", [fastGelu(to, g), l]),
    swiglu: (g, l) => swiglu(to, g, l),
  };
  const gate = Object.hasOwn(gated, type) ? gated[type] : undefined;
  if (gate !== undefined) {
    if (third !== undefined) return gate(first, third);
    if (to.attributes.int("swiglu_fusion", 0) === 2) {
      return gate(slice(to, first, 0, width / 2), slice(to, first, width / 2, width));
    }
    return gate(slice(to, first, 0, width, -1, 2), slice(to, first, 1, width, -1, 2));
  }
  const functions: Readonly<Record<string, (x: string) => string>> = {
    gelu: (x) => fastGelu(to, x),
    identity: (x) => x,
    relu: (x) => to.add("Relu", [x]),
    relu2: (x) => {
      const positive = to.add("Relu", [x]);
      return to.add("Mul", [positive, positive]);
    },
    silu: (x) => silu(to, x),
  };
  const apply = Object.hasOwn(functions, type) ? functions[type] : undefined;
  if (apply === undefined) throw refuse(node, `The activation ${type}`);
  const y = apply(first);
  return third === undefined ? y : to.add("Mul", [y, third]);
}

/** How much each expert counts for each token, [tokens, experts]: the largest probabilities, and 0 for all other experts. */
function shares(to: Rewrite, logits: string, tokens: number, experts: number): string {
  const count = to.attributes.int("k", 1);
  const probabilities = to.add("Softmax", [logits], { axis: int(-1) });
  const [values, places] = to.addAll(2, "TopK", [probabilities, to.constant("count", intTensor([count]))]) as [
    string,
    string,
  ];
  const last = to.constant("last", intTensor([-1]));
  const whole = () => to.add("ReduceSum", [values, last], { keepdims: int(1) });
  const chosen = to.attributes.int("normalize_routing_weights", 0) !== 0 ? to.add("Div", [values, whole()]) : values;
  const none = to.constant("none", zeros("float32", [tokens, experts]));
  return to.add("ScatterElements", [none, places, chosen], { axis: int(1) });
}

/**
 * A mixture of experts: for each token the sum of the results of those with the largest probabilities, times these. Every expert is computed
 * for every token.
 *
 * @see Shazeer et al. 2017, "Outrageously Large Neural Networks: The Sparsely-Gated Mixture-of-Experts Layer"
 */
const mixture: OperatorRewriting = {
  attributes: [
    "activation_alpha",
    "activation_beta",
    "activation_type",
    "k",
    "normalize_routing_weights",
    "swiglu_fusion",
    "swiglu_limit",
    "swiglu_limit_after_activation",
    "use_sparse_mixer",
  ],
  looksAt: [0, 2],
  rewrite(node, to) {
    const [x = "", logits = "", ...names] = node.inputs;
    const [shape, first] = [to.shape(x), to.shape(names[0] ?? "")];
    if (shape === undefined || first === undefined) return node;
    if (to.attributes.int("use_sparse_mixer", 0) !== 0) throw refuse(node, "The attribute use_sparse_mixer");
    const layer = (i: number): Layer => ({ weights: names[2 * i] ?? "", bias: names[2 * i + 1] ?? "" });
    const width = shape.at(-1)!;
    const tokens = shape.slice(0, -1).reduce((product, extent) => product * extent, 1);
    const [experts = 1, rows = 1] = first;
    const each = reshape(to, x, [1, tokens, width]);
    const third = layer(2).weights === "" ? undefined : applied(to, each, layer(2));
    const inner = activated(node, to, applied(to, each, layer(0)), rows, third);
    const results = applied(to, inner, layer(1));
    const turned = to.add("Transpose", [shares(to, logits, tokens, experts)]);
    const weighted = to.add("Mul", [results, reshape(to, turned, [experts, tokens, 1])]);
    const sum = to.add("ReduceSum", [weighted, to.constant("experts", intTensor([0]))], { keepdims: int(0) });
    return standard(node, "Reshape", [sum, to.constant("whole", intTensor(shape))]);
  },
};

export const microsoftExperts: Readonly<Record<string, OperatorRewriting>> = { "com.microsoft:MoE": mixture };
