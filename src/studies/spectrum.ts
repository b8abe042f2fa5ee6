import { sizeOf } from "../base/index.ts";
import type { Jacobian, Network, Tap } from "../jacobian/index.ts";
import { numericalRankOf, type RunManifest, tapNamed, type UnitResult } from "../results/index.ts";
import type { SingularTriplets, SvdOptions, SvdProgress } from "../svd/index.ts";
import { endsAll, interrupted, reasonOf } from "./failure.ts";

/** A destination for finished units: a stored run, or anything with the same methods. */
export interface UnitStore {
  readonly manifest: RunManifest;
  isDone(input: number, tap: number): Promise<boolean> | boolean;
  writeUnit(input: number, tap: number, unit: UnitResult): Promise<void>;
  failUnit(input: number, tap: number, why: string): Promise<void>;
}

/** Callbacks of a run; `input` and `tap` are indices of the manifest. */
export interface SpectrumEvents {
  readonly onUnit?: (input: number, tap: number, unit: UnitResult) => void | Promise<void>;
  /** A unit has no result; the others go on. */
  readonly onFailure?: (input: number, tap: number, cause: unknown) => void | Promise<void>;
  readonly onProgress?: (input: number, tap: number, progress: SvdProgress) => void;
  readonly signal?: AbortSignal;
  /** Called before a unit is computed. */
  readonly onStart?: (input: number, tap: number) => void | Promise<void>;
  /** Which of the units to compute (default: all). */
  readonly only?: (input: number, tap: number) => boolean;
}

/**
 * Computes the k largest singular triplets of J(from → tap) for every input and tap of a run that is not done yet.
 *
 * A unit is one (input, tap) and is written as a whole. Taps are the outer loop, so that each is linearized and compiled once at most. If J
 * does not depend on the input, it is solved once for all inputs, and each of their units has the products and seconds of that solve.
 * A unit depends only on the manifest and its input, so an interrupted run that is continued ends with the same numbers.
 *
 * A unit that has no result, for a NaN or an infinity in the pass at its input or for a fault of the backend, is noted with the
 * reason, and the others go on.
 *
 * @throws PushforwardError `interrupted` when the signal is aborted; finished units are kept; `store-unwritable`
 * @see Mototake & Ikegami 2015, fig. 3
 */
export async function spectrum(
  store: UnitStore,
  network: Network,
  points: readonly (Float32Array | undefined)[],
  events: SpectrumEvents = {},
): Promise<void> {
  const { onStart, onUnit, onFailure, signal, only = () => true } = events;
  const { manifest } = store;
  const from = network.tap(tapNamed(manifest.from));
  for (const [tapIndex, record] of manifest.taps.entries()) {
    let shared: UnitResult | undefined;
    const solve = async (input: number, point: Float32Array): Promise<UnitResult> => {
      if (shared !== undefined) return shared;
      using J = await network.jacobian({ at: point, from, to: network.tap(tapNamed(record)) });
      const onProgress = (progress: SvdProgress) => events.onProgress?.(input, tapIndex, progress);
      const reporting = { ...(signal === undefined ? {} : { signal }), onProgress };
      const unit = withExceptions(await solveUnit(J, record.k, manifest, reporting), network);
      if (J.isConstant) shared = unit;
      return unit;
    };
    for (const [inputIndex, point] of points.entries()) {
      if (point === undefined || !only(inputIndex, tapIndex) || (await store.isDone(inputIndex, tapIndex))) continue;
      await onStart?.(inputIndex, tapIndex);
      let unit: UnitResult;
      try {
        unit = await solve(inputIndex, point);
      } catch (cause) {
        if (endsAll(cause)) throw cause;
        await store.failUnit(inputIndex, tapIndex, reasonOf(cause));
        await onFailure?.(inputIndex, tapIndex, cause);
        continue;
      }
      await store.writeUnit(inputIndex, tapIndex, unit);
      await onUnit?.(inputIndex, tapIndex, unit);
    }
    if (signal?.aborted) throw interrupted();
  }
}

/** A unit with what the device of its network left to the CPU so far. */
export function withExceptions(unit: UnitResult, { backend: { exceptions = [] } }: Network): UnitResult {
  return exceptions.length === 0 ? unit : { ...unit, onCpu: [...exceptions] };
}

/**
 * Computes one unit: the k largest singular triplets of J, as a run stores them.
 *
 * @throws PushforwardError `interrupted` when the signal is aborted; `not-finite` that names the first node which is not finite
 */
export async function solveUnit(
  J: Jacobian,
  k: number,
  { tol, seed, vectors }: Pick<RunManifest, "tol" | "seed" | "vectors">,
  { signal, ...told }: Pick<SvdOptions, "signal" | "onProgress" | "onEstimate"> = {},
): Promise<UnitResult> {
  const reporting = { ...(signal && { signal }), ...told };
  const triplets = await J.svd({ k, tol, seed, ...reporting, afterAbort: "throw" }).catch((cause: unknown) => {
    throw signal?.aborted ? interrupted(cause) : cause;
  });
  if (signal?.aborted) throw interrupted();
  return toUnit(J, triplets, vectors);
}

/** The number of triplets at a tap: the k asked for, or all that it has. */
export const tripletsAt = (k: number, source: Tap, target: Tap): number =>
  Math.min(k, sizeOf(source.shape), sizeOf(target.shape));

/** How many vectors a unit stores, from the first on without a gap, whose σ is above the floor; the others are arbitrary. */
export function firstStored({ vectors, ...unit }: Pick<UnitResult, "sigma" | "floor" | "vectors">): number {
  return Math.min(vectors.index.filter((index, i) => index === i).length, numericalRankOf(unit));
}

/** The indices of the vectors that a unit stores: the first and the last `count`, or all. */
function storedIndices(k: number, count: number | "all"): number[] {
  const all = Array.from({ length: k }, (_, i) => i);
  return count === "all" || 2 * count >= k
    ? all.filter(() => count !== 0)
    : [...all.slice(0, count), ...all.slice(k - count)];
}

async function toUnit(
  J: Jacobian,
  { sigma, u, v, certificate }: SingularTriplets,
  vectors: number | "all",
): Promise<UnitResult> {
  const [m, n, k] = [sizeOf(J.target), sizeOf(J.source), sigma.length];
  const index = storedIndices(k, vectors);
  const pick = (rows: Float32Array, length: number) => {
    const kept = new Float32Array(index.length * length);
    index.forEach((row, i) => {
      kept.set(rows.subarray(row * length, (row + 1) * length), i * length);
    });
    return kept;
  };
  const { residual, bounded, status, norm, floor, floors, orthogonality, missed, cost, stopped } = certificate;
  return {
    m,
    n,
    k,
    sigma,
    residual,
    status,
    norm,
    floor,
    floors,
    ...(bounded && { residualFailureProbability: bounded.failureProbability }),
    orthogonality,
    missed,
    jvp: cost.jvp,
    vjp: cost.vjp,
    seconds: cost.seconds,
    stopped,
    activeRows: (await J.activeRows())?.length ?? m,
    kinks: J.kinks,
    vectors: { index, u: pick(u, m), v: pick(v, n) },
  };
}
