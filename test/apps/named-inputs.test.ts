import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeNpy } from "../../src/images/npy.ts";
import { buildModel, floatTensor, int, node, valueInfo, writeModel } from "../../src/onnx/index.ts";
import { sharedDir, sharedPath } from "../support/shared.ts";
import { pushforward } from "./command-line.ts";
import { createWorkplace, type Workplace } from "./workplace.ts";

/** y = (x w) · length ⊙ s, where s is of floats and length of whole numbers. */
const model = buildModel({
  name: "three",
  inputs: [valueInfo("x", "float32", [1, 2]), valueInfo("s", "float32", ["N", "F"]), valueInfo("length", "int64", [])],
  outputs: [valueInfo("y", "float32", ["N", 2])],
  nodes: [
    node({ op: "MatMul", inputs: ["x", "w"], outputs: ["h"] }),
    node({ op: "Mul", inputs: ["h", "s"], outputs: ["hs"] }),
    node({ op: "Gather", inputs: ["steps", "length"], outputs: ["step"], attributes: { axis: int(0) } }),
    node({ op: "Mul", inputs: ["hs", "step"], outputs: ["y"] }),
  ],
  initializers: new Map([
    ["w", floatTensor([2, 2], [3, 0, 0, 5])],
    ["steps", floatTensor([3], [1, 2, 10])],
  ]),
});

/** y = w · float(x) for a picture of bytes. */
const bytes = buildModel({
  name: "bytes",
  inputs: [valueInfo("x", "uint8", [1, 2])],
  outputs: [valueInfo("y", "float32", [1, 2])],
  nodes: [
    node({ op: "Cast", inputs: ["x"], outputs: ["f"], attributes: { to: int(1) } }),
    node({ op: "MatMul", inputs: ["f", "w"], outputs: ["y"] }),
  ],
  initializers: new Map([["w", floatTensor([2, 2], [3, 0, 0, 5])]]),
});

let place: Workplace;
beforeAll(async () => {
  const npy = (...data: number[]) => writeNpy({ shape: [1, data.length], data: Float32Array.from(data) });
  place = await createWorkplace({
    "net.onnx": writeModel(model),
    "bytes.onnx": writeModel(bytes),
    "x.npy": npy(1, 2),
    "half.npy": npy(0.5, 2),
    "s.npy": npy(1, 4),
    "t.npy": npy(7, 4),
  });
});
afterAll(() => place.remove());

const run = (...args: readonly string[]) => pushforward(args, { cwd: place.folder });
const spectrum = (...args: readonly string[]) => run("spectrum", "net.onnx", "x.npy", "--no-plan", "--json", ...args);
const given = ["--input", "s=s.npy", "--input", "length=2"];
const sigmaOf = (stdout: string): Readonly<Record<string, number[]>> =>
  Object.fromEntries(
    stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line))
      .map(({ tap, sigma }) => [tap, sigma.map((value: number) => Number(value.toFixed(4)))]),
  );

describe("spectrum", () => {
  test("holds inputs at what --input gives", async () => {
    const { code, stdout } = await spectrum(...given);
    expect(code).toBe(0);
    // ∂y/∂x = 10 · diag(s) Wᵀ = diag(30, 200).
    expect(sigmaOf(stdout)).toEqual({ h: [5, 3], hs: [20, 3], y: [200, 30] });
  });

  test("takes any input of floats as the source", async () => {
    const { code, stdout } = await spectrum(...given, "--from", "s", "--taps", "y");
    expect(code).toBe(0);
    expect(sigmaOf(stdout)).toEqual({ y: [100, 30] }); // ∂y/∂s = 10 · diag(x w) = diag(30, 100).
  });

  test("sends the pictures to the input that is not given", async () => {
    const { code, stdout } = await run(
      ...["spectrum", "net.onnx", "s.npy", "--no-plan", "--json", "--taps", "y", "--shape", "2"],
      ...["--input", "x=1", "--input", "length=0"],
    );
    expect(code).toBe(0);
    expect(sigmaOf(stdout)).toEqual({ y: [5, 3] });
  });

  test("says which inputs still must be given", async () => {
    const { code, stderr } = await spectrum("--shape", "s=1,2");
    expect(code).toBe(2);
    expect(stderr).toContain("These inputs have no value: s (float32, 1×2), length (int64, scalar).");
    expect(stderr).toContain("--input s=FILE.npy --input length=FILE.npy");
    expect(stderr).toContain("These taps do not need them: --taps h.");
  });

  test.each([
    [["--input", "s"], '"s" does not say which input has which value.'],
    [["--input", "s=1", "--input", "s=2"], '--input is given twice for "s".'],
    [["--input", "s=much"], '"much" is neither a number nor an .npy file.'],
    [["--input", "s=absent.npy"], "absent.npy"],
    [["--input", "t=1"], 'A value is given for "t", which is not an input of the model.'],
    [[...given, "--input", "x=1"], "Every input of the network has a value by --input"],
    [["--input", "s=s.npy", "--input", "length=0.5"], 'Input "length" holds int64, and entry 0 of the array is 0.5.'],
    [["--input", "s=1"], 'Input "s" has shape N×F: the file leaves axis 1 open'],
  ])("refuses %s", async (args, says) => {
    const { code, stderr } = await spectrum(...args);
    expect(code).toBe(2);
    expect(stderr).toContain(says);
  });
});

test("a run records the values, and refuses to go on with others", async () => {
  expect((await spectrum(...given, "--out", "run")).code).toBe(0);
  const { attributes } = JSON.parse((await place.bytes("run")).get("zarr.json")!.toString());
  expect(JSON.parse(attributes.given)).toMatchObject([
    { name: "s", type: "float32", shape: [1, 2], sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    { name: "length", type: "int64", shape: [], value: 2 },
  ]);
  expect((await spectrum(...given, "--out", "run")).stderr).toContain("3 of 3 units are done already");
  const other = await spectrum("--input", "s=t.npy", "--input", "length=1", "--out", "run");
  expect(other.code).toBe(2);
  expect(other.stderr).toMatch(/value of input "s": stored [0-9a-f]{12} \(float32, 1×2\), asked [0-9a-f]{12}/);
  expect(other.stderr).toContain('value of input "length": stored 2 (int64, scalar), asked 1 (int64, scalar)');
});

test("inspect lists the inputs, and predicts with them", async () => {
  const { stdout } = await run("inspect", "net.onnx", "--input", "s=s.npy");
  expect(stdout).toMatch(/^x +float32 +1×2 +pictures or arrays of the command$/m);
  expect(stdout).toMatch(/^s +float32 +1×2 +given: array [0-9a-f]{12}$/m);
  expect(stdout).toMatch(/^length +int64 +scalar +must be given: --input length=FILE.npy or a number$/m);
  const [line] = (await run("inspect", "net.onnx", "--json", ...given)).stdout.split("\n");
  expect(JSON.parse(line!).inputs).toEqual([
    { name: "x", type: "float32", shape: [1, 2], state: "pictures" },
    { name: "s", type: "float32", shape: [1, 2], state: "given" },
    { name: "length", type: "int64", shape: [], state: "given" },
  ]);
  expect((await run("inspect", "net.onnx", "--plan", "--json", ...given)).code).toBe(0);
});

test("inspect lists the inputs of a model that needs more shapes to be opened", async () => {
  const { code, stdout, stderr } = await run("inspect", "net.onnx");
  expect(code).toBe(2);
  expect(stdout).toMatch(/^s +float32 +N×F$/m);
  expect(stderr).toContain("--shape s=16");
});

test("a picture of bytes that is cast to floats is the source, and holds bytes", async () => {
  const args = ["--no-plan", "--json"];
  const { code, stdout } = await run("spectrum", "bytes.onnx", "x.npy", ...args);
  expect([code, sigmaOf(stdout)]).toEqual([0, { y: [5, 3] }]);
  const half = await run("spectrum", "bytes.onnx", "half.npy", ...args);
  expect(half.code).toBe(2);
  expect(half.stderr).toContain('Input "x" holds uint8, and entry 0 of the array is 0.5.');
});

test("a study and a control take the values too", async () => {
  const study = ["study", "spectra", "net.onnx", "x.npy", "--out", "study", "--quick", ...given];
  const { code, stderr } = await run(...study);
  expect([code, stderr.includes("error")]).toEqual([0, false]);
  expect((await run(...study.slice(0, -1), "length=1")).stderr).toContain('value of input "length": stored 2');
  const control = await run("control", "net.onnx", "x.npy", "--kind", "matched", "--out", "c.onnx", ...given);
  expect(control.code).toBe(0);
});

const isThere = (model: string) => sharedDir !== undefined && existsSync(sharedPath("data", "models", model));

describe("published models", () => {
  const inspected = async (model: string, ...args: readonly string[]) => {
    const { code, stdout } = await run("inspect", sharedPath("data", "models", model), "--json", ...args);
    const taps = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { name: string; from: string; supported: boolean; unsupported: string[] });
    return { code, taps };
  };

  test("a detector of speech opens with its state and sampling rate, and its output can be had", async ({ skip }) => {
    skip(!isThere("silero-vad.onnx"), "the model is not in ../shared/data/models");
    const held = ["--shape", "576", "--shape", "state=2,1,128", "--input", "state=0", "--input", "sr=16000"];
    const { code, taps } = await inspected("silero-vad.onnx", ...held);
    expect(code).toBe(0);
    expect(taps.find(({ name }) => name === "output")).toMatchObject({ supported: true, unsupported: [] });
  });

  test("a model of language opens at token ids, and every tap behind its embeddings can be had", async ({ skip }) => {
    skip(!isThere("stories260k-ids.onnx"), "the model is not in ../shared/data/models");
    const { code, taps } = await inspected("stories260k-ids.onnx", "--shape", "8");
    expect(code).toBe(0);
    expect(taps[0]).toMatchObject({ name: "ids", from: "embeddings", supported: false });
    expect(taps.slice(1).filter(({ supported }) => !supported)).toEqual([]);
  });
});
