import { sizeOf } from "../base/index.ts";
import { measureSpectrum } from "../results/index.ts";
import { energyOf, probesOf } from "./energy.ts";
import { isLogKnown } from "./findings.ts";
import type { Lab } from "./lab.ts";
import { tangentShares } from "./manifold.ts";
import { noisyPoints } from "./noise.ts";
import { correlation, mean, ranks } from "./statistics.ts";
import type { Params } from "./study.ts";
import { vectors } from "./vectors.ts";

interface Measure {
  readonly about: string;
  readonly title: string;
  /** Whether it is positive, so that means and differences are those of its logarithm. */
  readonly isRatio: boolean;
  /** Whether it is defined for pictures alone. */
  readonly ofPictures: boolean;
}

/** What is measured of J(input → tap) at each image, by the names of the variables. */
export const measures = {
  effective_rank: {
    about: "effective rank of the computed σ above the floor",
    title: "effective rank",
    isRatio: true,
    ofPictures: false,
  },
  participation_ratio: {
    about: "participation ratio of the computed σ above the floor",
    title: "participation ratio",
    isRatio: true,
    ofPictures: false,
  },
  slope: {
    about: "slope of log σ against log index, of the σ above the floor",
    title: "slope of log σ against log index",
    isRatio: false,
    ofPictures: false,
  },
  scale: { about: "root of Σσ² over the computed σ", title: "root of Σσ²", isRatio: true, ofPictures: false },
  locality: {
    about: "rank correlation of σ with the area of its right singular vector",
    title: "correlation of σ with area",
    isRatio: false,
    ofPictures: true,
  },
  frequency: {
    about: "rank correlation of σ with the spatial frequency of its right singular vector",
    title: "correlation of σ with frequency",
    isRatio: false,
    ofPictures: true,
  },
  tangents: {
    about: "share of the tangents of transformations in the span of the first vectors, divided by chance",
    title: "share of tangents, divided by chance",
    isRatio: true,
    ofPictures: true,
  },
  noise: {
    about: "logarithm of Σσ² with noise on the picture divided by Σσ² without it",
    title: "ln of Σσ² with noise, divided by without",
    isRatio: false,
    ofPictures: true,
  },
} as const satisfies Readonly<Record<string, Measure>>;
export type MeasureName = keyof typeof measures;

/** Whether the source is a picture, whose vectors have an area, and to which noise can be added. */
export const arePictures = ({ taps: [source] }: Pick<Lab, "taps">): boolean =>
  source!.shape.length === 3 && (source!.shape[0] === 1 || source!.shape[0] === 3);

/** The measures of J(input → tap) at an image, both counted from 0; those of pictures only if the source is one. */
export async function measureTap(
  lab: Lab,
  image: number,
  tap: number,
  params: Params,
): Promise<Partial<Record<MeasureName, number>>> {
  const unit = await lab.spectrum(image, tap + 1);
  const { effectiveRank, participationRatio, logSlope } = measureSpectrum(unit);
  return {
    effective_rank: effectiveRank,
    participation_ratio: participationRatio,
    slope: logSlope,
    scale: Math.hypot(...unit.sigma),
    ...(arePictures(lab)
      ? {
          ...(await correlationsAt(lab, image, tap)),
          tangents: await tangentsAt(lab, image, tap, Number(params.directions)),
          noise: await noiseAt(lab, image, tap, params),
        }
      : {}),
  };
}

/** Spearman's correlations as in the study of vectors. */
async function correlationsAt(lab: Lab, image: number, tap: number) {
  const { sigma, floor, area, frequency } = (await vectors.measure({ image, tap }, lab, {}, () => undefined)) as {
    readonly [name in "sigma" | "area" | "frequency"]: Float64Array;
  } & { readonly floor: number };
  const isKnown = sigma.map((value) => Number(isLogKnown(value, sigma[0]!, floor)));
  const known = (values: Float64Array) => ranks(values.filter((_, i) => isKnown[i] === 1));
  return {
    locality: correlation(known(sigma), known(area)),
    frequency: correlation(known(sigma), known(frequency)),
  };
}

/** The mean share of the six tangents in the span of the first vectors, divided by that of random directions. */
async function tangentsAt(lab: Lab, image: number, tap: number, directions: number): Promise<number> {
  const { shares, chance } = await tangentShares(lab, image, tap + 1, directions);
  return mean(shares.filter((share) => !Number.isNaN(share))) / chance;
}

/** How noise on the picture changes log Σσ², by the same random cotangents with noise and without it. */
async function noiseAt(lab: Lab, image: number, tap: number, { noise, probes }: Params): Promise<number> {
  const target = lab.taps[tap + 1]!;
  const { points } = await noisyPoints(lab, image, "gaussian", [Number(noise)]);
  const rng = lab.rng("dynamics", "probes", lab.inputs[image]!.name);
  using cotangents = probesOf(lab.algebra, sizeOf(target.shape), Number(probes), rng);
  const energies: number[] = [];
  for (const point of points) {
    using J = await lab.jacobian(point, lab.taps[0]!, target);
    energies.push(await energyOf(J, cotangents));
  }
  return Math.log(energies[1]! / energies[0]!);
}
