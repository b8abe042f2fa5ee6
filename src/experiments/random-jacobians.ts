import { createRng, gaussianArray } from "../base/index.ts";
import type { Jacobian } from "../jacobian/index.ts";
import { average } from "./estimates.ts";
import type { Apparatus } from "./experiment.ts";
import { openRandomNet, pointOf, type RandomNet, squaredNorm } from "./random-net.ts";
import type { Squares } from "./spectrum-curves.ts";

/** Random tangents for each draw: the mean of their ‖Jv‖² is that of σ². */
const TANGENTS = 32;

/** Random networks, each at an input with which W·x + b of the first layer has the variance q. */
export interface Draws {
  readonly net: RandomNet;
  readonly q: number;
  readonly count: number;
}

/** ‖Jv‖² of random unit tangents v, for each draw. */
export const squaredGrowths = (draws: Draws, apparatus: Apparatus): Promise<number[][]> =>
  ofDraws(draws, apparatus, (J, draw) => growthsOf(J, draws.net, apparatus.seed, draw));

/** All σ² of each draw, ascending. */
export const wholeSpectra = (draws: Draws, apparatus: Apparatus): Promise<Squares[]> =>
  ofDraws(draws, apparatus, (J) => spectrumOf(J, draws.net));

/** ‖Jv‖² of random unit tangents v for each draw, and all σ² of the first `few` draws. */
export async function growthsAndSpectra(
  draws: Draws,
  few: number,
  apparatus: Apparatus,
): Promise<{ readonly growths: number[][]; readonly spectra: Squares[] }> {
  const spectra: Squares[] = [];
  const growths = await ofDraws(draws, apparatus, async (J, draw) => {
    if (draw < few) spectra.push(await spectrumOf(J, draws.net));
    return growthsOf(J, draws.net, apparatus.seed, draw);
  });
  return { growths, spectra };
}

async function growthsOf(J: Jacobian, { width }: RandomNet, seed: number, draw: number): Promise<number[]> {
  const tangents = gaussianArray(createRng(seed, "tangents", draw), TANGENTS * width);
  const { data } = await J.jvp(tangents);
  return Array.from({ length: TANGENTS }, (_, i) => {
    const row = (of: Float32Array) => of.subarray(i * width, (i + 1) * width);
    return squaredNorm(row(data)) / squaredNorm(row(tangents));
  });
}

async function spectrumOf(J: Jacobian, { width }: RandomNet): Promise<Squares> {
  const { sigma } = await J.svd({ k: width, method: "dense" });
  return Array.from(sigma, (one) => one ** 2).reverse();
}

/** The variance of numbers over the square of their mean. */
export function relativeVariance(values: readonly number[]): number {
  const mean = average(values);
  return average(values.map((value) => (value - mean) ** 2)) / mean ** 2;
}

/** What is measured of J(input → last layer) for each draw of the weights. The graphs are compiled once. */
async function ofDraws<T>(
  { net, q, count }: Draws,
  { backend, seed, proceed }: Apparatus,
  measure: (J: Jacobian, draw: number) => Promise<T>,
): Promise<T[]> {
  const network = await openRandomNet(net, backend);
  const found: T[] = [];
  for (let draw = 0; draw < count; draw++) {
    proceed(`draw ${draw + 1} of ${count}`);
    using J = await network.jacobian({ at: pointOf(net, q, seed, "isometry", draw) });
    found.push(await measure(J, draw));
  }
  await network.forget();
  return found;
}
