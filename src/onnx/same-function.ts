import { createRng, PushforwardError, type Rng, type Shape, sameShape, sizeOf } from "../base/index.ts";
import { feedsFor } from "./bind.ts";
import { checkModel } from "./check.ts";
import { isRandom, observable } from "./fold.ts";
import { readsOf, withGraph } from "./graph.ts";
import type { Evaluate, Graph, Model, Node, OnnxModel, Tensor } from "./model.ts";
import { inRunnableOpset } from "./opset-range.ts";
import { isFloat, unitRoundoff } from "./precision.ts";
import { fromFloat32Array, toFloat32Array } from "./tensor-types.ts";

type Tensors = ReadonlyMap<string, Tensor>;

/** Runs one graph once and returns the outputs asked for, each by its name. */
type RunOnce = (feeds: Tensors, fetches: readonly string[]) => Promise<Tensors>;

export interface SameFunctionParts {
  /** Named in errors. */
  readonly file?: string;
  /** The model as read. */
  readonly original: OnnxModel;
  /** The same, normalized. */
  readonly model: Model;
  /** Runs the file itself; rejects where the runtime does not. */
  readonly runFile: RunOnce;
  readonly evaluate: Evaluate;
}

/**
 * How far outputs may lie apart, in units of the original's unit roundoff and relative to the tensor's norm. The two graphs
 * do the same sums in another order: each operation adds some roundings, of random sign, and a network has some hundred
 * operations in a row. What exceeds this is measured more closely before the model is refused.
 */
const ROUNDINGS = 256;

/**
 * A move of all inputs by so many units of roundoff, and how much further apart than this move drives the original's own
 * tensors the two graphs may be. Some networks magnify rounding (a difference of large numbers, a recurrence), or jump by it
 * (ArgMax, Round, a comparison); such a network moves in the same way when its input is rounded otherwise.
 */
const NUDGE = 16;
const MAGNIFIED = 16;

/** Points to compare at; the next is tried where the original does not run or is not finite at one (as a logarithm below 0). */
const points: readonly ((rng: Rng) => number)[] = [(rng) => rng.gaussian(), (rng) => Math.abs(rng.gaussian()), () => 0];

/**
 * Compares what the file computes with what the normalized graph computes, at one random input: standard normal for floats
 * (rounded to 1/64, which every type of float holds exactly), zeros for all others. Outputs that are drawn at random are left
 * out. The graph as read stands for a file that the runtime does not load; there is no comparison where it runs neither.
 *
 * The two are run one after the other, so that the runtime holds the weights of one only.
 *
 * @throws PushforwardError `op-unsupported` naming the first node whose output differs by more than rounding
 */
export async function checkSameFunction(parts: SameFunctionParts): Promise<void> {
  const { file, model, evaluate } = parts;
  const original = inRunnableOpset(parts.original);
  const runRead: RunOnce = (feeds, fetches) => evaluate(original, feeds, fetches);
  const runOriginal: RunOnce = original.leavesOutOutputs
    ? runRead
    : (feeds, fetches) => parts.runFile(feeds, fetches).catch(() => runRead(feeds, fetches));
  const outputs = comparable(original.graph, model);
  const tolerance = ROUNDINGS * unitRoundoff(original.graph);
  for (const draw of points) {
    const point = pointOf(model, draw);
    const theirs = await runOriginal(inTypesOf(original.graph, point), outputs).catch(() => undefined);
    if (theirs === undefined) continue;
    const ours = await runNormalized(model, evaluate, point, outputs);
    if (outputs.some((name) => distance(theirs.get(name)!, ours.get(name)!) > tolerance)) {
      const culprit = await firstDifference({ ...parts, original }, point, runOriginal, outputs);
      if (culprit !== undefined) throw refusal(culprit, file);
    }
    if ([...theirs.values()].every(allFinite)) return;
  }
}

/** Outputs that both graphs have, made of numbers that are not drawn at random. */
function comparable(original: Graph, { onnx: { graph }, values }: Model): string[] {
  const drawn = new Set<string>();
  for (const node of graph.nodes) {
    if (!isRandom(node) && !readsOf(node).some((name) => drawn.has(name))) continue;
    for (const output of node.outputs) drawn.add(output);
  }
  const own = new Set(graph.outputs.map(({ name }) => name));
  return original.outputs
    .map(({ name }) => name)
    .filter((name) => own.has(name) && !drawn.has(name))
    .filter((name) => values.has(name) && values.get(name)?.type !== "string");
}

/** A value for each input of the normalized graph. */
function pointOf({ onnx }: Model, draw: (rng: Rng) => number): Map<string, Tensor> {
  const rng = createRng("same function");
  // Numbers of at most 8 bits.
  const entry = () => Math.max(-255, Math.min(255, Math.round(64 * draw(rng)))) / 64;
  const floats = onnx.graph.inputs.filter(({ type }) => type === "float32");
  const given = floats.map(({ name, shape }): [string, Tensor] => {
    const data = Float32Array.from({ length: sizeOf(shape as Shape) }, entry);
    return [name, { type: "float32", shape: shape as Shape, data }];
  });
  return feedsFor(onnx, new Map(given));
}

/** The same point for the original, in the types of its own inputs. */
function inTypesOf({ inputs }: Graph, point: Tensors): Map<string, Tensor> {
  return new Map(
    inputs.map(({ name, type = "float32" }): [string, Tensor] => {
      const tensor = point.get(name)!;
      if (!isFloat(type) || tensor.type !== "float32") return [name, tensor];
      return [name, { type, shape: tensor.shape, data: fromFloat32Array(tensor.data as Float32Array, type) }];
    }),
  );
}

/** Outputs of the normalized graph; those that are constants or inputs are known without a run. */
async function runNormalized({ onnx }: Model, evaluate: Evaluate, point: Tensors, names: readonly string[]) {
  const known = new Map([...onnx.graph.initializers, ...point].filter(([name]) => names.includes(name)));
  const fetches = names.filter((name) => !known.has(name));
  if (fetches.length === 0) return known;
  const outputs = fetches.map((name) => ({ name, type: undefined, shape: undefined }));
  return new Map([...known, ...(await evaluate(withGraph(onnx, { outputs }), point, fetches))]);
}

interface Difference {
  readonly tensor: string;
  readonly node: Node | undefined;
  /** Relative to the tensor's norm; infinite where shapes differ or only one side is finite. */
  readonly by: number;
}

/** The first tensor, in the original's order, that lies further apart than rounding explains; `undefined` where none does. */
async function firstDifference(
  { original, model, evaluate }: SameFunctionParts,
  point: Tensors,
  runOriginal: RunOnce,
  outputs: readonly string[],
): Promise<Difference | undefined> {
  const { graph } = checkModel(original);
  const inside = observable(graph).filter(
    (name) => model.values.has(name) && model.values.get(name)?.type !== "string",
  );
  const runInside: RunOnce = (feeds, fetches) => {
    const infos = fetches.map((name) => ({ name, type: undefined, shape: undefined }));
    return evaluate(withGraph(original, { outputs: infos }), feeds, fetches);
  };
  const roundoff = unitRoundoff(graph);
  const nudged = new Map([...point].map(([name, tensor]) => [name, nudge(tensor, NUDGE * roundoff)]));
  // With every tensor asked for, the runtime fuses nothing, and quantized operators round as they do one by one.
  const ours = await runNormalized(model, evaluate, point, [...new Set([...inside, ...outputs])]);
  const examine = async (run: RunOnce, names: readonly string[]): Promise<Difference | undefined> => {
    const theirs = await run(inTypesOf(graph, point), names);
    const moved = await run(inTypesOf(graph, nudged), names);
    for (const tensor of names) {
      const by = distance(theirs.get(tensor)!, ours.get(tensor)!);
      const allowed = ROUNDINGS * roundoff + MAGNIFIED * distance(theirs.get(tensor)!, moved.get(tensor)!);
      if (by > allowed) return { tensor, by, node: graph.nodes.find((node) => node.outputs.includes(tensor)) };
    }
    return undefined;
  };
  // The tensors inside are those of the graph as read, and cannot always be had; the outputs are those of the file.
  return (await examine(runInside, inside).catch(() => undefined)) ?? examine(runOriginal, outputs);
}

/** Every entry of a float tensor moved by a random amount relative to it. */
function nudge(tensor: Tensor, by: number): Tensor {
  if (tensor.type !== "float32") return tensor;
  const rng = createRng("nudge");
  return { ...tensor, data: (tensor.data as Float32Array).map((entry) => entry * (1 + by * rng.gaussian())) };
}

const numbersOf = (tensor: Tensor): ArrayLike<number> =>
  isFloat(tensor.type) ? toFloat32Array(tensor) : Array.from(tensor.data as ArrayLike<number | bigint>, Number);

/**
 * ‖a − b‖ over ‖a‖, where NaN agrees with NaN and an infinity with itself, and a norm counts as no less than that of entries
 * of 1e-7: what is smaller beside inputs of order one is rounding.
 */
function distance(a: Tensor, b: Tensor): number {
  if (!sameShape(a.shape, b.shape)) return Number.POSITIVE_INFINITY;
  const [xs, ys] = [numbersOf(a), numbersOf(b)];
  let difference = 0;
  let norm = 1e-14 * xs.length;
  for (let i = 0; i < xs.length; i++) {
    const [x, y] = [xs[i]!, ys[i]!];
    if (Object.is(x, y)) continue;
    if (!Number.isFinite(x) || !Number.isFinite(y)) return Number.POSITIVE_INFINITY;
    difference += (x - y) ** 2;
  }
  if (difference === 0) return 0;
  for (let i = 0; i < xs.length; i++) if (Number.isFinite(xs[i]!)) norm += xs[i]! ** 2;
  return Math.sqrt(difference / norm);
}

function allFinite(tensor: Tensor): boolean {
  const numbers = numbersOf(tensor);
  for (let i = 0; i < numbers.length; i++) if (!Number.isFinite(numbers[i]!)) return false;
  return true;
}

function refusal({ tensor, node, by }: Difference, file: string | undefined): PushforwardError {
  const amount = Number.isFinite(by) ? `by ${by.toPrecision(2)} of its norm` : "in its shape or in what is finite";
  return new PushforwardError("op-unsupported", {
    what:
      `Pushforward rewrites this model into a form that does not compute the same: at a random input the tensor "${tensor}" ` +
      `differs ${amount} from what the file computes.`,
    where: { file, ...(node && { node: node.name || node.outputs[0], op: node.op }) },
    fix: "Please report this with the model: it is a fault of Pushforward. Another opset or export may avoid the node.",
  });
}
