import { intTensor, node, valueInfo } from "../build.ts";
import { constantsOf, foldGraph, isRandom, observable, shapedByOf } from "../fold.ts";
import { allNames, freshName, readsOf } from "../graph.ts";
import type { Decided, Decision, Graph, Node, Tensor, ValueInfo } from "../model.ts";
import type { Observed } from "../observation.ts";

/** A graph all of whose shapes are decided, and what decided them. */
export interface DecidedGraph {
  readonly graph: Graph;
  readonly decisions: readonly Decided[];
  /** Computes the tensors of the decisions, in their order; `undefined` if there are none. */
  readonly deciding: Graph | undefined;
}

/**
 * The folded graph at an observed point. Where a value that depends on an input determines a shape, the observed value stands in its
 * place, and is a decision. `made` are the decisions that the graph rests on already. What depends on a draw is left as it is.
 */
export function decideShapes(whole: Graph, observed: Observed, made: readonly Decision[]): DecidedGraph {
  const { graph, found, shapes } = pinned(whole, observed);
  const shaped = new Set(shapes.values());
  const constant = constantsOf(graph, observed, shaped);
  const place = new Map(graph.nodes.flatMap(({ outputs }, i) => outputs.map((output) => [output, i] as const)));
  const placeOf = ({ tensor }: Decision) => place.get(shapes.get(tensor) ?? tensor) ?? -1;
  const valueAt = ({ tensor }: Decision) => {
    const of = shapes.get(tensor);
    return of === undefined ? observed.values.get(tensor) : intTensor(observed.types.get(of)!.shape);
  };
  const decisions = [...new Map([...made, ...found].map((decision) => [decision.tensor, decision])).values()]
    .filter(({ tensor }) => !constant.has(tensor))
    .sort((a, b) => placeOf(a) - placeOf(b))
    .flatMap((decision): Decided[] => {
      const value = valueAt(decision);
      return value === undefined ? [] : [{ ...decision, value }];
    });
  const folded = foldGraph(graph, observed, shaped);
  if (decisions.length === 0) return { graph: folded, decisions, deciding: undefined };
  const deciding = foldGraph(
    { ...graph, outputs: decisions.map(({ tensor }) => untyped(shapes.get(tensor) ?? tensor)) },
    observed,
    shaped,
  );
  const asking = [...shapes].map(([shape, of]) => node({ op: "Shape", inputs: [of], outputs: [shape] }));
  return {
    graph: folded,
    decisions,
    deciding: {
      ...deciding,
      nodes: [...deciding.nodes, ...asking],
      outputs: decisions.map(({ tensor, value: { type, shape } }) => valueInfo(tensor, type, shape)),
    },
  };
}

/** The tensors whose values `decideShapes` uses if all tensors of the graph are observed. */
export function valuesToDecide(whole: Graph, made: readonly Decision[]): Set<string> {
  const names = new Set([...observable(whole), ...whole.inputs.map(({ name }) => name)]);
  const used = new Set<string>();
  // Which values are used depends on neither values nor shapes.
  const any: Tensor = { type: "float32", shape: [], data: new Float32Array(1) };
  const has = (name: string) => names.has(name);
  const get = (name: string) => (has(name) ? any : undefined);
  const use = (name: string) => (has(name) && used.add(name) ? any : undefined);
  decideShapes(whole, { types: { has, get }, values: { get: use } }, made);
  return used;
}

const untyped = (name: string): ValueInfo => ({ name, type: undefined, shape: undefined });

interface Pinned {
  readonly graph: Graph;
  readonly found: readonly Decision[];
  /** The names of tensors that hold the shape of another, with the name of that one. */
  readonly shapes: ReadonlyMap<string, string>;
}

/** The graph with the observed values of all inputs that determine shapes in place of these inputs. */
function pinned(whole: Graph, observed: Observed): Pinned {
  const taken = allNames(whole);
  const constant = constantsOf(whole, observed);
  const drawn = drawnIn(whole);
  const isFree = (name: string) => name !== "" && !constant.has(name) && !drawn.has(name) && observed.types.has(name);
  const initializers = new Map(whole.initializers);
  const found: Decision[] = [];
  const shapes = new Map<string, string>();
  const fixed = new Map<string, string>();
  const pin = (tensor: string, { name, op }: Node): string => {
    const known = fixed.get(tensor);
    if (known !== undefined || !isFree(tensor)) return known ?? tensor;
    const value = freshName(taken, `${tensor}/decided`);
    fixed.set(tensor, value);
    initializers.set(value, observed.values.get(tensor)!);
    found.push({ node: name, op, tensor, by: "input" });
    return value;
  };
  const nodes = whole.nodes.map((one) => {
    const shapedBy = one.domain === "" ? shapedByOf(one) : [];
    const outputs = one.outputs.filter(isFree);
    if (outputs.length === 0) return one;
    // The bounds of a Range may move with the input, as long as their number stays the same.
    if (shapedBy !== "values" && one.op !== "Range") {
      return { ...one, inputs: one.inputs.map((input, i) => (shapedBy.includes(i) ? pin(input, one) : input)) };
    }
    if (shapedBy !== "values" && one.inputs.every((input) => constant.has(input))) return one;
    for (const output of outputs) {
      const shape = freshName(taken, `${output}/shape`);
      shapes.set(shape, output);
      found.push({ node: one.name, op: one.op, tensor: shape, by: "shape of its output" });
    }
    return one;
  });
  return { graph: { ...whole, nodes, initializers }, found, shapes };
}

/** The tensors that depend on a draw. */
export function drawnIn({ nodes }: Graph): Set<string> {
  const drawn = new Set<string>();
  for (const node of nodes) {
    if (!isRandom(node) && !readsOf(node).some((name) => drawn.has(name))) continue;
    for (const output of node.outputs) drawn.add(output);
  }
  return drawn;
}
