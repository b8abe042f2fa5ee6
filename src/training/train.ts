import { PushforwardError } from "../base/index.ts";
import type { CheckpointScore, TrainingManifest, TrainingRun } from "../results/index.ts";
import type { Backend } from "../runtime/index.ts";
import type { Weights } from "./architecture.ts";
import { countOf, type Split } from "./data-set.ts";
import { courseOf, type Recipe } from "./recipe.ts";
import { TrainingState } from "./state.ts";
import { Trainer } from "./trainer.ts";

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
  /** The weights of earlier trainings with which layers begin, by name. */
  readonly start?: Weights;
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
  split: Split,
  run: TrainingRun,
  { start, signal, onBegin, onStep, onCheckpoint }: TrainOptions = {},
): Promise<void> {
  const { steps, checkpoints } = courseOf(recipe, countOf(split.training));
  const trainer = new Trainer(backend, recipe, split);
  const { state } = trainer;
  const stored = await run.readState();
  if (stored === undefined) state.begin(start);
  else state.restore(stored);
  onBegin?.({ step: state.step, checkpoints: checkpoints.filter((at) => at > state.step || stored === undefined) });
  if (state.step === steps) return;

  let losses: number[] = [];
  let saved = performance.now();
  const save = async () => {
    await run.writeLosses(state.step - losses.length + 1, losses);
    await run.writeState(state.pack());
    losses = [];
    saved = performance.now();
  };
  const checkpoint = async (index: number) => {
    const score = await trainer.score();
    await run.writeCheckpoint(index, state.arrays(), score);
    onCheckpoint?.({ step: state.step, ...score });
  };
  try {
    if (stored === undefined) await checkpoint(0);
    while (state.step < steps) {
      if (signal?.aborted) {
        await save();
        throw interrupted(state.step, steps);
      }
      const value = await trainer.advance();
      losses.push(value);
      onStep?.(state.step, value);
      const index = checkpoints.indexOf(state.step);
      if (index >= 0) await checkpoint(index);
      if (index >= 0 || performance.now() - saved > 1000 * SAVE_AFTER) await save();
    }
  } finally {
    await trainer.release();
  }
}

function interrupted(step: number, steps: number): PushforwardError {
  return new PushforwardError("interrupted", {
    what: `The training was interrupted after ${step} of ${steps} steps. All of them are stored.`,
    fix: "The same command goes on from there.",
  });
}
