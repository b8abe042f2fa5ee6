import { OPSET } from "./build.ts";
import { allNames } from "./graph.ts";
import type { OnnxModel } from "./model.ts";
import { MANY_ROUNDS } from "./repetition.ts";
import type { Seen } from "./rewrite.ts";
import { type RewritingOf, rewriteGraph } from "./rewrite-graph.ts";
import { upgrades } from "./upgrade-table.ts";

const opsetOf = ({ opsets }: OnnxModel): number => opsets.get("") ?? OPSET;

/** How the nodes of ai.onnx in a model are brought to the form of opset 18. */
export function upgradesOf(model: OnnxModel): RewritingOf {
  const opset = opsetOf(model);
  return ({ domain, op }) => {
    const upgrade = domain === "" ? upgrades[op] : undefined;
    return upgrade === undefined || opset >= upgrade.before ? undefined : upgrade;
  };
}

/**
 * The model with every node of ai.onnx in the form of opset 18, or of its own opset if that is later. Constants become initializers,
 * and variants are split into standard operators.
 *
 * @throws PushforwardError `op-unsupported` for a variant that has no such form, or an attribute that is not known
 */
export function upgradeModel(model: OnnxModel, seen: Seen): OnnxModel {
  const opset = opsetOf(model);
  const around = { ...seen, opset, taken: allNames(model.graph), manyRounds: MANY_ROUNDS };
  const graph = rewriteGraph(model.graph, around, upgradesOf(model));
  return { ...model, graph, opsets: new Map(model.opsets).set("", Math.max(OPSET, opset)) };
}
