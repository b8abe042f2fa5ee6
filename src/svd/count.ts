import { COMBINATIONS, LEAST_BOUNDED } from "./read-whole.ts";
import type { Extent } from "./solve.ts";
import { cheaper, GRAM_COST, mostStored, SEARCH, usualBasis } from "./svd.ts";

/** The predicted cost of a solve. */
export interface Prediction {
  readonly method: "dense" | "krylov";
  /** How many vectors were multiplied by J and by Jᵀ. */
  readonly jvp: number;
  readonly vjp: number;
  readonly seconds: number;
  /** The most bytes of vectors held at the same time. */
  readonly bytes: number;
  /** Further bytes of address space, which are allocated but may never be used. */
  readonly reserved: number;
}

/**
 * What a solve takes beside its products, in multiply-adds: for each entry of both sides while a vector is multiplied and made
 * orthogonal, in long sums, and in eigenproblems. Fitted to 23 solves of SqueezeNet, AlexNet, ResNet-20 and the example network.
 */
const CHARGE = { entry: 2400, sums: 0.35, eigenproblem: 50 };
/** Seconds of a call into the runtime for each vector, and of what every solve does once. */
const CALL = 5e-5;
const SOLVE = 0.02;
/** The factor by which a counted time was off in these 23 solves, at most. */
export const COUNTED_WITHIN = 2.3;

/**
 * Predicts the cost of `svd` on an m×n operator without computing a product. `cost` is the multiply-adds of one product, and
 * `speed` the multiply-adds a second of this machine (`measuredSpeed`). The spectrum is assumed to be a usual one. The time can be
 * wrong by a factor of `COUNTED_WITHIN`, the memory by less.
 */
export function counted({ m, n, cost, k }: Pick<Extent, "m" | "n" | "cost" | "k">, speed: number): Prediction {
  const extent = { m, n, cost, k, short: Math.min(m, n), long: Math.max(m, n) };
  const { short, long } = extent;
  const method = cheaper(extent, Number.POSITIVE_INFINITY);
  const basis = (SEARCH.perTriplet - 1) * k + SEARCH.always;
  const certified = k >= LEAST_BOUNDED ? COMBINATIONS : k;
  const products = Math.ceil(method === "dense" ? short / 2 + certified : basis + k);
  const sums = method === "dense" ? GRAM_COST * short ** 2 * long : (basis ** 2 + GRAM_COST * k ** 2) * (m + n);
  const eigenproblem = method === "dense" ? short ** 3 : basis ** 2 * k;
  const work = 2 * products * (cost + CHARGE.entry * (m + n)) + CHARGE.sums * sums + CHARGE.eigenproblem * eigenproblem;
  const seconds = work / speed + 2 * products * CALL + SOLVE;
  return { method, jvp: products, vjp: products, seconds, ...memoryOf(extent, method, basis) };
}

/** The memory that a solve holds at the same time. `basis` is the number of vectors in its basis, if it has one. */
export function memoryOf(
  extent: Extent,
  method: Prediction["method"],
  basis: number,
): Pick<Prediction, "bytes" | "reserved"> {
  const { m, n, k, short, long } = extent;
  // The matrix, and a rotated copy of it.
  if (method === "dense") return { bytes: FLOAT * (2 * short * long + 2 * k * (m + n)), reserved: 0 };
  const room = Math.min(usualBasis(k, Math.min(m, n)), short);
  const storeRoom = mostStored(extent);
  const stored = basis <= storeRoom ? basis : 0;
  // At the end of a search the solver holds the basis and its stored products, the vectors found and their products, both sides
  // of the triplets, and two more copies of the long side: the runtime returns its result as a copy, and an array that is no
  // longer used is not collected at once.
  return {
    bytes: FLOAT * (basis * short + stored * (short + long) + k * (short + 3 * long + m + n)),
    reserved: FLOAT * (Math.max(0, room - basis) * short + (storeRoom - stored) * (short + long)),
  };
}

const FLOAT = Float32Array.BYTES_PER_ELEMENT;
