import { PushforwardError } from "../base/index.ts";
import type { Backend } from "../runtime/index.ts";
import { Evaluation, type Recipe, Trainer, type Weights } from "../training/index.ts";
import { divergedError, errorOf, type SearchExamples } from "./examples.ts";
import { LAST, rungSteps } from "./rungs.ts";

/** What a candidate gives at a rung. */
interface RungScore {
  /** The share of the validation half that is classified wrongly, or the loss on it where there are no classes. */
  readonly validationError: number;
  readonly validationLoss: number;
  readonly testError: number;
  /** From the rung before, or from the start. */
  readonly seconds: number;
}

/** Where a training goes on: its packed state, and the seconds spent since the last rung. */
export interface TrialState {
  readonly packed: Float64Array;
  readonly seconds: number;
}

export interface TrialOptions {
  /** The rung to end at, from 0. */
  readonly rung: number;
  /** The last rung whose score is known; −1 for none. */
  readonly done: number;
  /** The weights of earlier trainings with which layers begin, by name. */
  readonly start?: Weights;
  /** From where it goes on; from the start unless it is given. */
  readonly state?: TrialState;
  /** Is asked to store a state now and then. */
  readonly save?: (state: TrialState) => Promise<void>;
  /** Is given the score of each rung after `done`, in their order. */
  readonly onScore: (rung: number, score: RungScore) => Promise<void>;
  /** The seconds that were spent up to now. */
  readonly clock: () => number;
  readonly signal?: AbortSignal;
}

/** The seconds after which a state is stored again. */
const SAVE_AFTER = 10;

/**
 * Trains a candidate from where it stands to a rung. A training whose loss is not finite ends at once, and has the largest error at all rungs
 * that follow. A state that is beyond the next rung is of no use, and the training begins again.
 *
 * @throws PushforwardError `interrupted` after it has stored its state; what `Trainer` throws for a recipe that does not fit
 */
export async function runTrial(
  backend: Backend,
  recipe: Recipe,
  { training, validation, test }: SearchExamples,
  { rung, done, start, state, save, onScore, clock, signal }: TrialOptions,
): Promise<void> {
  let from = clock();
  const trainer = new Trainer(backend, recipe, { training, heldOut: validation, heldOutIndices: [] });
  const onTest = await Evaluation.compile(backend, recipe.network, recipe.loss, test);
  const steps = rungSteps(trainer.steps);
  let at = done + 1;
  let spent = 0;
  const seconds = () => spent + clock() - from;
  try {
    // The first number of a packed state is its step.
    if (state === undefined || state.packed[0]! > steps[at]!) trainer.state.begin(start);
    else {
      trainer.state.restore(state.packed);
      spent = state.seconds;
    }
    let saved = performance.now();
    for (; at <= rung; at++) {
      while (trainer.state.step < steps[at]!) {
        if (signal?.aborted) {
          await save?.({ packed: trainer.state.pack(), seconds: seconds() });
          throw new PushforwardError("interrupted", { what: "The training of a candidate was interrupted." });
        }
        await trainer.advance();
        if (performance.now() - saved < 1000 * SAVE_AFTER) continue;
        await save?.({ packed: trainer.state.pack(), seconds: seconds() });
        saved = performance.now();
      }
      const found = await trainer.score();
      if (!Number.isFinite(found.loss)) throw diverged();
      const tested = await onTest.at(trainer.state.weights);
      await onScore(at, {
        validationError: errorOf(found),
        validationLoss: found.loss,
        testError: errorOf(tested),
        seconds: seconds(),
      });
      [from, spent] = [clock(), 0];
    }
    if (rung < LAST) await save?.({ packed: trainer.state.pack(), seconds: 0 });
  } catch (cause) {
    if (!isDivergence(cause)) throw cause;
    const error = divergedError(recipe);
    const worst = { validationError: error, validationLoss: Number.POSITIVE_INFINITY, testError: error };
    for (let left = seconds(); at < steps.length; at++, left = 0) await onScore(at, { ...worst, seconds: left });
  } finally {
    await trainer.release();
    await onTest.release();
  }
}

const diverged = () => new PushforwardError("not-finite", { what: "The loss on held-out examples is not finite." });

/** Whether a training ended because its loss is not finite. */
export const isDivergence = (cause: unknown): boolean =>
  cause instanceof PushforwardError && cause.code === "not-finite";
