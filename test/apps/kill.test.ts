import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRng } from "../../src/base/index.ts";
import { writeModel } from "../../src/onnx/index.ts";
import { DirectoryStore } from "../../src/platform/node/directory-store.ts";
import { openRun } from "../../src/results/index.ts";
import { pushforward, start } from "./command-line.ts";
import { convnet } from "./networks.ts";
import { createWorkplace, randomNpy, type Workplace } from "./workplace.ts";

const SIZE = 16; // all 256 singular values: behind dead units they are zero, and their vectors random
const inputs = ["a.npy", "b.npy", "c.npy", "d.npy"];
const UNITS = 24; // 4 inputs, 6 taps
/** What two runs of the same numbers may differ in: time spent, the date, and what a killed writer did not finish. */
const beside = /^seconds\/c\/|^zarr\.json$|\.unfinished-/;

let place: Workplace;
beforeAll(async () => {
  place = await createWorkplace({ "net.onnx": writeModel(convnet({ size: SIZE })) });
  for (const [seed, name] of inputs.entries()) await place.put(name, randomNpy([1, SIZE, SIZE], seed));
});
afterAll(() => place.remove());

const command = (out: string, names = inputs) => ["spectrum", "net.onnx", ...names, "--out", out];
const progress = /^\[\d+\/\d+\] /gm;

async function finished(out: string): Promise<number> {
  if (!(await place.list()).includes(out) || !(await place.list(out)).includes("zarr.json")) return 0;
  const run = await openRun(new DirectoryStore(place.path(out)));
  const units = run.manifest.inputs.flatMap((_, input) => run.manifest.taps.map((_, tap) => run.isDone(input, tap)));
  return units.filter(Boolean).length;
}

describe("a run that is cut short", () => {
  test("killed at ten random moments, ends with the bytes of one that was left alone", async () => {
    expect((await pushforward(command("whole"), { cwd: place.folder })).code).toBe(0);
    const rng = createRng(20, "kill");
    let done = 0;
    for (let attempt = 0; attempt < 10; attempt++) {
      const running = start(command("killed"), { cwd: place.folder });
      const units = attempt === 0 ? 0 : rng.integer(3);
      await running.shown(progress, units);
      await delay(rng.uniform() * (units === 0 ? 400 : 30));
      running.child.kill("SIGKILL");
      expect((await running.outcome).code).toBeNull();
      const now = await finished("killed");
      expect(now).toBeGreaterThanOrEqual(done + units);
      done = now;
    }
    expect(done).toBeGreaterThan(0);
    expect(done).toBeLessThan(UNITS);
    const last = await pushforward(command("killed"), { cwd: place.folder });
    expect(last.code).toBe(0);
    expect(last.stderr).toContain(`note: ${done} of ${UNITS} units are done already\n`);
    expect(last.stderr.match(progress)).toHaveLength(UNITS - done);

    const [whole, killed] = [await place.bytes("whole", beside), await place.bytes("killed", beside)];
    expect([...killed.keys()]).toEqual([...whole.keys()]);
    const different = [...whole].filter(([file, bytes]) => !bytes.equals(killed.get(file)!)).map(([file]) => file);
    expect(different).toEqual([]);
    expect([...whole.keys()].filter((file) => file.startsWith("sigma/c/"))).toHaveLength(UNITS);

    const sigma = (out: string) =>
      openRun(new DirectoryStore(place.path(out))).then(async (run) => (await run.table("sigma")).data);
    expect(Buffer.from((await sigma("killed")).buffer).equals(Buffer.from((await sigma("whole")).buffer))).toBe(true);
  }, 300_000);

  test("interrupted, says so, keeps what is finished, and goes on", async () => {
    const running = start(command("interrupted", ["a.npy"]), { cwd: place.folder });
    await running.shown(progress, 2);
    running.child.kill("SIGINT");
    const { code, stdout, stderr } = await running.outcome;
    expect({ code, stdout }).toEqual({ code: 130, stdout: "" });
    const told = stderr.split("\n").filter((line) => !/^(\[|note: )/.test(line));
    expect(told).toEqual([
      "",
      "the command ends after this step; interrupt it again to end at once",
      "error: The command was interrupted. Finished work is stored.",
      "  do  Run the same command again to continue.",
      "",
    ]);
    const done = await finished("interrupted");
    expect(done).toBe(stderr.match(progress)!.length);
    const resumed = await pushforward(command("interrupted", ["a.npy"]), { cwd: place.folder });
    expect(resumed.code).toBe(0);
    expect(resumed.stderr.match(progress)).toHaveLength(6 - done);
    expect(await finished("interrupted")).toBe(6);
  });

  test("interrupted without a folder, says that nothing is kept", async () => {
    const running = start(command("unused").slice(0, -2), { cwd: place.folder });
    await running.shown(progress, 1);
    running.child.kill("SIGINT");
    const { code, stderr } = await running.outcome;
    expect(code).toBe(130);
    expect(stderr.trimEnd().split("\n").slice(-2)).toEqual([
      "error: The command was interrupted. Nothing is stored.",
      "  do  With --out, finished units are stored, and the same command continues from there.",
    ]);
  });
});
