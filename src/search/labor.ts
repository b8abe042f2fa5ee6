import type { SearchPart, SearchPlace, SearchValues } from "../results/index.ts";
import type { Backend } from "../runtime/index.ts";
import type { Recipe, Weights } from "../training/index.ts";
import type { SearchExamples } from "./examples.ts";
import { measureGradient, measureSpectrum } from "./measure.ts";
import { runTrial, type TrialOptions } from "./trial.ts";

/** Work on one candidate and one seed. */
export interface Job {
  readonly part: SearchPart;
  readonly candidate: number;
  /** The index of the seed. */
  readonly seed: number;
  /** With `train`: the rung to end at, and the last that is done, −1 for none. */
  readonly rung?: number;
  readonly done?: number;
}

/** What is to be stored of a job. */
export interface Found {
  readonly part: SearchPart;
  readonly place: SearchPlace;
  readonly values: SearchValues;
  readonly seconds: number;
}

/** How a training goes on, and where what is found goes. */
export interface LaborOptions extends Pick<TrialOptions, "start" | "state" | "save" | "signal" | "clock"> {
  readonly report: (found: Found) => Promise<void>;
}

/**
 * Does a job. A training reports each rung as soon as it is there.
 *
 * @param recipe that of the candidate, with the seed of the job
 * @throws PushforwardError as `measureSpectrum`, `measureGradient` and `runTrial`
 */
export async function labor(
  backend: Backend,
  recipe: Recipe,
  examples: SearchExamples,
  { part, candidate, seed, rung = 0, done = -1 }: Job,
  { report, ...options }: LaborOptions,
): Promise<void> {
  const place = { candidate, seed };
  if (part === "train") {
    await runTrial(backend, recipe, examples, {
      ...options,
      rung,
      done,
      onScore: (at, { validationError, validationLoss, testError, seconds }) =>
        report({
          part,
          place: { ...place, rung: at },
          values: { validation_error: validationError, validation_loss: validationLoss, test_error: testError },
          seconds,
        }),
    });
    return;
  }
  const { clock, start } = options;
  const from = clock();
  const values = await measured(backend, recipe, examples, part, start);
  await report({ part, place, values, seconds: clock() - from });
}

async function measured(
  backend: Backend,
  recipe: Recipe,
  examples: SearchExamples,
  part: "spectrum" | "gradient",
  begun: Weights | undefined,
): Promise<SearchValues> {
  if (part === "gradient") return { gradient_balance: await measureGradient(backend, recipe, examples, begun) };
  const { start, after, curvature } = await measureSpectrum(backend, recipe, examples, begun);
  return {
    log_sigma: [start.spread, after.spread],
    log_sigma_centre: [start.centre, after.centre],
    curvature,
  };
}
