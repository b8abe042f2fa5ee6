import { PushforwardError } from "../base/index.ts";
import { allNames, mapSubgraphs, withInner } from "./graph.ts";
import { inline } from "./inline.ts";
import type { Attribute, Graph, Node, OnnxModel, Tensor } from "./model.ts";
import { inScopesOf } from "./modules.ts";
import { changedBetween } from "./upgrade-table.ts";

/** A function defined in a model: an operator that consists of nodes. */
export interface FunctionBody {
  readonly domain: string;
  readonly op: string;
  /** The operator sets in which its nodes are written. */
  readonly opsets: ReadonlyMap<string, number>;
  /** The graph of the function, with the attributes of a call inserted. */
  readonly body: (given: ReadonlyMap<string, Attribute>) => Graph;
}

/** Functions call each other at most this deep, and a graph without calls has at most so many nodes. */
const [DEEPEST, MOST_NODES] = [100, 1_000_000];

type Expandable = Pick<OnnxModel, "opsets" | "graph">;

const keyOf = ({ domain, op }: { readonly domain: string; readonly op: string }): string => `${domain}::${op}`;

/**
 * The graph with every call of a model-local function replaced by the nodes of the function, to any depth.
 *
 * @throws PushforwardError `op-unsupported` if a function uses another version of an operator set than the model, in which its operators
 * have another form, `model-invalid` if functions call each other in a cycle, or without end
 */
export function expandFunctions({ opsets, graph }: Expandable, functions: readonly FunctionBody[]): Expandable {
  if (functions.length === 0) return { opsets, graph };
  const byKey = new Map(functions.map((body) => [keyOf(body), body]));
  const allOpsets = new Map(opsets);
  const taken = allNames(graph);
  let written = 0;

  const expandNode = (node: Node, above: readonly string[], into: Map<string, Tensor>): Node[] => {
    const key = keyOf(node);
    const called = byKey.get(key);
    if (called === undefined) return [mapSubgraphs(node, (inner) => expandGraph(inner, above))];
    if (above.includes(key)) {
      throw new PushforwardError("model-invalid", {
        what: `The function ${node.op} calls itself.`,
        where: { node: node.name, op: node.op },
        fix: "Export the model again.",
      });
    }
    if (above.length === DEEPEST) throw tooLarge(node, `calls functions more than ${DEEPEST} deep`);
    const body = called.body(new Map(Object.entries(node.attributes)));
    written += body.nodes.length;
    if (written > MOST_NODES) throw tooLarge(node, `and others are calls of more than ${MOST_NODES} nodes`);
    addOpsets(allOpsets, called, body);
    const inlined = inline(body, node, taken, { prefixed: true });
    for (const [name, tensor] of inlined.initializers) into.set(name, tensor);
    return inlined.nodes.flatMap((inner) => expandNode(inScopesOf(node, inner), [...above, key], into));
  };

  const expandGraph = (inner: Graph, above: readonly string[]): Graph => {
    const initializers = new Map(inner.initializers);
    const nodes = inner.nodes.flatMap((node) => expandNode(node, above, initializers));
    return { ...inner, nodes, initializers };
  };

  return { graph: expandGraph(graph, []), opsets: allOpsets };
}

const tooLarge = (node: Node, what: string): PushforwardError =>
  new PushforwardError("model-invalid", {
    what: `The function ${node.op} ${what}.`,
    where: { node: node.name, op: node.op },
    fix: "Export the model again, with its functions inlined.",
  });

function addOpsets(opsets: Map<string, number>, { domain, op, opsets: own }: FunctionBody, { nodes }: Graph): void {
  for (const [imported, version] of own) {
    const present = opsets.get(imported) ?? version;
    const used = nodes.flatMap(withInner).filter((node) => node.domain === imported);
    if (present !== version && (imported !== "" || used.some((node) => changedBetween(node.op, version, present)))) {
      throw new PushforwardError("op-unsupported", {
        what: `The function ${op} is written in opset ${version} of "${imported || "ai.onnx"}", the model in ${present}.`,
        where: { op: domain === "" ? op : `${domain}.${op}` },
        fix: "Export the model again with one opset for all its functions, or with its functions inlined.",
      });
    }
    opsets.set(imported, present);
  }
}
