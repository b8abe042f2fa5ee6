import { createRng, messageOf, PushforwardError } from "../base/index.ts";
import { type KeyPlace, parseRecipe, type Recipe, refuseKey } from "../training/index.ts";
import { alternatives, endsOf, type RangeKind, rangeOf, repeatedLayers, repetitions } from "./space-checks.ts";

/** What was drawn in place of a range. */
type Drawn = number | string;

/** One recipe of a space. */
export interface Candidate {
  readonly index: number;
  readonly recipe: Recipe;
  /** What was drawn, by the place of the range in the file. An alternative that is no number and no text is given as JSON. */
  readonly drawn: ReadonlyMap<string, Drawn>;
}

/** Recipes that differ in what stands in place of ranges. */
export interface Space {
  /** The candidate of this index, from 0. It depends on the seed and the index alone. @throws PushforwardError `usage` */
  draw(seed: number, index: number): Candidate;
}

/** What stands in place of the ranges of a space. */
interface Picker {
  choice(count: number, path: string): number;
  number(kind: Exclude<RangeKind, "$choice">, low: number, high: number, path: string): number;
  /** Is told what stands at a place. */
  note(path: string, value: Drawn): void;
}

/** What all candidates share, because they are compared on the same examples by the same measure. */
const shared = ["data", "loss", "network.input"];
/** The most layers that a repetition may make. */
const MOST_LAYERS = 10_000;
/** Significant digits of a number that is drawn. */
const DIGITS = 6;

/**
 * The space that a JSON value describes: a recipe of which some values are ranges (`$choice`, `$uniform`, `$logUniform`, `$integer`), and
 * some layers are repeated (`$repeat`). A repeated layer is drawn once, so that all its copies are the same.
 *
 * @throws PushforwardError `usage` naming the key: for a range that cannot be read, a range where all candidates must agree, and recipes
 * that are refused at an end of a range
 */
export function parseSpace(json: unknown, file: string): Space {
  const places = new Set<string>();
  // Every alternative of every choice is tried once, with numbers at both ends.
  let most = 2;
  for (let k = 0; k < most; k++) {
    const corner: Picker = {
      choice: (count) => {
        most = Math.max(most, count);
        return Math.min(k, count - 1);
      },
      number: (_, low, high) => (k === 0 ? low : high),
      note: (path) => void places.add(path),
    };
    recipeOf(json, file, corner);
  }
  if (places.size === 0) {
    throw new PushforwardError("usage", {
      what: "Nothing varies in this space.",
      where: { file },
      fix: 'Put a range in place of a value, for example "rate": { "$logUniform": [1e-4, 1] }.',
    });
  }
  const fixed = [...places].find((place) =>
    shared.some((key) => place === key || place.startsWith(`${key}.`) || place.startsWith(`${key}[`)),
  );
  if (fixed !== undefined) {
    refuseKey({ file, path: fixed }, "must be the same for all candidates.", "Give one value in place of the range.");
  }
  return {
    draw(seed, index) {
      const drawn = new Map<string, Drawn>();
      const rngAt = (path: string) => createRng(seed, "candidate", index, path);
      const recipe = recipeOf(json, file, {
        choice: (count, path) => rngAt(path).integer(count),
        number: (kind, low, high, path) => between(kind, low, high, rngAt(path).uniform()),
        note: (path, value) => void drawn.set(path, value),
      });
      return { index, recipe, drawn };
    },
  };
}

/** A number of a range; `share` is uniform in [0, 1). */
function between(kind: Exclude<RangeKind, "$choice">, low: number, high: number, share: number): number {
  if (kind === "$integer") return low + Math.floor(share * (high - low + 1));
  const exact = kind === "$uniform" ? low + share * (high - low) : low * (high / low) ** share;
  return Math.min(high, Math.max(low, Number(exact.toPrecision(DIGITS))));
}

function recipeOf(json: unknown, file: string, picker: Picker): Recipe {
  const expanded = expand(json, { file, path: "" }, picker);
  try {
    return parseRecipe(expanded, file);
  } catch (cause) {
    if (!(cause instanceof PushforwardError)) throw cause;
    const where = `in a recipe of this space, in which ranges have a value and repeated layers are written out`;
    throw new PushforwardError(cause.code, {
      what: `${messageOf(cause)} (${where})`,
      where: cause.where,
      fix: cause.fix,
      cause,
    });
  }
}

function expand(value: unknown, at: KeyPlace, picker: Picker): unknown {
  if (Array.isArray(value)) {
    return value.flatMap((entry: unknown, i) => {
      const here = { ...at, path: `${at.path}[${i}]` };
      return isObject(entry) && rangeOf(entry, here) === "$repeat"
        ? repeated(entry, here, picker)
        : [expand(entry, here, picker)];
    });
  }
  if (!isObject(value)) return value;
  const kind = rangeOf(value, at);
  if (kind === "$repeat") refuseKey(at, "repeats layers where there is no list.", 'Put it into "network.layers".');
  if (kind !== undefined) return picked(kind, value[kind], at, picker);
  const below = (key: string): KeyPlace => ({ ...at, path: at.path === "" ? key : `${at.path}.${key}` });
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, expand(entry, below(key), picker)]));
}

function picked(kind: RangeKind, value: unknown, at: KeyPlace, picker: Picker): unknown {
  if (kind === "$choice") {
    const choices = alternatives(value, at);
    const index = picker.choice(choices.length, at.path);
    const chosen = choices[index];
    picker.note(at.path, typeof chosen === "number" || typeof chosen === "string" ? chosen : told(chosen));
    return expand(
      chosen,
      { ...at, path: isObject(chosen) || Array.isArray(chosen) ? `${at.path}(${index + 1})` : at.path },
      picker,
    );
  }
  const [low, high] = endsOf(kind, value, at);
  const number = picker.number(kind, low, high, at.path);
  picker.note(at.path, number);
  return number;
}

/** An alternative by its `kind`, if it has one, and otherwise as JSON. */
const told = (value: unknown): string =>
  isObject(value) && typeof value.kind === "string" ? value.kind : JSON.stringify(value);

function repeated(entry: Readonly<Record<string, unknown>>, at: KeyPlace, picker: Picker): unknown[] {
  const times = { ...at, path: `${at.path}.$repeat` };
  const count = repetitions(expand(entry.$repeat, times, picker), times);
  const layers = expand(repeatedLayers(entry.layers, at), { ...at, path: `${at.path}.layers` }, picker) as unknown[];
  if (count * layers.length > MOST_LAYERS) {
    refuseKey(times, `makes ${count * layers.length} layers of these.`, `Repeat them to at most ${MOST_LAYERS}.`);
  }
  return Array.from({ length: count }, () => layers).flat();
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
