import { createRng, PushforwardError, type Rng } from "../base/index.ts";
import type { LevelScale, ThroughJpeg } from "../images/index.ts";
import type { Jacobian, Network, Tap } from "../jacobian/index.ts";
import type { Run, UnitResult } from "../results/index.ts";
import type { BlockAlgebra } from "../runtime/index.ts";
import type { SingularTriplets } from "../svd/index.ts";
import type { Architecture, LabelledSet, Split, Weights } from "../training/index.ts";
import { endsAll, reasonOf } from "./failure.ts";
import { solveUnit, tripletsAt, withExceptions } from "./spectrum.ts";

/** An input that a study may use. */
interface LabInput {
  readonly name: string;
  readonly point: Float32Array;
  /** The true class, where it is known. */
  readonly className: string | undefined;
}

interface LabParts
  extends Pick<
    Lab,
    "network" | "inputs" | "classes" | "names" | "pictures" | "taps" | "seed" | "k" | "tol" | "vectors"
  > {
  readonly checkpoints?: Checkpoints | undefined;
  readonly encoders?: EncoderTrainings | undefined;
  /** Opens the run of J(input → tap) that studies share. */
  readonly openSpectra: () => Promise<Spectra>;
}

/** A run of J(input → tap), whose taps are those of the lab without the source. */
interface Spectra {
  readonly run: Run;
  /** The index in the run of each input of the lab. */
  readonly places: readonly number[];
}

/** Networks of one graph at the steps of one or more trainings. */
export interface Checkpoints {
  /** A name for each training. */
  readonly trainings: readonly string[];
  /** The steps at which every training has a network, ascending. */
  readonly steps: readonly number[];
  /** Opens one network, given by its indices; the caller closes it. @throws PushforwardError if it does not open */
  open(training: number, step: number): Promise<Checkpoint>;
}

/** One open network, and what its training stored of it; NaN where that is not known. */
export interface Checkpoint {
  /** A lab with the inputs, taps and settings of the study. Each has spectra of its own, which are kept in memory as long as it is. */
  lab(): Lab;
  /** The share of held-out examples that it classifies correctly, and its loss there. */
  readonly heldOut: { readonly accuracy: number; readonly loss: number };
  /** The share of the training examples with a wrong label for which it gives this wrong label. */
  readonly memorised: number;
  close(): Promise<void>;
}

/** Encoders that were trained without labels. */
export interface EncoderTrainings {
  /** A name for each training. */
  readonly names: readonly string[];
  open(training: number): Promise<EncoderTraining>;
}

/** A trained encoder, with the examples that it was trained on and those held out. */
export interface EncoderTraining {
  readonly name: string;
  /** Its layers from the input to the code. */
  readonly network: Architecture;
  /** The weights that the training began with, and those at its end. */
  readonly first: Weights;
  readonly last: Weights;
  /** Its examples with their classes, of which there are so many. */
  readonly split: Split<LabelledSet["targets"]>;
  readonly classes: number;
  /** The loss of the training on its held-out examples. */
  readonly reconstruction: number;
  readonly seed: number;
}

/** What a study works with: a network, inputs, taps, spectra that are computed once, and random numbers from a seed. */
export class Lab {
  readonly network: Network;
  readonly inputs: readonly LabInput[];
  /** Names or numbers, in the order of the network's output. */
  readonly classes: readonly string[];
  /** The names in the list of classes, also where the output is no list of scores: those of a language model's tokens. */
  readonly names: readonly string[];
  /** Which values of the input are black and white. */
  readonly pictures: { readonly scale: LevelScale; readonly throughJpeg: ThroughJpeg };
  /** The taps in order of depth. The first is the input of the network. */
  readonly taps: readonly Tap[];
  readonly seed: number;
  /** The number of triplets of a spectrum, as far as a tap has so many, and the tolerance. */
  readonly k: number;
  readonly tol: number;
  /** How many of the first and of the last singular vectors of a spectrum are stored. */
  readonly vectors: number;
  /** The networks of a training, of which `network` is one; absent in a lab of one network. */
  readonly checkpoints: Checkpoints | undefined;
  /** Encoders, of which `network` is the first; absent in a lab of one network. */
  readonly encoders: EncoderTrainings | undefined;
  readonly #openSpectra: () => Promise<Spectra>;
  readonly #constantSteps = new Map<string, SingularTriplets>();
  #spectra: Promise<Spectra> | undefined;

  constructor({ network, inputs, classes, names, pictures, taps, seed, k, tol, vectors, ...parts }: LabParts) {
    this.network = network;
    this.inputs = inputs;
    this.classes = classes;
    this.names = names;
    this.pictures = pictures;
    this.taps = taps;
    this.seed = seed;
    this.k = k;
    this.tol = tol;
    this.vectors = vectors;
    this.checkpoints = parts.checkpoints;
    this.encoders = parts.encoders;
    this.#openSpectra = parts.openSpectra;
  }

  /**
   * The value of a tap at every input: [inputs], [tap size] each.
   *
   * @throws PushforwardError `not-finite` naming an input at which an entry is not finite
   */
  async activations(tap: Tap): Promise<Float32Array[]> {
    const points = this.inputs.map(({ point }) => point);
    const values = await this.network.forwardAll(points, tap);
    const at = values.findIndex((value) => !value.every(Number.isFinite));
    if (at < 0) return values;
    const { name } = this.inputs[at]!;
    throw new PushforwardError("not-finite", {
      what: `The value of ${tap.name} at ${name} is not finite.`,
      where: { input: name, tap: tap.name },
      fix: "Leave this input out.",
    });
  }

  /** What the network's backend computes with long vectors. */
  get algebra(): BlockAlgebra {
    return this.network.backend.algebra;
  }

  /** J(from → to) at a point: `apart` for `exchanged`. The caller disposes of it. */
  jacobian(point: Float32Array, from: Tap, to: Tap, { apart = false } = {}): Promise<Jacobian> {
    return this.network.jacobian({ at: point, from, to, apart });
  }

  /**
   * The singular triplets of J(input → tap) at an input, as the run of spectra stores them. They are computed if they are not stored
   * yet. `input` and `tap` are indices of the lab.
   */
  async spectrum(input: number, tap: number): Promise<UnitResult> {
    this.#spectra ??= this.#openSpectra();
    const { run, places } = await this.#spectra;
    const place = places[input]!;
    const stored = await run.readUnit(place, tap - 1);
    if (stored !== undefined) return stored;
    try {
      const unit = await this.#solve(run, input, tap);
      await run.writeUnit(place, tap - 1, unit);
      return unit;
    } catch (cause) {
      if (!endsAll(cause)) await run.failUnit(place, tap - 1, reasonOf(cause));
      throw cause;
    }
  }

  async #solve(run: Run, input: number, tap: number): Promise<UnitResult> {
    const { k } = run.manifest.taps[tap - 1]!;
    using J = await this.jacobian(this.inputs[input]!.point, this.taps[0]!, this.taps[tap]!);
    // If J is the same at every input, so is its spectrum.
    const known = J.isConstant ? run.manifest.inputs.findIndex((_, i) => run.isDone(i, tap - 1)) : -1;
    return (
      (known < 0 ? undefined : await run.readUnit(known, tap - 1)) ??
      withExceptions(await solveUnit(J, k, run.manifest), this.network)
    );
  }

  /**
   * The k largest singular triplets (or all) of the step J(t → t + 1) that leads to a tap, at an input. It is solved once if it is the
   * same at all inputs.
   */
  async step(input: number, tap: number, k: number): Promise<SingularTriplets> {
    const [from, to] = [this.before(tap), this.taps[tap]!];
    const key = `${k} of ${from.name} → ${to.name}`;
    const known = this.#constantSteps.get(key);
    if (known !== undefined) return known;
    using J = await this.jacobian(this.inputs[input]!.point, from, to);
    const triplets = await J.svd({ k: tripletsAt(k, from, to), tol: this.tol, seed: this.seed });
    if (J.isConstant) this.#constantSteps.set(key, triplets);
    return triplets;
  }

  /** The last tap before this one that all paths pass through. The step J(t → t + 1) starts there. */
  before(tap: number): Tap {
    return this.taps.slice(0, tap).findLast(({ cut }, i) => cut || i === 0)!;
  }

  /** Random numbers that are determined by the seed and these labels. */
  rng(...labels: readonly (number | string)[]): Rng {
    return createRng(this.seed, ...labels);
  }
}
