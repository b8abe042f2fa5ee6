import { computed } from "@preact/signals";
import type { TapUnits } from "../../../../figures/index.ts";
import { isDrawn, picture, subject } from "../state.ts";
import { type Subject, spectrumKey } from "../subject.ts";
import { aside, showsAll } from "./interest.ts";

/** One of two that are compared: its network or run, and the picture. */
export interface Side {
  readonly subject: Subject;
  readonly picture: number;
}

/** Two that are compared: A was put aside, and B is shown. */
export interface Pair {
  readonly a: Side;
  readonly b: Side;
}

/**
 * What is compared, if there are two: another network, run or source at the picture of the same name, if it has one, or the same at
 * another picture.
 */
export const pair = computed<Pair | undefined>(() => {
  const [kept, shown] = [aside.value, subject.value];
  if (kept === undefined || shown === undefined) return undefined;
  const b = { subject: shown, picture: picture.value };
  if (kept.subject.spectra === shown.spectra) {
    return kept.picture === b.picture ? undefined : { a: { subject: shown, picture: kept.picture }, b };
  }
  const { name } = shown.pictures[b.picture]!;
  const same = kept.subject.pictures.findIndex((other) => other.name === name);
  return { a: { subject: kept.subject, picture: same < 0 ? kept.picture : same }, b };
});

/** The network, and the run that it is from. */
const nameOf = ({ subject: { network, place } }: Side): string =>
  place === undefined ? network.name : `${network.name} (${place})`;

/** The names of both by which they differ: those of their networks and runs, with the pictures where they are the same. */
export function namesOf({ a, b }: Pair): [string, string] {
  const names: [string, string] = [nameOf(a), nameOf(b)];
  if (names[0] !== names[1]) return names;
  const [first, second] = [a, b].map(({ subject, picture }) => subject.pictures[picture]!.name);
  return first === second ? names : [`${names[0]}, ${first}`, `${names[1]}, ${second}`];
}

/** The same, with what its spectra are of and the picture. */
export function titleOf(side: Side): string {
  const { network, pictures } = side.subject;
  const at = showsAll.value ? "all pictures" : pictures[side.picture]!.name;
  return `${nameOf(side)}, J(${network.source.name} → tap), ${at}`;
}

/** The taps whose curves are drawn. */
export const drawnTaps = ({ network: { taps } }: Subject): string[] => taps.map(({ name }) => name).filter(isDrawn);

/** The taps of B whose curves are drawn, and those of A that were ticked, in this order. */
export function tapsOf({ a, b }: Pair): string[] {
  const kept = a.subject.network.taps.map(({ name }) => name).filter((name) => aside.value!.ticked.has(name));
  return [...new Set([...drawnTaps(b.subject), ...kept])];
}

/** The spectra at some taps that are known, of the picture or of all. */
export function unitsOf({ subject: { pictures, spectra }, picture: at }: Side, taps: readonly string[]): TapUnits[] {
  const shown = showsAll.value ? [...pictures.keys()] : [at];
  return taps.map((tap) => ({
    tap,
    units: shown.flatMap((i) => {
      const unit = spectra.value.get(spectrumKey(i, tap));
      return unit === undefined ? [] : [{ input: pictures[i]!.name, unit }];
    }),
  }));
}
