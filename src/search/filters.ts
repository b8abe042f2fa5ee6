import { formatNumber } from "../base/index.ts";
import { awayFromUsual, depthOf, type Facts, RATES, rateTimesCurvature, theorySpread } from "./facts.ts";
import { STEPS } from "./measure.ts";

/** What a filter says of a candidate. */
export interface Verdict {
  /** The smaller, the better. */
  readonly score: number;
  /** Why the candidate is refused whatever its score; absent if it is not. */
  readonly refused?: string;
  /** How far it is from not being refused: of those refused, the nearest are taken where too few are left. */
  readonly distance?: number;
  /** What the score says, in words. */
  readonly told: string;
}

/** A rule that chooses candidates before they are trained. Nothing in it is fitted to results. */
export interface Filter {
  /** What has to be measured first. */
  readonly needs: "spectrum" | "gradient" | "nothing";
  readonly about: string;
  judge(facts: Facts): Verdict;
}

/** The larger of median |ln σ| at the start and after the first steps. */
function sigma({ spectrum }: Facts): Verdict {
  const { start, after } = spectrum!;
  if (Number.isNaN(after.spread)) {
    return { score: Number.POSITIVE_INFINITY, told: `the loss is not finite within the first ${STEPS} steps` };
  }
  const isLater = after.spread > start.spread;
  const { spread, centre } = isLater ? after : start;
  const when = isLater ? "after the first steps" : "at the start";
  const what = centre < 0 ? "signals vanish" : "signals grow";
  return { score: spread, told: `median |ln σ| ${formatNumber(spread, 2)} ${when}: ${what}` };
}

/** Whether η·λ lies where steps are neither slow nor unstable. */
function rate({ spectrum, recipe }: Facts): Verdict {
  const { curvature } = spectrum!;
  const product = rateTimesCurvature(recipe.optimizer, curvature);
  if (product === undefined) return { score: 0, told: `η·λ of ${recipe.optimizer.kind} is not judged` };
  const { speed, stability } = product;
  const { slow, unstable } = RATES;
  if (!(curvature > 0 && Number.isFinite(curvature))) {
    const told = `the curvature is ${Number.isNaN(curvature) ? "not finite" : formatNumber(curvature)}`;
    return { score: Number.POSITIVE_INFINITY, refused: told, distance: Number.POSITIVE_INFINITY, told };
  }
  const judged = (value: number, told: string): Verdict => ({ score: value, refused: told, distance: value, told });
  if (speed < slow) {
    return judged(
      Math.log(slow / speed),
      `η·λ = ${formatNumber(speed, 2)} with momentum, below ${slow}: the rate is too small`,
    );
  }
  if (stability > unstable) {
    const told = `η·λ = ${formatNumber(stability, 2)} with momentum, above ${unstable}: steps are unstable`;
    return judged(Math.log(stability / unstable), told);
  }
  return { score: 0, told: `η·λ = ${formatNumber(stability, 2)}` };
}

/** The filters by name. */
export const filters = {
  /** Refuses rates by η·λ, and takes the smallest median |ln σ| of the others. */
  spectrum: {
    needs: "spectrum",
    about: "singular values of J(input → last hidden) near 1, and rates that fit the curvature",
    judge: (facts) => {
      const { refused, distance } = rate(facts);
      const { score, told } = sigma(facts);
      return refused === undefined
        ? { score, told }
        : { score, told, distance: distance!, refused: `${refused}; ${told}` };
    },
  },
  /** Only |ln σ|: what the rate adds. */
  sigma: {
    needs: "spectrum",
    about: "singular values of J(input → last hidden) near 1, whatever the rate",
    judge: sigma,
  },
  /** Only η·λ: what |ln σ| adds. */
  rate: { needs: "spectrum", about: "rates that fit the curvature, whatever the singular values", judge: rate },
  theory: {
    needs: "nothing",
    about: "χ near 1 by mean-field theory, without a measurement",
    judge: (facts) => {
      const score = theorySpread(facts);
      return { score, told: `theory expects |ln σ| of ${formatNumber(score, 2)}` };
    },
  },
  gradientNorm: {
    needs: "gradient",
    about: "gradients of the first and the last weights of one size",
    judge: ({ gradient }) => {
      const ratio = Number.isNaN(gradient) ? Number.POSITIVE_INFINITY : Math.abs(gradient!);
      return { score: ratio, told: `|ln| of the gradients' ratio is ${formatNumber(ratio, 2)}` };
    },
  },
  depthOnly: {
    needs: "nothing",
    about: "few layers",
    judge: ({ recipe }) => ({ score: depthOf(recipe), told: `${depthOf(recipe)} hidden layers` }),
  },
  heXavier: {
    needs: "nothing",
    about: "weights of the size that is usual for the activation (He, Glorot)",
    judge: ({ recipe }) => {
      const score = awayFromUsual(recipe);
      return { score, told: `weights are e^${formatNumber(score, 2)} times away from the usual size` };
    },
  },
} as const satisfies Readonly<Record<string, Filter>>;

export type FilterName = keyof typeof filters;

/** A candidate that a filter leaves out, and why. */
export interface Rejected {
  readonly candidate: number;
  readonly why: string;
}

/**
 * The `count` candidates that a filter keeps: those that it does not refuse, in the order of their scores. If too few are left, the
 * nearest of those refused are kept too.
 */
export function keep(
  pool: readonly number[],
  count: number,
  judge: (candidate: number) => Verdict,
): { readonly kept: readonly number[]; readonly rejected: readonly Rejected[] } {
  const judged = pool.map((candidate) => ({ candidate, verdict: judge(candidate) }));
  const order = judged.toSorted(
    ({ candidate: i, verdict: a }, { candidate: j, verdict: b }) =>
      compare(a.distance ?? 0, b.distance ?? 0) || compare(a.score, b.score) || i - j,
  );
  const kept = order.slice(0, count);
  const worst = kept.at(-1)?.verdict;
  const rejected = order.slice(count).map(({ candidate, verdict: { refused, told } }) => {
    const limit = worst === undefined || worst.refused !== undefined ? "" : `, and ${count} others are better`;
    return { candidate, why: refused ?? `${told}${limit}` };
  });
  return { kept: kept.map(({ candidate }) => candidate), rejected };
}

/** The order of two numbers, which may be infinite. */
export const compare = (a: number, b: number): number => (a < b ? -1 : a > b ? 1 : 0);
