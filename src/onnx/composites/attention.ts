import { PushforwardError, type Shape } from "../../base/index.ts";
import { castTo, int, intTensor } from "../build.ts";
import type { Node, TensorType } from "../model.ts";
import { type OperatorRewriting, type Rewrite, standard } from "../rewrite.ts";
import {
  type AttentionSizes,
  allOf,
  attend,
  biasOf,
  defaultScale,
  distances,
  flagsOf,
  fromHeads,
  type Span,
  spanTensor,
  swapLastTwo,
  toHeads,
} from "./attend.ts";
import { scalar } from "./parts.ts";

/** What qk_matmul_output shows. */
const modes = ["scores", "capped", "biased", "probabilities"] as const;

/** What a mask and the structure of an attention do to its scores. */
interface Masking {
  readonly bias: string;
  readonly flags: string | undefined;
  /** The bias with −∞ for what is not allowed, as ONNX defines it. */
  readonly infinite: () => string;
}

/** The operator of ONNX (opset 23 to 25): masks, shared heads, caches, caps, windows. */
function attention(node: Node, to: Rewrite): Node {
  const [q = "", k = "", v = "", mask = "", pastKey = "", pastValue = "", nonpad = ""] = node.inputs;
  const [, presentKey = "", presentValue = "", matmul = ""] = node.outputs;
  const read = to.attributes;
  const shapes = [q, k, v].map((name) => to.shape(name));
  if (shapes.some((shape) => shape === undefined)) return node;
  const [qShape, kShape, vShape] = shapes as [Shape, Shape, Shape];
  const isPacked = qShape.length === 3;
  const heads = isPacked ? read.int("q_num_heads", 1) : qShape[1]!;
  const groups = isPacked ? read.int("kv_num_heads", 1) : kShape[1]!;
  const [length, width] = isPacked ? [1, 2] : [2, 3];
  const past = pastKey === "" ? 0 : to.shape(pastKey)?.[2];
  if (past === undefined) return node;
  const size = isPacked ? qShape[width]! / heads : qShape[width]!;
  const sizes: AttentionSizes = {
    batch: qShape[0]!,
    heads,
    groups,
    rows: qShape[length]!,
    columns: past + kShape[length]!,
    size,
    valueSize: isPacked ? vShape[width]! / groups : vShape[width]!,
  };
  const isCached = past > 0 || presentKey !== "";
  const split = (x: string, shape: Shape, count: number, order: "rows" | "columns") => {
    if (isPacked) return toHeads(to, x, shape as [number, number, number], count, order);
    return order === "rows" ? x : swapLastTwo(to, x);
  };
  const cached = (x: string, before: string, output: string) => {
    const all = past > 0 ? to.add("Concat", [before, x], { axis: int(2) }) : x;
    return output === "" ? all : to.add("Identity", [all], {}, output);
  };
  const keys = isCached ? cached(split(k, kShape, groups, "rows"), pastKey, presentKey) : k;
  const kT = isCached ? swapLastTwo(to, keys) : split(k, kShape, groups, "columns");
  const values = cached(split(v, vShape, groups, "rows"), pastValue, presentValue);
  const masking = maskOf(node, to, { sizes, mask, past, nonpad, span: spanOf(to) });
  const mode = modes[read.int("qk_matmul_output_mode", 0)];
  if (mode === undefined) throw refused(node, "Its qk_matmul_output_mode is none of 0, 1, 2 and 3.");
  const { y, ...inner } = attend(to, {
    q: split(q, qShape, heads, "rows"),
    kT,
    v: values,
    sizes,
    scale: read.float("scale", defaultScale(size)),
    softcap: read.float("softcap", 0),
    bias: masking?.bias,
    flags: masking?.flags,
    showsProbabilities: matmul !== "" && mode === "probabilities",
  });
  if (matmul !== "") {
    if (mode === "biased" && masking !== undefined) to.add("Add", [inner.capped, masking.infinite()], {}, matmul);
    else to.add("Identity", [inner[mode]], {}, matmul);
  }
  if (!isPacked) return standard(node, "Identity", [y]);
  return standard(node, "Reshape", fromHeads(to, y, sizes));
}

function spanOf({ attributes }: Rewrite): Span {
  const [behind, ahead] = [attributes.int("left_window_size", -1), attributes.int("right_window_size", -1)];
  const isCausal = attributes.int("is_causal", 0) !== 0;
  return { behind: behind < 0 ? undefined : behind, ahead: isCausal ? 0 : ahead < 0 ? undefined : ahead };
}

interface MaskParts {
  readonly sizes: AttentionSizes;
  readonly mask: string;
  readonly past: number;
  /** The number of keys that count, by batch; empty for all. */
  readonly nonpad: string;
  readonly span: Span;
}

/** Masks are added to the scores. Rows whose keys are all masked by −∞ have the result 0. */
function maskOf(node: Node, to: Rewrite, { sizes, mask, past, nonpad, span }: MaskParts): Masking | undefined {
  const parts: string[] = [];
  let isWhole = true;
  const isSpan = span.ahead !== undefined || span.behind !== undefined;
  if (nonpad !== "") {
    isWhole = false;
    parts.push(...withinCounts(to, sizes, nonpad, span));
  } else if (isSpan) {
    const { tensor, isWhole: isCovered } = spanTensor(span, sizes, past);
    isWhole = isCovered;
    parts.push(to.constant("span", tensor));
  }
  let added: string | undefined;
  if (mask !== "") {
    isWhole = false;
    const type = to.type(mask);
    if (type === undefined) throw refused(node, "The type of its mask is not known.");
    const padded = padMask(to, mask, type, sizes.columns);
    if (type.type === "bool") parts.push(padded);
    else {
      added = padded;
      const isRemoved = to.add("IsInf", [padded], { detect_positive: int(0) });
      parts.push(to.add("Not", [isRemoved]));
    }
  }
  const allowed = allOf(to, parts);
  if (allowed === undefined) return undefined;
  return {
    bias: biasOf(to, allowed, added),
    flags: isWhole ? undefined : flagsOf(to, allowed),
    infinite: () => biasOf(to, allowed, added, Number.NEGATIVE_INFINITY),
  };
}

/** Which keys count where each sample has a number of them, and the last of them belongs to the last query. */
function withinCounts(to: Rewrite, sizes: AttentionSizes, nonpad: string, { behind, ahead }: Span): string[] {
  const counts = to.add("Reshape", [nonpad, to.constant("samples", intTensor([-1, 1, 1, 1]))]);
  const places = intTensor(
    Array.from({ length: sizes.columns }, (_, place) => place),
    [1, 1, 1, sizes.columns],
  );
  const parts = [to.add("Less", [to.constant("places", places), counts])];
  if (behind === undefined && ahead === undefined) return parts;
  const offset = to.add("Sub", [counts, to.constant("rows", intTensor([sizes.rows], []))]);
  const from = to.add("Sub", [distances(to, sizes), offset]);
  const bound = (role: string, value: number) => to.constant(role, intTensor([value], []));
  if (ahead !== undefined) parts.push(to.add("LessOrEqual", [from, bound("ahead", ahead)]));
  if (behind !== undefined) parts.push(to.add("GreaterOrEqual", [from, bound("behind", -behind)]));
  return parts;
}

/** The mask with all keys: from opset 24 on, it may leave out the last ones, which are not attended to then. */
function padMask(to: Rewrite, mask: string, { type, shape }: TensorType, columns: number): string {
  const missing = columns - (shape.at(-1) ?? columns);
  if (missing <= 0 || to.opset < 24) return mask;
  const after = shape.map((_, axis) => (axis === shape.length - 1 ? missing : 0));
  const pads = to.constant("pads", intTensor([...shape.map(() => 0), ...after]));
  if (type !== "bool") return to.add("Pad", [mask, pads, scalar(to, "masked", Number.NEGATIVE_INFINITY)]);
  const numbers = to.add("Pad", [to.add("Cast", [mask], castTo("float32")), pads]);
  return to.add("Cast", [numbers], castTo("bool"));
}

const refused = (node: Node, what: string) =>
  new PushforwardError("op-unsupported", {
    what: `${node.op} cannot be taken apart. ${what}`,
    where: { node: node.name || node.outputs[0], op: node.op },
    fix: "Export the model again.",
  });

export const onnxAttention: OperatorRewriting = {
  attributes: [
    "is_causal",
    "kv_num_heads",
    "left_window_size",
    "q_num_heads",
    "qk_matmul_output_mode",
    "right_window_size",
    "scale",
    "softcap",
    "softmax_precision",
  ],
  looksAt: [0, 1, 2, 3, 4, 5, 6],
  rewrite: attention,
};
