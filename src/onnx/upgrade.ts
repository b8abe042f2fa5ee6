import type { Shape } from "../base/index.ts";
import { OPSET, readAttributes } from "./build.ts";
import { allNames, mapSubgraphs } from "./graph.ts";
import type { Graph, Node, OnnxModel, Tensor } from "./model.ts";
import { type Growth, type Rewriting, rewriteAt } from "./rewrite.ts";
import { fused } from "./take-apart.ts";
import { upgrades } from "./upgrade-table.ts";

/** Fused operators, too, may want to know the shape of their operands. */
const keyOf = ({ domain, op }: Node): string => (domain === "" ? op : `${domain}:${op}`);

function rewritingOf(node: Node, opset: number): { rewrite: Rewriting; wantsShape: boolean } | undefined {
  const takeApart = fused[keyOf(node)];
  if (takeApart !== undefined) return { rewrite: takeApart, wantsShape: true };
  const upgrade = node.domain === "" ? upgrades[node.op] : undefined;
  if (upgrade === undefined || opset >= upgrade.before) return undefined;
  return { rewrite: upgrade.rewrite, wantsShape: upgrade.wantsShape ?? false };
}

const opsetOf = ({ opsets }: OnnxModel): number => opsets.get("") ?? OPSET;

/** Tensors whose shapes `upgradeModel` wants to know. */
export function shapesWanted(model: OnnxModel): string[] {
  const wanted = model.graph.nodes.filter((node) => rewritingOf(node, opsetOf(model))?.wantsShape);
  return [...new Set(wanted.flatMap((node) => node.inputs.filter((input) => input !== "")))];
}

/**
 * The model with every node in the form of opset 18, or of its own opset where that is later; constants are initializers,
 * and fused operators and variants are taken apart.
 *
 * @throws PushforwardError `op-unsupported` for a variant that has no such form
 */
export function upgradeModel(model: OnnxModel, shapes: ReadonlyMap<string, Shape>): OnnxModel {
  const opset = opsetOf(model);
  const graph = upgradeGraph(model.graph, { opset, shapes, taken: allNames(model.graph) });
  return { ...model, graph, opsets: new Map(model.opsets).set("", Math.max(OPSET, opset)) };
}

function upgradeGraph(graph: Graph, around: Pick<Growth, "opset" | "shapes" | "taken">): Graph {
  const nodes: Node[] = [];
  const initializers = new Map(graph.initializers);
  const growth: Growth = { ...around, nodes, initializers };
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  for (const node of graph.nodes) {
    const constant = constantOf(node);
    if (constant !== undefined) {
      const [output = ""] = node.outputs;
      if (outputs.has(output)) nodes.push({ ...node, attributes: { value: { kind: "tensor", value: constant } } });
      else initializers.set(output, constant);
      continue;
    }
    const rewriting = rewritingOf(node, around.opset);
    const rewritten = rewriting === undefined ? node : rewriting.rewrite(node, rewriteAt(node, growth));
    const inner = { ...around, shapes: new Map<string, Shape>() };
    nodes.push(mapSubgraphs(trimmed(rewritten), (subgraph) => upgradeGraph(subgraph, inner)));
  }
  return { ...graph, nodes, initializers };
}

/** The value of a Constant node, in whichever of its attributes it is written. */
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

/** The node without absent inputs at its end. */
function trimmed(node: Node): Node {
  const last = node.inputs.findLastIndex((input) => input !== "");
  return last === node.inputs.length - 1 ? node : { ...node, inputs: node.inputs.slice(0, last + 1) };
}
