import type { PictureRow, PictureRows } from "../results/index.ts";
import { VARIANTS } from "./features-measures.ts";
import type { Configuration } from "./features-numbers.ts";
import { numbersOf, type Params, type StudyData, valueAt } from "./study.ts";

/** How many vectors are shown of each configuration. */
const SHOWN = 8;

/**
 * The first right singular vectors of each configuration at its first seed, as pictures; none if inputs are no pictures.
 *
 * @see Rifai et al. 2011
 */
export function tangentPictures(data: StudyData, shown: readonly Configuration[], params: Params): PictureRows[] {
  const shape = numbersOf(params.shape);
  if (shape.length !== 3 || (shape[0] !== 1 && shape[0] !== 3)) return [];
  const { label } = data.inputs[0] ?? {};
  const image = `${data.axes.image![0]}${label === undefined ? "" : ` (class ${label})`}`;
  return [
    {
      id: "tangent-pictures",
      title: "First singular vectors of J(input → code)",
      caption:
        `The first right singular vectors of J(input → code) of the trained weights, with their σ, at the held-out ${image}: the directions in which the ` +
        "code changes most. Of each family the configuration with the middle effective rank, at its first seed.",
      shape,
      rows: shown.map((own) => rowOf(data, own)),
    },
  ];
}

function rowOf(data: StudyData, { name, trainings }: Configuration): PictureRow {
  const { k, direction, entry } = data.axes;
  const [trained, image, size] = [VARIANTS.indexOf("trained"), 0, entry!.length];
  const seed = Math.min(...trainings.keys());
  const training = trainings.get(seed)!;
  const part = (variable: string, at: number) => data.values[variable]!.data.slice(at * size, (at + 1) * size);
  const floor = valueAt(data, "floor", [training, trained, image]);
  const source = part("picture", training);
  return {
    name: `${name}, seed ${seed}`,
    ...(source.every(Number.isFinite) && { source }),
    vectors: Array.from({ length: Math.min(SHOWN, k!.length, direction!.length) }, (_, i) => {
      const sigma = valueAt(data, "sigma", [training, trained, image, i]);
      const entries = part("vector", training * direction!.length + i);
      return sigma > floor && entries.every(Number.isFinite) ? { sigma, entries } : undefined;
    }),
  };
}
