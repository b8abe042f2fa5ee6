import { type Edit, integers, LARGEST, type Mutator, pick, repeats, texts } from "./edits.ts";

type Change = (tokens: readonly string[], at: number, edit: Edit) => readonly string[];

const spliced = (tokens: readonly string[], at: number, count: number, by: readonly string[]): string[] =>
  tokens.toSpliced(at, count, ...by);

const signs = ["{", "}", "[", "]", "<", ">", '"', "'", "#", ":", ",", ";", "\t", "\n", "\r", "\\", "(", ")", "-", " "];

/** A piece of the text, many times. */
function repeated(tokens: readonly string[], at: number, { value, other }: Edit): readonly string[] {
  const piece = tokens.slice(at, at + 1 + (value % 12)).join("");
  const times = Math.min(pick(repeats, other), Math.ceil(LARGEST / (piece.length + 1)));
  return spliced(tokens, at, 0, [piece.repeat(times)]);
}

const changes: readonly Change[] = [
  (tokens, at, { value }) => spliced(tokens, at, 1 + (value % 4), []),
  (tokens, at, { other }) => spliced(tokens, at, 1, [pick(tokens, other)]),
  (tokens, at, { other }) => spliced(tokens, at, 0, [pick(tokens, other)]),
  (tokens, at, { value }) => spliced(tokens, at, 1, [String(pick(integers, value))]),
  (tokens, at, { value }) => spliced(tokens, at, 1, [pick(texts, value)]),
  (tokens, at, { value }) => spliced(tokens, at, 0, [pick(texts, value)]),
  (tokens, at, { value }) => spliced(tokens, at, 0, [pick(signs, value)]),
  (tokens, at, { value, other }) => spliced(tokens, at, 0, [pick(signs, value).repeat(pick(repeats, other) % 50_000)]),
  repeated,
  (tokens, at) => tokens.slice(0, at),
  (tokens, at) => tokens.slice(at),
];

/** Changes a text by its words, numbers and signs. Where the words of numbers are chosen, most changes keep the syntax. */
export const mutateText: Mutator = (bytes, edit) => {
  const tokens = Buffer.from(bytes)
    .toString("latin1")
    .match(/[A-Za-z_]\w*|-?\d+|\s+|[^\w\s]/g) ?? [""];
  const numbers = [...tokens.keys()].filter((i) => /^-?\d/.test(tokens[i]!));
  const at = edit.value % 3 === 0 && numbers.length > 0 ? pick(numbers, edit.at) : edit.at % tokens.length;
  const changed = pick(changes, edit.how)(tokens, at, edit);
  return Uint8Array.from(Buffer.from(changed.join(""), "latin1"));
};
