import { createRng, formatShape, PushforwardError, sizeOf } from "../../../base/index.ts";
import type { ForwardPass, Network, Tap } from "../../../jacobian/index.ts";
import { ranked } from "../../../studies/index.ts";
import type { Step, StepAnswer } from "./answers.ts";
import type { EngineHost } from "./host.ts";
import type { Pictures } from "./pictures.ts";
import { pixelsOf } from "./pixels.ts";
import { sha256OfEntries } from "./prepared-picture.ts";
import type { Direction, RequestOf } from "./protocol.ts";
import { Recent } from "./recent.ts";
import type { Spectra } from "./spectra.ts";

/** How many directions and compiled passes are remembered. */
const DIRECTIONS = 64;
const PASSES = 4;

/** A direction at a picture: all that is needed for steps along it. */
export interface Line {
  readonly from: Tap;
  /** The input of the network. */
  readonly point: Float32Array;
  /** The value of `from` there, and the direction, of unit length. */
  readonly x: Float32Array;
  readonly direction: Float32Array;
}

/** A line with what J predicts along it. */
interface PredictedLine extends Line {
  /** f(x) and J·d at the output. */
  readonly value: Float32Array;
  readonly slope: Float32Array;
}

/** Steps along directions, and the output of a network there. */
export class Steps {
  readonly #network: Network;
  readonly #pictures: Pictures;
  readonly #spectra: Spectra;
  readonly #host: EngineHost;
  readonly #lines = new Recent<string, PredictedLine>(DIRECTIONS);
  readonly #passes: Recent<string, Promise<ForwardPass>>;

  constructor(network: Network, pictures: Pictures, spectra: Spectra, host: EngineHost) {
    this.#network = network;
    this.#pictures = pictures;
    this.#spectra = spectra;
    this.#host = host;
    this.#passes = new Recent(PASSES, async (pass) => (await pass.catch(() => undefined))?.release());
  }

  async step({ picture, direction, epsilon }: RequestOf<"step">): Promise<StepAnswer> {
    const line = await this.#predicted(picture, direction);
    const { classes, scale } = this.#pictures;
    const { value, slope, from } = line;
    const classOf = (scores: Float32Array) => classes[ranked(scores)[0]!]!;
    const isInput = from === this.#network.input;
    const steps: Step[] = [];
    for (const size of typeof epsilon === "number" ? [epsilon] : epsilon) {
      const { moved, actual } = await this.at(line, size);
      const predicted = value.map((own, i) => own + size * slope[i]!);
      const pixels = isInput ? pixelsOf(moved, from.shape, scale) : undefined;
      steps.push({
        epsilon: size,
        ...(pixels && { pixels }),
        actual,
        predicted,
        gap: lengthOf(actual.map((own, i) => own - predicted[i]!)),
        change: Math.abs(size) * lengthOf(slope),
        ...(classes.length > 0 && { class: classOf(actual), predictedClass: classOf(predicted) }),
      });
    }
    return { steps, scores: value, ...(classes.length > 0 && { class: classOf(value) }) };
  }

  /** The source and the output after a step. */
  async at(
    { from, point, x, direction }: Line,
    epsilon: number,
  ): Promise<{ moved: Float32Array; actual: Float32Array }> {
    const moved = x.map((own, i) => own + epsilon * direction[i]!);
    return { moved, actual: await this.output(from, point, moved) };
  }

  /** The output where `from` has this value instead of its own at a point. */
  async output(from: Tap, point: Float32Array, value: Float32Array): Promise<Float32Array> {
    return (await this.#pass(from)).at(point, value);
  }

  /** @throws PushforwardError `usage` or `shape-mismatch` for a direction that is none */
  async line(picture: number, direction: Direction): Promise<Line> {
    const network = this.#network;
    const point = this.#pictures.point(picture);
    const { tap: from, values } = this.#direction(direction);
    const x = from === network.input ? point : (await network.forward(point, [from]))[0]!;
    return { from, point, x, direction: values };
  }

  async close(): Promise<void> {
    this.#lines.clear();
    this.#passes.clear();
  }

  async #predicted(picture: number, direction: Direction): Promise<PredictedLine> {
    const along = "values" in direction ? await sha256OfEntries(direction.values, this.#host) : direction;
    const key = JSON.stringify([this.#pictures.sha256(picture), along]);
    const known = this.#lines.get(key);
    if (known !== undefined) return known;
    const line = await this.line(picture, direction);
    using J = await this.#network.jacobian({ at: line.point, from: line.from, to: this.#network.output });
    const { data: slope } = await J.jvp(line.direction);
    const predicted = { ...line, value: J.value, slope };
    this.#lines.set(key, predicted, 1);
    return predicted;
  }

  #direction(direction: Direction): { readonly tap: Tap; readonly values: Float32Array } {
    if ("spectrum" in direction) return this.#spectra.vectorOf(direction.spectrum, direction.index, "v");
    const { source } = this.#network;
    if ("random" in direction) {
      const tap = direction.from === undefined ? source : this.#network.tap(direction.from);
      const rng = createRng(direction.random, "direction");
      return { tap, values: unit(Float32Array.from({ length: sizeOf(tap.shape) }, () => rng.gaussian())) };
    }
    if (direction.values.length !== sizeOf(source.shape)) {
      throw new PushforwardError("shape-mismatch", {
        what: `The direction has ${direction.values.length} numbers, but ${source.name} is ${formatShape(source.shape)}.`,
        fix: `Give ${sizeOf(source.shape)} numbers.`,
      });
    }
    return { tap: source, values: unit(direction.values) };
  }

  #pass(from: Tap): Promise<ForwardPass> {
    const known = this.#passes.get(from.name);
    if (known !== undefined) return known;
    const pass = this.#network.forwardPass(from, this.#network.output);
    this.#passes.set(from.name, pass, 1);
    return pass;
  }
}

/** @throws PushforwardError `usage` for numbers that are not finite or all zero */
function unit(values: Float32Array): Float32Array {
  const length = lengthOf(values);
  if (length > 0 && Number.isFinite(length)) return values.map((value) => value / length);
  throw new PushforwardError("usage", {
    what: length === 0 ? "The direction is zero." : "The direction is not finite.",
    fix: "Give finite numbers that are not all zero.",
  });
}

export const lengthOf = (values: Float32Array): number =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
