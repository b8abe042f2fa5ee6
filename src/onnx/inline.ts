import { definedNames, freshName, subgraphsOf } from "./graph.ts";
import type { Graph, Node, Tensor } from "./model.ts";
import { renameInNode } from "./rename.ts";

/** The replacement of a call: its nodes, and the constants that they use. */
export interface Inlined {
  readonly nodes: readonly Node[];
  readonly initializers: ReadonlyMap<string, Tensor>;
}

/**
 * The nodes of `body` that replace the node which calls it. The inputs and outputs of the body get the names of those of the caller. Other
 * names of the body stay the same if they are free; with `prefixed` they always start with the name of the caller.
 */
export function inline(
  body: Graph,
  call: Node,
  taken: Set<string>,
  { prefixed }: { readonly prefixed: boolean },
): Inlined {
  const renamed = new Map<string, string>(body.inputs.map(({ name }, i) => [name, call.inputs[i] ?? ""]));
  const copies: Node[] = [];
  body.outputs.forEach(({ name }, i) => {
    const output = call.outputs[i] ?? "";
    if (output === "") return;
    if (!renamed.has(name)) renamed.set(name, output);
    else copies.push({ name: "", op: "Identity", domain: "", inputs: [name], outputs: [output], attributes: {} });
  });
  const prefix = call.name || call.outputs[0] || call.op;
  for (const name of namesWithin(body)) {
    if (!renamed.has(name)) {
      renamed.set(name, freshName(taken, prefixed || taken.has(name) ? `${prefix}/${name}` : name));
    }
  }
  const rename = (name: string) => renamed.get(name) ?? name;
  const renameNode = (name: string) => (prefixed && name !== "" ? `${prefix}/${name}` : name);
  return {
    nodes: [
      ...body.nodes.map((node) => renameInNode(node, rename, renameNode)),
      ...copies.map((copy) => ({ ...copy, inputs: copy.inputs.map(rename) })),
    ],
    initializers: new Map([...body.initializers].map(([name, tensor]) => [rename(name), tensor])),
  };
}

/** Names defined in a graph or in any graph inside it. */
function namesWithin(graph: Graph): Set<string> {
  const names = definedNames(graph);
  for (const node of graph.nodes) {
    for (const inner of subgraphsOf(node)) for (const name of namesWithin(inner)) names.add(name);
  }
  return names;
}
