/** JSON with the keys of every object in order, so that equal values are equal texts. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/**
 * The parts in which two values of a manifest differ, one line each: `preprocess settings scale: stored 0.004, asked 0.005`. Lists of
 * objects are compared item by item if they have the same length. Empty if the values are equal.
 */
export function differencesOf(name: string, stored: unknown, asked: unknown): string[] {
  if (canonical(stored) === canonical(asked)) return [];
  const parts = [stored, asked].map(partsOf);
  const [a, b] = parts as [Parts | undefined, Parts | undefined];
  if (a === undefined || b === undefined || (Array.isArray(stored) && a.size !== b.size)) {
    return [`${name}: stored ${show(stored)}, asked ${show(asked)}`];
  }
  return [...new Set([...a.keys(), ...b.keys()])].flatMap((key) =>
    differencesOf(`${name} ${key}`, a.get(key), b.get(key)),
  );
}

type Parts = ReadonlyMap<string, unknown>;

/** What a value consists of: the entries of an object, or the items of a list of objects, numbered from 1. */
function partsOf(value: unknown): Parts | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (!Array.isArray(value)) return new Map(Object.entries(value));
  const isNested = value.some((item) => typeof item === "object" && item !== null);
  return isNested ? new Map(value.map((item: unknown, i) => [String(i + 1), item])) : undefined;
}

const hash = /^[0-9a-f]{64}$/;

function show(value: unknown): string {
  if (value === undefined) return "none";
  if (typeof value === "string") return hash.test(value) ? value.slice(0, 12) : value;
  if (!Array.isArray(value)) return canonical(value);
  const isNested = value.some((item) => typeof item === "object" && item !== null);
  return isNested ? `${value.length} ${value.length === 1 ? "entry" : "entries"}` : `[${value.join(", ")}]`;
}

/** Differences of this number are told one by one. */
const FEW = 8;

/** The lines as one sentence, each cut where it is long. */
export function tellDifferences(lines: readonly string[]): string {
  const cut = (line: string): string => (line.length > 240 ? `${line.slice(0, 240)} …` : line);
  const more = lines.length > FEW ? [`and ${lines.length - FEW} more`] : [];
  return `${[...lines.slice(0, FEW).map(cut), ...more].join("; ")}.`;
}
