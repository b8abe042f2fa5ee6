import { expect, test } from "vitest";
import { createRng } from "../../src/base/index.ts";
import { outcomeOf, outcomeWithin, type ReplayTable } from "../../src/search/replay.ts";
import { replayStudy, verdictOf } from "../../src/search/replay-study.ts";
import { strategies } from "../../src/search/strategies.ts";

/** A table of 60 candidates of which one in ten is good. `tells` says whether a filter's score tells which. */
function tableOf(tells: (filter: string) => boolean, seed = 0): ReplayTable {
  const rng = createRng("table", seed);
  const errors = Array.from({ length: 60 }, (_, i) => ((i * 37) % 60 < 6 ? 0.1 : 0.5) + 0.05 * rng.uniform());
  const noise = Array.from({ length: 60 }, () => rng.uniform());
  return {
    candidates: errors.map((_, i) => i),
    book: {
      error: (candidate) => errors[candidate]!,
      loss: () => 0,
      judge: (filter, candidate) => ({ score: tells(filter) ? errors[candidate]! : noise[candidate]!, told: "" }),
    },
    measuring: () => 1,
    training: (_, rung) => [10, 20, 60][rung]!,
    testError: (candidate) => errors[candidate]!,
    whole: 90,
  };
}

test("seconds are those of the stages: a rung costs the way from the one before", () => {
  const table = tableOf(() => true);
  expect(outcomeOf(strategies.random, 4, table.candidates, table).seconds).toBe(4 * 90);
  expect(outcomeOf(strategies.halving, 9, table.candidates, table).seconds).toBe(9 * 10 + 3 * 20 + 60);
  expect(outcomeOf(strategies.spectrum, 9, table.candidates, table).seconds).toBe(27 + 9 * 10 + 3 * 20 + 60);
  expect(outcomeOf(strategies.theory, 9, table.candidates, table).seconds).toBe(9 * 10 + 3 * 20 + 60);
});

test("the size is the largest that stays within the seconds", () => {
  const table = tableOf(() => true);
  expect(outcomeWithin(strategies.random, 5 * 90 + 89, table.candidates, table).seconds).toBe(5 * 90);
  for (const strategy of Object.values(strategies)) {
    const { seconds } = outcomeWithin(strategy, 400, table.candidates, table);
    expect(seconds).toBeLessThanOrEqual(400);
    expect(seconds).toBeGreaterThan(200);
  }
});

test("random search picks the best of those that it trains", () => {
  const table = tableOf(() => false);
  const order = [5, 3, 7, 9, 1];
  const best = Math.min(...order.map((candidate) => table.testError(candidate, 2)));
  expect(outcomeOf(strategies.random, 5, order, table).error).toBe(best);
});

test("a filter that tells lowers the error, and the claim says whether theory does as well", async () => {
  const options = { replays: 300, trainings: 2 };
  const both = await replayStudy([tableOf((filter) => filter === "spectrum" || filter === "theory")], options);
  const one = await replayStudy([tableOf((filter) => filter === "spectrum")], options);
  // What it measures costs trainings, for nothing.
  const none = await replayStudy([tableOf(() => false)], options);
  expect(one.strategies.find(({ name }) => name === "spectrum")!.minusHalving.high).toBeLessThan(0);
  expect([one.verdict, both.verdict, none.verdict]).toEqual(["supported", "measuring is needless", "contradicted"]);
});

test("the verdict follows from the two intervals alone", () => {
  const interval = (low: number, high: number) => ({ value: (low + high) / 2, low, high });
  expect(verdictOf(interval(-2, -1), interval(-2, -1))).toBe("supported");
  expect(verdictOf(interval(-2, -1), interval(-2, 1))).toBe("measuring is needless");
  expect(verdictOf(interval(-2, 1), interval(-2, -1))).toBe("not shown");
  expect(verdictOf(interval(1, 2), interval(-2, -1))).toBe("contradicted");
});

test("a table of few candidates is refused", async () => {
  const table = { ...tableOf(() => true), candidates: [0, 1, 2] };
  await expect(replayStudy([table], { replays: 4, trainings: 2 })).rejects.toThrow("Only 3 candidates");
});
