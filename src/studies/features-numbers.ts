import type { Sample } from "../results/index.ts";
import { VARIANTS } from "./features-measures.ts";
import { correlation, mean, ranks } from "./statistics.ts";
import { type Params, type StudyData, valueAt } from "./study.ts";

/** Trainings that differ in nothing but their seed. */
export interface Configuration {
  readonly name: string;
  readonly family: string;
  /** The trainings by their seeds, as indices of the study. */
  readonly trainings: ReadonlyMap<number, number>;
}

/** The configurations of a study in the order in which they come, from its parameters `configuration`, `family` and `seed`. */
export function configurationsOf({ axes }: StudyData, params: Params): Configuration[] {
  const [names, families, seeds] = ["configuration", "family", "seed"].map(
    (name) => params[name] as readonly (string | number)[],
  );
  const found = new Map<string, { name: string; family: string; trainings: Map<number, number> }>();
  for (const training of axes.training!.keys()) {
    const name = String(names![training]);
    const own = found.get(name) ?? { name, family: String(families![training]), trainings: new Map() };
    own.trainings.set(Number(seeds![training]), training);
    found.set(name, own);
  }
  return [...found.values()];
}

/** Of each family the configuration in the middle of the order of a number, which stands for it in curves and pictures. */
export const middleOfEach = (all: readonly Configuration[], number: NumberOf): Configuration[] =>
  [...new Set(all.map(({ family }) => family))].map((name) => {
    const own = all.filter(({ family }) => family === name);
    const ordered = own.toSorted((a, b) => ofConfiguration(a, number) - ofConfiguration(b, number));
    return ordered[Math.floor((ordered.length - 1) / 2)]!;
  });

type Variant = (typeof VARIANTS)[number];

/** A number of one training, of its trained weights or of a control. */
export type NumberOf = (training: number, variant?: Variant) => number;

/** The mean of a measure over the images at which it is known; of ratios that of their logarithms. */
export function meanOverImages(data: StudyData, name: string, of = (value: number) => value): NumberOf {
  return (training, variant = "trained") => {
    const at = (image: number) => of(valueAt(data, name, [training, VARIANTS.indexOf(variant), image]));
    return mean(data.axes.image!.map((_, image) => at(image)).filter(Number.isFinite));
  };
}

/** A share of examples that are wrong. */
export const errorOf =
  (data: StudyData, name: "probe_error" | "tuned_error"): NumberOf =>
  (training, variant = "trained") =>
    valueAt(data, name, [training, VARIANTS.indexOf(variant)]);

export const isKnown = ({ values }: StudyData, name: string): boolean => values[name]!.data.some(Number.isFinite);

/** The mean over the seeds of a configuration. */
export const ofConfiguration = ({ trainings }: Configuration, number: NumberOf, variant?: Variant): number =>
  mean([...trainings.values()].map((training) => number(training, variant)));

/** Spearman's correlation of two numbers over configurations, each with all of its seeds. */
export const overConfigurations = (
  all: readonly Configuration[],
  a: NumberOf,
  b: NumberOf,
  given: readonly NumberOf[] = [],
): Sample => ({
  unit: "configuration",
  images: [...all.keys()],
  of: (chosen) => {
    const numbers = (number: NumberOf) => chosen.map((i) => ofConfiguration(all[i]!, number));
    return partialSpearman(numbers(a), numbers(b), given.map(numbers));
  },
});

/** The mean of a number over configurations minus that over others, by the seeds that all of them share. */
export function pairedOverSeeds(a: readonly Configuration[], b: readonly Configuration[], number: NumberOf): Sample {
  const both = [...a, ...b];
  const seeds = [...both[0]!.trainings.keys()].filter((seed) => both.every(({ trainings }) => trainings.has(seed)));
  const meanAt = (part: readonly Configuration[], seed: number) =>
    mean(part.map(({ trainings }) => number(trainings.get(seed)!)));
  const of = (chosen: readonly number[]) => mean(chosen.map((i) => meanAt(a, seeds[i]!) - meanAt(b, seeds[i]!)));
  return { unit: "seed", images: [...seeds.keys()], of };
}

/** The mean over configurations of a number of a control minus that of the trained weights. */
export const controlMinusTrained = (all: readonly Configuration[], number: NumberOf, control: Variant): Sample => ({
  unit: "configuration",
  images: [...all.keys()],
  of: (chosen) => mean(chosen.map((i) => ofConfiguration(all[i]!, number, control) - ofConfiguration(all[i]!, number))),
});

/** Spearman's correlation within families of at least three configurations: ranks are taken in each, and pooled. */
export const withinFamilies = (all: readonly Configuration[], a: NumberOf, b: NumberOf): Sample => ({
  unit: "configuration",
  images: [...all.keys()].filter(
    (i) => all.filter(({ family }) => family === all[i]!.family).length >= FEWEST_IN_FAMILY,
  ),
  of: (chosen) => {
    const families = [...new Set(chosen.map((i) => all[i]!.family))];
    const centred = (number: NumberOf) =>
      families.flatMap((family) => {
        const own = ranks(chosen.filter((i) => all[i]!.family === family).map((i) => ofConfiguration(all[i]!, number)));
        return Array.from(own, (rank) => rank - mean(own));
      });
    return correlation(centred(a), centred(b));
  },
});

export const FEWEST_IN_FAMILY = 3;

/** Pearson's correlation of ranks, after what is linear in the ranks of other numbers is taken from both. */
export function partialSpearman(
  a: readonly number[],
  b: readonly number[],
  given: readonly (readonly number[])[],
): number {
  const basis: number[][] = [];
  for (const numbers of [a.map(() => 1), ...given.map((one) => Array.from(ranks(one)))]) {
    const rest = without(numbers, basis);
    const length = Math.hypot(...rest);
    if (length > 1e-9 * Math.hypot(...numbers)) basis.push(rest.map((value) => value / length));
  }
  const [left, right] = [a, b].map((numbers) => {
    const own = Array.from(ranks(numbers));
    const rest = without(own, basis);
    return Math.hypot(...rest) > 1e-9 * Math.hypot(...own) ? rest : rest.map(() => 0);
  }) as [number[], number[]];
  return correlation(left, right);
}

/** What is left of numbers without their parts along orthonormal vectors. */
function without(numbers: readonly number[], basis: readonly (readonly number[])[]): number[] {
  let rest = [...numbers];
  for (const vector of basis) {
    const along = rest.reduce((sum, value, i) => sum + value * vector[i]!, 0);
    rest = rest.map((value, i) => value - along * vector[i]!);
  }
  return rest;
}
