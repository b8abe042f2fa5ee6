import { castTo, int, ints, intTensor } from "../build.ts";
import type { Rewrite } from "../rewrite.ts";
import { reshape, scalar, slice } from "./parts.ts";

/** The most negative float32: added to a score, it leaves a probability of exactly 0, where −∞ would make NaN of a row of them. */
export const LOWEST = -3.4028234663852886e38;

/** The sizes of an attention: heads that share keys and values follow one another. */
export interface AttentionSizes {
  readonly batch: number;
  readonly heads: number;
  /** Heads of keys and values. */
  readonly groups: number;
  /** Queries. */
  readonly rows: number;
  /** Keys. */
  readonly columns: number;
  readonly size: number;
  readonly valueSize: number;
}

/** What `attend` computes: softmax(cap(scale · q kᵀ) + bias) v. */
export interface Attention {
  /** batch × heads × rows × size */
  readonly q: string;
  /** batch × groups × size × columns */
  readonly kT: string;
  /** batch × groups × columns × valueSize */
  readonly v: string;
  readonly sizes: AttentionSizes;
  readonly scale: number;
  /** Scores s become cap · tanh(s / cap); 0 for none. */
  readonly softcap?: number;
  /** Added to the scores; broadcast to batch × heads × rows × columns. */
  readonly bias?: string | undefined;
  /** 1 for rows with a key to attend to, 0 for those whose result is 0; broadcast to batch × heads × rows × 1. All 1 if absent. */
  readonly flags?: string | undefined;
  /** Another score of each row, without a value; broadcast to batch × heads × rows × 1. */
  readonly sink?: string | undefined;
  /** What is done to the scores, and to the probabilities. */
  readonly changeScores?: ((x: string) => string) | undefined;
  readonly changeProbabilities?: ((x: string) => string) | undefined;
  /** Whether the probabilities are asked for, and not only the result. */
  readonly showsProbabilities?: boolean;
}

/** The names of what an attention computes; all but `y`, batch × heads × rows × columns. */
export interface Attended {
  /** batch × heads × rows × valueSize */
  readonly y: string;
  readonly scores: string;
  readonly capped: string;
  readonly biased: string;
  readonly probabilities: string;
}

/** Adds the nodes of an attention. */
export function attend(to: Rewrite, attention: Attention): Attended {
  const {
    q,
    kT,
    v,
    sizes,
    scale,
    softcap = 0,
    bias,
    flags,
    sink,
    changeScores,
    changeProbabilities,
    showsProbabilities,
  } = attention;
  const { batch, heads, groups, rows, columns, size, valueSize } = sizes;
  const isShared = heads !== groups;
  // The queries of heads that share keys are more rows of one product.
  const folded = (x: string, width: number) =>
    isShared ? reshape(to, x, [batch, groups, (heads / groups) * rows, width]) : x;
  const unfolded = (x: string, width: number) => (isShared ? reshape(to, x, [batch, heads, rows, width]) : x);
  const scaled = scale === 1 ? q : to.add("Mul", [q, scalar(to, "scale", scale)]);
  const products = unfolded(to.add("MatMul", [folded(scaled, size), kT]), columns);
  const scores = changeScores?.(products) ?? products;
  const capped = softcap > 0 ? cap(to, scores, softcap) : scores;
  const biased = bias === undefined ? capped : to.add("Add", [capped, bias]);
  const normalized = probabilitiesOf(to, biased, sizes, sink);
  const free = changeProbabilities?.(normalized) ?? normalized;
  const flag = (x: string) => (flags === undefined ? x : to.add("Mul", [x, flags]));
  const probabilities = showsProbabilities ? flag(free) : free;
  const y = unfolded(to.add("MatMul", [folded(probabilities, columns), v]), valueSize);
  return { y: showsProbabilities ? y : flag(y), scores, capped, biased, probabilities };
}

function cap(to: Rewrite, x: string, softcap: number): string {
  const name = scalar(to, "softcap", softcap);
  return to.add("Mul", [to.add("Tanh", [to.add("Div", [x, name])]), name]);
}

function probabilitiesOf(to: Rewrite, x: string, sizes: AttentionSizes, sink: string | undefined): string {
  if (sink === undefined) return to.add("Softmax", [x], { axis: int(-1) });
  const { batch, heads, rows, columns } = sizes;
  const column = to.add("Expand", [sink, to.constant("column", intTensor([batch, heads, rows, 1]))]);
  const all = to.add("Softmax", [to.add("Concat", [x, column], { axis: int(-1) })], { axis: int(-1) });
  return slice(to, all, 0, columns);
}

/** batch × length × (heads · size) as batch × heads × length × size, or as batch × heads × size × length. */
export function toHeads(
  to: Rewrite,
  x: string,
  [batch, length, width]: readonly [number, number, number],
  heads: number,
  order: "rows" | "columns" = "rows",
): string {
  const parts = reshape(to, x, [batch, length, heads, width / heads]);
  return to.add("Transpose", [parts], { perm: ints(order === "rows" ? [0, 2, 1, 3] : [0, 2, 3, 1]) });
}

/** The reverse: heads as batch × length × width. */
export function fromHeads(to: Rewrite, y: string, { batch, rows, heads, valueSize }: AttentionSizes): [string, string] {
  const parts = to.add("Transpose", [y], { perm: ints([0, 2, 1, 3]) });
  return [parts, to.constant("whole", intTensor([batch, rows, heads * valueSize]))];
}

export const swapLastTwo = (to: Rewrite, x: string): string => to.add("Transpose", [x], { perm: ints([0, 1, 3, 2]) });

/** Which keys the position of a query lets it attend to: those from `behind` before it to `ahead` after it. */
export interface Span {
  readonly behind?: number | undefined;
  readonly ahead?: number | undefined;
}

/** Whether query i may attend to key j, where `offset` keys stand before the first query. */
const isWithin = ({ behind, ahead }: Span, offset: number, i: number, j: number): boolean =>
  (ahead === undefined || j <= i + offset + ahead) && (behind === undefined || j >= i + offset - behind);

/** The span as rows × columns truth values; `isWhole` if every row has a key. */
export function spanTensor(span: Span, { rows, columns }: AttentionSizes, offset: number) {
  const data = Uint8Array.from({ length: rows * columns }, (_, at) =>
    isWithin(span, offset, Math.floor(at / columns), at % columns) ? 1 : 0,
  );
  const hasKey = (row: number) => data.subarray(row * columns, (row + 1) * columns).includes(1);
  const isWhole = Array.from({ length: rows }, (_, row) => row).every(hasKey);
  return { tensor: { type: "bool", shape: [rows, columns], data } as const, isWhole };
}

/** The place of each key relative to each query: rows × columns numbers j − i. */
export function distances(to: Rewrite, { rows, columns }: AttentionSizes): string {
  const values = Array.from({ length: rows * columns }, (_, at) => (at % columns) - Math.floor(at / columns));
  return to.constant("distances", intTensor(values, [rows, columns]));
}

/** Truth values that all must hold; `undefined` for none. */
export const allOf = (to: Rewrite, parts: readonly (string | undefined)[]): string | undefined =>
  parts.reduce((all, part) => (all && part ? to.add("And", [all, part]) : (part ?? all)), undefined);

/** The bias that keeps scores where `allowed` holds, and removes all others. */
export const biasOf = (to: Rewrite, allowed: string, kept = scalar(to, "zero", 0), removed = LOWEST): string =>
  to.add("Where", [allowed, kept, scalar(to, "removed", removed)]);

/** 1 for rows in which `allowed` holds somewhere, else 0. */
export function flagsOf(to: Rewrite, allowed: string): string {
  const numbers = to.add("Cast", [allowed], castTo("float32"));
  const count = to.add("ReduceSum", [numbers, to.constant("last", intTensor([-1]))], { keepdims: int(1) });
  return to.add("Cast", [to.add("Cast", [count], castTo("bool"))], castTo("float32"));
}

export const defaultScale = (size: number): number => 1 / Math.sqrt(size);
