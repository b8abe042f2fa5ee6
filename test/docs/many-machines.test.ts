import { execFile } from "node:child_process";
import { chmod, symlink } from "node:fs/promises";
import { promisify } from "node:util";
import { Job } from "kubernetes-models/batch/v1";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { writeModel } from "../../src/onnx/index.ts";
import { DirectoryStore } from "../../src/platform/node/directory-store.ts";
import { openRun } from "../../src/results/index.ts";
import { main } from "../apps/command-line.ts";
import { convnet } from "../apps/networks.ts";
import { createWorkplace, randomNpy, type Workplace } from "../apps/workplace.ts";
import { fencesOf, readPage, root } from "./markdown.ts";

const run = promisify(execFile);
const page = fencesOf(readPage("docs/many-machines.md"));
const [loop, slurm] = page.filter(({ info }) => info === "sh").map(({ text }) => text);
const kubernetes = page.find(({ info }) => info === "yaml")!.text;

let place: Workplace;
beforeAll(async () => {
  const start = `#!/bin/sh\nshift\nexec "${process.execPath}" "${main}" "$@"\n`;
  place = await createWorkplace({ "net.onnx": writeModel(convnet({ size: 8 })), "bin/npx": Buffer.from(start) });
  await chmod(place.path("bin/npx"), 0o755);
  for (const seed of [1, 2, 3]) await place.put(`images/${seed}.npy`, randomNpy([1, 8, 8], seed));
  await symlink(`${root}/examples`, place.path("examples"));
});
afterAll(() => place.remove());

const bash = (text: string, env: NodeJS.ProcessEnv = {}) =>
  run("bash", ["-ec", text], {
    cwd: place.folder,
    env: { ...process.env, ...env, PATH: `${place.path("bin")}:${process.env.PATH}` },
  });

async function unitsDone(out: string): Promise<readonly [done: number, all: number]> {
  const { manifest, isDone } = await openRun(new DirectoryStore(place.path(out))).then((stored) => ({
    manifest: stored.manifest,
    isDone: (input: number, tap: number) => stored.isDone(input, tap),
  }));
  const units = manifest.inputs.flatMap((_, input) => manifest.taps.map((_, tap) => isDone(input, tap)));
  return [units.filter(Boolean).length, units.length];
}

test("the loop of the shell does the whole run", { timeout: 120_000 }, async () => {
  expect((await bash(loop!)).stdout).toBe("shared/report.html\n");
  expect(await unitsDone("shared")).toEqual([32, 32]);
});

test("the script of Slurm does the part of its task", { timeout: 120_000 }, async () => {
  const script = slurm!.replace("/100", "/2");
  await bash(script, { SLURM_ARRAY_TASK_ID: "1", SLURM_CPUS_PER_TASK: "1" });
  expect(await unitsDone("run")).toEqual([9, 18]);
  await bash(script, { SLURM_ARRAY_TASK_ID: "0", SLURM_CPUS_PER_TASK: "1" });
  expect(await unitsDone("run")).toEqual([18, 18]);
});

test("the job of Kubernetes is one by its schema", () => {
  const job = parse(kubernetes) as ConstructorParameters<typeof Job>[0];
  expect(() => new Job(job).validate()).not.toThrow();
  const wrong = { ...job, spec: { ...job!.spec!, completions: "many" as unknown as number } };
  expect(() => new Job(wrong).validate()).toThrow("completions must be integer");
});

test("the job of Kubernetes does the part of its index", { timeout: 120_000 }, async () => {
  const command = /^\s+- (npx pushforward .*)$/m.exec(kubernetes)![1]!.replace("/100", "/3");
  await bash(`${command} --threads 1`, { JOB_COMPLETION_INDEX: "2" });
  expect((await unitsDone("run"))[0]).toBe(18); // all were done before
});
