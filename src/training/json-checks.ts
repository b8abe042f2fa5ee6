import { type Place, PushforwardError, suggestion } from "../base/index.ts";

/** Where a value stands in a JSON file: `network.layers[2].kernel`; empty for the whole. */
export interface KeyPlace {
  readonly file: string;
  readonly path: string;
}

/** Checks a value of a JSON file. @throws PushforwardError `usage` that names the key */
export type Check = (value: unknown, at: KeyPlace) => void;

/** Refuses a value, and says of which key. */
export function refuseKey({ file, path }: KeyPlace, what: string, fix: string): never {
  const where: Place = path === "" ? { file } : { file, option: path };
  throw new PushforwardError("usage", { what: `${path === "" ? "The file" : `"${path}"`} ${what}`, where, fix });
}

/** How a value is shown in an error. */
const shown = (value: unknown): string => {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 40 ? `${text.slice(0, 40)} …` : text;
};

function number(wanted: string, example: string, isRight: (value: number) => boolean): Check {
  return (value, at) => {
    if (typeof value === "number" && Number.isFinite(value) && isRight(value)) return;
    refuseKey(at, `must be ${wanted}, not ${shown(value)}.`, `For example ${example}.`);
  };
}

export const anyNumber = number("a number", "0.5", () => true);
export const positive = number("a positive number", "0.001", (value) => value > 0);
export const notNegative = number("a number of at least 0", "0.0001", (value) => value >= 0);
export const share = number("a share from 0 to 1", "0.2", (value) => value >= 0 && value <= 1);
export const shareBelowOne = number("a share of at least 0 and less than 1", "0.9", (value) => value >= 0 && value < 1);

export const whole = (least: number): Check =>
  number(
    `a whole number of at least ${least}`,
    String(Math.max(least, 1)),
    (value) => Number.isSafeInteger(value) && value >= least,
  );

export const flag: Check = (value, at) => {
  if (typeof value !== "boolean")
    refuseKey(at, `must be true or false, not ${shown(value)}.`, "Write it without quotes.");
};

export const text: Check = (value, at) => {
  if (typeof value !== "string" || value === "")
    refuseKey(at, `must be a text, not ${shown(value)}.`, "Write it in quotes.");
};

export function oneOf(choices: readonly string[]): Check {
  return (value, at) => {
    if (choices.some((choice) => choice === value)) return;
    refuseKey(
      at,
      `cannot be ${shown(value)}.`,
      suggestion(typeof value === "string" ? value : shown(value), choices, '"'),
    );
  };
}

/** A list with at least one item. */
export function listOf(item: Check): Check {
  return (value, at) => {
    if (!Array.isArray(value) || value.length === 0) {
      refuseKey(at, `must be a list with at least one entry, not ${shown(value)}.`, "Write it in square brackets.");
    }
    for (const [i, entry] of (value as unknown[]).entries()) item(entry, { ...at, path: `${at.path}[${i}]` });
  };
}

/** The first of the checks if it is a list, otherwise the second. */
export const listOr =
  (list: Check, other: Check): Check =>
  (value, at) =>
    (Array.isArray(value) ? list : other)(value, at);

/** The first of the checks if it is an object, otherwise the second. */
export const objectOr =
  (object: Check, other: Check): Check =>
  (value, at) =>
    (typeof value === "object" && value !== null ? object : other)(value, at);

/** An object with any keys, each of whose values is of one kind. */
export function mapOf(item: Check): Check {
  return (value, at) => {
    for (const [key, entry] of Object.entries(requireObject(value, at)))
      item(entry, { ...at, path: `${at.path}.${key}` });
  };
}

/** The keys of an object: those that it must have, and those that it may have. */
export interface Keys {
  readonly must?: Readonly<Record<string, Check>>;
  readonly may?: Readonly<Record<string, Check>>;
}

/** An object with these keys and no others. `of` says what it is. */
export function objectOf(of: string, { must = {}, may = {} }: Keys): Check {
  const known: Readonly<Record<string, Check>> = { ...must, ...may };
  return (value, at) => {
    const entries = Object.entries(requireObject(value, at)).filter(([, entry]) => entry !== undefined);
    const below = (key: string): KeyPlace => ({ ...at, path: at.path === "" ? key : `${at.path}.${key}` });
    for (const [key] of entries) {
      if (!Object.hasOwn(known, key))
        refuseKey(below(key), `is no key of ${of}.`, suggestion(key, Object.keys(known), '"'));
    }
    for (const key of Object.keys(must)) {
      if (!entries.some(([given]) => given === key)) refuseKey(below(key), `is missing in ${of}.`, `Add "${key}".`);
    }
    for (const [key, entry] of entries) known[key]!(entry, below(key));
  };
}

/** An object whose `kind` says which other keys it has. */
export function kindOf(kinds: Readonly<Record<string, Check>>): Check {
  return (value, at) => {
    const { kind } = requireObject(value, at);
    oneOf(Object.keys(kinds))(kind, { ...at, path: `${at.path}.kind` });
    kinds[kind as string]!(value, at);
  };
}

function requireObject(value: unknown, at: KeyPlace): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  return refuseKey(at, `must be an object, not ${shown(value)}.`, "Write it in braces.");
}
