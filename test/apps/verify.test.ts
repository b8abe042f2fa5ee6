import { cp, mkdir, rename, rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildModel, floatTensor, ints, node, valueInfo, writeModel } from "../../src/onnx/index.ts";
import { DirectoryStore } from "../../src/platform/node/directory-store.ts";
import { quantities } from "../../src/results/columns.ts";
import { createRun, openRun } from "../../src/results/index.ts";
import { pushforward } from "./command-line.ts";
import { convnet } from "./networks.ts";
import { cutOff, lose, tamper, tamperSource } from "./tamper.ts";
import { createWorkplace, randomNpy, randomPng, type Workplace } from "./workplace.ts";

const SIZE = 8;
const ALL = "6 units of 6 checked, all certificates hold\n";

let place: Workplace;
const run = (args: readonly string[], cwd = place.folder) => pushforward(args, { cwd });
const spectrum = (model: string, out: string, ...rest: readonly string[]) =>
  run([
    ...["spectrum", model, "a.png", "b.npy", "--preprocess", "none", "--taps", "conv1,relu2,logits"],
    ...["-k", "6", "--vectors", "2", "--no-plan", "--out", out, ...rest],
  ]);

beforeAll(async () => {
  place = await createWorkplace({
    "net.onnx": writeModel(convnet({ size: SIZE })),
    "other.onnx": writeModel(convnet({ size: SIZE, seed: 1 })),
    "a.png": await randomPng(SIZE, SIZE, 1),
    "b.npy": randomNpy([1, SIZE, SIZE], 2),
  });
  expect(await spectrum("net.onnx", "run")).toMatchObject({ code: 0 });
});
afterAll(() => place.remove());

let copies = 0;
/** A copy of the run, which a test may damage. */
async function copied(): Promise<string> {
  const name = `copy-${copies++}`;
  await cp(place.path("run"), place.path(name), { recursive: true });
  return name;
}

/** Checks all units of a copy of the run after a change; returns what is printed of those that do not hold. */
async function faultsAfter(change: (folder: string) => Promise<void>): Promise<string[]> {
  const name = await copied();
  await change(place.path(name));
  const { code, stdout } = await run(["verify", name, "--all"]);
  expect(code).toBe(1);
  const lines = stdout.trimEnd().split("\n");
  expect(lines.pop()).toMatch(/^6 units of 6 checked, (1 does|\d do) not hold$/);
  return lines;
}

describe("a run as it was stored", () => {
  test("holds, by products with the stored vectors and by a second solve of the σ without any", async () => {
    const { code, stdout, stderr } = await run(["verify", "run", "--all"]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: ALL });
    expect(stderr).toMatch(/^\[6\/6\] b → logits: holds \(4 triplets multiplied, .*; 6 σ solved again\)$/m);
  });

  test("is sampled by the seed, at least one unit, with a JSON object for each", async () => {
    const chosen = async (...rest: readonly string[]) => {
      const { code, stdout } = await run(["verify", "run", "--json", ...rest]);
      expect(code).toBe(0);
      return stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as { input: string; tap: string; holds: boolean });
    };
    const [one] = await chosen();
    expect(one).toMatchObject({
      model: "net.onnx",
      from: "picture",
      holds: true,
      faults: [],
      multiplied: 4,
      solvedAgain: 6,
    });
    expect(await chosen()).toEqual([one]);
    expect(await chosen("--sample", "50%")).toHaveLength(3);
    const name = ({ input, tap }: { input: string; tap: string }) => `${input} ${tap}`;
    const seeds = await Promise.all(["1", "2", "3", "4"].map((seed) => chosen("--seed", seed)));
    expect(new Set(seeds.map(([unit]) => name(unit!))).size).toBeGreaterThan(1);
  });

  test("holds with files that have moved and have other names, if they are given", async () => {
    await mkdir(place.path("elsewhere"));
    await cp(place.path("net.onnx"), place.path("elsewhere", "network.onnx"));
    await cp(place.path("b.npy"), place.path("elsewhere", "z.npy"));
    await cp(place.path("a.png"), place.path("elsewhere", "y.png"));
    const cwd = place.path("elsewhere");
    const lost = await run(["verify", "../run", "--all"], cwd);
    expect(lost).toMatchObject({ code: 2, stdout: "" });
    expect(lost.stderr).toContain("Run the command in the folder in which the run was computed, or give the files");
    expect(await run(["verify", "../run", "network.onnx", ".", "--all"], cwd)).toMatchObject({ code: 0, stdout: ALL });
    const part = await run(["verify", "../run", "network.onnx", "z.npy", "--all"], cwd);
    expect(part).toMatchObject({ code: 0, stdout: "3 units of 6 checked, all certificates hold\n" });
    expect(part.stderr).toContain("note: 3 units cannot be checked, because their inputs are not there\n");
  });

  test("with all vectors needs no second solve", async () => {
    expect(await spectrum("net.onnx", "whole", "--vectors", "all")).toMatchObject({ code: 0 });
    const { code, stderr } = await run(["verify", "whole", "--all"]);
    expect(code).toBe(0);
    expect(stderr).toContain("6 triplets multiplied");
    expect(stderr).not.toContain("solved again");
  });
});

describe("what was changed in the store is found", () => {
  /** The place of the largest entry of float32 numbers. */
  const largest = (bytes: DataView): number => {
    const values = Array.from({ length: bytes.byteLength / 4 }, (_, i) => Math.abs(bytes.getFloat32(4 * i, true)));
    return 4 * values.indexOf(Math.max(...values));
  };

  test.each([1, 2, 3])("byte %i of an entry of u", async (byte) => {
    const [line, ...others] = await faultsAfter((folder) =>
      tamper(folder, { array: "taps/relu2/u", input: 0, tap: 1, slot: 0 }, (bytes) => {
        const at = largest(bytes) + byte;
        bytes.setUint8(at, bytes.getUint8(at) ^ 0x55);
      }),
    );
    expect(others).toEqual([]);
    expect(line).toMatch(/^a → relu2: residual of triplet 1: \S+, and at most \S+ holds/);
  });

  test.each([
    ["with vectors", 1, /^b → logits: residual of triplet 2: .*; difference from a second solve of σ of triplet 2: /],
    [
      "without vectors",
      2,
      /^b → logits: difference from a second solve of σ of triplet 3: \S+, and at most \S+ holds$/,
    ],
  ])("a σ %s", async (_, index, expected) => {
    const lines = await faultsAfter((folder) =>
      tamper(folder, { array: "sigma", input: 1, tap: 2 }, (bytes) =>
        bytes.setFloat64(8 * index, bytes.getFloat64(8 * index, true) * (1 - 1e-4), true),
      ),
    );
    expect(lines).toEqual([expect.stringMatching(expected)]);
  });

  test("σ that do not descend, and a norm that is not the largest", async () => {
    const order = await faultsAfter((folder) =>
      tamper(folder, { array: "sigma", input: 0, tap: 2 }, (bytes) =>
        bytes.setFloat64(8 * 3, 2 * bytes.getFloat64(0, true), true),
      ),
    );
    expect(order).toEqual([expect.stringContaining("a → logits: σ of triplet 4 out of order: ")]);
    const norm = await faultsAfter((folder) =>
      tamper(folder, { array: "numbers", input: 0, tap: 2 }, (bytes) => {
        const at = 8 * quantities.indexOf("norm");
        bytes.setFloat64(at, 2 * bytes.getFloat64(at, true), true);
      }),
    );
    expect(norm).toEqual([expect.stringContaining("a → logits: norm, which is not the largest σ: ")]);
  });

  test("the source, at each unit of the input", async () => {
    const lines = await faultsAfter((folder) =>
      tamperSource(folder, 1, (bytes) => bytes.setFloat32(0, bytes.getFloat32(0, true) + 0.125, true)),
    );
    const expected = "difference of the stored source from that of the input: 0.125, and at most 0 holds";
    expect(lines).toEqual(["conv1", "relu2", "logits"].map((tap) => `b → ${tap}: ${expected}`));
  });

  test("a status word", async () => {
    const lines = await faultsAfter((folder) =>
      tamper(folder, { array: "status", input: 0, tap: 0 }, (bytes) => bytes.setInt8(1, 2)),
    );
    expect(lines).toEqual(["a → conv1: status of triplet 2: stored unconverged, but its numbers say converged"]);
  });

  test("a residual that became smaller than it is, and a floor", async () => {
    const lines = await faultsAfter(async (folder) => {
      await tamper(folder, { array: "residual", input: 0, tap: 0 }, (bytes) => bytes.setFloat64(0, 0, true));
      await tamper(folder, { array: "floors", input: 0, tap: 0 }, (bytes) => bytes.setFloat64(0, 1e-12, true));
    });
    expect(lines).toEqual([expect.stringContaining("a → conv1: residual of triplet 1: ")]);
  });

  test.each(["sigma", "residual", "status", "numbers", "notes", "taps/relu2/k", "taps/relu2/u", "taps/relu2/v"])(
    "a chunk of %s that is missing, that was cut off, or that has changed",
    async (array) => {
      const chunk = { array, input: 1, tap: 1 };
      const damage = (what: string) =>
        expect.stringMatching(`^b → relu2: A part of the store is damaged: ${what}.* \\(.*${array}/c/1.*\\)$`);
      expect(await faultsAfter((folder) => lose(folder, chunk))).toEqual([damage("a chunk .* is not there")]);
      expect(await faultsAfter((folder) => cutOff(folder, chunk))).toEqual([damage("")]);
      const flip = (bytes: DataView) => bytes.setUint8(1, bytes.getUint8(1) ^ 1);
      const changed = await faultsAfter((folder) => tamper(folder, chunk, flip, { isForged: false }));
      expect(changed).toEqual([damage("its bytes are not those that were stored")]);
    },
  );
});

test("a certificate that is not true of the network does not hold, though all its numbers agree", async () => {
  expect(await spectrum("other.onnx", "other")).toMatchObject({ code: 0 });
  const [mine, other] = await Promise.all(
    ["run", "other"].map((name) => openRun(new DirectoryStore(place.path(name)))),
  );
  const forged = await createRun(new DirectoryStore(place.path("forged")), mine!.manifest);
  for (const input of [0, 1]) {
    await forged.writeSource(input, (await mine!.readSource(input))!);
    for (const tap of [0, 1, 2]) {
      const from = tap === 1 ? other! : mine!;
      await forged.writeUnit(input, tap, (await from.readUnit(input, tap))!);
    }
  }
  const { code, stdout } = await run(["verify", "forged", "--all"]);
  expect(code).toBe(1);
  const fault = (input: string) =>
    expect.stringMatching(
      new RegExp(
        `^${input} → relu2: residual of triplet \\d, and of 3 more: .*; difference from a second solve of σ of `,
      ),
    );
  expect(stdout.trimEnd().split("\n")).toEqual([fault("a"), fault("b"), "6 units of 6 checked, 2 do not hold"]);
});

describe("files that are not those of the run", () => {
  /** Runs a check while a file has another content, or is not there. */
  async function without(file: string, content: Uint8Array | undefined, ...args: readonly string[]) {
    await rename(place.path(file), place.path("kept"));
    try {
      if (content !== undefined) await place.put(file, content);
      return await run(["verify", "run", "--all", ...args]);
    } finally {
      await rm(place.path(file), { force: true });
      await rename(place.path("kept"), place.path(file));
    }
  }

  test("an input that was swapped: the units of the others are checked", async () => {
    const { code, stdout, stderr } = await without("b.npy", randomNpy([1, SIZE, SIZE], 3));
    expect({ code, stdout }).toEqual({ code: 2, stdout: "3 units of 6 checked, all certificates hold\n" });
    expect(stderr).toMatch(
      /^error: The input "b" is not the one that the run was computed from: its hash is [0-9a-f]{12}…, and the run has [0-9a-f]{12}…\.$/m,
    );
    expect(stderr).toContain("note: 3 units cannot be checked, because their inputs are not there\n");
  });

  test("an input that is missing", async () => {
    const { code, stdout, stderr } = await without("a.png", undefined);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "3 units of 6 checked, all certificates hold\n" });
    expect(stderr).toContain("file a.png, input a");
  });

  test("a file that is given and is no input of the run", async () => {
    await place.put("stranger.npy", randomNpy([1, SIZE, SIZE], 4));
    const { code, stderr } = await run(["verify", "run", "net.onnx", "a.png", "b.npy", "stranger.npy"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /No input of the run has this content: its hash is [0-9a-f]{12}…\.\n {2}at {2}file stranger\.npy/,
    );
  });

  test("a model that was swapped: nothing is checked", async () => {
    const { code, stdout, stderr } = await without("net.onnx", writeModel(convnet({ size: SIZE, seed: 1 })));
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^error: The model is not the one that the run was computed from: its hash is /m);
  });

  test("another preprocessing", async () => {
    await place.put("preset.json", JSON.stringify({ base: "none", invert: true }));
    const { code, stderr } = await run(["verify", "run", "--preprocess", "preset.json"]);
    expect(code).toBe(2);
    expect(stderr).toContain("This is not what the run was computed with. preprocess");
  });
});

describe("a network with an open shape and an input held at a value", () => {
  test("opens as in the run, and another value is refused", async () => {
    const model = buildModel({
      name: "gained",
      inputs: [valueInfo("picture", "float32", ["N", 1, "H", "W"]), valueInfo("gain", "float32", [1])],
      outputs: [valueInfo("out", "float32", ["N", 2, "H", "W"])],
      nodes: [
        node({ op: "Conv", inputs: ["picture", "w"], outputs: ["conv"], attributes: { pads: ints([1, 1, 1, 1]) } }),
        node({ op: "Mul", inputs: ["conv", "gain"], outputs: ["scaled"] }),
        node({ op: "Tanh", inputs: ["scaled"], outputs: ["out"] }),
      ],
      initializers: new Map([
        [
          "w",
          floatTensor(
            [2, 1, 3, 3],
            Float32Array.from({ length: 18 }, (_, i) => Math.sin(i)),
          ),
        ],
      ]),
    });
    await place.put("gained.onnx", writeModel(model));
    const command = ["spectrum", "gained.onnx", "b.npy", "--shape", "1,8,8", "-k", "4", "--from", "conv", "--no-plan"];
    expect(await run([...command, "--input", "gain=0.5", "--out", "gained"])).toMatchObject({ code: 0 });
    const missing = await run(["verify", "gained", "--all"]);
    expect(missing).toMatchObject({ code: 2, stdout: "" });
    expect(missing.stderr).toContain("--shape");
    const shape = ["--shape", "1,8,8"];
    expect((await run(["verify", "gained", "--all", ...shape])).stdout).toContain("all certificates hold");
    const other = await run(["verify", "gained", ...shape, "--input", "gain=2"]);
    expect(other.code).toBe(2);
    expect(other.stderr).toContain('value of input "gain": stored 0.5 (float32, 1), asked 2 (float32, 1)');
  });
});

test("a run whose source is a weight is checked like others", async () => {
  const command = ["spectrum", "net.onnx", "b.npy", "--from", "w3", "--taps", "logits", "-k", "4", "--no-plan"];
  expect(await run([...command, "--out", "by-weight"])).toMatchObject({ code: 0 });
  expect(await run(["verify", "by-weight"])).toMatchObject({
    code: 0,
    stdout: "1 unit of 1 checked, all certificates hold\n",
  });
});

test("a mean picture that is not where the run says is found beside the file of its preset", async () => {
  await place.put("presets/mean.json", JSON.stringify({ colour: "gray", mean: "mean.npy" }));
  await place.put("presets/mean.npy", randomNpy([1, SIZE, SIZE], 5));
  const preset = ["--preprocess", "presets/mean.json"];
  const command = ["spectrum", "net.onnx", "a.png", "--taps", "logits", "-k", "4", "--no-plan", "--out", "centred"];
  expect(await run([...command, ...preset])).toMatchObject({ code: 0 });
  const lost = await run(["verify", "centred"]);
  expect(lost.code).toBe(2);
  expect(lost.stderr).toContain("Give the file of the preset, beside which its mean picture is, with --preprocess.");
  expect(await run(["verify", "centred", ...preset])).toMatchObject({ code: 0 });
  await place.put("presets/mean.npy", randomNpy([1, SIZE, SIZE], 6));
  const other = await run(["verify", "centred", ...preset]);
  expect(other.code).toBe(2);
  expect(other.stderr).toContain("This is not what the run was computed with. preprocess");
});

describe("a run of a control", () => {
  test("draws its weights again", async () => {
    const command = ["study", "vectors", "net.onnx", "a.png", "b.npy", "--preprocess", "none", "--quick", "-k", "5"];
    const controls = ["--control", "permuted,matched", "--draws", "1", "--taps", "conv1,logits", "--out", "studies"];
    expect(await run([...command, ...controls])).toMatchObject({ code: 0 });
    for (const kind of ["permuted", "matched"]) {
      const { code, stdout } = await run(["verify", `studies/controls/${kind}/1/run`, "--all"]);
      expect(code).toBe(0);
      expect(stdout).toContain("all certificates hold");
    }
    const part = await run(["verify", "studies/controls/matched/1/run", "net.onnx", "a.png"]);
    expect(part.code).toBe(2);
    expect(part.stderr).toContain(
      'The weights of a matched control depend on all inputs of its run, and the input "b" is not there.',
    );
  });
});

describe("what cannot be checked", () => {
  test.each(["0%", "101%", "half", "5"])("the sample %s", async (sample) => {
    const { code, stderr } = await run(["verify", "run", "--sample", sample]);
    expect(code).toBe(2);
    expect(stderr).toContain(`"${sample}" is not a percentage above 0 and up to 100.`);
  });

  test("a run without a finished unit, and a folder without a run", async () => {
    const { manifest } = await openRun(new DirectoryStore(place.path("run")));
    await createRun(new DirectoryStore(place.path("empty")), manifest);
    const empty = await run(["verify", "empty"]);
    expect(empty.code).toBe(2);
    expect(empty.stderr).toContain("No unit of this run is finished, so there is nothing to check.");
    const none = await run(["verify", "nothing"]);
    expect(none.code).toBe(2);
    expect(none.stderr).toContain("There is no run here.");
  });
});
