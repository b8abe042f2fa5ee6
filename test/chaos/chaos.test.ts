import { describe, expect, test } from "vitest";
import { hasRedis } from "../support/redis.ts";
import { kills } from "./kills.ts";
import { pair } from "./pair.ts";
import { writes } from "./writes.ts";

// A small run of each; `npm run chaos` is the whole.
describe("nothing is lost", { timeout: 300_000 }, () => {
  test.skipIf(!hasRedis)(
    "of a run in a queue whose processes and server are killed (skipped: needs redis-server)",
    async () => {
      const { about, faults } = await kills({ units: 24, workers: 2, kills: 4, seed: 1 });
      expect(faults).toEqual([]);
      expect(about).toMatch(/[1-4] of 4 kills/);
    },
  );

  test("where the disk is full, or the command is killed, at some writes", async () => {
    const { about, faults } = await writes({ every: 40 });
    expect(faults).toEqual([]);
    expect(Number(/at (\d+) writes/.exec(about)![1])).toBeGreaterThan(5);
  });

  test("by two commands in one folder", async () => {
    expect(await pair({ rounds: 1, seed: 1 })).toMatchObject({ faults: [] });
  });
});
