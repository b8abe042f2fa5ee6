import type { Sample } from "../results/index.ts";
import { mean, meanSample, ofAll } from "./statistics.ts";
import type { StudyData } from "./study.ts";

/** A number of one image at one step of one training, by their indices. */
type NumberAt = (training: number, step: number, image: number) => number;

/** What the numbers of a study of training are means over. */
export const observationsIn = ({ axes }: StudyData): "image" | "training" =>
  axes.training!.length > 1 ? "training" : "image";

/** The mean at a step: over trainings (of the means over images), or over the images of a single training. */
export function meanAt(data: StudyData, step: number, number: NumberAt): Sample {
  const { training, image } = data.axes;
  if (observationsIn(data) === "image") return meanSample(image!.map((_, i) => number(0, step, i)));
  return ofTrainings(training!.map((_, t) => meanKnown(image!.map((_, i) => number(t, step, i)))));
}

/**
 * A number that follows from whole curves over the steps: of each training, and then the mean; or from the mean curves over images of a
 * single training.
 */
export function fromCurves(
  data: StudyData,
  numbers: readonly NumberAt[],
  of: (...curves: readonly number[][]) => number,
): Sample {
  const { training, step, image } = data.axes;
  const curvesOf = (t: number, images: readonly number[]) =>
    numbers.map((number) => step!.map((_, s) => meanKnown(images.map((i) => number(t, s, i)))));
  if (observationsIn(data) === "image") return ofAll(image!.length, (chosen) => of(...curvesOf(0, chosen)));
  return ofTrainings(training!.map((_, t) => of(...curvesOf(t, [...image!.keys()]))));
}

const ofTrainings = (numbers: readonly number[]): Sample => ({ ...meanSample(numbers), unit: "training" });

const meanKnown = (numbers: readonly number[]): number => mean(numbers.filter(Number.isFinite));
