import { type Edit, type Mutator, pick, texts } from "./edits.ts";
import { mutateText } from "./text.ts";

type Path = readonly (string | number)[];

const values: readonly unknown[] = [
  ...[null, true, false, 0, -0, 1, -1, 0.5, -1.5, 255, 1e9, 2 ** 31, 2 ** 53, 1e300, -1e300, 1e-320, "", "none"],
  ...[
    [],
    {},
    [[]],
    [{}],
    [null],
    { kind: null },
    { kind: "__proto__" },
    { constructor: 1 },
    ["a", 1],
    [1, 2],
    [1e9, 1e9],
  ],
];

/** The places of all values within a JSON value. */
function placesIn(value: unknown, path: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [path];
  const keys = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  return [path, ...keys.flatMap((key) => placesIn((value as Record<string, unknown>)[key], [...path, key]))];
}

const valueAt = (value: unknown, path: Path): unknown =>
  path.reduce((inner, key) => (inner as Record<string, unknown>)[key], value);

/** The value with that at a place replaced by the entries of a list: one, none or several. */
function replaced(value: unknown, [key, ...deeper]: Path, by: readonly unknown[]): unknown {
  if (key === undefined) return by[0];
  if (Array.isArray(value)) {
    return value.flatMap((entry: unknown, i) =>
      i !== key ? [entry] : deeper.length === 0 ? by : [replaced(entry, deeper, by)],
    );
  }
  return Object.fromEntries(
    Object.entries(value as object).flatMap(([name, entry]) => {
      if (name !== key) return [[name, entry]];
      if (deeper.length > 0) return [[name, replaced(entry, deeper, by)]];
      return by.map((one, i) => [i === 0 ? name : `${name}${i}`, one]);
    }),
  );
}

type Change = (value: unknown, other: unknown, edit: Edit) => readonly unknown[];

const changes: readonly Change[] = [
  () => [],
  (value) => [value, value],
  (_, other) => [other],
  (_, __, edit) => [pick(values, edit.value)],
  (_, __, edit) => [pick(values, edit.value)],
  (_, __, edit) => [pick(texts, edit.value)],
  (value) => [[value]],
  (value) => [{ kind: value }],
  (value, _, edit) => [{ [pick(texts, edit.value)]: value }],
  (value, _, { other }) => [typeof value === "number" ? value * pick([-1, 0.5, 10, 1000, 1e9], other) : [value, value]],
  (value, other, edit) => [
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? { ...value, [pick(["kind", "tied", "base", "mean", "$choice", "$repeat", "steps"], edit.value)]: other }
      : other,
  ],
];

/** Changes one value in a JSON file, at any depth, or its text. */
export const mutateJson: Mutator = (bytes, edit, others) => {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return mutateText(bytes, edit, others);
  }
  const places = placesIn(json);
  const changed = pick(changes, edit.how)(
    valueAt(json, pick(places, edit.at)),
    valueAt(json, pick(places, edit.other)),
    edit,
  );
  return Uint8Array.from(Buffer.from(JSON.stringify(replaced(json, pick(places, edit.at), changed)) ?? ""));
};
