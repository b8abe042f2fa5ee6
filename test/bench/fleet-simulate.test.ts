import { describe, expect, test } from "vitest";
import { type Fleet, parts, simulate, type TapWork } from "../../bench/fleet/simulate.ts";
import { boundOf } from "../../bench/fleet/tables.ts";

const tap: TapWork = {
  units: 100,
  each: 1,
  seconds: 3,
  isShared: false,
  compile: 0,
  store: 0,
  puts: 0,
  gets: 0,
};
/** Nothing but computing takes time. */
const free: Fleet = {
  workers: 1,
  taps: [tap],
  spread: [1],
  start: { seconds: 0, gets: 0 },
  redis: { job: 0, unit: 0 },
  rates: { puts: 3500, gets: 5500 },
};
const total = ({ spent }: ReturnType<typeof simulate>) => parts.reduce((sum, part) => sum + spent[part], 0);

describe("a fleet takes as long as a closed form says", () => {
  test.each([1, 3, 7, 100, 1000])("equal units of %d workers: rounds, the last of which is not full", (workers) => {
    const { wall, spent } = simulate({ ...free, workers });
    expect(wall).toBe(3 * Math.ceil(100 / workers));
    expect(spent).toMatchObject({ compute: 300, idle: workers * wall - 300 });
  });

  test("jobs of several units: rounds of jobs, and the last job is smaller", () => {
    expect(simulate({ ...free, workers: 3, taps: [{ ...tap, units: 32, each: 10 }] }).wall).toBe(30 + 6);
  });

  test("one solve for all units of a job, where J is constant", () => {
    const shared = { ...tap, each: 10, isShared: true, store: 0.5 };
    expect(simulate({ ...free, taps: [shared] }).wall).toBeCloseTo(10 * (3 + 10 * 0.5), 9);
  });

  test("a server of the queue that hands out jobs one after the other", () => {
    const { wall, spent } = simulate({ ...free, workers: 1000, redis: { job: 0.4, unit: 0.1 } });
    expect(wall).toBeCloseTo(100 * 0.5 + 3, 9);
    expect(spent.redis).toBeCloseTo((0.5 * 100 * 101) / 2, 6);
  });

  test("each of as many workers as inputs compiles every tap, and one worker each once", () => {
    const taps = Array.from({ length: 5 }, () => ({ ...tap, units: 8, compile: 2 }));
    expect(simulate({ ...free, workers: 8, taps }).wall).toBe(5 * (2 + 3));
    expect(simulate({ ...free, workers: 8, taps }).spent.compile).toBe(8 * 5 * 2);
    expect(simulate({ ...free, workers: 1, taps }).wall).toBe(5 * (2 + 8 * 3));
  });

  test("a store that takes so many requests in a second", () => {
    const { wall } = simulate({ ...free, workers: 100, taps: [{ ...tap, units: 1000, puts: 700 }] });
    expect(wall).toBeCloseTo(3 + 1000 * 0.2, 6);
    const reading = simulate({ ...free, workers: 1000, taps: [{ ...tap, units: 1000, gets: 550 }] });
    expect(reading.wall).toBeCloseTo(1000 * 0.1 + 3, 6);
  });

  test("workers that ask the store for the run, all at once", () => {
    const start = { seconds: 4, gets: 55 };
    const { wall, spent } = simulate({ ...free, workers: 100, start });
    expect(wall).toBeCloseTo(100 * 0.01 + 4 + 3, 9);
    expect(spent.start).toBeCloseTo(400, 9);
  });

  test("what is stored is stored by the worker, after it has computed", () => {
    expect(simulate({ ...free, workers: 10, taps: [{ ...tap, store: 0.5 }] }).wall).toBeCloseTo(10 * 3.5, 9);
  });

  test("units whose seconds vary take the mean of them in the long run", () => {
    const taps = [{ ...tap, units: 20_000 }];
    const { wall } = simulate({ ...free, taps, spread: [0.5, 1, 1.5] });
    expect(wall / (3 * 20_000)).toBeCloseTo(1, 1);
  });
});

test("all seconds of all workers are accounted for", () => {
  const busy = { compile: 1, store: 0.3, puts: 12, gets: 4, each: 3 };
  const fleet: Fleet = {
    ...free,
    workers: 17,
    taps: [
      { ...tap, ...busy },
      { ...tap, ...busy, seconds: 0.2, isShared: true },
    ],
    spread: [0.7, 1, 1.3],
    start: { seconds: 2, gets: 9 },
    redis: { job: 0.01, unit: 0.001 },
    rates: { puts: 20, gets: 30 },
  };
  const outcome = simulate(fleet);
  expect(total(outcome)).toBeCloseTo(17 * outcome.wall, 6);
});

test("what bounds a run is computing, or else the largest of the other parts", () => {
  expect(boundOf(simulate({ ...free, workers: 10 }))).toBe("computing (100 %)");
  expect(boundOf(simulate({ ...free, workers: 1000, redis: { job: 1, unit: 0 } }))).toMatch(/^the last jobs/);
  expect(boundOf(simulate({ ...free, workers: 80, redis: { job: 1, unit: 0 } }))).toMatch(/^Redis/);
  expect(boundOf(simulate({ ...free, taps: [{ ...tap, store: 1 }] }))).toBe("answers of S3 (25 %)");
});
