import { formatNumber, formatShape, formatShare, printable, type Shape } from "../../base/index.ts";
import type { Preprocess } from "../../images/index.ts";
import { ranked } from "../../studies/index.ts";
import { mostCommon, predictionWarnings } from "../inputs/prediction-warnings.ts";
import { type Predictions, probabilitiesOf } from "../inputs/predictions.ts";
import type { Inputs } from "./inputs.ts";

/** What is known about the network and the inputs of a command before its work starts. */
export interface FirstLook {
  /** The inputs. If the network gives class scores, each input has its predicted class. */
  readonly inputs: Inputs;
  /** Absent if the network gives no class scores. */
  readonly predictions: Predictions | undefined;
  /** The shape of the network's input. */
  readonly shape: Shape;
  /** The order of the colour channels; absent for arrays. */
  readonly colour: Preprocess["colour"] | undefined;
}

/** Prints a first look at the inputs on standard error. */
export function tellFirstLook(look: FirstLook): void {
  for (const line of firstLookLines(look)) process.stderr.write(`${printable(line)}\n`);
}

/**
 * Says which range of numbers reaches the network and which classes it predicts. A warning follows if the predictions look as
 * if the preprocessing were wrong: σ depends on the preprocessing, and nothing else in the results would show the mistake.
 */
export function firstLookLines(look: FirstLook): string[] {
  const notes = [rangeOf(look), ...answersOf(look)].map((line) => `note: ${line}`);
  return [...notes, ...predictionWarnings(look.inputs.records, look.predictions).map((line) => `warning: ${line}`)];
}

/** The mean of each channel is printed for up to this many channels. */
const FEW_CHANNELS = 4;

function rangeOf({ inputs, shape, colour }: FirstLook): string {
  const points = inputs.points.filter((point) => point !== undefined);
  const channels = shape.length === 3 && shape[0]! <= FEW_CHANNELS ? shape[0]! : 1;
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const sums = new Float64Array(channels);
  for (const point of points) {
    const area = point.length / channels;
    for (const [at, value] of point.entries()) {
      if (value < least) least = value;
      if (value > most) most = value;
      sums[Math.floor(at / area)]! += value;
    }
  }
  const each = (points.length * points[0]!.length) / channels;
  const means = Array.from(sums, (sum) => formatNumber(sum / each)).join(", ");
  const names =
    channels === 1 ? "mean" : `means of the channels${colour === undefined ? "" : ` ${[...colour].join(", ")}`}`;
  return `the input of the network is ${formatShape(shape)}, with values from ${formatNumber(least)} to ${formatNumber(most)}, ${names} ${means}`;
}

/** The predictions are printed for each input if there are at most this many inputs. */
const FEW_INPUTS = 5;
/** How many classes are printed for each input. */
const FIRST = 5;

function answersOf({ inputs: { records }, predictions }: FirstLook): string[] {
  if (predictions === undefined)
    return [
      "the network gives no class scores, so only this range of values can show whether the preprocessing is right",
    ];
  const { scores, names } = predictions;
  const told = records.flatMap((record, i) => (scores[i] === undefined ? [] : [{ record, scores: scores[i] }]));
  if (told.length === 0)
    return ["the network's scores contain NaN or infinity for every input, so it predicts no class"];
  if (told.length <= FEW_INPUTS) {
    return told.map(({ record, scores: own }) => {
      const shares = probabilitiesOf(own);
      const first = ranked(own).slice(0, FIRST);
      const classes = first.map((place) => `${names[place]} (${formatShare(shares[place]!, 2)})`).join(", ");
      const label = record.label === undefined ? "" : `; its label is ${record.label}`;
      return `${record.name}: ${classes}${label}`;
    });
  }
  const known = told.filter(({ record }) => record.isRight !== undefined);
  const lines: string[] = [];
  if (known.length > 0) {
    const isAmongFirst = ({ record, scores: own }: (typeof known)[number]) =>
      ranked(own)
        .slice(0, FIRST)
        .some((place) => names[place] === record.label);
    const right = known.filter(({ record }) => record.isRight).length;
    const among =
      names.length > 2 * FIRST
        ? `; for ${known.filter(isAmongFirst).length}, the label is among the five classes with the highest scores`
        : "";
    lines.push(
      `the network predicts the class of the label for ${right} of ${known.length} inputs (${formatShare(right / known.length, 2)})${among}`,
    );
  }
  if (known.length < told.length) {
    const [common, count] = mostCommon(told.map(({ record }) => record.predicted!));
    const classes = new Set(told.map(({ record }) => record.predicted)).size;
    lines.push(
      `the network predicts ${classes} different classes for ${told.length} inputs, most often ${common} (${count} times)`,
    );
  }
  return lines;
}
