import { PushforwardError, sizeOf } from "../../../base/index.ts";
import type { Network, Tap } from "../../../jacobian/index.ts";
import { measureSpectrum, type UnitResult } from "../../../results/index.ts";
import { solveUnit, tripletsAt, withExceptions } from "../../../studies/index.ts";
import type { ProvisionalSpectrum, SpectrumAnswer, VectorAnswer } from "./answers.ts";
import type { Job } from "./job.ts";
import type { RequestOf, SpectrumSettings } from "./protocol.ts";
import { Recent } from "./recent.ts";

const DEFAULT_TOL = 1e-5;

/** A spectrum with all its vectors. */
interface StoredSpectrum {
  readonly from: Tap;
  readonly to: Tap;
  readonly unit: UnitResult;
}

/** A vector of a spectrum. */
export interface SpectrumVector {
  /** The tap that it belongs to. */
  readonly tap: Tap;
  readonly values: Float32Array;
}

/** Measures spectra of a network, and keeps their vectors within a budget of bytes. */
export class Spectra {
  readonly #network: Network;
  readonly #stored: Recent<number, StoredSpectrum>;
  #next = 1;

  constructor(network: Network, budget: number) {
    this.#network = network;
    this.#stored = new Recent(budget);
  }

  limit(bytes: number): void {
    this.#stored.limit(bytes);
  }

  /** @throws PushforwardError `tap-unknown`, `op-unsupported`, `not-finite`, `interrupted`, and others of `jacobian` and `svd` */
  async measure(
    picture: number,
    point: Float32Array,
    { from: source, to: target, k: asked, tol = DEFAULT_TOL, seed = 0 }: SpectrumSettings,
    job: Pick<Job<"spectrum">, "signal" | "rest" | "progress"> & { partial(partial: ProvisionalSpectrum): void },
  ): Promise<SpectrumAnswer> {
    const network = this.#network;
    const from = source === undefined ? network.source : network.tap(source);
    const to = target === undefined ? network.output : network.tap(target);
    const k = tripletsAt(asked, from, to);
    job.progress({ phase: "compiling" });
    await job.rest();
    using J = await network.jacobian({ at: point, from, to, beforeRun: job.rest });
    const solved = await solveUnit(
      J,
      k,
      { tol, seed, vectors: "all" },
      {
        signal: job.signal,
        onProgress: ({ jvp, vjp, converged }) =>
          job.progress({ phase: "solving", done: converged, of: k, products: jvp + vjp }),
        onEstimate: job.partial,
      },
    );
    const unit = withExceptions(solved, network);
    const spectrum = this.#next++;
    const { u, v } = unit.vectors;
    this.#stored.set(spectrum, { from, to, unit }, u.byteLength + v.byteLength);
    const { effectiveRank, participationRatio } = measureSpectrum(unit);
    const { vectors: _vectors, ...numbers } = unit;
    const asks = { picture, from: from.name, to: to.name, tol, seed };
    return { spectrum, ...asks, ...numbers, effectiveRank, participationRatio };
  }

  vector({ spectrum, index, side }: RequestOf<"vector">): VectorAnswer {
    const { tap, values } = this.vectorOf(spectrum, index, side);
    return { tap: tap.name, shape: tap.shape, values };
  }

  /** @throws PushforwardError `usage` for a spectrum or a vector that is not there */
  vectorOf(spectrum: number, index: number, side: "u" | "v"): SpectrumVector {
    const { from, to, unit } = this.#of(spectrum);
    if (!(Number.isInteger(index) && index >= 0 && index < unit.k)) {
      throw new PushforwardError("usage", {
        what: `There is no vector ${index} in a spectrum of ${unit.k}.`,
        fix: `Choose an index from 0 to ${unit.k - 1}.`,
      });
    }
    const tap = side === "u" ? to : from;
    const length = sizeOf(tap.shape);
    return { tap, values: unit.vectors[side].slice(index * length, (index + 1) * length) };
  }

  /** The numbers of a spectrum. @throws PushforwardError `usage` if it is not there */
  numbersOf(spectrum: number): Pick<UnitResult, "sigma" | "floor" | "k"> {
    return this.#of(spectrum).unit;
  }

  #of(spectrum: number): StoredSpectrum {
    const stored = this.#stored.get(spectrum);
    if (stored !== undefined) return stored;
    throw new PushforwardError("usage", {
      what:
        spectrum >= 1 && spectrum < this.#next
          ? "The vectors of this spectrum were dropped, because memory is limited."
          : `There is no spectrum ${spectrum}.`,
      fix: "Compute it again.",
    });
  }
}
