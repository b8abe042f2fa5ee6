import type { Extent } from "./solve.ts";
import { cheaper, GRAM_COST, mostImages, SEARCH, usualBasis } from "./svd.ts";

/** What a solve is expected to take. */
export interface Prediction {
  readonly method: "dense" | "krylov";
  /** Vectors multiplied by J and by Jᵀ. */
  readonly jvp: number;
  readonly vjp: number;
  readonly seconds: number;
  /** Bytes of vectors held at once, at most. */
  readonly bytes: number;
  /** Bytes of address space on top, of room that is taken and perhaps never used. */
  readonly reserved: number;
}

/**
 * Predicts `svd` on an m×n operator of which a product costs so many multiply-adds, without a single one: for a spectrum that
 * is taken as usual, on a machine with so many multiply-adds in a second (`measuredSpeed`). Time is off by a factor of two
 * or three, memory by less.
 */
export function counted({ m, n, cost, k }: Pick<Extent, "m" | "n" | "cost" | "k">, speed: number): Prediction {
  const extent = { m, n, cost, k, short: Math.min(m, n), long: Math.max(m, n) };
  const { short, long } = extent;
  const method = cheaper(extent, Number.POSITIVE_INFINITY);
  const basis = (SEARCH.perTriplet - 1) * k + SEARCH.always;
  const products = Math.ceil(method === "dense" ? short / 2 + k : basis + k);
  const sums = method === "dense" ? GRAM_COST * short ** 2 * long : (basis ** 2 + GRAM_COST * k ** 2) * (m + n);
  const seconds = (2 * products * cost + sums) / speed;
  return { method, jvp: products, vjp: products, seconds, ...memoryOf(extent, method, basis) };
}

/** What a solve holds at once, with a basis of so many vectors where it has one. */
export function memoryOf(
  extent: Extent,
  method: Prediction["method"],
  basis: number,
): Pick<Prediction, "bytes" | "reserved"> {
  const { m, n, k, short, long } = extent;
  // A matrix and the same rotated.
  if (method === "dense") return { bytes: FLOAT * (2 * short * long + 2 * k * (m + n)), reserved: 0 };
  const room = Math.min(usualBasis(k, Math.min(m, n)), short);
  const imageRoom = mostImages(extent);
  const images = basis <= imageRoom ? basis : 0;
  // At the end of a search there are its basis and what images of it were kept, the vectors found, their images, both sides of
  // the triplets, and two more of the long one: what the runtime hands over is a copy, and an array let go of is not
  // collected at once.
  return {
    bytes: FLOAT * (basis * short + images * long + k * (short + 3 * long + m + n)),
    reserved: FLOAT * (Math.max(0, room - basis) * short + (imageRoom - images) * long),
  };
}

const FLOAT = Float32Array.BYTES_PER_ELEMENT;
