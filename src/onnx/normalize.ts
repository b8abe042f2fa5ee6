import { messageOf, PushforwardError, type Shape } from "../base/index.ts";
import { bindInputs, feedsFor, type InputShapes } from "./bind.ts";
import { checkModel } from "./check.ts";
import { checkFinite } from "./check-finite.ts";
import { expandComposites, firstLook, isOfBackend, seenIn } from "./expand.ts";
import { decideShapes, valuesToDecide } from "./flow/decide.ts";
import type { Observe, Unrolled } from "./flow/observe.ts";
import { settleBodies } from "./flow/settle-bodies.ts";
import { withoutFlow } from "./flow/unroll.ts";
import { observable, typesOf } from "./fold.ts";
import { freshName, mapSubgraphs, nodesBehind, partBehind, withGraph } from "./graph.ts";
import { shapeOfValue, tensorOf } from "./input-values.ts";
import { mainInput } from "./main-input.ts";
import type {
  Decision,
  Evaluate,
  Graph,
  InputValue,
  Model,
  ModelInput,
  Node,
  NumericData,
  OnnxModel,
  Tensor,
} from "./model.ts";
import { modulesOf } from "./modules.ts";
import { type Observation, observeTypes } from "./observation.ts";
import { inRunnableOpset, namingOpsets } from "./opset-range.ts";
import { inFloat32, isFloat, toFloat32 } from "./precision.ts";
import { quantizedInFloats } from "./quantized/in-floats.ts";
import { ownOperatorsIn, type Quantized } from "./quantized/own-operators.ts";
import { MANY_ROUNDS } from "./repetition.ts";
import { runOnce } from "./run-once.ts";
import { withoutRuntimeNames } from "./runtime-names.ts";
import { upgradeModel } from "./upgrade.ts";
import { weightsAsInputs } from "./weights-as-inputs.ts";
import { inFloatsWhereCast } from "./whole-inputs.ts";
import { namingWithoutRule } from "./without-rule.ts";

export interface NormalizeOptions {
  /** Named in errors. */
  readonly file?: string;
  /** The shape of the input that pictures go to (`mainInput`), with or without the batch axis. */
  readonly inputShape?: Shape;
  /** The shapes of other inputs, by name. */
  readonly inputShapes?: InputShapes;
  /** Inputs at which the graph is observed, if zeros are not suitable. Their shapes are bound as well. */
  readonly feeds?: ReadonlyMap<string, Tensor>;
  /** Values of inputs, with their shapes. The graph is observed at them, and those that are not floats become constants. */
  readonly given?: ReadonlyMap<string, InputValue>;
  /** Weights that become inputs of the same names, held at the values that they have in the file. */
  readonly weights?: readonly string[];
  /**
   * What tangents do where the graph rounds numbers to quantized ones: `straight-through`, they pass as if nothing were rounded; `refuse`
   * (unless stated), nothing can be differentiated there. Weights that are dequantized need no choice.
   */
  readonly quantized?: Quantized;
  /**
   * The fewest rounds of a Loop, a Scan or a recurrent layer that stays a Scan where that is possible; fewer rounds are written one after
   * the other.
   */
  readonly manyRounds?: number;
  readonly evaluate: Evaluate;
}

/**
 * Converts a graph to the one form that the rest of the project works with: see `Model`. Tensors keep their names. Tensors that do not
 * depend on an input become constants, with the values of one run; shapes come from the same run.
 *
 * An open batch axis becomes 1; every other open extent must be given. float16, bfloat16 and float64 become float32, and float64 loses
 * precision; so do inputs of whole numbers that are cast to floats at once. Quantized numbers become whole numbers in float32
 * (`quantizedInFloats`).
 *
 * The graph is the one that runs at the observed inputs: zeros, `given` or `feeds`. Every If is the branch that is taken there, a Loop its
 * rounds (a Scan, if they are many), and shapes that depend on values (as with NonZero) are those that they have there. `structure` says what decided this.
 *
 * @throws PushforwardError whatever `checkModel` throws, `shape-mismatch` if input shapes are open or contradict the file, or values do
 * not fit their inputs, `usage` for a value of what is no input and for a weight that is none, `op-unsupported` for a variant that cannot be converted to this form, `backend-failed` if the graph does not run,
 * `not-finite` for NaN and infinite weights (an infinity that is a mask or a bound is allowed, and what nothing is computed from)
 */
export async function normalize(read: OnnxModel, options: NormalizeOptions): Promise<Model> {
  const { file, evaluate } = options;
  try {
    const { model, values } = weightsAsInputs(read, options.weights ?? []);
    const given = new Map([...values, ...(options.given ?? [])]);
    requireInputs(model.graph, [...given.keys()]);
    const { quantized = "refuse", manyRounds = MANY_ROUNDS } = options;
    const inFloats = inFloatsWhereCast(inFloat32(quantizedInFloats(withoutRuntimeNames(checkModel(model)), quantized)));
    const single = named(inRunnableOpset(inFloats));
    const observed = new Map([...(options.feeds ?? [])].map(([name, tensor]) => [name, toFloat32(tensor)]));
    const bound = bindInputs(single, askedShapes(model, { ...options, given }, observed));
    const feeds = feedsFor(bound, given);
    for (const [name, tensor] of observed) {
      const own = feeds.get(name)!;
      // An input of whole numbers may be one of floats by now.
      feeds.set(name, tensor.type === own.type ? tensor : tensorOf(name, own, tensor.data as NumericData));
    }
    const inputs = model.graph.inputs.map(({ name, type = "float32" }): ModelInput => {
      const { shape } = feeds.get(name)!;
      const value = given.get(name);
      if (value !== undefined && !isFloat(type)) tensorOf(name, { type, shape }, value); // Whole numbers must be given as such.
      const isWeight = values.has(name) && !options.given?.has(name);
      return {
        ...{ name, type, shape },
        ...(value === undefined ? {} : { value: feeds.get(name)! }),
        ...(isWeight ? { isWeight } : {}),
      };
    });
    const fixed = new Map([...feeds].filter(([name, { type }]) => given.has(name) && type !== "float32"));
    const whole = fix(bound, fixed);
    const outputs = whole.graph.outputs.map(({ name }) => name);
    const start = withGraph(whole, { nodes: nodesBehind(whole.graph.nodes, outputs) });
    // ONNX Runtime can crash when it optimizes an If with a constant condition, so that fixed inputs stay inputs where it runs.
    const observe = (of: OnnxModel, names: readonly string[]) => run(evaluate, unfix(of, fixed), feeds, names);
    const { model: plain, decisions } = await beforeUpgrade(start, observe, manyRounds);
    const seen = await firstLook(plain, observe);
    const upgraded = upgradeModel(plain, seenIn(plain, seen));
    const at = (point: Observed) => normalize(read, { ...options, feeds: point });
    const observeBody = (feeds: Observed) => (of: OnnxModel, names: readonly string[]) =>
      run(evaluate, of, feeds, names);
    const settled = await settle(named(upgraded), decisions, { observe, observeBody, seen, at, manyRounds });
    const modules = modulesOf(settled.onnx.graph, model.graph); // Nodes of the file may have other names by now.
    const passes = quantized === "straight-through" && ownOperatorsIn(settled.onnx.graph).size > 0;
    return { ...settled, inputs, ...(modules.size > 0 ? { modules } : {}), ...(passes ? { quantized } : {}) };
  } catch (error) {
    if (!(error instanceof PushforwardError)) throw error;
    throw namingOpsets(namingWithoutRule(error, read), read).at({ file });
  }
}

function askedShapes(
  { graph }: OnnxModel,
  options: NormalizeOptions,
  observed: ReadonlyMap<string, Tensor>,
): InputShapes {
  const { inputShape, inputShapes = new Map(), given = new Map() } = options;
  const shapes = [...observed, ...given].flatMap(([name, value]) => {
    const shape = shapeOfValue(value);
    return shape === undefined ? [] : [[name, shape] as const];
  });
  const asked = new Map([...shapes, ...inputShapes]);
  if (inputShape === undefined) return asked;
  const inputs = graph.inputs.map(({ name, type = "float32" }) => ({ name, type, value: given.get(name) }));
  const main = mainInput(graph, inputs);
  return main === undefined ? asked : asked.set(main.name, inputShape);
}

/** @throws PushforwardError `usage` for a name that is not an input's */
function requireInputs({ inputs }: Graph, names: readonly string[]): void {
  const own = inputs.map(({ name }) => name);
  const unknown = names.find((name) => !own.includes(name));
  if (unknown === undefined) return;
  throw new PushforwardError("usage", {
    what: `A value is given for "${unknown}", which is not an input of the model.`,
    fix: `Its inputs are: ${own.join(", ")}.`,
  });
}

/** The model with some inputs as initializers. */
function fix(model: OnnxModel, fixed: Observed): OnnxModel {
  const { inputs, initializers } = model.graph;
  return withGraph(model, {
    inputs: inputs.filter(({ name }) => !fixed.has(name)),
    initializers: new Map([...initializers, ...fixed]),
  });
}

/** The reverse of `fix`. */
function unfix(model: OnnxModel, fixed: Observed): OnnxModel {
  const { inputs, initializers } = model.graph;
  return withGraph(model, {
    inputs: [...inputs, ...[...fixed].map(([name, { type, shape }]) => ({ name, type, shape }))],
    initializers: new Map([...initializers].filter(([name]) => !fixed.has(name))),
  });
}

type Observed = ReadonlyMap<string, Tensor>;

/** Runs the model once with the named tensors as its outputs. If no tensor is named, it does not run. */
async function run(evaluate: Evaluate, model: OnnxModel, feeds: Observed, names: readonly string[]): Promise<Observed> {
  const inputs = new Map([...feeds].filter(([name]) => names.includes(name)));
  const fetches = names.filter((name) => !feeds.has(name) && !model.graph.initializers.has(name));
  if (fetches.length === 0) return inputs;
  try {
    // ONNX Runtime refuses what it lacks wherever it stands.
    const part = withGraph(model, partBehind(model.graph, fetches));
    return new Map([...inputs, ...(await runOnce(evaluate, part, feeds, fetches))]);
  } catch (cause) {
    const isSingle = model.graph.inputs.length === 1;
    const isOwn = cause instanceof PushforwardError;
    if (isOwn && (isSingle || cause.code !== "backend-failed")) throw cause;
    const what = isOwn ? cause.what : `The model does not run (${messageOf(cause)}).`;
    const fix = isSingle
      ? "Check that it runs in ONNX Runtime. If the input must not be zero, give a value for it."
      : "Inputs without a value were zeros. Give those that must not be: --input NAME=FILE.npy, or a number in place of a file.";
    const where = isOwn ? cause.where : {};
    throw new PushforwardError("backend-failed", { what, where, fix, cause });
  }
}

/** The model without control flow. Where ONNX Runtime lacks a composite before it, that is left for later: composites are written in opset 18. */
async function beforeUpgrade(model: OnnxModel, observe: Observe, manyRounds: number): Promise<Unrolled> {
  try {
    return await withoutFlow(model, observe, manyRounds);
  } catch (cause) {
    if (isOfBackend(cause)) return { model, decisions: [] };
    throw cause;
  }
}

interface Settling {
  readonly observe: Observe;
  /** Observes the body of a repetition that is fed so. */
  readonly observeBody: (feeds: Observed) => Observe;
  readonly manyRounds: number;
  /** What was observed already. */
  readonly seen: Observation;
  /** Normalizes the model at another point. */
  readonly at: (point: Observed) => Promise<Model>;
}

/**
 * Expands composites, and then control flow that they hold back, until there is none, and settles the bodies of repetitions; then observes
 * the graph and folds it.
 */
async function settle(model: OnnxModel, made: readonly Decision[], settling: Settling): Promise<Model> {
  const { observe, observeBody, seen, at, manyRounds } = settling;
  const expanded = named(await expandComposites(model, observe, seen, manyRounds));
  const further = await withoutFlow(expanded, observe, manyRounds);
  if (further.model !== expanded) return settle(named(further.model), [...made, ...further.decisions], settling);
  const bodies = await settleBodies(expanded, observe, (body, feeds) =>
    settle(named(body), [], {
      ...settling,
      observe: observeBody(feeds),
      seen: { types: new Map(), values: new Map() },
    }),
  );
  if (bodies !== expanded) return settle(named(bodies), made, settling);
  const { graph: whole } = expanded;
  const names = [...observable(whole), ...whole.inputs.map(({ name }) => name)];
  const used = valuesToDecide(whole, made);
  const observed = await observeTypes(observe, expanded, names, (name) => used.has(name));
  const { graph, decisions, deciding } = decideShapes(whole, observed, made);
  await checkFinite(graph, (tensors) => observe(expanded, tensors));
  return {
    onnx: withGraph(expanded, graph),
    values: typesOf(graph, observed),
    ...(deciding === undefined ? {} : { structure: { decisions, deciding: withGraph(expanded, deciding), at } }),
  };
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
