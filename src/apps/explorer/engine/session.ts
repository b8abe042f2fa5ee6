import { createRng, PushforwardError } from "../../../base/index.ts";
import { noises, noisyInput } from "../../../images/index.ts";
import type { Network } from "../../../jacobian/index.ts";
import type { NetworkDescription, NoiseAnswer, PicturesAnswer } from "./answers.ts";
import { fromCaffe, isOfCaffe } from "./caffe-network.ts";
import { classChanges } from "./class-changes.ts";
import type { EngineHost } from "./host.ts";
import type { Job } from "./job.ts";
import { type ChosenPreset, describeNetwork } from "./network-description.ts";
import { Pictures } from "./pictures.ts";
import { askedPreset, guessedPreset } from "./preset-choice.ts";
import type { AnswerOf, GivenFile, RequestKind, RequestOf } from "./protocol.ts";
import { Spectra } from "./spectra.ts";
import { Steps } from "./steps.ts";
import { trajectoryOf } from "./trajectory.ts";

/** What can be asked of an open network. */
type SessionKind = Exclude<RequestKind, "open" | "train" | "setBudget" | "dispose">;

type Answering = {
  readonly [K in SessionKind]: (request: RequestOf<K>, job: Job<K>) => Promise<AnswerOf<K>> | AnswerOf<K>;
};

/** A network that is open, with its pictures and spectra. */
export class Session implements Answering {
  readonly #network: Network;
  readonly #host: EngineHost;
  readonly #pictures: Pictures;
  readonly #spectra: Spectra;
  readonly #steps: Steps;
  readonly #description: NetworkDescription;

  private constructor(
    network: Network,
    { chosen, notes }: { readonly chosen: ChosenPreset; readonly notes: readonly string[] },
    host: EngineHost,
    budget: number,
  ) {
    this.#network = network;
    this.#host = host;
    const scores = (point: Float32Array) => this.#steps.output(network.input, point, point);
    this.#pictures = new Pictures(network, chosen, host, scores);
    this.#spectra = new Spectra(network, budget / 2);
    this.#steps = new Steps(network, this.#pictures, this.#spectra, host);
    this.#description = { ...describeNetwork(network, chosen), notes };
  }

  /** @throws PushforwardError `usage` if no file is an ONNX file, or several are; errors of `fromCaffe`, `openNetwork` and of a preset file */
  static async open({ files, ...options }: RequestOf<"open">, host: EngineHost, budget: number): Promise<Session> {
    const caffe = files.some(isOfCaffe) ? await fromCaffe(files.filter(isOfCaffe), options.inputShape) : undefined;
    const models = [
      ...files.filter(({ name }) => /\.onnx$/i.test(name)),
      ...(caffe === undefined ? [] : [caffe.model]),
    ];
    if (models.length !== 1) throw notOneModel(models.length);
    const presetFile = files.find(({ name }) => /\.json$/i.test(name));
    const rest = files.filter((file) => file !== models[0] && file !== presetFile && !isOfCaffe(file));
    const [model, ...beside] = besideEachOther([models[0]!, ...rest]);
    const network = await host.openNetwork(model!, beside, options);
    try {
      await network.limitCompiled(budget / 2);
      const { shape } = network.input;
      const guessed = () => caffe?.chosen ?? guessedPreset(shape);
      const chosen = presetFile === undefined ? guessed() : await askedPreset(presetFile, shape);
      return new Session(network, { chosen, notes: caffe?.notes ?? [] }, host, budget);
    } catch (cause) {
      await network.close();
      throw cause;
    }
  }

  get description(): NetworkDescription {
    return this.#description;
  }

  async limit(bytes: number): Promise<void> {
    this.#spectra.limit(bytes / 2);
    await this.#network.limitCompiled(bytes / 2);
  }

  async close(): Promise<void> {
    await this.#steps.close();
    await this.#network.close();
  }

  async pictures({ files, labels }: RequestOf<"pictures">, job: Job<"pictures">): Promise<PicturesAnswer> {
    await this.#pictures.add(files, labels, job.partial, job.rest);
    return this.#pictures.describe();
  }

  async setPreprocess({ preset }: RequestOf<"setPreprocess">, job: Job<"setPreprocess">): Promise<PicturesAnswer> {
    const chosen = await askedPreset(preset, this.#network.input.shape);
    await this.#pictures.prepareAgain(chosen, job.partial, job.rest);
    return this.#pictures.describe();
  }

  removePictures({ pictures }: RequestOf<"removePictures">): PicturesAnswer {
    this.#pictures.remove(pictures);
    return this.#pictures.describe();
  }

  spectrum({ picture, ...settings }: RequestOf<"spectrum">, job: Job<"spectrum">) {
    return this.#spectra.measure(picture, this.#pictures.point(picture), settings, job);
  }

  vector(request: RequestOf<"vector">) {
    return this.#spectra.vector(request);
  }

  step(request: RequestOf<"step">) {
    return this.#steps.step(request);
  }

  nearestChange(request: RequestOf<"nearestChange">, job: Job<"nearestChange">) {
    const parts = { pictures: this.#pictures, spectra: this.#spectra, steps: this.#steps };
    return classChanges(request, parts, job);
  }

  async noise(request: RequestOf<"noise">, job: Job<"noise">): Promise<NoiseAnswer> {
    const { picture, kind, level, seed = 0, spectrum } = request;
    const pictures = this.#pictures;
    const { input } = this.#network;
    requirePictures(this.#description, input.shape);
    const means = { scale: pictures.scale, rng: createRng(seed, "noise", kind), throughJpeg: this.#host.throughJpeg };
    const { point } = await noisyInput(pictures.point(picture), input.shape, { kind, strength: level }, means);
    const name = `${pictures.nameOf(picture)} + ${kind} ${level}`;
    const made = await pictures.derive(picture, name, point);
    const scores = pictures.scoresOf(made) ?? (await this.#steps.output(input, point, point));
    const answer = { picture: pictures.describeOne(made), scores };
    if (spectrum === undefined) return answer;
    return { ...answer, spectrum: await this.#spectra.measure(made, point, spectrum, job) };
  }

  trajectory(request: RequestOf<"trajectory">, job: Job<"trajectory">) {
    return trajectoryOf(this.#network, this.#pictures, request, job);
  }
}

/** Files with their names below the folder of the first: so a model refers to those beside it. */
function besideEachOther(files: readonly GivenFile[]): GivenFile[] {
  const folder = /^(?:.*\/)?/.exec(files[0]!.name)![0];
  return files.map(({ name, content }) => ({
    name: name.startsWith(folder) ? name.slice(folder.length) : name,
    content,
  }));
}

function notOneModel(count: number): PushforwardError {
  return new PushforwardError("usage", {
    what: count === 0 ? "There is no ONNX file among these files." : `There are ${count} networks among these files.`,
    fix: "Give one file that ends in .onnx, with the files of its weights if it has any, or a .prototxt with its .caffemodel.",
  });
}

/** @throws PushforwardError `usage` where the input is none of pictures, to which noise could be added */
function requirePictures({ input }: NetworkDescription, shape: readonly number[]): void {
  if (shape.length === 3 && (shape[0] === 1 || shape[0] === 3)) return;
  throw new PushforwardError("usage", {
    what: `Noise (${Object.keys(noises).join(", ")}) is added to pictures, and ${input} is none.`,
    fix: "Use a network that takes pictures.",
  });
}
