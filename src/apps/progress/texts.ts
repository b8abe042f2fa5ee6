import { formatCount, formatSeconds, plural } from "../../base/index.ts";
import type { RunProgress, TapProgress } from "../../results/index.ts";
import { cellsLeft, type StudyPart } from "./parts.ts";

/** Stands where there is nothing to tell. */
export const NOTHING = "–";

/** The units of all taps, or the seconds of them. */
export const sumOver = (taps: readonly TapProgress[], of: (tap: TapProgress) => number): number =>
  taps.reduce((total, tap) => total + of(tap), 0);

/** How many units of all taps are done, failed and left. */
export const countsOf = (taps: readonly TapProgress[]) => ({
  done: sumOver(taps, (tap) => tap.done),
  failed: sumOver(taps, (tap) => tap.failed.length),
  left: sumOver(taps, (tap) => tap.left),
});

/** `2 of 6 units are done, 1 failed, 3 left; 6.0 s so far, about 9.0 s left in one process` */
export function runSentence({ taps, isExact }: RunProgress): string {
  const { done, failed, left } = countsOf(taps);
  const known = taps.every(({ secondsLeft }) => secondsLeft !== undefined);
  const soFar = formatSeconds(sumOver(taps, (tap) => tap.seconds));
  const rest = formatSeconds(sumOver(taps, (tap) => tap.secondsLeft ?? 0));
  const time = [
    ...(done === 0 ? [] : [`${isExact ? "" : "about "}${soFar} so far`]),
    ...(left === 0 || !known ? [] : [`about ${rest} left in one process`]),
  ];
  const counts = `${formatCount(done)} of ${plural(done + failed + left, "unit")} ${done === 1 ? "is" : "are"} done, ${formatCount(failed)} failed, ${formatCount(left)} left`;
  return [counts, ...(time.length === 0 ? [] : [time.join(", ")])].join("; ");
}

/** What the units of a tap that are left take. */
export function timeLeft({ left, secondsLeft, expectedFrom }: TapProgress): string {
  if (left === 0 || secondsLeft === undefined) return NOTHING;
  return `${formatSeconds(secondsLeft)}${expectedFrom === "other taps" ? " (as other taps)" : ""}`;
}

/** The inputs of a reason that are named. */
const NAMED = 3;

/** A line for each reason at each tap. */
export function failedUnits(taps: readonly TapProgress[]): string[] {
  return taps.flatMap(({ tap, failed }) => {
    const byReason = new Map<string, string[]>();
    for (const { input, why } of failed) byReason.set(why, [...(byReason.get(why) ?? []), input]);
    return [...byReason].map(([why, names]) => {
      const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : "";
      return `${names.slice(0, NAMED).join(", ")}${more} → ${tap} failed: ${why}`;
    });
  });
}

/** `3 cells done, 4 left; about 12 s left in one process` */
export function studiesSentence(all: readonly StudyPart[]): string {
  const cells = all.reduce((sum, { done }) => sum + done, 0);
  const left = all.reduce((sum, one) => sum + one.left, 0);
  const rest = all.map((one) => cellsLeft(one, all).secondsLeft);
  const time = rest.reduce<number | undefined>(
    (sum, one) => (sum === undefined || one === undefined ? undefined : sum + one),
    0,
  );
  const after = left === 0 || time === undefined ? "" : `; about ${formatSeconds(time)} left in one process`;
  return `${plural(cells, "cell")} done, ${formatCount(left)} left${after}`;
}

/** The cells of a study that have no result; one that lacks a part has one. */
export const failedCellsOf = ({ failures }: StudyPart): number => failures.filter(({ isDone }) => !isDone).length;

/** What the cells of a study that are left take. */
export function timeLeftOfStudy(one: StudyPart, all: readonly StudyPart[]): string {
  const { secondsLeft, expectedFrom } = cellsLeft(one, all);
  if (one.left === 0 || secondsLeft === undefined) return NOTHING;
  return `${formatSeconds(secondsLeft)}${expectedFrom === "another network" ? " (as another network)" : ""}`;
}

/** A line for each cell that failed, or lacks a part. */
export function failedCells(all: readonly StudyPart[]): string[] {
  return all.flatMap(({ folder, study, failures }) =>
    failures.map(
      ({ cell, why, isDone }) => `${folder || study}: ${cell} ${isDone ? "lacks a part" : "failed"}: ${why}`,
    ),
  );
}
