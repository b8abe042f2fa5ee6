import { messageOf, PushforwardError, type Shape } from "../base/index.ts";
import { bindInputs, feedsFor, type InputShapes } from "./bind.ts";
import { checkModel } from "./check.ts";
import { checkFinite } from "./check-finite.ts";
import { constantsOf, foldGraph, observable, typesOf } from "./fold.ts";
import { allNames, definedNames, freshName, mapSubgraphs, withGraph } from "./graph.ts";
import { inline } from "./inline.ts";
import type { Evaluate, Graph, Model, Node, OnnxModel, Tensor } from "./model.ts";
import { inRunnableOpset, namingOpsets } from "./opset-range.ts";
import { inFloat32, toFloat32 } from "./precision.ts";
import { lookedAt, upgradeModel } from "./upgrade.ts";

export interface NormalizeOptions {
  /** Named in errors. */
  readonly file?: string;
  /** Shape of the one input, or of the one that holds floats; with or without the batch axis. */
  readonly inputShape?: Shape;
  /** The same for models of several inputs, by name. */
  readonly inputShapes?: InputShapes;
  /** Where the graph is observed: inputs that should not be zero there. Their shapes are bound as well. */
  readonly feeds?: ReadonlyMap<string, Tensor>;
  readonly evaluate: Evaluate;
}

/**
 * The one form in which the rest of the project meets a graph: see `Model`. Tensors keep their names; constants are what
 * one run shows of the tensors that no input reaches, and shapes are those of the same run.
 *
 * An open batch axis becomes 1; every other open extent must be given. float16, bfloat16 and float64 become float32 (the
 * last loses precision). Where the values of an input decide over shapes (NonZero, say), the shapes are those at the
 * inputs observed (zeros, unless `feeds` says otherwise).
 *
 * @throws PushforwardError whatever `checkModel` throws, `shape-mismatch` where input shapes are open or contradict the
 * file, `op-unsupported` for a variant that cannot be brought to this form, `backend-failed` where the graph does not run,
 * `not-finite` for NaN and infinite weights (an infinity that masks or bounds passes)
 */
export async function normalize(model: OnnxModel, options: NormalizeOptions): Promise<Model> {
  const { file, evaluate } = options;
  try {
    const single = named(inRunnableOpset(checkModel(inFloat32(model))));
    const given = new Map([...(options.feeds ?? [])].map(([name, tensor]) => [name, toFloat32(tensor)]));
    const bound = bindInputs(single, askedShapes(single, options, given));
    const feeds = feedsFor(bound, given);
    const observe = (of: OnnxModel, names: readonly string[]) => run(evaluate, of, feeds, names);
    const seen = await observe(bound, lookedAt(bound));
    const constant = constantsOf(bound.graph);
    const upgraded = upgradeModel(bound, {
      shapes: new Map([...seen].map(([name, { shape }]) => [name, shape])),
      constants: new Map([...seen].filter(([name]) => constant.has(name))),
    });
    return await settle(named(upgraded), observe);
  } catch (error) {
    throw error instanceof PushforwardError ? namingOpsets(error, model).at({ file }) : error;
  }
}

function askedShapes(
  { graph }: OnnxModel,
  { inputShape, inputShapes = new Map() }: NormalizeOptions,
  feeds: ReadonlyMap<string, Tensor>,
): InputShapes {
  const asked = new Map([...[...feeds].map(([name, { shape }]) => [name, shape] as const), ...inputShapes]);
  if (inputShape === undefined) return asked;
  const floats = graph.inputs.filter(({ type }) => type === "float32");
  const [input, ...others] = graph.inputs.length === 1 ? graph.inputs : floats;
  if (input === undefined || others.length > 0) {
    throw new PushforwardError("shape-mismatch", {
      what: `One input shape is given, and the model has ${graph.inputs.length} inputs.`,
      fix: `Export the model with fixed shapes for its inputs: ${graph.inputs.map(({ name }) => name).join(", ")}.`,
    });
  }
  return asked.set(input.name, inputShape);
}

type Observed = ReadonlyMap<string, Tensor>;

/** Runs the model once with the named tensors as its outputs; asks for nothing where none is named. */
async function run(evaluate: Evaluate, model: OnnxModel, feeds: Observed, names: readonly string[]): Promise<Observed> {
  const inputs = new Map([...feeds].filter(([name]) => names.includes(name)));
  const fetches = names.filter((name) => !feeds.has(name) && !model.graph.initializers.has(name));
  if (fetches.length === 0) return inputs;
  const outputs = fetches.map((name) => ({ name, type: undefined, shape: undefined }));
  try {
    return new Map([...inputs, ...(await evaluate(withGraph(model, { outputs }), feeds, fetches))]);
  } catch (cause) {
    if (cause instanceof PushforwardError) throw cause;
    throw new PushforwardError("backend-failed", {
      what: `The model does not run (${messageOf(cause)}).`,
      fix: "Check that it runs in ONNX Runtime; inputs that must not be zero can be given.",
      cause,
    });
  }
}

/** Observes, replaces every If whose condition turns out constant by the branch taken, and again; then folds. */
async function settle(
  model: OnnxModel,
  observe: (model: OnnxModel, names: readonly string[]) => Promise<Observed>,
): Promise<Model> {
  const observed = await observe(model, observable(model.graph));
  const decided = inlineDecided(model.graph, observed);
  if (decided !== undefined) return settle(named(withGraph(model, decided)), observe);
  const graph = foldGraph(model.graph, observed);
  checkFinite(graph);
  return { onnx: withGraph(model, graph), values: typesOf(graph, observed) };
}

/** The graph with the branch in place of each If that always takes the same one; `undefined` where there is none. */
function inlineDecided(graph: Graph, observed: Observed): Graph | undefined {
  const constant = constantsOf(graph, observed);
  const isDecided = (node: Node) =>
    node.op === "If" && constant.has(node.inputs[0] ?? "") && node.outputs.some((output) => !constant.has(output));
  if (!graph.nodes.some(isDecided)) return undefined;
  const others = { ...graph, nodes: graph.nodes.filter((node) => !isDecided(node)) };
  const taken = new Set([...allNames(others), ...definedNames(graph)]);
  const initializers = new Map(graph.initializers);
  const nodes = graph.nodes.flatMap((node) => {
    if (!isDecided(node)) return node;
    const condition = observed.get(node.inputs[0] ?? "") ?? graph.initializers.get(node.inputs[0] ?? "");
    const branch = node.attributes[condition?.data[0] ? "then_branch" : "else_branch"];
    if (branch?.kind !== "graph") return node;
    const inlined = inline(branch.value, node, taken, { prefixed: false });
    for (const [name, tensor] of inlined.initializers) initializers.set(name, tensor);
    return inlined.nodes;
  });
  return { ...graph, nodes, initializers };
}

/** Every node with a name that no other has: its own, else its first output's. */
function named(model: OnnxModel): OnnxModel {
  const taken = new Set<string>();
  const nameNodes = (graph: Graph): Graph => ({ ...graph, nodes: graph.nodes.map(nameNode) });
  const nameNode = (node: Node): Node => {
    const name = freshName(taken, node.name || node.outputs.find((output) => output !== "") || node.op);
    return mapSubgraphs({ ...node, name }, nameNodes);
  };
  return withGraph(model, nameNodes(model.graph));
}
