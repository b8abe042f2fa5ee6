import { formatShape, printable, type Shape } from "../../base/index.ts";
import type { Preprocess } from "../../images/index.ts";
import type { Inputs } from "./inputs.ts";
import { type Predictions, ranked } from "./predictions.ts";

/** The network and inputs of a command, before its work starts. */
export interface FirstLook {
  /** With the class that the network gives each, where it gives classes. */
  readonly inputs: Inputs;
  /** Absent where the network gives no scores. */
  readonly predictions: Predictions | undefined;
  /** Of the network's input. */
  readonly shape: Shape;
  /** Order of the channels; absent for arrays. */
  readonly colour: Preprocess["colour"] | undefined;
}

/** Prints a first look at the inputs on standard error. */
export function tellFirstLook(look: FirstLook): void {
  for (const line of firstLookLines(look)) process.stderr.write(`${printable(line)}\n`);
}

/**
 * What numbers reach the network and what it makes of them, with warnings where its answers look as if the preprocessing were
 * wrong: σ depends on it, and nothing else would show it.
 */
export function firstLookLines(look: FirstLook): string[] {
  const notes = [rangeOf(look), ...answersOf(look)].map((line) => `note: ${line}`);
  return [...notes, ...warningsOf(look).map((line) => `warning: ${line}`)];
}

/** Up to this many channels, the mean of each is printed. */
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
  const means = Array.from(sums, (sum) => number(sum / each)).join(", ");
  const names =
    channels === 1 ? "mean" : `means of the channels${colour === undefined ? "" : ` ${[...colour].join(", ")}`}`;
  return `input of the network: ${formatShape(shape)}, from ${number(least)} to ${number(most)}, ${names} ${means}`;
}

const number = (value: number): string => String(Number(value.toPrecision(3))).replace("-", "−");

/** Up to this many inputs are printed one by one. */
const FEW_INPUTS = 5;
/** How many classes are printed for each input. */
const FIRST = 5;

function answersOf({ inputs: { records }, predictions }: FirstLook): string[] {
  if (predictions === undefined)
    return ["the network gives no class scores, so whether the preprocessing is right shows in this range only"];
  const { scores, names } = predictions;
  const told = records.flatMap((record, i) => (scores[i] === undefined ? [] : [{ record, scores: scores[i] }]));
  if (told.length === 0) return ["the network gives no input scores that are finite"];
  if (told.length <= FEW_INPUTS) {
    return told.map(({ record, scores: own }) => {
      const shares = sharesOf(own);
      const first = ranked(own).slice(0, FIRST);
      const classes = first.map((place) => `${names[place]} (${percent(shares[place]!)})`).join(", ");
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
    const among = names.length > 2 * FIRST ? `, and among the first five for ${known.filter(isAmongFirst).length}` : "";
    lines.push(
      `the network gives the class of the label to ${right} of ${known.length} inputs (${percent(right / known.length)})${among}`,
    );
  }
  if (known.length < told.length) {
    const [common, count] = mostCommon(told.map(({ record }) => record.predicted!));
    const classes = new Set(told.map(({ record }) => record.predicted)).size;
    lines.push(`the network gives ${classes} classes to ${told.length} inputs, most often ${common} (${count})`);
  }
  return lines;
}

const percent = (share: number): string => (share < 0.001 ? "< 0.1 %" : `${Number((100 * share).toPrecision(2))} %`);

/** Scores as probabilities: as they are where they are probabilities, else by softmax. */
function sharesOf(scores: Float32Array): number[] {
  const total = scores.reduce((sum, score) => sum + score, 0);
  if (scores.every((score) => score >= 0) && Math.abs(total - 1) < 1e-3) return Array.from(scores);
  const largest = Math.max(...scores);
  const powers = Array.from(scores, (score) => Math.exp(score - largest));
  const sum = powers.reduce((all, power) => all + power, 0);
  return powers.map((power) => power / sum);
}

/** Entropy of probabilities over that of equal ones: 1 where the network cannot tell the classes apart. */
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
 * Mean evenness from which predictions look like chance, by the number of classes. With the right preprocessing it was 0.15
 * for SqueezeNet on ImageNet (0.60 for the worst of 30 pictures), 0.08 for ResNet-20 and 0.002 for digits; with levels divided by
 * 255 twice 0.84 to 1.00. Few classes are even more easily.
 */
const evenFrom = (classes: number): number => (classes < 10 ? 0.97 : 0.8);
/** From so many inputs on, one class for all of them says something, if chance would give it once in a thousand times. */
const MANY_INPUTS = 5;
const RARE = 1e-3;
/** From so many labelled inputs on, most of them wrong says something. */
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
      `${wrong} of ${known.length} inputs are given another class than their label: the preprocessing may be wrong, or the labels, or ` +
        "the order of the classes.",
    );
  }
  const all = scores.filter((own) => own !== undefined);
  const even = all.reduce((sum, own) => sum + evenness(sharesOf(own)), 0) / all.length;
  if (even > evenFrom(names.length)) {
    lines.push(
      "the network's scores are nearly the same for all classes, as if it could not see the inputs: the preprocessing may be wrong.",
    );
  }
  const [common, count] = mostCommon(told.map(({ predicted }) => predicted!));
  const labels = new Set(told.map(({ label }) => label));
  const mayBeAlike = labels.size === 1 && !labels.has(undefined);
  const isRare = names.length ** (1 - count) <= RARE;
  if (count === told.length && count >= MANY_INPUTS && isRare && !mayBeAlike) {
    lines.push(`all ${count} inputs are given the class ${common}: if they differ, the preprocessing may be wrong.`);
  }
  return lines;
}
