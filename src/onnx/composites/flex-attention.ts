import type { Shape } from "../../base/index.ts";
import type { Attribute } from "../model.ts";
import { type OperatorRewriting, standard } from "../rewrite.ts";
import { attend, defaultScale, swapLastTwo } from "./attend.ts";

const graphOf = (attribute: Attribute | undefined) => (attribute?.kind === "graph" ? attribute.value : undefined);

/** The operator of ai.onnx.preview: attention whose scores and probabilities a graph changes. */
export const flexAttention: OperatorRewriting = {
  attributes: ["prob_mod", "scale", "score_mod", "softmax_precision"],
  looksAt: [0, 1, 2],
  rewrite(node, to) {
    const [q = "", k = "", v = ""] = node.inputs;
    const [qShape, kShape, vShape] = [q, k, v].map((name) => to.shape(name)) as [Shape?, Shape?, Shape?];
    if (qShape === undefined || kShape === undefined || vShape === undefined) return node;
    const [batch = 1, heads = 1, rows = 1, size = 1] = qShape;
    const [, groups = 1, columns = 1] = kShape;
    const changedBy = (name: string) => {
      const graph = graphOf(node.attributes[name]);
      return graph === undefined ? undefined : (x: string) => to.inline(graph, [x])[0] ?? x;
    };
    const { y } = attend(to, {
      q,
      kT: swapLastTwo(to, k),
      v,
      sizes: { batch, heads, groups, rows, columns, size, valueSize: vShape[3] ?? 1 },
      scale: to.attributes.float("scale", defaultScale(size)),
      changeScores: changedBy("score_mod"),
      changeProbabilities: changedBy("prob_mod"),
    });
    return standard(node, "Identity", [y]);
  },
};
