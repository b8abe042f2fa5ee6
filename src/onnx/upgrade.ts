import { OPSET, readAttributes } from "./build.ts";
import { allNames, definedNames, mapSubgraphs, subgraphsOf } from "./graph.ts";
import type { Graph, Node, OnnxModel, Tensor } from "./model.ts";
import { type Growth, type OperatorRewriting, rewriteNode, type Seen } from "./rewrite.ts";
import { fused } from "./take-apart.ts";
import { upgrades } from "./upgrade-table.ts";

/** Fused operators may also need to know their operands. */
const keyOf = ({ domain, op }: Node): string => (domain === "" ? op : `${domain}:${op}`);

function rewritingOf(node: Node, opset: number): OperatorRewriting | undefined {
  const takeApart = fused[keyOf(node)];
  if (takeApart !== undefined) return takeApart;
  const upgrade = node.domain === "" ? upgrades[node.op] : undefined;
  return upgrade === undefined || opset >= upgrade.before ? undefined : upgrade;
}

const opsetOf = ({ opsets }: OnnxModel): number => opsets.get("") ?? OPSET;

/** The tensors that `upgradeModel` needs from a run: inputs of nodes, also in subgraphs. */
export function lookedAt(model: OnnxModel): string[] {
  const opset = opsetOf(model);
  const inputsIn = (graph: Graph): string[] =>
    graph.nodes.flatMap((node) => {
      const positions = rewritingOf(node, opset)?.looksAt ?? [];
      return [...positions.map((i) => node.inputs[i] ?? ""), ...subgraphsOf(node).flatMap(inputsIn)];
    });
  const computed = { ...model.graph, nodes: model.graph.nodes.filter((node) => constantOf(node) === undefined) };
  const defined = definedNames(computed);
  return [...new Set(inputsIn(model.graph))].filter((name) => defined.has(name));
}

/**
 * The model with every node in the form of opset 18, or of its own opset if that is later. Constants become initializers, and fused
 * operators and variants are split into standard operators.
 *
 * @throws PushforwardError `op-unsupported` for a variant that has no such form, or an attribute that is not known
 */
export function upgradeModel(model: OnnxModel, seen: Seen): OnnxModel {
  const opset = opsetOf(model);
  const graph = upgradeGraph(model.graph, { ...seen, opset, taken: allNames(model.graph) });
  return { ...model, graph, opsets: new Map(model.opsets).set("", Math.max(OPSET, opset)) };
}

function upgradeGraph(graph: Graph, around: Omit<Growth, "nodes" | "initializers">): Graph {
  const nodes: Node[] = [];
  const initializers = new Map(graph.initializers);
  const growth: Growth = { ...around, nodes, initializers };
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const upgradeInner = (inner: Graph): Graph => {
    const own = definedNames(inner);
    const visible = <T>(known: ReadonlyMap<string, T>) => new Map([...known].filter(([name]) => !own.has(name)));
    const constants = new Map([...around.constants, ...initializers]);
    return upgradeGraph(inner, { ...around, shapes: visible(around.shapes), constants: visible(constants) });
  };
  for (const node of graph.nodes) {
    const constant = constantOf(node);
    if (constant !== undefined) {
      const [output = ""] = node.outputs;
      if (outputs.has(output)) nodes.push({ ...node, attributes: { value: { kind: "tensor", value: constant } } });
      else initializers.set(output, constant);
      continue;
    }
    const rewriting = rewritingOf(node, around.opset);
    const rewritten = rewriting === undefined ? node : rewriteNode(node, rewriting, growth);
    nodes.push(mapSubgraphs(trimmed(rewritten), upgradeInner));
  }
  return { ...graph, nodes, initializers };
}

/** The value of a Constant node, from whichever attribute contains it. */
function constantOf({ op, domain, attributes }: Node): Tensor | undefined {
  if (op !== "Constant" || domain !== "") return undefined;
  const read = readAttributes(attributes);
  const [name, attribute] = Object.entries(attributes)[0] ?? [];
  switch (attribute?.kind) {
    case "tensor":
      return read.tensor(name ?? "");
    case "float":
      return { type: "float32", shape: [], data: Float32Array.of(attribute.value) };
    case "floats":
      return { type: "float32", shape: [attribute.value.length], data: Float32Array.from(attribute.value) };
    case "int":
      return { type: "int64", shape: [], data: BigInt64Array.of(BigInt(attribute.value)) };
    case "ints":
      return { type: "int64", shape: [attribute.value.length], data: BigInt64Array.from(attribute.value, BigInt) };
    case "string":
      return { type: "string", shape: [], data: [attribute.value] };
    case "strings":
      return { type: "string", shape: [attribute.value.length], data: attribute.value };
    default:
      return undefined;
  }
}

/** The node without absent inputs at the end of its list. */
function trimmed(node: Node): Node {
  const last = node.inputs.findLastIndex((input) => input !== "");
  return last === node.inputs.length - 1 ? node : { ...node, inputs: node.inputs.slice(0, last + 1) };
}
