import { nearestNames, PushforwardError } from "../base/index.ts";

/** Where a value stands in the file of a space: `optimizer.rate`; empty for the whole. */
export interface At {
  readonly file: string;
  readonly path: string;
}

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

export function refuse({ file, path }: At, what: string, fix: string): never {
  throw new PushforwardError("usage", {
    what: `"${path}" ${what}`,
    where: { file, option: path },
    fix,
  });
}

/**
 * The kind of range that an object is, `$repeat` for repeated layers, `undefined` for a plain object.
 *
 * @throws PushforwardError `usage` for a key with `$` that is none, or other keys beside one
 */
export function rangeOf(value: Readonly<Record<string, unknown>>, at: At): RangeKind | "$repeat" | undefined {
  const keys = Object.keys(value);
  const marked = keys.filter((key) => key.startsWith("$"));
  if (marked.length === 0) return undefined;
  const known = [...rangeKinds, "$repeat"] as const;
  const kind = known.find((one) => one === marked[0]);
  if (kind === undefined) {
    const near = nearestNames(marked[0]!, known);
    refuse(
      at,
      `has the key ${marked[0]}, which is no range.`,
      `Choose one of ${(near.length > 0 ? near : known).join(", ")}.`,
    );
  }
  const other = keys.find((key) => key !== kind && !(kind === "$repeat" && key === "layers"));
  if (other !== undefined) {
    refuse(at, `has the key "${other}" beside ${kind}.`, `A range stands alone: ${examples[kind]}.`);
  }
  return kind;
}

/** The alternatives of a choice. */
export function alternatives(value: unknown, at: At): readonly unknown[] {
  if (Array.isArray(value) && value.length > 0) return value as readonly unknown[];
  return refuse(at, "must be a choice between at least one value.", `For example ${examples.$choice}.`);
}

/** The ends of a range of numbers. */
export function endsOf(kind: Exclude<RangeKind, "$choice">, value: unknown, at: At): readonly [number, number] {
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
  return refuse(at, `must be ${wanted}.`, `For example ${examples[kind]}.`);
}

/** The layers that are repeated. */
export function repeatedLayers(value: unknown, at: At): readonly unknown[] {
  if (Array.isArray(value) && value.length > 0) return value as readonly unknown[];
  return refuse(at, "must have a list of layers to repeat.", `For example ${examples.$repeat}.`);
}

/** How often layers are repeated. */
export function repetitions(value: unknown, at: At): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  return refuse(at, "must be a whole number of at least 0, or a range of them.", `For example ${examples.$repeat}.`);
}
