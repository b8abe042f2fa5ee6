import { PushforwardError } from "../base/index.ts";
import { OPSET } from "./build.ts";
import { composites } from "./composites/index.ts";
import type { Observe } from "./flow/observe.ts";
import { constantsOf, isRandom } from "./fold.ts";
import { allNames, nodesBehind, operatorKey, withGraph, withInner } from "./graph.ts";
import type { Node, OnnxModel } from "./model.ts";
import { type Observation, observeTypes, seenTogether } from "./observation.ts";
import type { OperatorRewriting, Seen } from "./rewrite.ts";
import { lookedAt, rewriteGraph } from "./rewrite-graph.ts";
import { upgradesOf } from "./upgrade.ts";

/** How a composite is written with other operators; `undefined` for a node that is none. */
const expansionOf = (node: Node): OperatorRewriting | undefined => composites[operatorKey(node)];

/**
 * A node, and those of the graphs inside it that may be expanded: what a body draws anew in each round stays, and the body of a repetition
 * is a graph of its own.
 */
const expandable = (node: Node): Node[] =>
  node.repeats ? [node] : withInner(node).filter((one) => one === node || !isRandom(one));

const holdsComposite = (node: Node): boolean => expandable(node).some((one) => expansionOf(one) !== undefined);

/** What rewritings may know of the tensors that a run of the model gave. */
export function seenIn({ graph }: OnnxModel, { types, values }: Observation): Seen {
  const constant = constantsOf(graph);
  return { types, constants: new Map([...values].filter(([name]) => constant.has(name))) };
}

/** Observes tensors for rewritings: they use the values of constants, and the shapes of others. */
function look(model: OnnxModel, names: readonly string[], observe: Observe): Promise<Observation> {
  const constant = constantsOf(model.graph);
  return observeTypes(observe, model, names, (name) => constant.has(name));
}

/**
 * The tensors that upgrades and expansions look at. If the model does not run, because ONNX Runtime lacks a composite, those that upgrades
 * look at and that do not depend on one.
 *
 * @throws PushforwardError what `observe` throws
 */
export async function firstLook(model: OnnxModel, observe: Observe): Promise<Observation> {
  const { nodes } = model.graph;
  const upgradeOf = upgradesOf(model);
  const all = lookedAt(model, nodes, (node) => upgradeOf(node) ?? expansionOf(node));
  try {
    return await look(model, all, observe);
  } catch (cause) {
    if (!isOfBackend(cause) || !nodes.some(holdsComposite)) throw cause;
    const isKnown = (name: string) => !nodesBehind(nodes, [name]).some(holdsComposite);
    return look(model, lookedAt(model, nodes, upgradeOf).filter(isKnown), observe);
  }
}

/**
 * The model with every composite written with standard operators, also those that expansions contain. Its nodes must have the form of
 * opset 18. `known` are tensors that were observed already. Recurrences of `manyRounds` steps or more become repetitions.
 *
 * What expansions look at comes from runs. If the model does not run because ONNX Runtime lacks one of the composites, they are expanded in
 * waves: in each, those that look at nothing that depends on another composite.
 *
 * @throws PushforwardError what an expansion throws, and what `observe` throws if no composite is to blame
 */
export async function expandComposites(
  model: OnnxModel,
  observe: Observe,
  known: Observation,
  manyRounds: number,
): Promise<OnnxModel> {
  let observed = known;
  // Composites that an expansion returned as they are, by what it made of their first output.
  const kept = new Set<string>();
  const mark = (node: Node) => `${operatorKey(node)} ${node.outputs[0]}`;
  let expanded = model;
  let runs = true;
  for (;;) {
    const { nodes } = expanded.graph;
    const pending = nodes.filter((node) => holdsComposite(node) && !kept.has(mark(node)));
    if (pending.length === 0) return expanded;
    const constant = constantsOf(expanded.graph);
    const isSeen = (name: string) => (constant.has(name) ? observed.values : observed.types).has(name);
    const unseen = (wave: readonly Node[]) => lookedAt(expanded, wave, expansionOf).filter((name) => !isSeen(name));
    const lookAt = async (wave: readonly Node[]) => {
      observed = seenTogether(observed, await look(expanded, unseen(wave), observe));
      return wave;
    };
    let wave: readonly Node[] = pending.filter((node) => unseen([node]).length === 0);
    if (wave.length === 0 && runs) {
      try {
        wave = await lookAt(pending);
      } catch (cause) {
        if (!isOfBackend(cause)) throw cause;
        runs = false;
      }
    }
    if (wave.length === 0) {
      const isBlocked = (node: Node) => nodesBehind(nodes, unseen([node])).some((other) => pending.includes(other));
      wave = await lookAt(pending.filter((node) => !isBlocked(node)));
    }
    const due = new Set(wave.flatMap(expandable));
    const around = {
      ...seenIn(expanded, observed),
      opset: expanded.opsets.get("") ?? OPSET,
      taken: allNames(expanded.graph),
      manyRounds,
    };
    const graph = rewriteGraph(expanded.graph, around, (node) => (due.has(node) ? expansionOf(node) : undefined));
    const tried = new Set(wave.map(mark));
    for (const node of graph.nodes) if (tried.has(mark(node))) kept.add(mark(node));
    expanded = withGraph(expanded, graph);
  }
}

/** Whether ONNX Runtime refused a graph, or failed in it. */
export const isOfBackend = (cause: unknown): boolean =>
  cause instanceof PushforwardError && cause.code === "backend-failed";
