import { type ReadonlySignal, signal } from "@preact/signals";
import { PushforwardError } from "../../../../base/index.ts";
import { numericalRankOf } from "../../../../results/index.ts";
import type {
  AskOptions,
  ClassChange,
  EngineClient,
  GivenFile,
  NetworkDescription,
  PictureDescription,
  PicturesAnswer,
  RequestOf,
  SpectrumAnswer,
  StepAnswer,
} from "../../engine/index.ts";
import { type Movement, type SmallestStep, type Subject, spectrumKey, type VectorChoice } from "../subject.ts";
import { networkFacts, pictureFacts } from "./facts.ts";
import { reachOf, steppedDirection, stepsUpTo } from "./stepped-direction.ts";
import { ready, say } from "./work.ts";

/** A spectrum, how many triplets were asked for, and the number of the worker that has its vectors. */
type Computed = SpectrumAnswer & { readonly asked: number; readonly worker: number };

/** What is known of derivatives from one source, by picture and tap. */
class KnownFrom {
  readonly spectra = signal<ReadonlyMap<string, Computed>>(new Map());
  readonly steps = signal<ReadonlyMap<string, SmallestStep | "none">>(new Map());
  /** How far steps reach, by picture. */
  readonly reach = new Map<number, number>();
}

/**
 * A network in the engine, with pictures. Each change of its pictures or its source makes a new subject; spectra stay. They also stay when
 * the worker is lost: the next request opens the network in another one, and computes a spectrum again where it needs its vectors.
 */
export class Session {
  readonly description: NetworkDescription;
  readonly #client: EngineClient;
  /** What it was opened from, so that it can be opened again. */
  readonly #files: readonly GivenFile[];
  readonly #added: (readonly GivenFile[])[] = [];
  #preset: string | GivenFile | undefined;
  /** The number of the worker that it is open in, and the promise that it is. */
  #worker: number;
  #isOpen: Promise<void> = Promise.resolve();
  /** Spectra that are computed again, by the lost ones. */
  readonly #again = new WeakMap<Computed, Promise<Computed>>();
  /** By the name of the source. */
  readonly #known = new Map<string, KnownFrom>();
  #source: string;
  /** The pictures that can be used, in the order in which they are shown. */
  readonly pictures = signal<readonly PictureDescription[]>([]);
  /** The pictures that cannot, with the reason. */
  readonly failed = signal<readonly PictureDescription[]>([]);
  readonly answer = signal<PicturesAnswer | undefined>(undefined);

  private constructor(client: EngineClient, description: NetworkDescription, files: readonly GivenFile[]) {
    this.#client = client;
    this.description = description;
    this.#files = files;
    this.#worker = client.workers;
    this.#source = description.source;
  }

  /** @throws PushforwardError that of the engine */
  static async open(client: EngineClient, files: readonly GivenFile[], signal?: AbortSignal): Promise<Session> {
    const description = await client.ask("open", { files }, signal === undefined ? {} : { signal });
    return new Session(client, description, files);
  }

  /** Adds pictures; each is told as soon as it is known. */
  async add(files: readonly GivenFile[], told: (text: string) => void, signal?: AbortSignal): Promise<void> {
    await this.reopen();
    this.#take(await this.#add(files, told, signal));
    this.#added.push(files);
  }

  #add(
    files: readonly GivenFile[],
    told: (text: string) => void = () => {},
    signal?: AbortSignal,
  ): Promise<PicturesAnswer> {
    const labels = files.find(({ name }) => /\.(tsv|txt)$/i.test(name));
    const pictures = files.filter((file) => file !== labels);
    let known = 0;
    return this.#client.ask(
      "pictures",
      { files: pictures, ...(labels === undefined ? {} : { labels }) },
      {
        ...(signal === undefined ? {} : { signal }),
        onPartial: ({ name }) => told(`Reading pictures: ${name} (${++known} of ${pictures.length}).`),
      },
    );
  }

  async prepareBy(preset: string | GivenFile): Promise<void> {
    await this.reopen();
    const answer = await this.#client.ask("setPreprocess", { preset });
    this.#preset = preset;
    this.#known.clear();
    this.#take(answer);
  }

  /** Opens the network again, with its pictures, if the worker that had it was lost. What is computed stays. */
  reopen(): Promise<void> {
    const client = this.#client;
    if (client.state.kind === "lost") client.restart();
    if (this.#worker === client.workers) return this.#isOpen;
    const worker = client.workers;
    this.#worker = worker;
    this.#isOpen = this.#openAgain().catch((cause: unknown) => {
      if (this.#worker === worker) this.#worker = 0; // The next request tries it again.
      throw cause;
    });
    return this.#isOpen;
  }

  async #openAgain(): Promise<void> {
    await this.#client.ask("open", { files: this.#files });
    if (this.#preset !== undefined) await this.#client.ask("setPreprocess", { preset: this.#preset });
    let answer: PicturesAnswer | undefined;
    for (const files of this.#added) answer = await this.#add(files);
    if (answer !== undefined) this.#take(answer);
  }

  #take(answer: PicturesAnswer): void {
    this.answer.value = answer;
    this.pictures.value = answer.pictures.filter(({ failed, pixels }) => failed === undefined && pixels !== undefined);
    this.failed.value = answer.pictures.filter(({ failed }) => failed !== undefined);
  }

  /** The spectra from the source that is chosen. */
  get spectra(): ReadonlySignal<ReadonlyMap<string, Computed>> {
    return this.#knownHere().spectra;
  }

  /** Has derivatives taken from another tap. */
  chooseSource(name: string): void {
    this.#source = name;
  }

  #knownHere(): KnownFrom {
    const known = this.#known.get(this.#source) ?? new KnownFrom();
    this.#known.set(this.#source, known);
    return known;
  }

  /** @throws PushforwardError that of the engine; `interrupted` if it was cancelled */
  async compute(
    picture: number,
    to: string,
    k: number,
    { signal, told }: { readonly signal: AbortSignal; readonly told: (sigma: Float64Array) => void },
  ): Promise<void> {
    const known = this.#knownHere();
    await this.#compute(
      known,
      { picture, from: this.#source, to, k },
      { signal, onPartial: ({ sigma }) => told(sigma) },
    );
  }

  async #compute(
    { spectra }: KnownFrom,
    { picture, ...asked }: Required<Pick<RequestOf<"spectrum">, "picture" | "from" | "to" | "k">>,
    options: AskOptions<"spectrum">,
  ): Promise<Computed> {
    await this.reopen();
    const number = this.#numberOf(picture);
    const found = await this.#client.ask("spectrum", { picture: number, ...asked }, options);
    const computed = { ...found, asked: asked.k, worker: this.#worker };
    spectra.value = new Map([...spectra.value, [spectrumKey(picture, asked.to), computed]]);
    return computed;
  }

  /** The number of a picture in the engine. */
  #numberOf(picture: number): number {
    return this.pictures.peek()[picture]!.picture;
  }

  /**
   * The handle of a spectrum, for its vectors. If the worker that had them was lost, the spectrum is computed again.
   *
   * @throws PushforwardError `usage` if it was never computed; errors of the engine
   */
  async #handleOf(known: KnownFrom, picture: number, to: string): Promise<number> {
    const unit = known.spectra.peek().get(spectrumKey(picture, to));
    if (unit === undefined) throw notComputed(to);
    await this.reopen();
    if (unit.worker === this.#worker) return unit.spectrum;
    let again = this.#again.get(unit);
    if (again === undefined) {
      say(`Computing ${to} again: its vectors were lost with the worker.`);
      again = this.#compute(known, { picture, from: unit.from, to, k: unit.asked }, {});
      this.#again.set(unit, again);
      again.then(
        () => ready(`The vectors of ${to} are computed again.`),
        () => this.#again.delete(unit),
      );
    }
    return (await again).spectrum;
  }

  subject(): Subject {
    const pictures = this.pictures.value;
    const { classes, preprocessing } = this.answer.value!;
    const from = this.#source;
    const network = networkFacts(this.description, preprocessing, from);
    const known = this.#knownHere();
    const { spectra, steps, reach: reaches } = known;
    const client = this.#client;
    const handleOf = (picture: number, to: string) => this.#handleOf(known, picture, to);
    /** The right singular vector of a spectrum, [source]. */
    const vectorOf = async (picture: number, to: string, index: number): Promise<Float32Array> =>
      (await client.ask("vector", { spectrum: await handleOf(picture, to), index, side: "v" })).values;
    const report = async () => {
      const { readerOf } = await import("../save/session-reader.ts");
      const { description } = this;
      return readerOf({ description, network, preprocessing, pictures, spectra: spectra.value, vectorOf });
    };
    const movement = signal<Movement | undefined>(undefined);
    /** All vectors of a picture have the same steps, so that they can be compared: those that fit the first that is stretched most. */
    const reachAt = async (
      picture: number,
      choice: VectorChoice,
      ask: (epsilon: readonly number[]) => Promise<StepAnswer>,
    ) => {
      const known = reaches.get(picture);
      if (known !== undefined) return known;
      const reach = reachOf(await ask([1]));
      if (choice !== "random" && choice.index === 0) reaches.set(picture, reach);
      return reach;
    };
    return {
      network,
      withNoise: async (picture, { kind, level, to, k }, signal) => {
        await this.reopen();
        const request = { picture: this.#numberOf(picture), kind, level, spectrum: { from, to, k } };
        const { picture: noisy, spectrum } = await client.ask("noise", request, { signal });
        await client.ask("removePictures", { pictures: [noisy.picture] });
        const [first] = noisy.top ?? [];
        return { pixels: noisy.pixels!, ...(first && { predicted: first }), spectrum: spectrum! };
      },
      report,
      movement,
      followPictures: async () => {
        if (movement.value !== undefined) return;
        await this.reopen();
        const { taps, position } = await client.ask("trajectory", {});
        const each = position.length / taps.length;
        movement.value = { taps, positions: taps.map((_, t) => position.subarray(t * each, (t + 1) * each)) };
      },
      classes: this.description.classCount === 0 ? [] : classes,
      pictures: pictures.map(pictureFacts),
      unusable: this.failed.value.map(({ name, failed }) => ({ name, why: `${failed!.what} ${failed!.fix ?? ""}` })),
      spectra,
      firstSigma: (picture, tap) => spectra.value.get(spectrumKey(picture, tap))?.sigma[0],
      smallestSteps: steps,
      findSmallestStep: async (picture, tap, signal) => {
        const spectrum = await handleOf(picture, tap);
        const request = { picture: this.#numberOf(picture), spectrum };
        const { changes } = await client.ask("nearestChange", request, { signal });
        steps.value = new Map([...steps.value, [spectrumKey(picture, tap), smallestOf(changes)]]);
      },
      async look() {},
      vectorsAt(picture, tap) {
        const unit = spectra.value.get(spectrumKey(picture, tap));
        return unit === undefined ? [] : Array.from({ length: numericalRankOf(unit) }, (_, index) => index);
      },
      direction: async (picture, choice) => {
        const unit = choice === "random" ? undefined : spectra.value.get(spectrumKey(picture, choice.tap));
        const { shape } = network.source;
        const v = choice === "random" ? undefined : await vectorOf(picture, choice.tap, choice.index);
        const ask = async (epsilon: readonly number[]) => {
          await this.reopen();
          const along =
            choice === "random"
              ? { random: 0, from }
              : { spectrum: await handleOf(picture, choice.tap), index: choice.index };
          return client.ask("step", { picture: this.#numberOf(picture), direction: along, epsilon });
        };
        return steppedDirection({
          ask,
          choice,
          shape,
          ...(v === undefined ? {} : { v, sigma: unit!.sigma[(choice as { index: number }).index]! }),
          epsilons: stepsUpTo(await reachAt(picture, choice, ask)),
        });
      },
    };
  }
}

function smallestOf(changes: readonly ClassChange[]): SmallestStep | "none" {
  let smallest: SmallestStep | "none" = "none";
  for (const { index, epsilon, class: name } of changes) {
    if (epsilon === undefined || name === undefined) continue;
    if (smallest === "none" || Math.abs(epsilon) < Math.abs(smallest.epsilon))
      smallest = { index, epsilon, class: name };
  }
  return smallest;
}

const notComputed = (tap: string): PushforwardError =>
  new PushforwardError("usage", {
    what: `The spectrum of ${tap} at this picture is not computed yet.`,
    fix: "Press Compute.",
  });
