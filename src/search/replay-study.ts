import { PushforwardError, studentInterval } from "../base/index.ts";
import { outcomeWithin, type ReplayOrder, type ReplayTable, replayOrders } from "./replay.ts";
import { type StrategyName, strategies } from "./strategies.ts";

/** The fewest candidates of a table: with fewer, all strategies see nearly all of them. */
const FEWEST = 24;
/** Groups of candidates of which one is left out at a time. */
const GROUPS = 20;
/** Of the replays, the share that is repeated without each group. */
const SHARE = 1 / 4;

/** A number with its 95 % interval over candidates. */
export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

interface StrategyResult {
  readonly name: StrategyName;
  /** The expected test error, for each cost in full trainings. */
  readonly errors: readonly { readonly trainings: number; readonly error: number }[];
  /** Seconds that it took on average at the cost that decides, as full trainings. */
  readonly cost: number;
  /** Its expected error minus that of `halving` at that cost. */
  readonly minusHalving: Interval;
}

export interface ReplayStudy {
  readonly candidates: number;
  readonly seeds: number;
  readonly replays: number;
  /** Full trainings at which the claims are decided. */
  readonly trainings: number;
  readonly strategies: readonly StrategyResult[];
  /** The expected error of `spectrum` minus that of `theory`. */
  readonly minusTheory: Interval;
  readonly verdict: "supported" | "contradicted" | "not shown" | "measuring is needless";
}

export interface ReplayStudyOptions {
  readonly replays: number;
  /** Full trainings at which the claims are decided. */
  readonly trainings: number;
  /** Is told what share is done; what it throws ends the study. */
  readonly proceed?: (share: number) => Promise<void>;
}

/**
 * Replays all strategies on tables of trained candidates: each replay is an order in which a search may see them, and each strategy spends as
 * many seconds.
 *
 * The claim is that the filter by spectra lowers the expected test error. It is decided by the difference of `spectrum` and `halving` at one
 * cost: supported if its interval lies below 0 and so does that of the difference to `theory`. If only the first does, measuring is needless;
 * if it includes 0, the claim is not shown.
 *
 * Intervals are over candidates: groups of them are left out one at a time (the jackknife), and the same replays are repeated without them.
 *
 * @throws PushforwardError `usage` for a table of too few candidates
 * @see Efron & Tibshirani 1993, chapter 11
 */
export async function replayStudy(
  tables: readonly ReplayTable[],
  { replays, trainings, proceed }: ReplayStudyOptions,
): Promise<ReplayStudy> {
  const { candidates, whole } = tables[0]!;
  if (candidates.length < FEWEST) {
    throw new PushforwardError("usage", {
      what: `Only ${candidates.length} candidates of this table are measured and trained; a replay needs ${FEWEST}.`,
      fix: "Let the search go on with the same command, or make a table with a larger --budget.",
    });
  }
  const names = Object.keys(strategies) as StrategyName[];
  const orders = replayOrders(tables, replays);
  const few = orders.slice(0, Math.ceil(replays * SHARE));
  const costs = [trainings / 4, trainings / 2, trainings, 2 * trainings];
  const groups = Math.min(GROUPS, candidates.length);
  const all = names.length * (costs.length * orders.length + (groups + 1) * few.length);
  let done = 0;
  const mean = async (name: StrategyName, cost: number, own: readonly ReplayOrder[], without: ReadonlySet<number>) => {
    let [error, seconds] = [0, 0];
    for (const { seed, order } of own) {
      const left = without.size === 0 ? order : order.filter((candidate) => !without.has(candidate));
      const outcome = outcomeWithin(strategies[name], cost * whole, left, tables[seed]!);
      error += outcome.error / own.length;
      seconds += outcome.seconds / own.length;
      done++;
    }
    await proceed?.(done / all);
    return { error, seconds };
  };
  const none = new Set<number>();
  const curves = new Map<StrategyName, { trainings: number; error: number; seconds: number }[]>();
  for (const name of names) {
    curves.set(name, []);
    for (const cost of costs) curves.get(name)!.push({ trainings: cost, ...(await mean(name, cost, orders, none)) });
  }
  // The order of the candidates is that of their draws, so that groups of every `groups`-th one are random.
  const without = new Map<StrategyName, number[]>();
  for (const name of names) {
    const errors: number[] = [];
    for (let group = 0; group < groups; group++) {
      const left = new Set(candidates.filter((_, i) => i % groups === group));
      errors.push((await mean(name, trainings, few, left)).error);
    }
    without.set(name, errors);
  }
  const errorAt = (name: StrategyName) => curves.get(name)!.find((one) => one.trainings === trainings)!.error;
  const difference = (a: StrategyName, b: StrategyName): Interval => {
    const value = errorAt(a) - errorAt(b);
    const each = without.get(a)!.map((error, group) => error - without.get(b)![group]!);
    const centre = each.reduce((sum, one) => sum + one, 0) / groups;
    const variance = ((groups - 1) / groups) * each.reduce((sum, one) => sum + (one - centre) ** 2, 0);
    return { value, ...studentInterval(value, Math.sqrt(variance), groups - 1) };
  };
  const results = names.map((name): StrategyResult => {
    const curve = curves.get(name)!;
    return {
      name,
      errors: curve.map(({ trainings: cost, error }) => ({ trainings: cost, error })),
      cost: curve.find((one) => one.trainings === trainings)!.seconds / whole,
      minusHalving: difference(name, "halving"),
    };
  });
  const { minusHalving } = results.find(({ name }) => name === "spectrum")!;
  const minusTheory = difference("spectrum", "theory");
  return {
    ...{ candidates: candidates.length, seeds: tables.length, replays, trainings },
    ...{ strategies: results, minusTheory, verdict: verdictOf(minusHalving, minusTheory) },
  };
}

/** @see replayStudy */
export function verdictOf(minusHalving: Interval, minusTheory: Interval): ReplayStudy["verdict"] {
  if (minusHalving.low > 0) return "contradicted";
  if (minusHalving.high >= 0) return "not shown";
  return minusTheory.high < 0 ? "supported" : "measuring is needless";
}
