/** Where candidates are compared: these shares of the whole training, each three times the one before (Jamieson & Talwalkar 2016). */
export const shares = [1 / 9, 1 / 3, 1] as const;

/** Of the candidates at a rung, one in so many goes on to the next. */
export const ETA = 3;

/** The last rung: the whole training. */
export const LAST = shares.length - 1;

/** The steps of the rungs of a training. */
export const rungSteps = (steps: number): readonly number[] =>
  shares.map((share) => Math.max(1, Math.round(share * steps)));

/** How many of `count` candidates are at each rung from `first` on. At least one reaches the last. */
export function rungSizes(count: number, first = 0): readonly number[] {
  return shares.slice(first).map((_, i) => Math.max(1, Math.floor(count / ETA ** i)));
}

/** What they cost together, in full trainings. */
export function rungCost(count: number, first = 0): number {
  return rungSizes(count, first).reduce((sum, size, i) => {
    const before = i === 0 ? 0 : shares[first + i - 1]!;
    return sum + size * (shares[first + i]! - before);
  }, 0);
}
