import { setTimeout } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { FollowedRun } from "../../src/apps/progress/followed-run.ts";
import type { LiveEvent } from "../../src/apps/progress/live-state.ts";
import { type Followed, type Seen, Watch } from "../../src/apps/progress/watch.ts";
import { PushforwardError } from "../../src/base/index.ts";
import { createRun, type Key, MemoryStore } from "../../src/results/index.ts";
import { exampleManifest, exampleUnit } from "../results/example-run.ts";

const pace = { least: 10, most: 20, finished: 10_000 };

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** What somebody hears who follows. */
async function heardOf(watch: Watch): Promise<LiveEvent[]> {
  const heard: LiveEvent[] = [];
  ends.push(await watch.follow((event) => heard.push(event)));
  return heard;
}

/** Something that is followed, of which a test says what a look finds. */
class Scripted implements Followed {
  readonly edition = 1;
  looks = 0;
  reports = 0;
  found: () => Partial<Seen> = () => ({});

  async look(): Promise<Seen> {
    this.looks++;
    return {
      ...{ isFinished: false, share: 0, summary: "nothing", parts: [], failures: [], running: [] },
      ...{ isNew: false, units: [], ...this.found() },
    };
  }

  unitsDone(): [] {
    return [];
  }

  async report(): Promise<string> {
    return `report ${++this.reports}`;
  }
}

describe("a watch", () => {
  test("looks only while somebody follows, once for all of them, and tells only what is new", async () => {
    const scripted = new Scripted();
    const watch = new Watch(scripted, pace);
    await setTimeout(50);
    expect(scripted.looks).toBe(0);
    const [one, other] = await Promise.all([heardOf(watch), heardOf(watch)]);
    expect(scripted.looks).toBe(1);
    await expect.poll(() => scripted.looks).toBeGreaterThan(3);
    expect([one.length, other.length]).toEqual([1, 1]);
    scripted.found = () => ({ summary: "something" });
    await expect.poll(() => [one.at(-1)?.summary, other.at(-1)?.summary]).toEqual(["something", "something"]);
    expect(one.length).toBe(2);
    for (const end of ends.splice(0)) end();
    const { looks } = scripted;
    await setTimeout(60);
    expect(scripted.looks - looks).toBeLessThanOrEqual(1); // One may have been under way.
  });

  test("looks seldom where nothing is left, and again at once for one who comes", async () => {
    const scripted = new Scripted();
    scripted.found = () => ({ isFinished: true });
    const watch = new Watch(scripted, pace);
    const [{ isFinished }] = (await heardOf(watch)) as [LiveEvent];
    await setTimeout(60);
    expect([isFinished, scripted.looks]).toEqual([true, 1]);
    await heardOf(watch);
    expect(scripted.looks).toBe(2);
  });

  test("tells what the store says while it cannot be read, with what was known, and goes on", async () => {
    const scripted = new Scripted();
    scripted.found = () => ({ summary: "half" });
    const heard = await heardOf(new Watch(scripted, pace));
    scripted.found = () => {
      throw new PushforwardError("file-unreadable", { what: "The disk is away." });
    };
    await expect.poll(() => heard.at(-1)).toMatchObject({ summary: "half", trouble: "The disk is away." });
    scripted.found = () => ({ summary: "more" });
    await expect.poll(() => heard.at(-1)?.summary).toBe("more");
    expect(heard.at(-1)).not.toHaveProperty("trouble");
  });

  test("renders a report once for all who ask, until there is more", async () => {
    const scripted = new Scripted();
    const watch = new Watch(scripted, pace);
    const [one, other] = await Promise.all([watch.report(), watch.report()]);
    expect([one.page, other.page, (await watch.report()).page]).toEqual(["report 1", "report 1", "report 1"]);
    scripted.found = () => ({ isNew: true });
    expect(await watch.report()).toEqual({ version: 1, page: "report 2" });
  });
});

describe("a run that is followed", () => {
  test("is told with all of its units at first, and then with those that are new", async () => {
    const store = new MemoryStore();
    const run = await createRun(store, exampleManifest);
    const write = (input: number, tap: number) => run.writeUnit(input, tap, exampleUnit(exampleManifest, input, tap));
    await write(0, 0);
    const watch = new Watch(new FollowedRun(store), pace);
    const heard = await heardOf(watch);
    expect(heard).toEqual([expect.objectContaining({ units: [{ input: 0, tap: 0 }], edition: 1, isFinished: false })]);
    await write(1, 2);
    await expect.poll(() => heard.at(-1)?.units).toEqual([{ input: 1, tap: 2 }]);
    await run.failUnit(1, 0, "not finite");
    await expect.poll(() => heard.at(-1)?.failures).toEqual(["höhle/2 → conv1 failed: not finite"]);
    expect(heard.at(-1)).toMatchObject({ units: [], edition: 1, version: heard[0]!.version + 2 });
    expect((await heardOf(watch))[0]!.units).toHaveLength(2);
    await createRun(store, { ...exampleManifest, inputs: [...exampleManifest.inputs, third] });
    await expect.poll(() => heard.at(-1)?.edition).toBe(2);
    expect(heard.at(-1)!.summary).toContain("2 of 9 units are done, 1 failed, 6 left");
  });

  test("need not be there yet", async () => {
    const store = new MemoryStore();
    const heard = await heardOf(new Watch(new FollowedRun(store), pace));
    expect(heard.at(-1)).toMatchObject({ trouble: "There is no run here yet.", units: [] });
    await createRun(store, exampleManifest);
    await expect.poll(() => heard.at(-1)?.summary).toContain("0 of 6 units are done");
  });

  test("tells of a unit also if the store fails right after it was found", async () => {
    const store = new Breaking();
    const run = await createRun(store, exampleManifest);
    await run.failUnit(0, 0, "not finite");
    const heard = await heardOf(new Watch(new FollowedRun(store), pace));
    store.isBroken = true;
    await run.writeUnit(0, 1, exampleUnit(exampleManifest, 0, 1));
    await expect.poll(() => heard.at(-1)?.trouble).toBe("Gone.");
    store.isBroken = false;
    await expect.poll(() => heard.at(-1)?.units).toEqual([{ input: 0, tap: 1 }]);
  });
});

/** A store that cannot give the numbers of units, if it is broken. */
class Breaking extends MemoryStore {
  isBroken = false;

  override async get(key: Key): Promise<Uint8Array | undefined> {
    if (this.isBroken && key.startsWith("/numbers/")) throw new PushforwardError("file-unreadable", { what: "Gone." });
    return super.get(key);
  }
}

const third = { name: "third", file: "third.png", sha256: "03".repeat(32) };
