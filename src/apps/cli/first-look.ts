import { formatNumber, formatShape, formatShare, printable, type Shape } from "../../base/index.ts";
import type { Preprocess } from "../../images/index.ts";
import { ranked } from "../../studies/index.ts";
import type { Inputs } from "./inputs.ts";
import type { Predictions } from "./predictions.ts";

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
  return [...notes, ...warningsOf(look).map((line) => `warning: ${line}`)];
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

/** Probabilities of the classes: the scores themselves if they are probabilities, otherwise their softmax. */
function probabilitiesOf(scores: Float32Array): number[] {
  const total = scores.reduce((sum, score) => sum + score, 0);
  if (scores.every((score) => score >= 0) && Math.abs(total - 1) < 1e-3) return Array.from(scores);
  const largest = Math.max(...scores);
  const powers = Array.from(scores, (score) => Math.exp(score - largest));
  const sum = powers.reduce((all, power) => all + power, 0);
  return powers.map((power) => power / sum);
}

/**
 * The entropy of probabilities, divided by the entropy of equal probabilities; 1 if the network cannot tell the classes
 * apart.
 */
function evenness(shares: readonly number[]): number {
  const entropy = shares.reduce((sum, share) => (share > 0 ? sum - share * Math.log(share) : sum), 0);
  return entropy / Math.log(shares.length);
}

function mostCommon(names: readonly string[]): readonly [name: string, count: number] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].reduce((a, b) => (b[1] > a[1] ? b : a));
}

/**
 * The mean evenness above which predictions look like chance, by the number of classes. With the right preprocessing, it was
 * 0.15 for SqueezeNet on ImageNet (0.60 for the worst of 30 pictures), 0.08 for ResNet-20 and 0.002 for digits. With levels
 * divided by 255 twice, it was 0.84 to 1.00. With few classes, high values are more common.
 */
const evenFrom = (classes: number): number => (classes < 10 ? 0.97 : 0.8);
/**
 * One class for all inputs is warned of from this many inputs on, if uniform chance would give it at most once in a
 * thousand times.
 */
const MANY_INPUTS = 5;
const RARE = 1e-3;
/** Wrong predictions for most labelled inputs are warned of from this many labelled inputs on. */
const MANY_LABELS = 3;

function warningsOf({ inputs: { records }, predictions }: FirstLook): string[] {
  if (predictions === undefined) return [];
  const { scores, names } = predictions;
  const told = records.filter((_, i) => scores[i] !== undefined);
  if (told.length === 0) return [];
  const lines: string[] = [];
  const known = told.filter(({ isRight }) => isRight !== undefined);
  const wrong = known.filter(({ isRight }) => !isRight).length;
  if (known.length >= MANY_LABELS && 2 * wrong > known.length) {
    lines.push(
      `the network predicts another class than the label for ${wrong} of ${known.length} inputs. The preprocessing, the labels or the ` +
        "order of the classes may be wrong.",
    );
  }
  const all = scores.filter((own) => own !== undefined);
  const even = all.reduce((sum, own) => sum + evenness(probabilitiesOf(own)), 0) / all.length;
  if (even > evenFrom(names.length)) {
    lines.push(
      "the network's scores are nearly the same for all classes, as if it could not see the inputs. The preprocessing may be wrong.",
    );
  }
  const [common, count] = mostCommon(told.map(({ predicted }) => predicted!));
  const labels = new Set(told.map(({ label }) => label));
  const mayBeAlike = labels.size === 1 && !labels.has(undefined);
  const isRare = names.length ** (1 - count) <= RARE;
  if (count === told.length && count >= MANY_INPUTS && isRare && !mayBeAlike) {
    lines.push(
      `the network predicts the class ${common} for all ${count} inputs. If their true classes differ, the preprocessing may be wrong.`,
    );
  }
  return lines;
}
