import { sameShape, sizeOf } from "../../base/index.ts";
import { valueInfo } from "../build.ts";
import { constantsOf } from "../fold.ts";
import { definedNames, readsOf, withGraph } from "../graph.ts";
import type { Graph, Model, Node, OnnxModel, Tensor } from "../model.ts";
import { type Repetition, repetition, repetitionOf } from "../repetition.ts";
import { Body, type Replacement } from "./body.ts";
import type { Observe } from "./observe.ts";

/** Brings a body, as a model of its own that is fed so, to the form of a normalized graph. */
type Settle = (body: OnnxModel, feeds: ReadonlyMap<string, Tensor>) => Promise<Model>;

/**
 * The model with the bodies of its repetitions in the form of normalized graphs, as they are in the first round; their constants stand
 * around them. Where values decide what a round computes, or a round changes the shape of a state, the rounds have to be written one
 * after the other. The same model if nothing is left to do.
 */
export async function settleBodies(model: OnnxModel, observe: Observe, settle: Settle): Promise<OnnxModel> {
  const { graph } = model;
  const due = graph.nodes.flatMap((node) => {
    const parts = repetitionOf(node);
    return parts === undefined || parts.body.values !== undefined ? [] : [{ node, parts }];
  });
  if (due.length === 0) return model;
  const seen = await observe(model, [...new Set(due.flatMap(({ node }) => readsOf(node)))]);
  const constant = constantsOf(graph);
  const taken = definedNames(graph);
  const initializers = new Map(graph.initializers);
  const replaced = new Map<Node, readonly Node[]>();
  for (const { node, parts } of due) {
    const seenAs = (name: string) => graph.initializers.get(name) ?? seen.get(name)!;
    const captured = new Set(readsOf({ ...node, inputs: [] }));
    const outside = [...captured].map((name) => [name, seenAs(name)] as const);
    const feeds = new Map([...entering(parts, seenAs), ...outside.filter(([name]) => !constant.has(name))]);
    const body = withGraph(model, {
      ...parts.body,
      inputs: [...feeds].map(([name, { type, shape }]) => valueInfo(name, type, shape)),
      initializers: new Map([...parts.body.initializers, ...outside.filter(([name]) => constant.has(name))]),
    });
    const settled = await settle(body, feeds);
    if (settled.structure !== undefined || !keepsStates(settled, parts)) {
      replaced.set(node, [{ ...node, repeats: false }]);
      continue;
    }
    const around: Replacement = { nodes: [], initializers };
    const whole = new Body(ownGraph(settled, parts, captured), taken, around).whole();
    replaced.set(node, [...around.nodes, { ...node, ...repetition({ ...parts, body: whole }, node.name) }]);
  }
  return withGraph(model, { nodes: graph.nodes.flatMap((node) => replaced.get(node) ?? [node]), initializers });
}

/** What the first round begins with, by the names of the body's inputs. */
function entering({ states, sliced, body, isReverse }: Repetition, seenAs: (name: string) => Tensor) {
  return body.inputs.map(({ name }, i): readonly [string, Tensor] => {
    if (i < states.length) return [name, seenAs(states[i]!)];
    const { type, shape, data } = seenAs(sliced[i - states.length]!);
    const [rounds = 1, ...own] = shape;
    const [size, at] = [sizeOf(own), isReverse ? rounds - 1 : 0];
    return [name, { type, shape: own, data: data.slice(at * size, (at + 1) * size) }];
  });
}

function keepsStates({ onnx: { graph }, values }: Model, { states }: Repetition): boolean {
  return states.every((_, i) => {
    const [before, after] = [graph.inputs[i], graph.outputs[i]].map((end) => values.get(end!.name));
    return before !== undefined && after?.type === before.type && sameShape(after.shape, before.shape);
  });
}

/** The graph of a settled body, without what it reads around it. */
function ownGraph({ onnx: { graph }, values }: Model, { body }: Repetition, captured: ReadonlySet<string>): Graph {
  const isOwn = ([name]: readonly [string, unknown]) => !captured.has(name);
  return {
    ...graph,
    inputs: graph.inputs.slice(0, body.inputs.length),
    initializers: new Map([...graph.initializers].filter(isOwn)),
    values: new Map([...values].filter(isOwn)),
  };
}
