import { messageOf, sameShape, sizeOf } from "../base/index.ts";
import {
  type Attributes,
  freshWord,
  type Graph,
  type Model,
  type Node,
  nodesBehind,
  OWN_DOMAIN,
  readAttributes,
  readsOf,
  whyWithoutRule,
} from "../onnx/index.ts";
import { aliveEntries } from "./alive.ts";
import { ProgramBuilder } from "./builder.ts";
import type { Operator } from "./operator.ts";
import { operatorOf } from "./operators/index.ts";
import { PREFIXES, PrimalBuilder, type Value } from "./primal.ts";
import type { Operand, Tangent } from "./program.ts";
import { constant, type Inside, type LinearMap, type RuleNode } from "./rule.ts";
import { embed, type Selection } from "./selection.ts";
import { settleComparisons } from "./settle-comparisons.ts";

/** Tensors between which something is differentiated. */
interface Ends {
  readonly sources: readonly string[];
  readonly targets: readonly string[];
}

/** A node between sources and targets that cannot be differentiated. */
export interface UnsupportedNode {
  readonly node: string;
  readonly op: string;
  /** Why: "it is in training mode". */
  readonly reason: string;
}

/**
 * The nodes that depend on a source, in graph order. A node reads its inputs, and also the tensors of the surrounding graph that
 * its subgraphs (the body of a Loop, the branches of an If) use.
 */
export function nodesAfter(nodes: readonly Node[], sources: readonly string[]): Node[] {
  const varying = new Set(sources);
  return nodes.filter((node) => {
    const flows = readsOf(node).some((name) => varying.has(name));
    if (flows) for (const output of node.outputs) if (!sources.includes(output)) varying.add(output);
    return flows;
  });
}

/** The nodes that depend on a source and that a target depends on, in graph order. */
export function nodesBetween(model: Model, { sources, targets }: Ends): Node[] {
  return nodesBehind(nodesAfter(model.onnx.graph.nodes, sources), targets, sources);
}

/**
 * The nodes through which the sources' tangents flow on their way to the targets, in graph order. They do not flow through what only
 * decides, such as a comparison, nor through what leads only to that.
 */
export function nodesMoving(model: Model, { sources, targets }: Ends): Node[] {
  const passes = (node: Node) =>
    operatorOf(node)?.rule !== constant && node.outputs.some((name) => canMove(model, name));
  return nodesBehind(nodesAfter(model.onnx.graph.nodes, sources).filter(passes), targets, sources);
}

/** Whether a tensor can have a tangent: only floats have one, and only tensors with entries. A sequence holds tensors of any type. */
function canMove({ values }: Model, name: string): boolean {
  const own = values.get(name);
  return name !== "" && (own === undefined || (own.type === "float32" && sizeOf(own.shape) > 0));
}

/** The nodes that stand between sources and targets and cannot be differentiated. */
export function unsupportedBetween(model: Model, options: Ends): UnsupportedNode[] {
  return blockedAt(record(model, nodesMoving(model, options), options.sources), options.targets);
}

/** What the derivative by some tensors reaches, tensor by tensor. */
export interface Reach {
  /** Whether the tensor has a derivative that is not zero by structure; behind unsupported nodes, whether it may have one. */
  moves(tensor: string): boolean;
  /** The nodes on the way to the tensor that cannot be differentiated, in graph order. */
  unsupported(tensor: string): readonly UnsupportedNode[];
}

/** Applies all rules after the sources, without compiling anything: what can be differentiated, and what stands in the way. */
export function reachOf(model: Model, sources: readonly string[]): Reach {
  const recording = record(model, nodesAfter(model.onnx.graph.nodes, sources), sources);
  return {
    moves: (tensor) => recording.tangents.get(tensor) !== undefined,
    unsupported: (tensor) => blockedAt(recording, [tensor]),
  };
}

/** What the rules of some nodes recorded. */
interface Recording {
  readonly l: ProgramBuilder;
  readonly primal: PrimalBuilder;
  /** Behind a node that is not supported, of a variable that stands in for its output. */
  readonly tangents: ReadonlyMap<string, Tangent>;
  /** The unsupported nodes on which the tangent of a tensor depends, by tensor; empty ones are left out. */
  readonly blocked: ReadonlyMap<string, ReadonlySet<UnsupportedNode>>;
}

export function blockedAt({ blocked }: Recording, targets: readonly string[]): UnsupportedNode[] {
  return [...new Set(targets.flatMap((target) => [...(blocked.get(target) ?? [])]))];
}

/**
 * The tangents of what some nodes compute. Of a source with a selection, only these entries move. Only floats have a tangent, and only
 * tensors with entries. A node none of whose inputs has one needs no rule, because its outputs have none either; nor does a node whose
 * outputs cannot have one.
 */
export function record(
  model: Model,
  nodes: readonly Node[],
  sources: readonly string[],
  selected: readonly (Selection | undefined)[] = [],
  prefixes: Prefixes = prefixesFor(model.onnx.graph),
): Recording {
  const { graph } = model.onnx;
  const lookUp = (name: string): Value => {
    // A sequence has neither shape nor type of entries; the nodes that read or make one are refused.
    const { shape, type } = model.values.get(name) ?? absent;
    return { name, shape, type, constant: graph.initializers.get(name) };
  };
  const l = new ProgramBuilder();
  const primal = new PrimalBuilder(prefixes.rules);
  const tangents = new Map<string, Tangent>();
  const blocked = new Map<string, ReadonlySet<UnsupportedNode>>();
  const passesAt = (factor: Operand) => {
    const value = primal.valueOf(factor);
    return value.constant === undefined ? primal.isNonZero(value) : undefined;
  };
  const aliveAt = aliveEntries(primal, (x) => l.makerOf(x), passesAt);
  primal.alive = (name) => aliveAt(tangents.get(name));
  const moves = (name: string) => canMove(model, name);
  for (const [i, source] of sources.entries()) {
    const { shape } = lookUp(source);
    const selection = selected[i];
    const own = l.source(selection?.shape ?? shape);
    if (!moves(source)) continue;
    tangents.set(source, selection === undefined ? own : embed(l, primal, own, selection, shape));
  }
  for (const { op, inputs, outputs } of graph.nodes) {
    const isMask = op === "Cast" && model.values.get(inputs[0]!)?.type === "bool";
    if (isMask && model.values.get(outputs[0]!)?.type === "float32") primal.masks.set(outputs[0]!, lookUp(inputs[0]!));
  }

  for (const node of nodes) {
    const moving = readsOf(node).filter((name) => tangents.get(name) !== undefined);
    if (moving.length === 0 || !node.outputs.some(moves)) continue;
    const before = moving.flatMap((name) => [...(blocked.get(name) ?? [])]);
    const operator = operatorOf(node);
    const inputs = [...node.inputs, ...new Set(readsOf({ ...node, inputs: [] }))];
    const ruleNode: RuleNode = {
      op: node.op,
      node,
      inputs: inputs.map((name) => (name === "" ? absent : lookUp(name))),
      outputs: node.outputs.filter((name) => name !== "").map(lookUp),
      attributes: readAttributes(node.attributes, operator?.attributes ?? []),
      optional: (i) => (node.inputs[i] ? lookUp(node.inputs[i]) : undefined),
      varies: (i) => tangents.get(inputs[i] ?? "") !== undefined,
      inside: (inner, ends) =>
        recordInside(inner, ends, {
          rules: `${prefixes.rules}/${node.outputs[0]}`,
          comparisons: `${prefixes.comparisons}/${node.outputs[0]}`,
        }),
    };
    primal.owner = node.outputs[0];
    const isTensor = (name: string) => name === "" || model.values.has(name);
    const { found, refused } = differentiate(node, operator, ruleNode, primal, (map) => {
      if (![...node.inputs, ...node.outputs].every(isTensor)) throw new Error("it reads or makes what is no tensor");
      return map(l, ...inputs.map((name) => tangents.get(name)));
    });
    const around = new Set(refused === undefined ? before : [...before, refused]);
    for (const [i, name] of node.outputs.entries()) {
      if (!moves(name) || sources.includes(name)) continue;
      const tangent = refused === undefined ? found[i] : l.source(lookUp(name).shape);
      if (tangent === undefined) continue;
      tangents.set(name, tangent);
      if (around.size > 0) blocked.set(name, around);
    }
  }
  return { l, primal, tangents, blocked };
}

/** How the names begin of what rules keep, and of what settles comparisons. */
type Prefixes = Readonly<Record<keyof typeof PREFIXES, string>>;

const prefixesFor = (graph: Graph): Prefixes => ({
  rules: freshWord(graph, PREFIXES.rules),
  comparisons: freshWord(graph, PREFIXES.comparisons),
});

/** Applies the rules of a graph inside a node. */
function recordInside(model: Model, ends: Ends, prefixes: Prefixes): Inside {
  const { nodes } = model.onnx.graph;
  const recording = record(model, nodesMoving(model, ends), ends.sources, [], prefixes);
  const missing = blockedAt(recording, ends.targets);
  if (missing.length > 0) {
    throw new Error(missing.map(({ node, op, reason }) => `in it, ${op} "${node}": ${reason}`).join("; "));
  }
  const moving = new Set(nodesAfter(nodes, ends.sources));
  const settled = settleComparisons(nodes, model, (node) => moving.has(node), prefixes.comparisons);
  return { ...recording, prefix: prefixes.rules, settled };
}

/** The tangents of a node's outputs, or why there are none. */
function differentiate(
  node: Node,
  operator: Operator | undefined,
  ruleNode: RuleNode,
  primal: PrimalBuilder,
  apply: (map: LinearMap) => Tangent | readonly Tangent[],
): { readonly found: readonly Tangent[]; readonly refused: UnsupportedNode | undefined } {
  const { name, op, domain, outputs, attributes } = node;
  const refuse = (reason: string) => {
    const full = domain === "" || domain === OWN_DOMAIN ? op : `${domain}.${op}`;
    return { found: [], refused: { node: name, op: full, reason } };
  };
  const { rule, attributes: known } = operator ?? {};
  if (rule === undefined) {
    const why = whyWithoutRule(node);
    return refuse(why === undefined ? "it has no rule" : `it has no rule: ${why}`);
  }
  try {
    if (rule !== constant) checkAttributes(op, attributes, known);
    const result = apply(rule(ruleNode, primal));
    const found = Array.isArray(result) ? (result as readonly Tangent[]) : [result as Tangent];
    for (const [i, y] of ruleNode.outputs.entries()) {
      const tangent = found[outputs.indexOf(y.name)];
      if (tangent === undefined || sameShape(tangent.shape, y.shape)) continue;
      throw new Error(`tangent ${i} is [${tangent.shape}] for output [${y.shape}]`);
    }
    return { found, refused: undefined };
  } catch (cause) {
    return refuse(messageOf(cause));
  }
}

function checkAttributes(op: string, attributes: Attributes, known: readonly string[] = []): void {
  const others = Object.keys(attributes).filter((name) => !known.includes(name));
  if (others.length === 0) return;
  const [attribute, is] = others.length === 1 ? ["attribute", "is"] : ["attributes", "are"];
  throw new Error(`its ${attribute} ${others.join(", ")} ${is} not known to the rule of ${op}`);
}

const absent: Value = { name: "", shape: [], type: "float32", constant: undefined };

/** Which nodes cannot be differentiated and why, as sentences. */
export function formatUnsupported(nodes: readonly UnsupportedNode[]): string {
  return nodes.map(({ node, op, reason }) => `${op} "${node}": ${reason}.`).join(" ");
}
