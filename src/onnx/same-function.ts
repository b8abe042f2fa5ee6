import { createRng, PushforwardError, type Rng, sameShape, sizeOf } from "../base/index.ts";
import { floatTensor, zeros } from "./build.ts";
import { checkModel } from "./check.ts";
import { drawnIn } from "./flow/decide.ts";
import { observable } from "./fold.ts";
import { nodesBehind } from "./graph.ts";
import { tensorOf } from "./input-values.ts";
import type { Evaluate, Graph, Model, Node, OnnxModel, Tensor } from "./model.ts";
import { isNarrow } from "./narrow-types.ts";
import { inRunnableOpset } from "./opset-range.ts";
import { hasNarrowTypes, isFloat, unitRoundoff } from "./precision.ts";
import { ownOperatorsIn } from "./quantized/own-operators.ts";
import { runOnce } from "./run-once.ts";
import { fromFloat32Array, toFloat32Array } from "./tensor-types.ts";

type Tensors = ReadonlyMap<string, Tensor>;

/** Runs one graph once and returns the requested outputs by name. */
type RunOnce = (feeds: Tensors, fetches: readonly string[]) => Promise<Tensors>;

export interface SameFunctionParts {
  /** The file that errors name. */
  readonly file?: string;
  /** The model as it was read. */
  readonly original: OnnxModel;
  /** The same model after `normalize`. */
  readonly model: Model;
  /** Runs the file itself, without the optimizations of the runtime or with them. Rejects if the runtime does not run it. */
  readonly runFile: (feeds: Tensors, fetches: readonly string[], optimized?: boolean) => Promise<Tensors>;
  readonly evaluate: Evaluate;
}

/**
 * The largest difference of two outputs that passes at once, relative to the tensor's norm and in units of the original's unit
 * roundoff. The two graphs compute the same sums in different orders: each operation adds a few rounding errors of random sign,
 * and a network has some hundred operations in a row. A larger difference is examined more closely before the model is refused.
 */
const ROUNDINGS = 256;

/**
 * The closer examination. All inputs are changed by `NUDGE` units of roundoff, in several ways, and the largest change of the original's own
 * tensors is measured. The two graphs may differ by at most `MAGNIFIED` times this change. Some networks magnify rounding errors (by a
 * difference of large numbers, or a recurrence), or jump because of them (by ArgMax, Round, or a comparison). Such a network
 * changes in the same way if its input is rounded differently. Where numbers are tied at every input, as the scores of a detector that
 * was not trained, only another order of the sums inside changes which of them comes first: what the optimizations of the runtime change
 * of the file's own outputs counts like the change by the input.
 */
const NUDGE = 16;
const MAGNIFIED = 16;

/**
 * How far a tensor that follows from a code that is off by one may be, relative to its norm. ONNX Runtime's kernels for quantized numbers
 * round sums that they form in other orders, so that a code at a tie may be the next one.
 */
const FOLLOWING = 0.1;

/**
 * The points of comparison. The next is tried if the original does not run at a point or is not finite there, like a
 * logarithm of numbers below 0.
 */
const points: readonly ((rng: Rng) => number)[] = [(rng) => rng.gaussian(), (rng) => Math.abs(rng.gaussian()), () => 0];

/**
 * Compares the outputs of the file with those of the normalized graph at one random input. Float inputs are standard normal
 * numbers, rounded to multiples of 1/64, which every float type represents exactly; inputs that hold whole numbers in the file and
 * floats in the graph are small whole numbers; inputs with a given value have that; all others are zeros. Outputs that the model draws
 * at random are left out. If the runtime does not load the file, the graph as it was read is run in its place. If the
 * runtime runs neither, nothing is compared.
 *
 * The two run one after the other, so that the runtime never holds the weights of both.
 *
 * @throws PushforwardError `op-unsupported` naming the first node whose output differs by more than rounding
 */
export async function checkSameFunction(parts: SameFunctionParts): Promise<void> {
  const { file, evaluate } = parts;
  const original = inRunnableOpset(parts.original);
  const runRead: RunOnce = (feeds, fetches) => evaluate(original, feeds, fetches);
  const runOriginal: RunOnce = original.leavesOutOutputs
    ? runRead
    : (feeds, fetches) => parts.runFile(feeds, fetches).catch(() => runRead(feeds, fetches));
  const outputs = comparable(original.graph, parts.model);
  const tolerance = ROUNDINGS * unitRoundoff(original.graph);
  for (const draw of points) {
    const point = pointOf(parts.model, draw);
    const theirs = await runOriginal(inTypesOf(original.graph, point), outputs).catch(() => undefined);
    if (theirs === undefined) continue;
    const { structure } = parts.model;
    const model = structure === undefined ? parts.model : await structure.at(point);
    const ours = await runNormalized(model, evaluate, point, outputs);
    if (outputs.some((name) => distance(theirs.get(name)!, ours.get(name)!) > tolerance)) {
      const culprit = await firstDifference({ ...parts, model, original }, point, runOriginal, outputs);
      if (culprit !== undefined) throw refusal(culprit, file);
    }
    if ([...theirs.values()].every(allFinite)) return;
  }
}

/** The outputs that both graphs have, that contain numbers which the runtime hands out, and that are not drawn at random. */
function comparable(original: Graph, { onnx: { graph }, values }: Model): string[] {
  const drawn = drawnIn(original);
  const own = new Set(graph.outputs.map(({ name }) => name));
  const mayBeNarrow = hasNarrowTypes(original);
  return original.outputs
    .filter(({ type }) => (type === undefined ? !mayBeNarrow : !isNarrow(type)))
    .map(({ name }) => name)
    .filter((name) => own.has(name) && !drawn.has(name))
    .filter((name) => values.has(name) && values.get(name)?.type !== "string");
}

/** A value for each input of the file, in the types of the normalized graph. */
function pointOf({ onnx: { graph }, inputs = [] }: Model, draw: (rng: Rng) => number): Map<string, Tensor> {
  const rng = createRng("same function");
  // Numbers of at most 8 bits.
  const entry = () => Math.max(-255, Math.min(255, Math.round(64 * draw(rng)))) / 64;
  const whole = () => Math.min(1, Math.round(Math.abs(draw(rng))));
  const types = new Map(graph.inputs.map(({ name, type }) => [name, type]));
  return new Map(
    inputs.map(({ name, type, shape, value }): [string, Tensor] => {
      if (value !== undefined) return [name, value];
      if (types.get(name) !== "float32") return [name, zeros(type, shape)];
      return [name, floatTensor(shape, Float32Array.from({ length: sizeOf(shape) }, isFloat(type) ? entry : whole))];
    }),
  );
}

/** The same point in the types of the original's inputs. */
function inTypesOf({ inputs }: Graph, point: Tensors): Map<string, Tensor> {
  return new Map(
    inputs.map(({ name, type = "float32" }): [string, Tensor] => {
      const tensor = point.get(name)!;
      if (type === tensor.type) return [name, tensor];
      const data = tensor.data as Float32Array;
      if (isFloat(type)) return [name, { type, shape: tensor.shape, data: fromFloat32Array(data, type) }];
      return [name, tensorOf(name, { type, shape: tensor.shape }, data.map(Math.round))];
    }),
  );
}

/** The outputs of the normalized graph. Outputs that are constants or inputs are known without a run. */
async function runNormalized({ onnx }: Model, evaluate: Evaluate, point: Tensors, names: readonly string[]) {
  const known = new Map([...onnx.graph.initializers, ...point].filter(([name]) => names.includes(name)));
  const fetches = names.filter((name) => !known.has(name));
  if (fetches.length === 0) return known;
  const feeds = new Map(onnx.graph.inputs.map(({ name }) => [name, point.get(name)!]));
  return new Map([...known, ...(await runOnce(evaluate, onnx, feeds, fetches))]);
}

interface Difference {
  readonly tensor: string;
  readonly node: Node | undefined;
  /**
   * The difference relative to the tensor's norm; infinite if the shapes differ, or if only one of the two is finite.
   */
  readonly by: number;
}

/**
 * The first tensor, in the original's order, that differs by more than rounding explains; `undefined` if there is none.
 */
async function firstDifference(
  { original, model, runFile, evaluate }: SameFunctionParts,
  point: Tensors,
  runOriginal: RunOnce,
  outputs: readonly string[],
): Promise<Difference | undefined> {
  const { graph } = checkModel(original);
  const drawn = drawnIn(graph);
  const isComparable = (name: string) =>
    !drawn.has(name) && model.values.has(name) && model.values.get(name)?.type !== "string";
  const inside = hasNarrowTypes(graph) ? [] : observable(graph).filter(isComparable);
  const runInside: RunOnce = (feeds, fetches) => runOnce(evaluate, original, feeds, fetches);
  const roundoff = unitRoundoff(graph);
  const nudged = nudges.map((by) => new Map([...point].map(([name, one]) => [name, nudge(one, NUDGE * roundoff, by)])));
  // If every tensor is requested, the runtime fuses no operators, and quantized operators round as they do one by one.
  const ours = await runNormalized(model, evaluate, point, [...new Set([...inside, ...outputs])]);
  const rounds = ownOperatorsIn(model.onnx.graph).size > 0;
  const stepped = new Set<string>();
  const followsStep = (tensor: string) =>
    stepped.size > 0 &&
    nodesBehind(graph.nodes, [tensor]).some((node) => node.outputs.some((name) => stepped.has(name)));
  const examine = async (
    run: RunOnce,
    names: readonly string[],
    runOtherwise?: RunOnce,
  ): Promise<Difference | undefined> => {
    const theirs = await run(inTypesOf(graph, point), names);
    const others: Tensors[] = [];
    for (const near of nudged) others.push(await run(inTypesOf(graph, near), names));
    const reordered = await runOtherwise?.(inTypesOf(graph, point), names).catch(() => undefined);
    if (reordered !== undefined) others.push(reordered);
    for (const tensor of names) {
      const by = distance(theirs.get(tensor)!, ours.get(tensor)!);
      const changes = others.map((other) => distance(theirs.get(tensor)!, other.get(tensor)!));
      const allowed = ROUNDINGS * roundoff + MAGNIFIED * Math.max(...changes);
      if (by <= allowed) continue;
      if (rounds && isNextCode(theirs.get(tensor)!, ours.get(tensor)!)) stepped.add(tensor);
      else if (by > FOLLOWING || !followsStep(tensor))
        return { tensor, by, node: graph.nodes.find((node) => node.outputs.includes(tensor)) };
    }
    return undefined;
  };
  // The inner tensors come from a run of the graph as it was read, which is not always possible. The outputs come from the file.
  // Optimizations round quantized numbers elsewhere, which is more than another order of sums.
  const runOptimized: RunOnce | undefined =
    rounds || original.leavesOutOutputs ? undefined : (feeds, fetches) => runFile(feeds, fetches, true);
  return (await examine(runInside, inside).catch(() => undefined)) ?? examine(runOriginal, outputs, runOptimized);
}

/** Whether codes of a tensor are off by one at most. */
function isNextCode(codes: Tensor, ours: Tensor): boolean {
  if (!/^u?int(8|16)$/.test(codes.type) || !sameShape(codes.shape, ours.shape)) return false;
  const [xs, ys] = [numbersOf(codes), numbersOf(ours)];
  for (let i = 0; i < xs.length; i++) if (!(Math.abs(xs[i]! - ys[i]!) <= 1)) return false;
  return true;
}

/** How entries are changed: at random, and all up or down, as an input at a step must lie on both of its sides. */
const nudges: readonly ((rng: Rng) => number)[] = [(rng) => rng.gaussian(), () => 1, () => -1];

/** A float tensor with every entry changed by an amount relative to the entry. */
function nudge(tensor: Tensor, by: number, amount: (rng: Rng) => number): Tensor {
  if (tensor.type !== "float32") return tensor;
  const rng = createRng("nudge");
  return { ...tensor, data: (tensor.data as Float32Array).map((entry) => entry * (1 + by * amount(rng))) };
}

const numbersOf = (tensor: Tensor): ArrayLike<number> =>
  isFloat(tensor.type) ? toFloat32Array(tensor) : Array.from(tensor.data as ArrayLike<number | bigint>, Number);

/**
 * ‖a − b‖ / ‖a‖, where NaN equals NaN and an infinity equals itself. The norm in the denominator is at least that of a tensor
 * whose entries are all 1e-7, because smaller numbers are rounding errors if the inputs are of order one.
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
  const amount = Number.isFinite(by)
    ? `by ${by.toPrecision(2)} of its norm`
    : "in its shape or in which entries are finite";
  return new PushforwardError("op-unsupported", {
    what:
      `Pushforward rewrites this model into a form that computes something else: at a random input, the tensor "${tensor}" ` +
      `differs ${amount} from what the file computes.`,
    where: { file, ...(node && { node: node.name || node.outputs[0], op: node.op }) },
    fix: "This is an error in Pushforward. Please report it with the model. An export in another opset may avoid the node.",
  });
}
