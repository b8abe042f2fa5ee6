import { readsOf, withGraph } from "./graph.ts";
import type { DataType, Graph, Node, OnnxModel } from "./model.ts";
import { formatFacts } from "./operator-facts.ts";
import { isFloat } from "./precision.ts";
import { dataTypes } from "./tensor-types.ts";

const floatCodes = new Set<number>(
  (Object.keys(dataTypes) as DataType[]).filter(isFloat).map((type) => dataTypes[type].code),
);

/**
 * The model with float32 in place of whole numbers (or booleans) for every input whose entries are cast to floats before anything is
 * computed with them, as those of pictures of uint8. The graph computes the same at whole numbers, and has derivatives by this input.
 */
export function inFloatsWhereCast(model: OnnxModel): OnnxModel {
  const { graph } = model;
  const inputs = graph.inputs.map((input) =>
    input.type !== undefined && input.type !== "string" && !isFloat(input.type) && isOnlyCast(graph, input.name)
      ? { ...input, type: "float32" as const }
      : input,
  );
  return withGraph(model, { inputs });
}

/** Whether every path from a tensor leads, through nodes that move its entries only, to a Cast to floats. */
function isOnlyCast({ nodes, outputs }: Graph, tensor: string): boolean {
  const followed = new Set([tensor]);
  let isCast = false;
  for (const node of nodes) {
    if (!readsOf(node).some((name) => followed.has(name)) || formatFacts(node.op).asksShape) continue;
    if (node.domain !== "" || readsOf(node).some((name, at) => at > 0 && followed.has(name))) return false;
    if (castsToFloat(node)) isCast = true;
    else if (formatFacts(node.op).moves !== "first input") return false;
    else for (const output of node.outputs) followed.add(output);
  }
  return isCast && !outputs.some(({ name }) => followed.has(name));
}

const castsToFloat = ({ op, attributes: { to } }: Node): boolean =>
  op === "Cast" && to?.kind === "int" && floatCodes.has(to.value);
