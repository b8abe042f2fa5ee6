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
  /** The shape of the only input, or of the only floating-point input, with or without the batch axis. */
  readonly inputShape?: Shape;
  /** The shapes for models with several inputs, by name. */
  readonly inputShapes?: InputShapes;
  /** Inputs at which the graph is observed, if zeros are not suitable. Their shapes are bound as well. */
  readonly feeds?: ReadonlyMap<string, Tensor>;
  readonly evaluate: Evaluate;
}

/**
 * Converts a graph to the one form that the rest of the project works with: see `Model`. Tensors keep their names. Tensors that do not
 * depend on an input become constants, with the values of one run; shapes come from the same run.
 *
 * An open batch axis becomes 1; every other open extent must be given. float16, bfloat16 and float64 become float32, and float64 loses
 * precision. If shapes depend on the values of an input (as with NonZero), they are those at the observed inputs: zeros, or `feeds`.
 *
 * @throws PushforwardError whatever `checkModel` throws, `shape-mismatch` if input shapes are open or contradict the file,
 * `op-unsupported` for a variant that cannot be converted to this form, `backend-failed` if the graph does not run,
 * `not-finite` for NaN and infinite weights (an infinity that is a mask or a bound is allowed)
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
      what: `One input shape is given, but the model has ${graph.inputs.length} inputs.`,
      fix: `Export the model with fixed shapes for its inputs: ${graph.inputs.map(({ name }) => name).join(", ")}.`,
    });
  }
  return asked.set(input.name, inputShape);
}

type Observed = ReadonlyMap<string, Tensor>;

/** Runs the model once with the named tensors as its outputs. If no tensor is named, it does not run. */
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
      fix: "Check that it runs in ONNX Runtime. If an input must not be zero, give a value for it.",
      cause,
    });
  }
}

/**
 * Observes the graph and replaces every If with a constant condition by the branch taken, until there is none; then
 * folds.
 */
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

/**
 * The graph in which each If that always takes the same branch is replaced by that branch; `undefined` if there is no
 * such If.
 */
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

/** The nodes with unique names: their own, or else the name of their first output. */
function named(model: OnnxModel): OnnxModel {
  const taken = new Set<string>();
  const nameNodes = (graph: Graph): Graph => ({ ...graph, nodes: graph.nodes.map(nameNode) });
  const nameNode = (node: Node): Node => {
    const name = freshName(taken, node.name || node.outputs.find((output) => output !== "") || node.op);
    return mapSubgraphs({ ...node, name }, nameNodes);
  };
  return withGraph(model, nameNodes(model.graph));
}
