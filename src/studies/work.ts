import { type Range, sizeOf } from "../base/index.ts";
import { type Network, productCost, type Tap } from "../jacobian/index.ts";
import { COUNTED_WITHIN, counted, measuredSpeed } from "../svd/index.ts";
import type { Lab } from "./lab.ts";

/** The work of a study that takes most of its time, and the images on which its claims rest. */
export interface StudyWork {
  /** Whether it needs the spectra of J(input → tap) that all studies share, at every input and tap. */
  readonly spectra: boolean;
  /** Further solves for k triplets, `count` of each. */
  readonly solves: readonly { readonly from: Tap; readonly to: Tap; readonly k: number; readonly count: number }[];
  /** Passes through the network to a tap at new points, with a few products each. */
  readonly points: readonly { readonly to: Tap; readonly count: number }[];
  /** The number of images on which some claim rests, at least; infinite for a study without claims. */
  readonly images: number;
  /** What these are, if not images. */
  readonly unit?: "training";
}

/** A pass in float64 and a few products take about so many multiply-adds for each of J, and for each entry of both ends. */
const PASS = { product: 20, entry: 3000, seconds: 3e-3 };
/** The factor by which the time of passes may be off. */
const PASSES_WITHIN = 4;

/** How long the work of a study takes by counting, without the shared spectra. */
export async function timeOfWork(network: Network, { solves, points }: StudyWork): Promise<Range> {
  const speed = await measuredSpeed(network.backend.algebra);
  let [solving, passing] = [0, 0];
  for (const { from, to, k, count } of solves) {
    const extent = { m: sizeOf(to.shape), n: sizeOf(from.shape), k, cost: productCost(network.model, from, to) };
    solving += count * counted(extent, speed).seconds;
  }
  for (const { to, count } of points) {
    const entries = sizeOf(network.input.shape) + sizeOf(to.shape);
    const work = PASS.product * productCost(network.model, network.input, to) + PASS.entry * entries;
    passing += count * (work / speed + PASS.seconds);
  }
  return {
    low: solving / COUNTED_WITHIN + passing / PASSES_WITHIN,
    high: solving * COUNTED_WITHIN + passing * PASSES_WITHIN,
  };
}

/** The work of a study that only takes the shared spectra. */
export const sharedSpectra = ({ inputs }: Pick<Lab, "inputs">): StudyWork => ({
  spectra: true,
  solves: [],
  points: [],
  images: inputs.length,
});
