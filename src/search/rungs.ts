/** Where candidates are compared: these shares of the whole training, each three times the one before (Jamieson & Talwalkar 2016). */
export const shares = [1 / 9, 1 / 3, 1] as const;

/** Of the candidates at a rung, one in so many goes on to the next. */
export const ETA = 3;

/** The last rung: the whole training. */
export const LAST = shares.length - 1;

/** The steps of the rungs of a training. */
export const rungSteps = (steps: number): readonly number[] =>
  shares.map((share) => Math.max(1, Math.round(share * steps)));

/** A rung to which some of the candidates that start together are trained. */
interface Rung {
  readonly rung: number;
  /** How many of them. */
  readonly size: number;
  /** What each costs from the rung before, or from its start, in full trainings. */
  readonly share: number;
}

/** The rungs of `count` candidates from `first` on. At least one reaches the last. */
export function rungsOf(count: number, first = 0): readonly Rung[] {
  return shares.slice(first).map((share, i) => ({
    rung: first + i,
    size: Math.max(1, Math.floor(count / ETA ** i)),
    share: i === 0 ? share : share - shares[first + i - 1]!,
  }));
}
