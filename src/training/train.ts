import { formatShape, PushforwardError } from "../base/index.ts";
import type { CheckpointScore, TrainingManifest, TrainingRun } from "../results/index.ts";
import type { Backend } from "../runtime/index.ts";
import { Batches } from "./batches.ts";
import { countOf, type DataSet, type Split, shuffled } from "./data-set.ts";
import { Evaluation } from "./evaluation.ts";
import { compileGradient } from "./gradient.ts";
import { trainingGraph } from "./graphs.ts";
import { courseOf, type Recipe } from "./recipe.ts";
import { rateOf } from "./schedules.ts";
import { TrainingState } from "./state.ts";

/** The seconds after which the state is stored again, so that little is lost if the process is killed. */
const SAVE_AFTER = 10;

/** What identifies a training beside its recipe. */
export type TrainingIdentity = Pick<TrainingManifest, "data" | "backend" | "versions">;

/** What is stored of a training, and in which layout. @throws PushforwardError as `courseOf` and `trainingGraph` */
export function trainingManifest(recipe: Recipe, { training }: Split, identity: TrainingIdentity): TrainingManifest {
  const state = new TrainingState(recipe, countOf(training));
  const { steps, checkpoints } = courseOf(recipe, countOf(training));
  return {
    format: "pushforward-training",
    formatVersion: 1,
    recipe,
    ...identity,
    steps,
    checkpoints,
    weights: [...state.weights].map(([name, { shape }]) => ({ name, shape })),
    state: state.parts(),
  };
}

/** A checkpoint that was just stored; what is not measured is NaN. */
export interface Checkpoint extends CheckpointScore {
  readonly step: number;
}

export interface TrainOptions {
  /** Ends the training after the step under way; what was done is stored. */
  readonly signal?: AbortSignal;
  /** Called before the first step: the steps that are done already, and those of the checkpoints to come. */
  readonly onBegin?: (begin: { readonly step: number; readonly checkpoints: readonly number[] }) => void;
  /** Called after each step with its number, from 1, and its loss. */
  readonly onStep?: (step: number, loss: number) => void;
  readonly onCheckpoint?: (checkpoint: Checkpoint) => void;
}

/**
 * Trains a network as its recipe says, with gradients from `linearize` and `transpose`, and goes on where the run ends so far. On one
 * machine, with one thread, the weights are the same bit for bit however often it was interrupted.
 *
 * @throws PushforwardError `shape-mismatch` if the examples do not fit the network; `model-invalid` where layers or loss do not fit;
 * `not-finite` if the loss diverges; `interrupted` through the signal
 */
export async function train(
  backend: Backend,
  recipe: Recipe,
  { training, heldOut, mislabelled }: Split,
  run: TrainingRun,
  { signal, onBegin, onStep, onCheckpoint }: TrainOptions = {},
): Promise<void> {
  const { network, loss, batch, optimizer, schedule = { kind: "constant" } } = recipe;
  const count = countOf(training);
  const { stepsPerEpoch, steps, checkpoints } = courseOf(recipe, count);
  const graph = trainingGraph(network, { batch, loss });
  const batches = new Batches(graph, training);
  const shift = shiftOf(recipe);
  const rateAt = rateOf(schedule, optimizer.rate, steps);

  const state = new TrainingState(recipe, count);
  const stored = await run.readState();
  if (stored === undefined) state.begin();
  else state.restore(stored);
  onBegin?.({ step: state.step, checkpoints: checkpoints.filter((at) => at > state.step || stored === undefined) });
  if (state.step === steps) return;

  const evaluationOn = async (data: DataSet | undefined) =>
    data === undefined || countOf(data) === 0 ? undefined : await Evaluation.compile(backend, network, loss, data);
  const [evaluation, memory] = [await evaluationOn(heldOut), await evaluationOn(mislabelled)];
  const gradient = await compileGradient(backend, graph.model, { of: "loss", by: [...graph.weights.keys()] });
  let losses: number[] = [];
  let saved = performance.now();
  const save = async () => {
    await run.writeLosses(state.step - losses.length + 1, losses);
    await run.writeState(state.pack());
    losses = [];
    saved = performance.now();
  };
  const checkpoint = async (index: number) => {
    const memorised = (await memory?.at(state.weights))?.accuracy ?? Number.NaN;
    const score = { accuracy: Number.NaN, loss: Number.NaN, ...(await evaluation?.at(state.weights)), memorised };
    await run.writeCheckpoint(index, state.arrays(), score);
    onCheckpoint?.({ step: state.step, ...score });
  };
  try {
    if (stored === undefined) await checkpoint(0);
    const feeds = Object.fromEntries(state.weights);
    while (state.step < steps) {
      if (signal?.aborted) {
        await save();
        throw interrupted(state.step, steps);
      }
      const place = state.step % stepsPerEpoch;
      if (place === 0) state.order.set(shuffled(count, state.rng));
      const examples = Array.from(state.order.subarray(place * batch, (place + 1) * batch));
      const value = await gradient.at({ ...batches.random(examples, shift, state.rng), ...feeds });
      state.optimizer.step(gradient.by, rateAt(state.step), state.step + 1);
      state.step++;
      losses.push(value);
      onStep?.(state.step, value);
      const index = checkpoints.indexOf(state.step);
      if (index >= 0) await checkpoint(index);
      if (index >= 0 || performance.now() - saved > 1000 * SAVE_AFTER) await save();
    }
  } finally {
    await gradient.release();
    await evaluation?.release();
    await memory?.release();
  }
}

function shiftOf({ augmentation, network }: Recipe): number {
  const { shift } = augmentation ?? { shift: 0 };
  if (shift === 0 || network.input.length === 3) return shift;
  throw new PushforwardError("usage", {
    what: `Only pictures [C, H, W] can be shifted, and the input is ${formatShape(network.input)}.`,
    where: { option: "augmentation.shift" },
    fix: "Leave the augmentation out, or let the network take pictures.",
  });
}

function interrupted(step: number, steps: number): PushforwardError {
  return new PushforwardError("interrupted", {
    what: `The training was interrupted after ${step} of ${steps} steps. All of them are stored.`,
    fix: "The same command goes on from there.",
  });
}
