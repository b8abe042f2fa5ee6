import type { Frame } from "../subject.ts";

/** So many classes have a bar. */
const MOST = 10;
/** Lines are drawn so far beyond the range of the bars, as a share of it. */
const BEYOND = 0.15;

export const largestOf = (scores: Float32Array): number => {
  let largest = 0;
  for (const [c, score] of scores.entries()) if (score > scores[largest]!) largest = c;
  return largest;
};

/** The classes to show: all where they are few, otherwise those that win somewhere along the direction and the best at no step; ascending. */
export function shownClasses(frames: readonly (Frame | undefined)[], atRest: Frame): number[] {
  const { actual } = atRest;
  if (actual.length <= MOST) return Array.from(actual, (_, c) => c);
  const winners = frames.flatMap((frame) => (frame === undefined ? [] : [largestOf(frame.actual)]));
  const best = Array.from(actual, (_, c) => c).sort((a, b) => actual[b]! - actual[a]!);
  return [...new Set([best[0]!, ...winners.slice(0, MOST), ...best.slice(0, MOST)])]
    .slice(0, MOST)
    .sort((a, b) => actual[b]! - actual[a]!);
}

/** Places of scores in percent, such that all scores along the direction have one. */
export function barScale(
  frames: readonly (Frame | undefined)[],
  classes: readonly number[],
): (score: number) => number {
  let [low, high] = [0, 0];
  for (const frame of frames) {
    if (frame === undefined) continue;
    for (const c of classes) {
      low = Math.min(low, frame.actual[c]!);
      high = Math.max(high, frame.actual[c]!);
    }
  }
  const room = BEYOND * (high - low || 1);
  [low, high] = [low - room, high + room];
  return (score) => 100 * Math.min(1, Math.max(0, (score - low) / (high - low)));
}

/** ‖f(x + εv) − f(x) − ε·J·v‖, and ‖ε·J·v‖. */
export function gapOf({ actual, predicted }: Frame, atRest: Frame): { readonly gap: number; readonly change: number } {
  let [gap, change] = [0, 0];
  for (const [c, score] of actual.entries()) {
    gap += (score - predicted[c]!) ** 2;
    change += (predicted[c]! - atRest.actual[c]!) ** 2;
  }
  return { gap: Math.sqrt(gap), change: Math.sqrt(change) };
}

/** The name of a class; of an output that scores none, the number of the entry. */
export const nameOf = (classes: readonly string[], index: number): string => classes[index] ?? `entry ${index}`;

/** A stretch of steps at which one class wins. */
export interface Stretch {
  readonly winner: number;
  readonly first: number;
  readonly last: number;
}

/** Which class wins at which steps; steps at which the network has not been run belong to the stretch before. */
export function stretchesOf(frames: readonly (Frame | undefined)[]): Stretch[] {
  const stretches: Stretch[] = [];
  for (const [i, frame] of frames.entries()) {
    const before = stretches.at(-1);
    const winner = frame === undefined ? before?.winner : largestOf(frame.actual);
    if (winner === undefined) continue;
    if (before?.winner === winner) stretches[stretches.length - 1] = { ...before, last: i };
    else stretches.push({ winner, first: before === undefined ? 0 : i, last: i });
  }
  return stretches;
}
