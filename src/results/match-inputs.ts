import type { InputRecord } from "./types.ts";

/** How the inputs of a command correspond to those of a stored run. */
export interface InputMatch {
  /** The inputs of the continued run: the stored ones in their order, then the new ones. */
  readonly inputs: readonly InputRecord[];
  /** The index of each input of the command among these. */
  readonly places: readonly number[];
  /** The reasons why they cannot share a run, one line each; empty if they can. */
  readonly differences: readonly string[];
}

/**
 * Matches inputs by content: by name and hash if both agree, otherwise by hash alone, because the name of an input depends on the other
 * files. An input that could not be used is matched by its name.
 *
 * It is a difference if a stored input is missing from the command, or if its name now has another content.
 */
export function matchInputs(stored: readonly InputRecord[], asked: readonly InputRecord[]): InputMatch {
  const places: (number | undefined)[] = asked.map(() => undefined);
  const free = new Set(stored.keys());
  const match = (alike: (a: InputRecord, b: InputRecord) => boolean) => {
    for (const [i, one] of asked.entries()) {
      if (places[i] !== undefined) continue;
      const place = firstOf(free, (at) => alike(stored[at]!, one));
      if (place === undefined) continue;
      free.delete(place);
      places[i] = place;
    }
  };
  match((a, b) => a.name === b.name && a.sha256 === b.sha256);
  match((a, b) => a.sha256 === b.sha256 && a.sha256 !== "");
  match((a, b) => a.name === b.name && (a.sha256 === "" || b.sha256 === ""));

  const inputs = [...stored];
  const differences: string[] = [];
  for (const [i, one] of asked.entries()) {
    const place = places[i];
    if (place !== undefined) {
      inputs[place] = merged(stored[place]!, one);
      continue;
    }
    const namesake = stored.find(({ name }) => name === one.name);
    if (namesake !== undefined) {
      differences.push(`input "${one.name}": stored ${short(namesake)}, asked ${short(one)}`);
      free.delete(stored.indexOf(namesake));
    }
    places[i] = inputs.push(one) - 1;
  }
  for (const place of free) {
    const { name, sha256 } = stored[place]!;
    if (sha256 === "") continue; // it has no units that could be lost
    differences.push(`input "${name}" (${sha256.slice(0, 12)}) is stored and is not asked for`);
  }
  return { inputs, places: places as number[], differences };
}

/** Looked for without a copy of the values: commands often have their inputs in the order of the run, so that the first one free is the one. */
function firstOf<T>(values: Iterable<T>, isSought: (value: T) => boolean): T | undefined {
  for (const value of values) if (isSought(value)) return value;
  return undefined;
}

/** A stored input, updated with its current class, or with its content if it can be used now. */
function merged(stored: InputRecord, asked: InputRecord): InputRecord {
  if (stored.sha256 === "") return { ...asked, name: stored.name };
  const { isRight: before, ...kept } = stored;
  const { label = stored.label, predicted = stored.predicted } = asked;
  const isSame = label === stored.label && predicted === stored.predicted;
  const isRight = asked.isRight ?? (isSame ? before : undefined);
  return {
    ...kept,
    ...(label === undefined ? {} : { label }),
    ...(predicted === undefined ? {} : { predicted }),
    ...(isRight === undefined ? {} : { isRight }),
  };
}

const short = ({ sha256 }: InputRecord): string => (sha256 === "" ? "unusable" : sha256.slice(0, 12));
