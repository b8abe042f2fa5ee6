import { int, intTensor } from "../build.ts";
import type { Node } from "../model.ts";
import { type OperatorRewriting, type Rewrite, standard } from "../rewrite.ts";
import { scalar } from "./parts.ts";

export const NORMALIZATION_ATTRIBUTES = ["axis", "epsilon", "stash_type"] as const;

/** x / √(mean(x²) + ε) · scale, over the axes from `axis` on. */
function rmsNormalization(node: Node, to: Rewrite): Node {
  const [x = "", scale = ""] = node.inputs;
  const read = to.attributes;
  const rank = to.shape(x)?.length;
  const axis = read.int("axis", -1);
  const first = axis < 0 || rank === undefined ? axis : axis - rank;
  if (first >= 0) return node;
  const axes = to.constant("axes", intTensor(Array.from({ length: -first }, (_, i) => first + i)));
  return scaleToUnitRms(node, to, x, scale, axes, read.float("epsilon", 1e-5), node.outputs[1] || undefined);
}

/** x / √(mean(x²) + ε) · scale, with the mean over the axes in a constant. The inverse root is an output too if it has a name. */
export function scaleToUnitRms(
  node: Node,
  to: Rewrite,
  x: string,
  scale: string,
  axes: string,
  epsilon: number,
  inverse?: string,
): Node {
  const square = to.add("ReduceMean", [to.add("Mul", [x, x]), axes], { keepdims: int(1) });
  const root = to.add("Sqrt", [to.add("Add", [square, scalar(to, "epsilon", epsilon)])]);
  if (inverse !== undefined) to.add("Reciprocal", [root], {}, inverse);
  return standard(node, "Mul", [to.add("Div", [x, root]), scale]);
}

export const rms: OperatorRewriting = { attributes: NORMALIZATION_ATTRIBUTES, looksAt: [0], rewrite: rmsNormalization };

/** Normalizations that consist of others. */
export const normalization: Readonly<Record<string, OperatorRewriting>> = {
  RMSNormalization: rms,
  SimplifiedLayerNormalization: rms,
};
