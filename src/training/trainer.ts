import { formatShape, PushforwardError } from "../base/index.ts";
import type { Backend } from "../runtime/index.ts";
import { Batches, type Disturbance } from "./batches.ts";
import { compileContrast, requireProbabilities } from "./contrast.ts";
import { countOf, type DataSet, type Split, shuffled } from "./data-set.ts";
import { Evaluation } from "./evaluation.ts";
import { compileGradient, type Gradient } from "./gradient.ts";
import { trainingGraph } from "./graphs.ts";
import { chainsOf } from "./losses.ts";
import { penalized } from "./penalties.ts";
import { courseOf, type Recipe } from "./recipe.ts";
import { rateOf } from "./schedules.ts";
import { TrainingState } from "./state.ts";

/** What a network gives on examples that are held out, and on those with a wrong label; what is not measured is NaN. */
export interface TrainingScore {
  readonly accuracy: number;
  readonly loss: number;
  readonly memorised: number;
}

/** What runs on the backend. */
interface Compiled {
  readonly gradient: Gradient;
  readonly heldOut: Evaluation | undefined;
  readonly mislabelled: Evaluation | undefined;
}

/** A training as its recipe says, step by step, with gradients from `linearize` and `transpose`. The caller releases it. */
export class Trainer {
  /** The steps of the whole training. */
  readonly steps: number;
  /** What it goes on from: it has to be begun or restored before the first step. */
  readonly state: TrainingState;
  readonly #recipe: Recipe;
  readonly #examples: number;
  readonly #batches: Batches;
  readonly #stepsPerEpoch: number;
  readonly #disturbance: Disturbance;
  readonly #rateAt: (step: number) => number;
  readonly #compile: () => Promise<Compiled>;
  #compiled: Promise<Compiled> | undefined;

  /**
   * What runs is compiled when it is first needed.
   *
   * @throws PushforwardError `shape-mismatch` if the examples do not fit the network; `model-invalid` where layers or loss do not fit;
   * `usage` for a course, shifts or layers to train that cannot be
   */
  constructor(backend: Backend, recipe: Recipe, { training, heldOut, mislabelled }: Split) {
    const { network, loss, penalty, batch, optimizer, schedule = { kind: "constant" } } = recipe;
    this.#recipe = recipe;
    this.#examples = countOf(training);
    const { stepsPerEpoch, steps } = courseOf(recipe, this.#examples);
    const plain = trainingGraph(network, { batch, loss });
    const withPenalty = penalty === undefined ? undefined : penalized(network, plain, penalty);
    const { graph } = withPenalty ?? { graph: plain };
    const chains = chainsOf(loss, batch);
    if (chains !== undefined) for (const data of [training, heldOut]) requireProbabilities(data);
    this.steps = steps;
    this.#stepsPerEpoch = stepsPerEpoch;
    this.#batches = new Batches(graph, training);
    this.#disturbance = { shift: shiftOf(recipe), corruption: recipe.corruption };
    this.#rateAt = rateOf(schedule, optimizer.rate, steps);
    this.state = new TrainingState(recipe, this.#examples);
    const evaluationOn = async (data: DataSet | undefined) =>
      data === undefined || countOf(data) === 0 ? undefined : await Evaluation.compile(backend, network, loss, data);
    this.#compile = async () => {
      const { model, of } = (await withPenalty?.model(backend)) ?? { model: graph.model, of: graph.objective };
      return {
        heldOut: await evaluationOn(heldOut),
        mislabelled: await evaluationOn(mislabelled),
        gradient:
          chains === undefined
            ? await compileGradient(backend, model, { of, by: this.state.trained })
            : await compileContrast(backend, recipe, graph, chains, this.state),
      };
    };
  }

  /** Takes a step. Returns its loss. @throws PushforwardError `not-finite` if the loss diverges */
  async advance(): Promise<number> {
    const { state } = this;
    const { gradient } = await this.#ready();
    const { batch } = this.#recipe;
    const place = state.step % this.#stepsPerEpoch;
    if (place === 0) state.order.set(shuffled(this.#examples, state.rng));
    const chosen = Array.from(state.order.subarray(place * batch, (place + 1) * batch));
    const examples = this.#batches.random(chosen, this.#disturbance, state.rng);
    const loss = await gradient.at({ ...examples, ...Object.fromEntries(state.weights) });
    state.optimizer.step(gradient.by, this.#rateAt(state.step), state.step + 1);
    state.step++;
    return loss;
  }

  async score(): Promise<TrainingScore> {
    const { heldOut, mislabelled } = await this.#ready();
    const { weights } = this.state;
    const memorised = (await mislabelled?.at(weights))?.accuracy ?? Number.NaN;
    return { accuracy: Number.NaN, loss: Number.NaN, ...(await heldOut?.at(weights)), memorised };
  }

  async release(): Promise<void> {
    const { gradient, heldOut, mislabelled } = (await this.#compiled?.catch(() => undefined)) ?? {};
    await gradient?.release();
    await heldOut?.release();
    await mislabelled?.release();
  }

  #ready(): Promise<Compiled> {
    this.#compiled ??= this.#compile();
    return this.#compiled;
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
