import { join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { serve } from "../../src/apps/cli/serve.ts";
import { placeAt } from "../../src/apps/cli/view-place.ts";
import type { LiveEvent } from "../../src/apps/progress/live-state.ts";
import { DirectoryStore } from "../../src/platform/node/directory-store.ts";
import { S3Store } from "../../src/platform/node/s3-store.ts";
import { createRun, createStudyRun, type Store, type StudyManifest } from "../../src/results/index.ts";
import { exampleManifest, exampleUnit } from "../results/example-run.ts";
import { startFaultyS3 } from "../support/faulty-s3.ts";
import { environment } from "../support/s3-servers.ts";
import { start } from "./command-line.ts";
import { listening } from "./explorer-site.ts";
import { createWorkplace, type Workplace } from "./workplace.ts";

let place: Workplace;
beforeAll(async () => {
  place = await createWorkplace({});
});
afterAll(() => place.remove());

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
  vi.unstubAllEnvs();
});

/** Serves what is at a location, below `run/`, and returns the address of that. */
async function served(location: string): Promise<string> {
  const server = serve((await placeAt(location, "run/")).places);
  ends.push(
    () => server.closeAllConnections(),
    () => server.close(),
  );
  return `${await listening(server)}run/`;
}

/** The events that a server tells, until one of them is as it should be. */
async function heard(address: string, isLast: (event: LiveEvent) => boolean): Promise<LiveEvent[]> {
  const response = await fetch(`${address}events`);
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  const events: LiveEvent[] = [];
  let text = "";
  for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
    const parts = `${text}${part}`.split("\n\n");
    text = parts.pop()!;
    const told = parts.filter((one) => one.startsWith("data: "));
    events.push(...told.map((one) => JSON.parse(one.slice("data: ".length)) as LiveEvent));
    if (events.some(isLast)) break;
  }
  return events;
}

test("a run is followed while two programs compute it, to its end", async () => {
  const digits = resolve("examples/digits");
  const images = ["0-0001.png", "1-0005.png", "3-0013.png"].map((name) => join(digits, "images", name));
  const run = (shard: string) =>
    start(
      [
        "spectrum",
        join(digits, "digits.onnx"),
        ...images,
        "--taps",
        "pool2,fc5,logits",
        "-k",
        "4",
        "--threads",
        "1",
      ].concat(["--preprocess", "mnist", "--no-plan", "--out", "run", "--shard", shard]),
      { cwd: place.folder },
    );
  const first = run("0/2");
  await first.shown(/^\[/gm, 1);
  const address = await served(place.path("run"));
  const following = heard(address, ({ isFinished }) => isFinished);
  const outcomes = [await first.outcome, await run("1/2").outcome];
  expect(outcomes.map(({ code }) => code)).toEqual([0, 0]);
  const events = await following;
  expect(events.length).toBeGreaterThan(1);
  const units = events.flatMap((event) => event.units.map(({ input, tap }) => `${input} ${tap}`));
  expect([...units].sort()).toEqual(["0 0", "0 1", "0 2", "1 0", "1 1", "1 2", "2 0", "2 1", "2 2"]);
  expect(events.at(-1)).toMatchObject({ share: 1, summary: expect.stringContaining("9 of 9 units are done") });
  const report = await (await fetch(`${address}report/`)).text();
  expect(report).toContain("9 spectra");
}, 180_000);

test("a run on S3 is served by its keys, with its events and its report", async () => {
  const s3 = await startFaultyS3({});
  ends.push(() => void s3.stop());
  for (const [name, value] of Object.entries(environment(s3.endpoint))) vi.stubEnv(name, value);
  const store = new S3Store("s3://bucket/runs/one");
  const run = await createRun(store, exampleManifest);
  await run.writeUnit(0, 0, exampleUnit(exampleManifest, 0, 0));
  await new S3Store("s3://bucket/runs").set("/secret", new Uint8Array([1]));
  const address = await served("s3://bucket/runs/one/");
  const status = async (path: string, headers = {}) => (await fetch(`${address}${path}`, { headers })).status;
  const root = await fetch(`${address}zarr.json`);
  expect(Object.fromEntries(root.headers)).toMatchObject({
    "x-events": "events",
    "content-type": "application/json",
    "content-security-policy": "default-src 'none'; sandbox",
  });
  expect(new Uint8Array(await root.arrayBuffer())).toEqual(await store.get("/zarr.json"));
  expect(await status("done/c/0/0")).toBe(200);
  expect(await status("done/c/1/1")).toBe(404);
  expect(await status("done/c/1/1", { "x-absent-chunk": "204" })).toBe(204);
  for (const path of ["", "nothing", "a//b", "./", "secret", "%2e/secret", "a%0ab"])
    expect(await status(path)).toBe(404);
  const following = heard(address, ({ units }) => units.some(({ input, tap }) => input === 1 && tap === 2));
  await run.writeUnit(1, 2, exampleUnit(exampleManifest, 1, 2));
  expect((await following).at(-1)!.summary).toContain("2 of 6 units are done");
  expect(await (await fetch(`${address}report/`)).text()).toContain("This run is unfinished");
});

describe("refused", () => {
  test("a folder of something else, and one that is not there", async () => {
    await place.put("other/file", "");
    for (const name of ["other", "nowhere"]) {
      await expect(placeAt(place.path(name), "run/")).rejects.toMatchObject({ what: "There is no run here." });
    }
  });

  test("a single study, whose page is that of its folder", async () => {
    const { model, inputs, preprocess, seed, backend, versions, created } = exampleManifest;
    const manifest: StudyManifest = {
      ...{ format: "pushforward-study", formatVersion: 2, study: "noise", params: {} },
      ...{ model, inputs, preprocess, seed, backend, versions, created },
      spectra: { k: 10, tol: 1e-5, vectors: 2 },
      axes: { image: ["cat", "dog"] },
      cell: ["image"],
      variables: { shift: { dims: [], about: "how far the output moves" } },
    };
    const store: Store = new DirectoryStore(place.path("studies", "noise"));
    await createStudyRun(store, manifest);
    await expect(placeAt(place.path("studies", "noise"), "run/")).rejects.toMatchObject({
      what: "This is one study of a folder, and its page is that of the whole folder.",
    });
    expect(await placeAt(place.path("studies"), "run/")).toMatchObject({ report: "run/report/" });
  });
});
