import type { Sample } from "../results/index.ts";
import { type MeasureName, measures } from "./dynamics-measures.ts";
import { halfChange, logSteps } from "./half-change.ts";
import { fromCurves } from "./over-training.ts";
import { jackknife } from "./statistics.ts";
import { type StudyData, valueAt } from "./study.ts";

/** A measure at an image and tap, as its logarithm if it is a ratio. */
export const measureOf = (data: StudyData, name: MeasureName, tap: number) => {
  const { isRatio } = measures[name];
  return (training: number, step: number, image: number): number => {
    const value = valueAt(data, name, [training, step, tap, image]);
    return isRatio ? Math.log(value) : value;
  };
};

/** What a measure is called where its logarithm is taken. */
export const titleOf = (name: MeasureName): string => `${measures[name].isRatio ? "ln " : ""}${measures[name].title}`;

export const ofNetwork = (data: StudyData, name: string) => (training: number, step: number) =>
  valueAt(data, name, [training, step]);

export const isKnown = ({ values }: StudyData, name: string): boolean => values[name]!.data.some(Number.isFinite);

/** Whether an image is classified correctly. */
export const rightOf = (data: StudyData) => (training: number, step: number, image: number) =>
  valueAt(data, "right", [training, step, image]);

/** The accuracy: of held-out examples if the training stored it, otherwise of the images. */
export const accuracyOf = (data: StudyData) =>
  isKnown(data, "held_out_accuracy") ? ofNetwork(data, "held_out_accuracy") : rightOf(data);

/** The last known number of a curve minus the first. */
export function change(curve: readonly number[]): number {
  const known = curve.filter(Number.isFinite);
  return known.length < 2 ? Number.NaN : known.at(-1)! - known[0]!;
}

/**
 * In log₂ steps, how much later half of the change of ln effective rank is reached at a tap than half of another change; NaN where the interval
 * of either change includes 0.
 */
export function lagBehind(
  data: StudyData,
  tap: number,
  other: (training: number, step: number, image: number) => number,
): Sample {
  const places = placesOf(data);
  const numbers = [measureOf(data, "effective_rank", tap), other];
  const changes = numbers.map((number) => jackknife(fromCurves(data, [number], (curve) => change(curve!))));
  if (changes.some(({ low, high }) => low <= 0 && high >= 0)) return fromCurves(data, [], () => Number.NaN);
  return fromCurves(data, numbers, (rank, progress) => halfChange(places, rank!) - halfChange(places, progress!));
}

export const stepsOf = ({ axes }: StudyData): number[] => axes.step!.map(Number);
export const placesOf = (data: StudyData): number[] => logSteps(stepsOf(data));
export const tapsOf = ({ axes }: StudyData): string[] => axes.tap!.map(String);
