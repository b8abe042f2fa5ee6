import { PushforwardError } from "../../../base/index.ts";
import { type Network, openGraph } from "../../../jacobian/index.ts";
import { solveUnit, tripletsAt } from "../../../studies/index.ts";
import { countOf, examplesOf, inferenceModel, parseRecipe, type Split, Trainer } from "../../../training/index.ts";
import { readArrays } from "../../inputs/training-arrays.ts";
import type { TrainingAnswer } from "./answers.ts";
import type { EngineHost } from "./host.ts";
import type { Job } from "./job.ts";
import { parseJson } from "./parse-json.ts";
import type { GivenFile, RequestOf } from "./protocol.ts";
import { readGiven } from "./read-given.ts";

const TOL = 1e-5;

/** A training that is under way, and the network with its weights as inputs. */
interface LiveTraining {
  readonly trainer: Trainer;
  readonly network: Network;
  readonly heldOut: Split["heldOut"];
}

/** Trainings of small networks, each with a backend of its own. */
export class Trainings {
  readonly #host: EngineHost;
  readonly #live = new Map<number, LiveTraining>();
  #next = 1;

  constructor(host: EngineHost) {
    this.#host = host;
  }

  /**
   * Trains on, and measures the spectrum of the network as it is after each few steps.
   *
   * @throws PushforwardError `usage` for a recipe that is not understood, and data that are not there; `shape-mismatch` if they do not fit;
   * `not-finite` if the loss diverges; `interrupted`, and then the training can go on by its handle
   */
  async train({ begin, steps, every, spectrum }: RequestOf<"train">, job: Job<"train">): Promise<TrainingAnswer> {
    const training = "training" in begin ? begin.training : await this.#begun(begin.recipe, begin.files);
    const live = this.#live.get(training);
    if (live === undefined) throw noTraining(training);
    const { trainer } = live;
    const { state } = trainer;
    const last = Math.min(trainer.steps, steps === undefined ? trainer.steps : state.step + steps);
    const report = async (losses: readonly number[]): Promise<TrainingAnswer> => {
      const { accuracy, loss } = await trainer.score();
      const mean = losses.reduce((sum, value) => sum + value, 0) / losses.length;
      const { sigma, residual } = await spectrumOf(live, spectrum, job);
      const course = { training, step: state.step, steps: trainer.steps };
      return { ...course, loss: mean, heldOutAccuracy: accuracy, heldOutLoss: loss, sigma, residual };
    };
    let answer = await report([]);
    job.partial(answer);
    let losses: number[] = [];
    while (state.step < last) {
      await job.rest();
      losses.push(await trainer.advance());
      job.progress({ phase: "training", done: state.step, of: trainer.steps });
      if (losses.length < every && state.step < last) continue;
      answer = await report(losses);
      losses = [];
      job.partial(answer);
    }
    return answer;
  }

  async close(): Promise<void> {
    const all = [...this.#live.values()];
    this.#live.clear();
    for (const { trainer, network } of all) {
      await trainer.release();
      await network.close();
    }
  }

  async #begun(file: GivenFile, files: readonly GivenFile[]): Promise<number> {
    const recipe = parseRecipe(
      await parseJson(file, "A recipe is one JSON object, as described in docs/training.md."),
      file.name,
    );
    if (recipe.start !== undefined || recipe.data?.through !== undefined) {
      throw new PushforwardError("usage", {
        what: "A page cannot read earlier trainings.",
        where: { file: file.name, option: recipe.start === undefined ? "data.through" : "start" },
        fix: "Train this recipe with `pushforward train`.",
      });
    }
    const split = examplesOf(await readArrays(recipe, (path) => this.#read(path, files)), recipe.data ?? {});
    await this.close(); // One is enough: a page shows one.
    const backend = await this.#host.openBackend();
    try {
      const trainer = new Trainer(backend, recipe, split);
      trainer.state.begin();
      const network = await openGraph(inferenceModel(recipe.network, new Map()), backend);
      const training = this.#next++;
      this.#live.set(training, { trainer, network, heldOut: split.heldOut });
      return training;
    } catch (cause) {
      await backend.dispose();
      throw cause;
    }
  }

  async #read(path: string, files: readonly GivenFile[]) {
    const nameOf = (name: string) => name.split("/").at(-1);
    const file = files.find(({ name }) => nameOf(name) === nameOf(path));
    if (file !== undefined) {
      const { name, bytes } = await readGiven(file);
      return { file: name, bytes };
    }
    throw new PushforwardError("file-unreadable", {
      what: `The recipe names ${path}, which was not given with it.`,
      where: { file: path },
      fix: "Give this file too.",
    });
  }
}

/** The spectrum of the network as it is, at a held-out example. */
async function spectrumOf(
  { trainer, network, heldOut }: LiveTraining,
  { example, to: target, k }: RequestOf<"train">["spectrum"],
  job: Job<"train">,
) {
  const count = countOf(heldOut);
  if (!(Number.isInteger(example) && example >= 0 && example < count)) {
    throw new PushforwardError("usage", {
      what: `There is no held-out example ${example}: there are ${count}.`,
      fix:
        count === 0
          ? 'Let the recipe hold some out: "data": { "heldOut": 100 }.'
          : `Choose one from 0 to ${count - 1}.`,
    });
  }
  const size = heldOut.inputs.length / count;
  const { input } = network;
  const x = heldOut.inputs.slice(example * size, (example + 1) * size);
  // A training may have weights that are not the network's, such as the visible bias of a Boltzmann machine.
  const taken = new Set(network.inputs.map(({ name }) => name));
  const weights = [...trainer.state.weights].filter(([name]) => taken.has(name));
  const at = { ...Object.fromEntries(weights), [input.tensor]: x };
  const to = target === undefined ? network.output : network.tap(target);
  using J = await network.jacobian({ at, from: input, to, beforeRun: job.rest });
  return await solveUnit(J, tripletsAt(k, input, to), { tol: TOL, seed: 0, vectors: 0 }, { signal: job.signal });
}

const noTraining = (training: number): PushforwardError =>
  new PushforwardError("usage", { what: `There is no training ${training}.`, fix: "Begin one with a recipe." });
