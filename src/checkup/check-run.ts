import { PushforwardError } from "../base/index.ts";
import type { Jacobian, Network } from "../jacobian/index.ts";
import { type Run, storedVectors, tapNamed, type UnitPlace, type UnitResult } from "../results/index.ts";
import type { SingularTriplets, SvdProgress } from "../svd/index.ts";
import { type Compared, type Fault, worstOf } from "./fault.ts";
import { faultsOfNumbers } from "./unit-numbers.ts";
import { multiplyVectors } from "./unit-vectors.ts";

/** What the check of a stored unit has found. */
export interface UnitCheck extends UnitPlace {
  /** Empty if its certificate holds. */
  readonly faults: readonly Fault[];
  /** How many pairs (u, v) were multiplied by J and Jᵀ. */
  readonly multiplied: number;
  /** How many σ were compared with those of a second solve: all, if not every triplet has its vectors stored, or else none. */
  readonly solvedAgain: number;
  /** Of the residuals that were measured anew, the largest relative to what is allowed; absent if there was none. */
  readonly worst?: Compared;
}

export interface RunCheckOptions {
  readonly onUnit?: (check: UnitCheck) => void;
  readonly onProgress?: (place: UnitPlace, progress: SvdProgress) => void;
  readonly signal?: AbortSignal;
}

/**
 * Checks stored units against the network and the inputs that they are of.
 *
 * Of each unit: that the stored source is the one of the input; that its numbers agree with each other and with its words; that its vectors
 * are singular vectors, by products with a J that is linearized anew. If some triplets have no stored vectors, the unit is solved again with
 * the same settings, and each σ must agree within both certificates: by Weyl's inequality each is within its residual of the exact one, and
 * rounding of the products adds at most the floor.
 *
 * `points` are the preprocessed inputs, by their index in the manifest. Places are checked in their order; places of one tap should follow
 * each other.
 *
 * @throws PushforwardError `interrupted` when the signal is aborted, and errors of the network that are not of one unit
 */
export async function checkRun(
  run: Run,
  network: Network,
  points: ReadonlyMap<number, Float32Array>,
  places: readonly UnitPlace[],
  { onUnit, onProgress, signal }: RunCheckOptions = {},
): Promise<void> {
  const sources = new Map<number, readonly Fault[]>();
  let shared: { readonly tap: number; readonly triplets: Promise<SingularTriplets> } | undefined;
  for (const place of places) {
    if (signal?.aborted) throw interrupted();
    const { input, tap } = place;
    const point = points.get(input)!;
    const again = (J: Jacobian, k: number): Promise<SingularTriplets> => {
      if (shared?.tap === tap) return shared.triplets;
      const { tol, seed } = run.manifest;
      const onSolve = (progress: SvdProgress) => onProgress?.(place, progress);
      const triplets = J.svd({ k, tol, seed, ...(signal && { signal }), onProgress: onSolve, afterAbort: "throw" });
      if (J.isConstant) shared = { tap, triplets };
      return triplets;
    };
    const ofSource = sources.get(input) ?? (await faultsOfSource(run, network, input, point));
    sources.set(input, ofSource);
    const found = await checkUnit(run, network, place, point, again).catch((cause: unknown) => {
      if (signal?.aborted) throw interrupted(cause);
      return without([faultOf(cause)]);
    });
    onUnit?.({ ...place, ...found, faults: [...ofSource, ...found.faults] });
  }
}

/** A value of a later tap is rounded along the way, and on another machine in another way; up to this part of its largest entry. */
const ROUNDED = 1e-5;

/** Whether the stored source is the one at the point: exactly if it is the input itself, and else up to the rounding of a pass. */
async function faultsOfSource(run: Run, network: Network, input: number, point: Float32Array): Promise<Fault[]> {
  const from = network.tap(tapNamed(run.manifest.from));
  const isInput = from.tensor === network.input.tensor && from.part === undefined;
  const expected = isInput ? point : (await network.forward(point, [from]))[0]!;
  let stored: Float32Array | undefined;
  try {
    stored = await run.readSource(input);
  } catch (cause) {
    return [faultOf(cause)];
  }
  if (stored === undefined) return [{ what: "the source is missing" }];
  const allowed = isInput ? 0 : ROUNDED * largest(expected);
  const differences = expected.map((value, i) => (Object.is(value, stored[i]) ? 0 : Math.abs(value - stored[i]!)));
  const isSame = differences.every((difference) => difference <= allowed);
  if (isSame) return [];
  const found = differences.some(Number.isNaN) ? Number.NaN : largest(differences);
  return [{ what: "difference of the stored source from that of the input", found, allowed }];
}

const largest = (values: Float32Array): number => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

type Found = Omit<UnitCheck, keyof UnitPlace>;

/** What is found of a unit whose triplets are not compared with anything. */
const without = (faults: readonly Fault[]): Found => ({ faults, multiplied: 0, solvedAgain: 0 });

async function checkUnit(
  run: Run,
  network: Network,
  { input, tap }: UnitPlace,
  point: Float32Array,
  again: (J: Jacobian, k: number) => Promise<SingularTriplets>,
): Promise<Found> {
  const { manifest } = run;
  const record = manifest.taps[tap]!;
  const unit = await run.readUnit(input, tap);
  if (unit === undefined) return without([{ what: "the unit is missing" }]);
  const ofNumbers = faultsOfNumbers(unit, record.k, manifest);
  if (unit.k !== record.k) return without(ofNumbers);
  const from = network.tap(tapNamed(manifest.from));
  using J = await network.jacobian({ at: point, from, to: network.tap(tapNamed(record)) });
  const kept = storedVectors(manifest, record);
  const { faults: ofVectors, residuals } = await multiplyVectors(J, unit, kept);
  const isWhole = kept === record.k;
  const ofSigma = isWhole ? [] : faultsOfSigma(unit, await again(J, record.k));
  const [worst] = [...residuals].sort((a, b) => b.found / b.allowed - a.found / a.allowed);
  return {
    faults: [...ofNumbers, ...ofVectors, ...ofSigma],
    multiplied: residuals.length,
    solvedAgain: isWhole ? 0 : record.k,
    ...(worst && { worst }),
  };
}

/** The σ that do not agree with those of a second solve. */
function faultsOfSigma(unit: UnitResult, { sigma, certificate }: SingularTriplets): Fault[] {
  const compared = Array.from(unit.sigma, (value, index) => ({
    index,
    found: Math.abs(value - sigma[index]!),
    allowed:
      unit.residual[index]! +
      certificate.residual[index]! +
      (unit.floors?.[index] ?? unit.floor) +
      certificate.floors[index]!,
  }));
  return worstOf("difference from a second solve of σ", compared);
}

/** The fault of a unit that cannot be read, or at which J is not finite. @throws any other error */
function faultOf(cause: unknown): Fault {
  const isOfUnit = cause instanceof PushforwardError && ["store-mismatch", "not-finite"].includes(cause.code);
  if (!isOfUnit) throw cause;
  const { file } = cause.where;
  const what = cause.what.replace(/\.$/, "");
  return { what: cause.code === "store-mismatch" && file !== undefined ? `${what} (${file})` : what };
}

function interrupted(cause?: unknown): PushforwardError {
  return new PushforwardError("interrupted", {
    what: "The check was interrupted, and the units that are left were not checked.",
    fix: "Run the same command again: the same seed chooses the same units.",
    cause,
  });
}
