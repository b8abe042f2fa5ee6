import { describe, expect, test } from "vitest";
import { sizeWithin } from "../../src/search/budget.ts";
import { keep, type Verdict } from "../../src/search/filters.ts";
import { LAST, rungsOf, shares } from "../../src/search/rungs.ts";
import {
  type Book,
  plan,
  poolOf,
  type Stage,
  type Strategy,
  strategies,
  trainingCost,
} from "../../src/search/strategies.ts";

const all = Object.entries(strategies) as [string, Strategy][];
/** A book in which a candidate's error is a function of its number. */
const bookWith = (error: (candidate: number, rung: number) => number, judge: (candidate: number) => Verdict): Book => ({
  error,
  loss: error,
  judge: (_, candidate) => judge(candidate),
});
const byNumber = bookWith(
  (candidate) => candidate,
  (candidate) => ({ score: candidate, told: "" }),
);
const stagesOf = (strategy: Strategy, size: number, count = 300, book = byNumber): Stage[] => [
  ...plan(
    strategy,
    size,
    Array.from({ length: count }, (_, i) => i),
    book,
  ),
];

describe.each(all)("%s", (_, strategy) => {
  test("costs what it says, and looks at as many candidates", () => {
    for (const size of [1, 2, 9, 27, 31]) {
      const reached = new Map<number, number>();
      let cost = 0;
      const seen = new Set<number>();
      for (const stage of stagesOf(strategy, size)) {
        if (stage.kind === "reject") continue;
        for (const candidate of stage.candidates) {
          seen.add(candidate);
          if (stage.kind !== "train") continue;
          cost += shares[stage.rung]! - (reached.get(candidate) ?? 0);
          reached.set(candidate, shares[stage.rung]!);
        }
      }
      expect(cost).toBeCloseTo(trainingCost(strategy, size), 10);
      expect(Math.max(...seen) + 1).toBeLessThanOrEqual(poolOf(strategy, size));
      expect([...reached.values()]).toContain(1);
    }
  });

  test("finds the best candidate where errors keep their order, and the filter is right", () => {
    const trained = stagesOf(strategy, 27).flatMap((stage) =>
      stage.kind === "train" && stage.rung === LAST ? stage.candidates : [],
    );
    expect(trained).toContain(0);
  });

  test("is the largest whose cost stays within the budget", () => {
    const measuring = () => 0.05;
    const { size, pool } = sizeWithin(strategy, 20, measuring);
    const cost = (one: number) => trainingCost(strategy, one) + 0.05 * poolOf(strategy, one);
    expect(pool).toBe(poolOf(strategy, size));
    expect(cost(size)).toBeLessThanOrEqual(20);
    expect(cost(size + 1)).toBeGreaterThan(20);
    expect(() => sizeWithin(strategy, 0.5, measuring)).toThrow("full trainings");
  });
});

test("successive halving: 27 candidates, then 9, then 3, at the cost of 7 full trainings", () => {
  const sizes = stagesOf(strategies.halving, 27).map((stage) => (stage.kind === "train" ? stage.candidates.length : 0));
  expect(sizes).toEqual([27, 9, 3]);
  expect(trainingCost(strategies.halving, 27)).toBeCloseTo(27 / 9 + (9 * 2) / 9 + (3 * 6) / 9, 12);
  expect(rungsOf(1).map(({ size }) => size)).toEqual([1, 1, 1]);
});

test("Hyperband: 9 candidates from one ninth, 5 from a third, 3 whole trainings, as in table 1 of Li et al. for R = 9", () => {
  const stages = stagesOf(strategies.hyperband, 9).map((stage) =>
    stage.kind === "train" ? [stage.rung, stage.candidates.length] : [],
  );
  expect(stages).toEqual([
    [0, 9],
    [1, 3],
    [2, 1],
    [1, 5],
    [2, 1],
    [2, 3],
  ]);
});

test("halving keeps the candidates whose errors are smallest at the rung; of equal errors the smaller loss decides", () => {
  const book: Book = { error: () => 0.5, loss: (candidate) => -candidate, judge: () => ({ score: 0, told: "" }) };
  const last = stagesOf(strategies.halving, 9, 9, book).at(-1)!;
  expect(last).toEqual({ kind: "train", rung: LAST, candidates: [8] });
  const diverged = bookWith(
    (candidate) => (candidate < 8 ? Number.POSITIVE_INFINITY : 0.9),
    () => ({ score: 0, told: "" }),
  );
  expect(stagesOf(strategies.halving, 9, 9, diverged).at(-1)).toMatchObject({ candidates: [8] });
});

test("a filter keeps those that it does not refuse, by score; then the nearest of those refused; and says why", () => {
  const verdicts: Verdict[] = [
    { score: 3, told: "far" },
    { score: 1, told: "near" },
    { score: 0, told: "", refused: "too fast", distance: 2 },
    { score: 0, told: "", refused: "a bit too fast", distance: 0.5 },
  ];
  const of = (count: number) => keep([0, 1, 2, 3], count, (candidate) => verdicts[candidate]!);
  expect(of(1).kept).toEqual([1]);
  expect(of(1).rejected.map(({ why }) => why)).toEqual(["far, and 1 others are better", "a bit too fast", "too fast"]);
  expect(of(3).kept).toEqual([1, 0, 3]);
  expect(of(3).rejected).toEqual([{ candidate: 2, why: "too fast" }]);
});
