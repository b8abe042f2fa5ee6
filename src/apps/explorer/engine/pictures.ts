import { formatShape, messageOf, PushforwardError } from "../../../base/index.ts";
import { type LevelScale, levelScaleOf, levelScaleOfArrays } from "../../../images/index.ts";
import type { Network } from "../../../jacobian/index.ts";
import { ranked } from "../../../studies/index.ts";
import { predictionWarnings } from "../../inputs/prediction-warnings.ts";
import { classNames, probabilitiesOf, withPredictions } from "../../inputs/predictions.ts";
import type { ClassScore, PictureDescription, PicturesAnswer } from "./answers.ts";
import { describeError } from "./describe-error.ts";
import type { EngineHost } from "./host.ts";
import type { ChosenPreset } from "./network-description.ts";
import { labelPictures, type PictureLabels } from "./picture-labels.ts";
import { pixelsOf } from "./pixels.ts";
import { isArray, type PreparedPicture, preparePicture, sha256OfEntries } from "./prepared-picture.ts";
import type { GivenFile } from "./protocol.ts";
import { type NamedBytes, readGiven } from "./read-given.ts";

/** How many classes are told of each picture. */
const FIRST = 5;

/** One picture of a session. */
interface Picture extends Partial<PreparedPicture> {
  readonly picture: number;
  readonly name: string;
  /** Absent for a picture that was made of another one. */
  readonly file?: GivenFile;
  /** The name of the picture that it was made of, whose class it has. */
  readonly origin?: string;
  readonly failed?: PushforwardError;
  /** The output of the network there; absent if it gives no class scores or one is not finite. */
  readonly scores?: Float32Array;
}

/** The pictures of a network, prepared and classified. */
export class Pictures {
  readonly #network: Network;
  readonly #host: EngineHost;
  readonly #scores: (point: Float32Array) => Promise<Float32Array>;
  #chosen: ChosenPreset;
  #pictures: readonly Picture[] = [];
  #labelsFile: NamedBytes | undefined;
  #next = 1;

  /** @param scores the network's output at a point */
  constructor(
    network: Network,
    chosen: ChosenPreset,
    host: EngineHost,
    scores: (point: Float32Array) => Promise<Float32Array>,
  ) {
    this.#network = network;
    this.#chosen = chosen;
    this.#host = host;
    this.#scores = scores;
  }

  /** Adds pictures; `told` is called for each, and before each `rest` lets other work go first. */
  async add(
    files: readonly GivenFile[],
    labels: GivenFile | undefined,
    told: (picture: PictureDescription) => void,
    rest: () => Promise<void>,
  ): Promise<void> {
    const given = labels ?? files.find(({ name }) => fileName(name).toLowerCase() === "labels.tsv");
    if (given !== undefined) this.#labelsFile = await readGiven(given);
    for (const file of files) {
      if (file === given || fileName(file.name).startsWith(".")) continue;
      await rest();
      const prepared = await this.#prepared(this.#next++, file.name, file);
      this.#pictures = [...this.#pictures, prepared];
      told(this.describeOne(prepared.picture));
    }
  }

  /** Prepares all pictures by another preset; those that were made of others are removed. */
  async prepareAgain(
    chosen: ChosenPreset,
    told: (picture: PictureDescription) => void,
    rest: () => Promise<void>,
  ): Promise<void> {
    const again = new Map<number, Picture>();
    const old = this.#chosen;
    this.#chosen = chosen;
    try {
      for (const { picture, name, file } of this.#pictures) {
        await rest();
        if (file !== undefined) again.set(picture, await this.#prepared(picture, name, file));
      }
    } catch (cause) {
      this.#chosen = old;
      throw cause;
    }
    this.#pictures = this.#pictures.flatMap(({ picture }) => again.get(picture) ?? []);
    for (const { picture } of this.#pictures) told(this.describeOne(picture));
  }

  /** Adds an input that was made of a picture. */
  async derive(from: number, name: string, point: Float32Array): Promise<number> {
    const { width, height, name: own, origin = own } = this.#of(from);
    const size = width === undefined || height === undefined ? {} : { width, height };
    const picture = this.#next++;
    const sha256 = await sha256OfEntries(point, this.#host);
    const made = { picture, name, origin, point, ...size, sha256, ...(await this.#scored(point)) };
    this.#pictures = [...this.#pictures, made];
    return picture;
  }

  remove(pictures: readonly number[]): void {
    this.#pictures = this.#pictures.filter(({ picture }) => !pictures.includes(picture));
  }

  /** The usable pictures, by number. */
  get usable(): readonly { readonly picture: number; readonly point: Float32Array }[] {
    return this.#pictures.flatMap(({ picture, point }) => (point === undefined ? [] : [{ picture, point }]));
  }

  /** @throws PushforwardError `usage` for a number that is no picture's; the reason for one that cannot be used */
  point(picture: number): Float32Array {
    return this.#usable(picture).point;
  }

  /** The hash of its entries. @throws PushforwardError as `point` */
  sha256(picture: number): string {
    return this.#usable(picture).sha256;
  }

  nameOf(picture: number): string {
    return this.#of(picture).name;
  }

  /** Which values of the input are black and white. */
  get scale(): LevelScale {
    const { preset } = this.#chosen;
    const hasPictures = this.#pictures.some(({ name }) => !isArray(name));
    if (preset !== undefined && hasPictures) return levelScaleOf(preset);
    return levelScaleOfArrays(
      this.usable.map(({ point }) => point),
      this.#network.input.shape,
    );
  }

  /** The names of the classes; empty if the network gives no class scores. */
  get classes(): readonly string[] {
    return classNames(this.#labels().classes, this.#network.classCount);
  }

  describe(): PicturesAnswer {
    const { classCount } = this.#network;
    const { classes: listed, warnings } = this.#labels();
    const { records, names, scores } = this.#records();
    const given = [...this.#pictures.keys()].filter((i) => this.#pictures[i]!.origin === undefined);
    const known = given.filter((i) => records[i]!.isRight !== undefined);
    const accuracy = { right: known.filter((i) => records[i]!.isRight).length, of: known.length };
    const misfit =
      listed.length > 0 && classCount > 0 && listed.length !== classCount
        ? [
            `The list of classes has length ${listed.length}, but the network gives ${classCount} scores. It is not used to name them.`,
          ]
        : [];
    const ofGiven = { scores: given.map((i) => scores[i]), names };
    const looksWrong =
      classCount === 0
        ? []
        : predictionWarnings(
            given.map((i) => records[i]!),
            ofGiven,
          ).map(capitalized);
    const { scale } = this;
    return {
      pictures: this.#pictures.map((picture, i) => this.#described(picture, { ...records[i]!, names, scale })),
      classes: names,
      ...(known.length === 0 ? {} : { accuracy }),
      preprocessing: this.#chosen.told,
      warnings: [...warnings, ...misfit, ...looksWrong],
    };
  }

  describeOne(picture: number): PictureDescription {
    const i = this.#pictures.indexOf(this.#of(picture));
    const { records, names } = this.#records();
    return this.#described(this.#pictures[i]!, { ...records[i]!, names, scale: this.scale });
  }

  /** The output at a picture; `undefined` if the network gives no class scores there. */
  scoresOf(picture: number): Float32Array | undefined {
    return this.#of(picture).scores;
  }

  /** Labels and predictions, [pictures]. */
  #records() {
    const { labels, classes } = this.#labels();
    const names = classNames(classes, this.#network.classCount);
    const scores = this.#pictures.map((picture) => picture.scores);
    const labelled = labels.map((label) => (label === undefined ? {} : { label }));
    return { records: withPredictions(labelled, { scores, names }), names, scores };
  }

  #described(
    { picture, name, failed, width, height, sha256, point, scores }: Picture,
    {
      label,
      isRight,
      names,
      scale,
    }: { label?: string; isRight?: boolean; names: readonly string[]; scale: LevelScale },
  ): PictureDescription {
    const pixels = point && pixelsOf(point, this.#network.input.shape, scale);
    return {
      picture,
      name,
      ...(failed && { failed: describeError(failed) }),
      ...(width !== undefined && { width }),
      ...(height !== undefined && { height }),
      ...(pixels && { pixels }),
      ...(sha256 !== undefined && { sha256 }),
      ...(scores && { top: topOf(scores, names) }),
      ...(label !== undefined && { label }),
      ...(isRight !== undefined && { isRight }),
    };
  }

  #labels(): PictureLabels {
    return labelPictures(
      this.#pictures.map(({ name, origin }) => origin ?? name),
      this.#labelsFile,
    );
  }

  #usable(picture: number): PreparedPicture {
    const { point, sha256, failed } = this.#of(picture);
    if (point === undefined || sha256 === undefined) throw failed!;
    return { point, sha256 };
  }

  #of(picture: number): Picture {
    const found = this.#pictures.find((own) => own.picture === picture);
    if (found !== undefined) return found;
    throw new PushforwardError("usage", {
      what: `There is no picture ${picture}.`,
      fix: "Ask for one of those that `pictures` described, after the network was opened.",
    });
  }

  async #prepared(picture: number, name: string, file: GivenFile): Promise<Picture> {
    try {
      const { preset, told } = this.#chosen;
      const refusal = new PushforwardError("usage", {
        what: `${told.reason} The network takes ${formatShape(this.#network.input.shape)}.`,
        fix: "Choose a preprocessing, or give the input as an .npy array.",
      });
      const prepared = await preparePicture(await readGiven(file), { preset, refusal }, this.#network, this.#host);
      return { picture, name, file, ...prepared, ...(await this.#scored(prepared.point)) };
    } catch (cause) {
      const failed =
        cause instanceof PushforwardError
          ? cause
          : new PushforwardError("image-undecodable", { what: messageOf(cause), where: { file: name }, cause });
      return { picture, name, file, failed };
    }
  }

  async #scored(point: Float32Array): Promise<{ scores?: Float32Array }> {
    if (this.#network.classCount === 0) return {};
    const scores = await this.#scores(point);
    return scores.every(Number.isFinite) ? { scores } : {};
  }
}

const fileName = (path: string): string => path.split("/").at(-1)!;
const capitalized = (text: string): string => `${text[0]!.toUpperCase()}${text.slice(1)}`;

/** The classes with the highest scores. */
function topOf(scores: Float32Array, names: readonly string[]): ClassScore[] {
  const shares = probabilitiesOf(scores);
  return ranked(scores)
    .slice(0, FIRST)
    .map((index) => ({ index, name: names[index]!, score: scores[index]!, share: shares[index]! }));
}
