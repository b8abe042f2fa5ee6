import { filled, float, int, ints, intTensor } from "../build.ts";
import type { Node } from "../model.ts";
import { type OperatorRewriting, type Rewrite, standard } from "../rewrite.ts";
import { NORMALIZATION_ATTRIBUTES, rms, scaleToUnitRms } from "./normalization.ts";
import { reshape, silu } from "./parts.ts";

/** The sum of the first two inputs and of a bias. If the fourth output is used, the sum has its name. */
function skipSum(node: Node, to: Rewrite, bias: string): string {
  const [x = "", skip = ""] = node.inputs;
  const name = node.outputs[3] || undefined;
  if (bias === "") return to.add("Add", [x, skip], {}, name);
  return to.add("Add", [to.add("Add", [x, skip]), bias], {}, name);
}

function skipLayerNormalization(node: Node, to: Rewrite): Node {
  const [, , gamma = "", beta = "", bias = ""] = node.inputs;
  const epsilon = float(to.attributes.float("epsilon", 1e-12));
  const [y = "", mean = "", deviation = ""] = node.outputs;
  const inputs = beta === "" ? [skipSum(node, to, bias), gamma] : [skipSum(node, to, bias), gamma, beta];
  const outputs = deviation !== "" ? [y, mean, deviation] : mean !== "" ? [y, mean] : [y];
  return { ...standard(node, "LayerNormalization", inputs, { epsilon, axis: int(-1) }), outputs };
}

function skipRmsNormalization(node: Node, to: Rewrite): Node {
  const [, , gamma = "", bias = ""] = node.inputs;
  const axes = to.constant("axes", intTensor([-1]));
  const inverse = node.outputs[2] || undefined;
  return scaleToUnitRms(node, to, skipSum(node, to, bias), gamma, axes, to.attributes.float("epsilon", 1e-12), inverse);
}

/** The normalized sum of the embeddings of words, places and segments. */
function embedLayerNormalization(node: Node, to: Rewrite): Node {
  const [ids = "", segments = "", words = "", places = "", kinds = "", gamma = "", beta = "", mask = "", at = ""] =
    node.inputs;
  const shape = to.shape(ids);
  if (shape === undefined) return node;
  const [, length = 1] = shape;
  const word = to.add("Gather", [words, ids]);
  const order =
    at === ""
      ? to.constant(
          "places",
          intTensor(
            Array.from({ length }, (_, i) => i),
            [1, length],
          ),
        )
      : at;
  const placed = to.add("Add", [word, to.add("Gather", [places, order])]);
  const [, maskIndex = "", sum = ""] = node.outputs;
  const total =
    segments === ""
      ? sum === ""
        ? placed
        : to.add("Identity", [placed], {}, sum)
      : to.add("Add", [placed, to.add("Gather", [kinds, segments])], {}, sum || undefined);
  if (maskIndex !== "") {
    const counted = mask === "" ? to.add("Sub", [ids, ids]) : mask;
    const axes = to.constant("axes", intTensor([1]));
    to.add("ReduceSum", [counted, axes], { keepdims: int(0) }, maskIndex);
  }
  const epsilon = float(to.attributes.float("epsilon", 1e-12));
  return standard(node, "LayerNormalization", [total, gamma, beta], { epsilon, axis: int(-1) });
}

/** Groups of channels are normalized; channels come last unless an attribute says otherwise. */
function groupNorm(node: Node, to: Rewrite): Node {
  const [x = "", gamma = "", beta = "", skip = "", bias = ""] = node.inputs;
  const read = to.attributes;
  const shape = to.shape(x);
  if (shape === undefined) return node;
  const isLast = read.int("channels_last", 1) !== 0;
  const rank = shape.length;
  const spatial = Array.from({ length: rank - 2 }, (_, i) => i);
  const [batch = 1] = shape;
  const channels = (isLast ? shape.at(-1) : shape[1]) ?? 1;
  const perChannel = (one: string) => reshape(to, one, isLast ? [channels] : [channels, ...spatial.map(() => 1)]);
  const added = (sum: string): string => {
    if (skip === "") return sum;
    const skipShape = to.shape(skip) ?? shape;
    const wide =
      skipShape.length === 2
        ? [batch, ...(isLast ? [...spatial.map(() => 1), channels] : [channels, ...spatial.map(() => 1)])]
        : undefined;
    const both = to.add("Add", [sum, wide === undefined ? skip : reshape(to, skip, wide)]);
    return bias === "" ? both : to.add("Add", [both, perChannel(bias)]);
  };
  const whole = added(x);
  if (node.outputs[1]) to.add("Identity", [whole], {}, node.outputs[1]);
  const first = isLast
    ? to.add("Transpose", [whole], { perm: ints([0, rank - 1, ...spatial.map((i) => i + 1)]) })
    : whole;
  const groups = read.int("groups", 1);
  const grouped = reshape(to, first, [batch, groups, -1]);
  const ones = to.constant("ones", filled([groups], 1));
  const zeros = to.constant("zeros", filled([groups], 0));
  const epsilon = { epsilon: float(read.float("epsilon", 1e-5)) };
  const normal = to.add("InstanceNormalization", [grouped, ones, zeros], epsilon);
  const sizes = isLast ? [batch, channels, ...shape.slice(1, -1)] : shape;
  const back = reshape(to, normal, sizes);
  const ordered = isLast ? to.add("Transpose", [back], { perm: ints([0, ...spatial.map((i) => i + 2), 1]) }) : back;
  const y = to.add("Add", [to.add("Mul", [ordered, perChannel(gamma)]), perChannel(beta)]);
  return standard(node, "Identity", [read.int("activation", 0) === 1 ? silu(to, y) : y]);
}

/** softmax(data + bias) over the axes from `axis` on together. */
function biasSoftmax(node: Node, to: Rewrite): Node {
  const [x = "", bias = ""] = node.inputs;
  const shape = to.shape(x);
  if (shape === undefined) return node;
  const axis = to.attributes.int("axis", 1);
  const first = axis < 0 ? axis + shape.length : axis;
  const sum = to.add("Add", [x, bias]);
  if (first === shape.length - 1) return standard(node, "Softmax", [sum], { axis: int(-1) });
  const flat = to.add("Softmax", [reshape(to, sum, [...shape.slice(0, first), -1])], { axis: int(-1) });
  return standard(node, "Reshape", [flat, to.constant("whole", intTensor(shape))]);
}

const GROUPS = ["activation", "channels_last", "epsilon", "groups"] as const;

/** Normalizations of ONNX Runtime, with what it fuses them with. */
export const microsoftNormalization: Readonly<Record<string, OperatorRewriting>> = {
  "com.microsoft:BiasSoftmax": { attributes: ["axis", "is_inner_broadcast"], looksAt: [0], rewrite: biasSoftmax },
  "com.microsoft:EmbedLayerNormalization": {
    attributes: ["epsilon", "mask_index_type"],
    looksAt: [0],
    rewrite: embedLayerNormalization,
  },
  "com.microsoft:GroupNorm": { attributes: GROUPS, looksAt: [0], rewrite: groupNorm },
  "com.microsoft:LayerNormalization": {
    attributes: NORMALIZATION_ATTRIBUTES,
    rewrite: (node) => ({ ...node, domain: "" }),
  },
  "com.microsoft:SimplifiedLayerNormalization": rms,
  "com.microsoft:SkipGroupNorm": { attributes: GROUPS, looksAt: [0, 3], rewrite: groupNorm },
  "com.microsoft:SkipLayerNormalization": { attributes: ["epsilon"], rewrite: skipLayerNormalization },
  "com.microsoft:SkipSimplifiedLayerNormalization": { attributes: ["epsilon"], rewrite: skipRmsNormalization },
};
