import { spawnSync } from "node:child_process";
import { chmod, readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeModel } from "../../src/onnx/index.ts";
import { fencesOf, readPage } from "../docs/markdown.ts";
import { hasSlurm, type Slurm, startSlurm } from "../support/slurm.ts";
import { main, pushforward } from "./command-line.ts";
import { convnet } from "./networks.ts";
import { createWorkplace, differences, randomNpy, type Workplace } from "./workplace.ts";

/** The script of docs/many-machines.md, for three tasks. */
const script = fencesOf(readPage("docs/many-machines.md"))
  .find(({ text }) => text.includes("#SBATCH"))!
  .text.replace("=0-99", "=0-2")
  .replace("/100", "/3")
  .replace("per-task=4", "per-task=1");

describe.skipIf(!hasSlurm)("an array of Slurm (skipped: needs root, slurmctld, slurmd, sbatch and munged)", () => {
  let place: Workplace;
  let slurm: Slurm;
  beforeAll(async () => {
    const start = `#!/bin/sh\nshift\nexec "${process.execPath}" "${main}" "$@"\n`;
    place = await createWorkplace({ "net.onnx": writeModel(convnet({ size: 8 })), "bin/npx": start });
    await chmod(place.path("bin/npx"), 0o755);
    for (const seed of [1, 2, 3]) await place.put(`images/${seed}.npy`, randomNpy([1, 8, 8], seed));
    slurm = await startSlurm();
  }, 120_000);
  afterAll(async () => {
    slurm?.stop();
    await place.remove();
  });

  test("does the whole run; where a task was killed, the same script does what is missing", async () => {
    const alone = ["spectrum", "net.onnx", "images", "--taps", "all", "--threads", "1", "--out", "alone"];
    expect((await pushforward(alone, { cwd: place.folder })).code).toBe(0);
    const submit = () => slurm.submit(script, place.folder, { PATH: `${place.path("bin")}:${process.env.PATH}` });

    const first = submit();
    const killed = () => spawnSync("pkill", ["-9", "-f", "--", "--out run --shard 1/3"]).status === 0;
    while (!killed()) await delay(20);
    expect(await first).toBe(false);
    expect(await submit()).toBe(true);
    for (const task of [0, 1, 2]) expect(await readFile(place.path(`task-${task}.txt`), "utf8")).toContain("certified");

    const beside = /^seconds\/c\/|^zarr\.json$|\.unfinished-/;
    expect(await differences(place, "alone", "run", beside)).toEqual([]);
  }, 400_000);
});
