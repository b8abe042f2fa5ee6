import { execFileSync } from "node:child_process";
import { mkdir, rm, statfs, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeModel } from "../../src/onnx/index.ts";
import { DirectoryStore } from "../../src/platform/node/directory-store.ts";
import { openRun } from "../../src/results/index.ts";
import { canMount } from "../support/privileges.ts";
import { pushforward } from "./command-line.ts";
import { convnet, lowRankNet } from "./networks.ts";
import { createWorkplace, randomNpy, randomPng, type Workplace } from "./workplace.ts";

let place: Workplace;

beforeAll(async () => {
  place = await createWorkplace({
    "net.onnx": writeModel(convnet()),
    "other.onnx": writeModel(convnet({ seed: 1 })),
    "x.npy": randomNpy([1, 12, 12]),
    "y.npy": randomNpy([1, 12, 12], 1),
    "foreign/notes.txt": "mine",
    "pictures/a.png": await randomPng(12, 12, 1),
    "pictures/broken.png": "not a picture",
    "pictures/c.png": await randomPng(12, 12, 2),
  });
});
afterAll(() => place.remove());

const spectrum = (...args: readonly string[]) => pushforward(["spectrum", ...args], { cwd: place.folder });
const runIn = (name: string) => openRun(new DirectoryStore(place.path(name)));

describe("a folder that is taken", () => {
  const taps = ["--taps", "conv1,logits"];
  beforeAll(async () => {
    expect((await spectrum("net.onnx", "x.npy", ...taps, "-k", "3", "--out", "taken")).code).toBe(0);
  });

  test.each([
    {
      what: "another k",
      args: ["net.onnx", "x.npy", ...taps, "-k", "4"],
      differs: "tap 1: stored conv1 (conv1, 4×12×12, k 3), asked conv1 (conv1, 4×12×12, k 4); k: stored 3, asked 4.",
    },
    {
      what: "another seed",
      args: ["net.onnx", "x.npy", ...taps, "-k", "3", "--seed", "7"],
      differs: "seed: stored 0, asked 7.",
    },
    {
      what: "another tolerance",
      args: ["net.onnx", "x.npy", ...taps, "-k", "3", "--tol", "1e-3"],
      differs: "tol: stored 0.00001, asked 0.001.",
    },
    {
      what: "other taps",
      args: ["net.onnx", "x.npy", "--taps", "conv1", "-k", "3"],
      differs: "taps: stored 2, asked 1.",
    },
    {
      what: "another model",
      args: ["other.onnx", "x.npy", ...taps, "-k", "3"],
      differs: expect.stringMatching(/^model: stored net\.onnx \(\w{12}\), asked other\.onnx \(\w{12}\)\.$/),
    },
    {
      what: "another input",
      args: ["net.onnx", "y.npy", ...taps, "-k", "3"],
      differs: expect.stringMatching(/^input "x" \(\w{12}\) is stored and is not asked for\.$/),
    },
  ])("by a run with $what stays as it is", async ({ args, differs }) => {
    const before = await place.bytes("taken");
    const { code, stdout, stderr } = await spectrum(...args, "--out", "taken");
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    const [error, at, fix, end] = stderr.split("\n");
    expect(error!.slice(0, "error: This folder contains another run. ".length)).toBe(
      "error: This folder contains another run. ",
    );
    expect(error!.slice("error: This folder contains another run. ".length)).toEqual(differs);
    expect([at, fix, end]).toEqual([
      `  at  file ${place.path("taken")}`,
      "  do  Use the settings and inputs of the stored run (more inputs may be added), or give another folder with --out.",
      "",
    ]);
    expect(await place.bytes("taken")).toEqual(before);
  });

  test("by other files stays as it is", async () => {
    expect(await spectrum("net.onnx", "x.npy", "-k", "3", "--out", "foreign")).toEqual({
      code: 2,
      stdout: "",
      stderr: [
        "error: This folder is not empty, but it does not contain a run. It contains notes.txt.",
        `  at  file ${place.path("foreign")}`,
        "  do  Choose a new or an empty folder with --out.\n",
      ].join("\n"),
    });
    expect(await place.list("foreign")).toEqual(["notes.txt"]);
  });

  test("by a file stays as it is", async () => {
    const before = await place.bytes("pictures");
    expect(await spectrum("net.onnx", "x.npy", "-k", "3", "--out", "pictures/a.png")).toEqual({
      code: 2,
      stdout: "",
      stderr: [
        "error: A run is a folder, but this is a file.",
        `  at  file ${place.path("pictures", "a.png")}`,
        "  do  Give the folder that a run was written to.\n",
      ].join("\n"),
    });
    expect(await place.bytes("pictures")).toEqual(before);
  });
});

describe("results that are not as asked", () => {
  test("a picture that does not decode: the others are done, it is marked, and the run resumes", async () => {
    const command = ["net.onnx", "pictures", "--preprocess", "none", "--taps", "relu1,logits", "-k", "3"];
    const complaint = [
      "error: This is not a picture of a known format.",
      "  at  file pictures/broken.png",
      "  do  Give a JPEG, PNG, WebP, GIF, TIFF or AVIF file, or an .npy array.",
    ];
    const first = await spectrum(...command, "--out", "partial");
    expect(first.code).toBe(2);
    expect(first.stderr.split("\n").slice(0, 3)).toEqual(complaint);
    const run = await runIn("partial");
    expect(run.manifest.inputs.map(({ name, failed }) => [name, failed])).toEqual([
      ["a", undefined],
      ["broken", complaint[0]!.slice("error: ".length)],
      ["c", undefined],
    ]);
    const units = [0, 1, 2].flatMap((input) => [0, 1].map((tap) => run.isDone(input, tap)));
    expect(units).toEqual([true, true, false, false, true, true]);

    const before = await place.bytes("partial");
    const again = await spectrum(...command, "--out", "partial");
    expect(again.code).toBe(2);
    expect(again.stderr.split("\n")).toEqual([
      ...complaint,
      expect.stringMatching(/^note: the input of the network is 1×12×12, with values from 0.00392 to 1, mean /),
      expect.stringMatching(/^note: a: /),
      expect.stringMatching(/^note: c: /),
      "note: 4 of 4 units are done already",
      "stored in partial; see it: pushforward report partial",
      "",
    ]);
    expect(again.stdout).toBe(first.stdout);
    expect(await place.bytes("partial")).toEqual(before);
  });

  test("a tolerance that is out of reach: the numbers are printed and marked, exit code 1", async () => {
    const command = ["net.onnx", "x.npy", "--taps", "conv1,logits", "-k", "4", "--json"];
    const strict = await spectrum(...command, "--tol", "1e-12");
    expect(strict.code).toBe(1);
    expect(strict.stderr.trimEnd().split("\n").at(-1)).toBe(
      "warning: 2 of 2 units have triplets that did not reach the tolerance (marked in the results)",
    );
    const lines = strict.stdout.trimEnd().split("\n");
    const usual = (await spectrum(...command)).stdout.trimEnd().split("\n");
    for (const [i, line] of lines.entries()) {
      const { status, sigma, residual } = JSON.parse(line);
      expect(status).not.toContain("converged");
      // Fine tolerances are measured with fresh products throughout: the last digits may differ.
      for (const [j, value] of (JSON.parse(usual[i]!).sigma as number[]).entries()) {
        expect(sigma[j] / value).toBeCloseTo(1, 6);
      }
      expect(Math.max(...residual) / sigma[0]).toBeLessThan(1e-6);
    }
    expect(lines.length).toBe(2);
  });

  test("fewer singular values at some taps than asked for: all of them, with a note", async () => {
    const { code, stdout, stderr } = await spectrum(
      "net.onnx",
      "x.npy",
      "-k",
      "12",
      "--taps",
      "pool1,logits",
      "--json",
    );
    expect(code).toBe(0);
    expect(stderr.split("\n")[0]).toBe(
      "note: these taps have fewer than 12 singular values, and all of them are computed: logits 10",
    );
    const counts = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).sigma.length);
    expect(counts).toEqual([12, 10]);
  });

  test("k above the rank: the rest is below the floor, which misses no tolerance", async () => {
    await place.put("low-rank.onnx", writeModel(lowRankNet()));
    await place.put("eight.npy", randomNpy([8]));
    const { code, stdout } = await spectrum("low-rank.onnx", "eight.npy", "--taps", "y", "-k", "8", "--json");
    expect(code).toBe(0);
    const { sigma, residual, status, missed } = JSON.parse(stdout);
    expect(status).toEqual([...new Array(3).fill("converged"), ...new Array(5).fill("below-floor")]);
    expect(missed).toEqual({ kind: "exact" });
    const [, , third, ...zeros] = sigma;
    expect(third).toBeGreaterThan(1e-2 * sigma[0]);
    expect(Math.max(...zeros)).toBeLessThan(2 ** -23 * sigma[0]); // what float32 products can tell from zero
    expect(Math.max(...residual)).toBeLessThan(1e-6 * sigma[0]);
  });
});

describe.skipIf(!canMount)("a disk that is full (skipped: needs root and the right to mount)", () => {
  beforeAll(async () => {
    await mkdir(place.path("disk"));
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", place.path("disk")]);
  });
  afterAll(() => execFileSync("umount", [place.path("disk")]));

  test("stops the run; finished units survive, and with room it goes on to the end", async () => {
    const free = async () => {
      const { bfree, bsize } = await statfs(place.path("disk"));
      return bfree * bsize;
    };
    const command = ["net.onnx", "x.npy", "-k", "5", "--out", "disk/run"];
    const room = await free();
    expect((await spectrum(...command)).code).toBe(0);
    const whole = await place.bytes("disk/run", /^seconds|^zarr\.json$/);
    const needed = room - (await free());
    await rm(place.path("disk", "run"), { recursive: true });

    await writeFile(place.path("disk", "filler"), new Uint8Array(room - Math.round(0.7 * needed)));
    const stopped = await spectrum(...command);
    expect({ code: stopped.code, stdout: stopped.stdout }).toEqual({ code: 2, stdout: "" });
    const [error, at, fix] = stopped.stderr.trimEnd().split("\n").slice(-3);
    expect(error).toBe("error: The disk is full.");
    expect(at).toContain(`  at  file ${place.path("disk", "run")}`);
    expect(fix).toBe("  do  Make room and give the same command again: finished work is kept.");
    const run = await runIn("disk/run");
    const done = run.manifest.taps.filter((_, tap) => run.isDone(0, tap)).length;
    expect(done).toBeGreaterThan(0);
    expect(done).toBeLessThan(6);

    const fillUp = async () => writeFile(place.path("disk", "rest"), new Uint8Array(await free()));
    await fillUp();
    const reported = await pushforward(["report", "disk/run"], { cwd: place.folder });
    expect({ ...reported, stderr: reported.stderr.split("\n")[0] }).toEqual({
      code: 2,
      stdout: "",
      stderr: "error: The disk is full.",
    });
    await rm(place.path("disk", "rest"));

    await rm(place.path("disk", "filler"));
    const resumed = await spectrum(...command);
    expect(resumed.code).toBe(0);
    expect(resumed.stderr.split("\n")).toContain(`note: ${done} of 6 units are done already`);
    expect(await place.bytes("disk/run", /^seconds|^zarr\.json$/)).toEqual(whole);
  });
});
