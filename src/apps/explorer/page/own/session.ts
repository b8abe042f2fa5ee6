import { type ReadonlySignal, signal } from "@preact/signals";
import { PushforwardError } from "../../../../base/index.ts";
import { numericalRankOf } from "../../../../results/index.ts";
import type {
  ClassChange,
  EngineClient,
  GivenFile,
  NetworkDescription,
  PictureDescription,
  PicturesAnswer,
  SpectrumAnswer,
  StepAnswer,
} from "../../engine/index.ts";
import { type Movement, type SmallestStep, type Subject, spectrumKey, type VectorChoice } from "../subject.ts";
import { networkFacts, pictureFacts } from "./facts.ts";
import { reachOf, steppedDirection, stepsUpTo } from "./stepped-direction.ts";

/** A spectrum, and how many triplets were asked for. */
type Computed = SpectrumAnswer & { readonly asked: number };

/** What is known of derivatives from one source, by picture and tap. */
class KnownFrom {
  readonly spectra = signal<ReadonlyMap<string, Computed>>(new Map());
  readonly steps = signal<ReadonlyMap<string, SmallestStep | "none">>(new Map());
  /** How far steps reach, by picture. */
  readonly reach = new Map<number, number>();
}

/** A network in the engine, with pictures. Each change of its pictures or its source makes a new subject; spectra stay. */
export class Session {
  readonly description: NetworkDescription;
  readonly #client: EngineClient;
  /** By the name of the source. */
  readonly #known = new Map<string, KnownFrom>();
  #source: string;
  /** The pictures that can be used, in the order in which they are shown. */
  readonly pictures = signal<readonly PictureDescription[]>([]);
  /** The pictures that cannot, with the reason. */
  readonly failed = signal<readonly PictureDescription[]>([]);
  readonly answer = signal<PicturesAnswer | undefined>(undefined);

  constructor(client: EngineClient, description: NetworkDescription) {
    this.#client = client;
    this.description = description;
    this.#source = description.source;
  }

  /** @throws PushforwardError that of the engine */
  static async open(client: EngineClient, files: readonly GivenFile[], signal?: AbortSignal): Promise<Session> {
    const description = await client.ask("open", { files }, signal === undefined ? {} : { signal });
    return new Session(client, description);
  }

  /** Adds pictures; each is told as soon as it is known. */
  async add(files: readonly GivenFile[], told: (text: string) => void, signal?: AbortSignal): Promise<void> {
    const labels = files.find(({ name }) => /\.(tsv|txt)$/i.test(name));
    const pictures = files.filter((file) => file !== labels);
    let known = 0;
    const answer = await this.#client.ask(
      "pictures",
      { files: pictures, ...(labels === undefined ? {} : { labels }) },
      {
        ...(signal === undefined ? {} : { signal }),
        onPartial: ({ name }) => told(`Reading pictures: ${name} (${++known} of ${pictures.length}).`),
      },
    );
    this.#take(answer);
  }

  async prepareBy(preset: string | GivenFile): Promise<void> {
    const answer = await this.#client.ask("setPreprocess", { preset });
    this.#known.clear();
    this.#take(answer);
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
    const { spectra } = this.#knownHere();
    const found = await this.#client.ask(
      "spectrum",
      { picture: this.pictures.peek()[picture]!.picture, from: this.#source, to, k },
      { signal, onPartial: ({ sigma }) => told(sigma) },
    );
    spectra.value = new Map([...spectra.value, [spectrumKey(picture, to), { ...found, asked: k }]]);
  }

  /** The right singular vector of a spectrum, [source]. */
  async vectorOf(spectrum: number, index: number): Promise<Float32Array> {
    return (await this.#client.ask("vector", { spectrum, index, side: "v" })).values;
  }

  subject(): Subject {
    const pictures = this.pictures.value;
    const { classes } = this.answer.value!;
    const from = this.#source;
    const network = networkFacts(this.description, from);
    const { spectra, steps, reach: reaches } = this.#knownHere();
    const client = this.#client;
    const report = async () => {
      const { readerOf } = await import("../save/session-reader.ts");
      const { description } = this;
      const preprocessing = this.answer.value?.preprocessing ?? description.preprocessing;
      return readerOf({ description, network, preprocessing, pictures, spectra: spectra.value, vectorOf });
    };
    const vectorOf = (spectrum: number, index: number) => this.vectorOf(spectrum, index);
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
      async withNoise(picture, { kind, level, to, k }, signal) {
        const request = { picture: pictures[picture]!.picture, kind, level, spectrum: { from, to, k } };
        const { picture: noisy, spectrum } = await client.ask("noise", request, { signal });
        await client.ask("removePictures", { pictures: [noisy.picture] });
        const [first] = noisy.top ?? [];
        return { pixels: noisy.pixels!, ...(first && { predicted: first }), spectrum: spectrum! };
      },
      report,
      movement,
      async followPictures() {
        if (movement.value !== undefined) return;
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
      async findSmallestStep(picture, tap, signal) {
        const unit = spectra.value.get(spectrumKey(picture, tap));
        if (unit === undefined) throw notComputed(tap);
        const { picture: number } = pictures[picture]!;
        const { changes } = await client.ask("nearestChange", { picture: number, spectrum: unit.spectrum }, { signal });
        steps.value = new Map([...steps.value, [spectrumKey(picture, tap), smallestOf(changes)]]);
      },
      async look() {},
      vectorsAt(picture, tap) {
        const unit = spectra.value.get(spectrumKey(picture, tap));
        return unit === undefined ? [] : Array.from({ length: numericalRankOf(unit) }, (_, index) => index);
      },
      async direction(picture, choice) {
        const unit = choice === "random" ? undefined : spectra.value.get(spectrumKey(picture, choice.tap));
        if (choice !== "random" && unit === undefined) throw notComputed(choice.tap);
        const along = choice === "random" ? { random: 0, from } : { spectrum: unit!.spectrum, index: choice.index };
        const { shape } = network.source;
        const v = choice === "random" ? undefined : await vectorOf(unit!.spectrum, choice.index);
        const ask = (epsilon: readonly number[]) =>
          client.ask("step", { picture: pictures[picture]!.picture, direction: along, epsilon });
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
