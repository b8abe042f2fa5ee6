import { suggestion } from "../base/index.ts";
import { type KeyPlace, refuseKey } from "../training/index.ts";

/** What may stand in place of a value. */
const rangeKinds = ["$choice", "$uniform", "$logUniform", "$integer"] as const;
export type RangeKind = (typeof rangeKinds)[number];

/** How a range is written, for errors. */
const examples: Readonly<Record<RangeKind | "$repeat", string>> = {
  $choice: '{ "$choice": ["relu", "tanh"] }',
  $uniform: '{ "$uniform": [0, 0.5] }',
  $logUniform: '{ "$logUniform": [1e-4, 1] }',
  $integer: '{ "$integer": [2, 10] }',
  $repeat: '{ "$repeat": { "$choice": [2, 5] }, "layers": [{ "kind": "dense", "units": 64 }, { "kind": "tanh" }] }',
};

/**
 * The kind of range that an object is, `$repeat` for repeated layers, `undefined` for a plain object.
 *
 * @throws PushforwardError `usage` for a key with `$` that is none, or other keys beside one
 */
export function rangeOf(value: Readonly<Record<string, unknown>>, at: KeyPlace): RangeKind | "$repeat" | undefined {
  const keys = Object.keys(value);
  const marked = keys.filter((key) => key.startsWith("$"));
  if (marked.length === 0) return undefined;
  const known = [...rangeKinds, "$repeat"] as const;
  const kind = known.find((one) => one === marked[0]);
  if (kind === undefined) {
    refuseKey(at, `has the key ${marked[0]}, which is no range.`, suggestion(marked[0]!, known));
  }
  const other = keys.find((key) => key !== kind && !(kind === "$repeat" && key === "layers"));
  if (other !== undefined) {
    refuseKey(at, `has the key "${other}" beside ${kind}.`, `A range stands alone: ${examples[kind]}.`);
  }
  return kind;
}

/** The most alternatives of a choice: each is tried when the file is read. */
const MOST_ALTERNATIVES = 1000;

/** The alternatives of a choice. */
export function alternatives(value: unknown, at: KeyPlace): readonly unknown[] {
  if (Array.isArray(value) && value.length > MOST_ALTERNATIVES) {
    refuseKey(at, `is a choice between ${value.length} values.`, `Give at most ${MOST_ALTERNATIVES}, or a range.`);
  }
  if (Array.isArray(value) && value.length > 0) return value as readonly unknown[];
  return refuseKey(at, "must be a choice between at least one value.", `For example ${examples.$choice}.`);
}

/** The ends of a range of numbers. */
export function endsOf(kind: Exclude<RangeKind, "$choice">, value: unknown, at: KeyPlace): readonly [number, number] {
  const wanted = {
    $uniform: "two numbers, the smaller first",
    $logUniform: "two positive numbers, the smaller first",
    $integer: "two whole numbers, the smaller first",
  }[kind];
  const [low, high, ...more] = Array.isArray(value) ? (value as readonly unknown[]) : [];
  const isRange =
    typeof low === "number" &&
    typeof high === "number" &&
    more.length === 0 &&
    low <= high &&
    Number.isFinite(high - low);
  if (
    isRange &&
    (kind !== "$logUniform" || low > 0) &&
    (kind !== "$integer" || [low, high].every(Number.isSafeInteger))
  ) {
    return [low, high];
  }
  return refuseKey(at, `must be ${wanted}.`, `For example ${examples[kind]}.`);
}

/** The layers that are repeated. */
export function repeatedLayers(value: unknown, at: KeyPlace): readonly unknown[] {
  if (Array.isArray(value) && value.length > 0) return value as readonly unknown[];
  return refuseKey(at, "must have a list of layers to repeat.", `For example ${examples.$repeat}.`);
}

/** How often layers are repeated. */
export function repetitions(value: unknown, at: KeyPlace): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  return refuseKey(at, "must be a whole number of at least 0, or a range of them.", `For example ${examples.$repeat}.`);
}
