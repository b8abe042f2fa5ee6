import { sizeOf } from "../base/index.ts";
import type { Backend } from "../runtime/index.ts";
import {
  Batches,
  countOf,
  courseOf,
  initialWeights,
  type Recipe,
  Trainer,
  trainingGraph,
  type Weights,
} from "../training/index.ts";
import { largestCurvature, MOST_PRODUCTS } from "./curvature.ts";
import { measuredInputs, type SearchExamples } from "./examples.ts";
import { gradientBalance } from "./gradient-balance.ts";
import { hiddenPart } from "./hidden-part.ts";
import { type LogSigma, LogSigmaMeter } from "./log-sigma.ts";
import { isDivergence } from "./trial.ts";

/** Images at which singular values are measured, as far as there are so many, and the steps after which they are measured again. */
const IMAGES = 16;
export const STEPS = 20;

/** What is measured of a candidate to filter it by its spectra. */
export interface SpectrumMeasures {
  /** Of J(input → last hidden) before the first step. */
  readonly start: LogSigma;
  /** The same after the first steps; NaN if the loss was not finite. */
  readonly after: LogSigma;
  /** The largest eigenvalue of the Gauss-Newton matrix before the first step. */
  readonly curvature: number;
}

/** The first steps of the training of a recipe: as many as `STEPS`, or its first ninth if that is shorter. */
function firstSteps(recipe: Recipe, examples: number): number {
  return Math.max(1, Math.min(STEPS, Math.round(courseOf(recipe, examples).steps / 9)));
}

/**
 * @param begun the weights of earlier trainings with which layers begin, by name
 * @throws PushforwardError as `hiddenPart`, `Trainer` and `largestCurvature`
 */
export async function measureSpectrum(
  backend: Backend,
  recipe: Recipe,
  examples: SearchExamples,
  begun?: Weights,
): Promise<SpectrumMeasures> {
  const { training } = examples;
  const size = sizeOf(training.shape);
  const few = measuredInputs(examples, IMAGES);
  const images = Array.from({ length: few.length / size }, (_, i) => few.subarray(i * size, (i + 1) * size));
  const meter = await LogSigmaMeter.open(backend, recipe.network);
  const trainer = new Trainer(backend, recipe, { training, heldOut: noneOf(training), heldOutIndices: [] });
  const { state } = trainer;
  try {
    state.begin(begun);
    const start = await meter.at(state.weights, images);
    const { value } = await largestCurvature(backend, recipe, state.weights, measuredInputs(examples, recipe.batch));
    const steps = firstSteps(recipe, countOf(training));
    const goesOn = await advance(trainer, steps);
    const after = goesOn ? await meter.at(state.weights, images) : { spread: Number.NaN, centre: Number.NaN };
    return { start, after, curvature: value };
  } finally {
    await trainer.release();
    await meter.release();
  }
}

/** Takes steps; false if the loss is not finite. */
async function advance(trainer: Trainer, steps: number): Promise<boolean> {
  try {
    while (trainer.state.step < steps) await trainer.advance();
    return [...trainer.state.weights.values()].every(({ data }) => data.every(Number.isFinite));
  } catch (cause) {
    if (isDivergence(cause)) return false;
    throw cause;
  }
}

/**
 * ln of the ratio of the gradients by the first and by the last weights, before the first step.
 *
 * @param begun as for `measureSpectrum`
 */
export async function measureGradient(
  backend: Backend,
  recipe: Recipe,
  examples: SearchExamples,
  begun: Weights = new Map(),
): Promise<number> {
  const layers = recipe.network.layers.filter(({ kind }) => kind !== "dropout");
  const graph = trainingGraph({ ...recipe.network, layers }, recipe);
  const feeds = new Batches(graph, examples.training).plain(examples.order.slice(0, recipe.batch));
  const weights = new Map([...initialWeights(recipe.network, recipe.initializer, recipe.seed ?? 0), ...begun]);
  return gradientBalance(backend, recipe, weights, feeds).catch((cause: unknown) => {
    if (isDivergence(cause)) return Number.NaN;
    throw cause;
  });
}

/**
 * How many steps of training cost as many passes of one example as the measurements do, to count them against a budget the same on every
 * machine. A step of B examples costs 3·B passes: forward, back to the inputs, and to the weights.
 */
export function costInSteps(
  recipe: Recipe,
  examples: number,
): { readonly spectrum: number; readonly gradient: number } {
  const entries = Math.min(sizeOf(hiddenPart(recipe.network).end.shape), sizeOf(recipe.network.input));
  const jacobians = 2 * Math.min(IMAGES, examples) * (entries + 1);
  const products = MOST_PRODUCTS * 4 * recipe.batch;
  return { spectrum: firstSteps(recipe, examples) + (jacobians + products) / (3 * recipe.batch), gradient: 1 };
}

function noneOf({ shape, targets }: SearchExamples["training"]): SearchExamples["training"] {
  const none = new Float32Array(0);
  if (targets.kind === "labels") return { shape, inputs: none, targets: { kind: "labels", labels: new Int32Array(0) } };
  return { shape, inputs: none, targets: targets.kind === "values" ? { kind: "values", values: none } : targets };
}
