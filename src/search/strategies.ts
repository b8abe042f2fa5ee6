import { compare, type FilterName, filters, keep, type Rejected, type Verdict } from "./filters.ts";
import { ETA, LAST, rungsOf, shares } from "./rungs.ts";

/** What a strategy asks for next, for several candidates at once. */
export type Stage =
  | { readonly kind: "measure"; readonly what: "spectrum" | "gradient"; readonly candidates: readonly number[] }
  | { readonly kind: "train"; readonly rung: number; readonly candidates: readonly number[] }
  | { readonly kind: "reject"; readonly rejected: readonly Rejected[] };

/** What a strategy looks up after a stage is done. */
export interface Book {
  judge(filter: FilterName, candidate: number): Verdict;
  /** The error on validation examples at a rung. Among equal errors the smaller loss decides. */
  error(candidate: number, rung: number): number;
  loss(candidate: number, rung: number): number;
}

type ScheduleName = "plain" | "halving" | "hyperband";

/** How candidates are chosen before they are trained, and how trainings are cut short. */
export interface Strategy {
  readonly about: string;
  readonly filter?: FilterName;
  readonly schedule: ScheduleName;
}

/** The strategies by name. A filter looks at three candidates for each that is trained, as a rung does. */
export const strategies = {
  random: { about: "trains every candidate to the end", schedule: "plain" },
  halving: { about: "successive halving (Jamieson & Talwalkar 2016)", schedule: "halving" },
  hyperband: { about: "Hyperband (Li et al. 2018)", schedule: "hyperband" },
  spectrum: { about: "a filter by spectra, then halving", filter: "spectrum", schedule: "halving" },
  spectrumPlain: { about: "the same filter, then whole trainings", filter: "spectrum", schedule: "plain" },
  theory: { about: "a filter by mean-field theory, then halving", filter: "theory", schedule: "halving" },
  sigma: { about: "a filter by singular values alone, then halving", filter: "sigma", schedule: "halving" },
  rate: { about: "a filter by the curvature alone, then halving", filter: "rate", schedule: "halving" },
  gradientNorm: {
    about: "a filter by the balance of gradients, then halving",
    filter: "gradientNorm",
    schedule: "halving",
  },
  depthOnly: { about: "few layers first, then halving", filter: "depthOnly", schedule: "halving" },
  heXavier: { about: "weights of the usual size first, then halving", filter: "heXavier", schedule: "halving" },
} as const satisfies Readonly<Record<string, Strategy>>;

export type StrategyName = keyof typeof strategies;

/** Candidates that start together, and the rung that they start at. */
export interface Bracket {
  readonly first: number;
  readonly count: number;
}

/** The brackets of a schedule of size n. Hyperband's are in the ratio 9 : 5 : 3, as for R = 9 and η = 3. */
export const brackets: { readonly [S in ScheduleName]: (size: number) => readonly Bracket[] } = {
  plain: (size) => [{ first: LAST, count: size }],
  halving: (size) => [{ first: 0, count: size }],
  hyperband: (size) =>
    shares.map((_, first) => ({
      first,
      count: Math.ceil((size * shares.length) / (shares.length - first) / ETA ** first),
    })),
};

/** How many candidates a strategy looks at. */
export function poolOf({ filter, schedule }: Strategy, size: number): number {
  const trained = brackets[schedule](size).reduce((sum, { count }) => sum + count, 0);
  return filter === undefined ? trained : ETA * trained;
}

/** What the trainings of a strategy cost, in full trainings. Measurements are not counted. */
export function trainingCost({ schedule }: Strategy, size: number): number {
  const rungs = brackets[schedule](size).flatMap(({ count, first }) => rungsOf(count, first));
  return rungs.reduce((sum, { size: number, share }) => sum + number * share, 0);
}

/**
 * A strategy at work on a list of candidates, of which it takes as many as `poolOf` says, or all: each stage is to be done, and its results to
 * be in the book, before the next is asked for. There is no randomness in it.
 */
export function* plan(
  { filter: name, schedule }: Strategy,
  size: number,
  candidates: readonly number[],
  book: Book,
): Generator<Stage, void, void> {
  const wanted = brackets[schedule](size);
  const trained = wanted.reduce((sum, { count }) => sum + count, 0);
  let order = candidates.slice(0, name === undefined ? trained : ETA * trained);
  if (name !== undefined) {
    const { needs } = filters[name];
    if (needs !== "nothing") yield { kind: "measure", what: needs, candidates: order };
    const { kept, rejected } = keep(order, trained, (candidate) => book.judge(name, candidate));
    yield { kind: "reject", rejected };
    order = [...kept];
  }
  for (const { first, count } of wanted) {
    const own = order.splice(0, count);
    if (own.length > 0) yield* climb(own, first, book);
  }
}

/** Trains candidates to a rung, and one in three of them to the next. */
function* climb(candidates: readonly number[], first: number, book: Book): Generator<Stage, void, void> {
  let left = candidates;
  for (const { rung, size } of rungsOf(candidates.length, first)) {
    if (rung > first) left = byError(left, rung - 1, book).slice(0, size);
    yield { kind: "train", rung, candidates: left };
  }
}

/** Candidates in the order of their errors at a rung. */
export const byError = (candidates: readonly number[], rung: number, { error, loss }: Book): number[] =>
  candidates.toSorted(
    (a, b) => compare(error(a, rung), error(b, rung)) || compare(loss(a, rung), loss(b, rung)) || a - b,
  );
