import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sha256Of } from "../../src/apps/node/model-identity.ts";
import { writeNpy } from "../../src/images/npy.ts";
import { writeModel } from "../../src/onnx/index.ts";
import { gaussianExponents, meanField, tanh, typicalExponent } from "../../src/theory/index.ts";
import type { Architecture, Initializer, Layer } from "../../src/training/index.ts";
import { henon } from "../dynamics/networks.ts";
import { pushforward } from "./command-line.ts";
import { createWorkplace, type Workplace } from "./workplace.ts";

const SIDE = 16;
const layersOf = (units: number, ...layers: readonly Layer[]): Architecture => ({
  input: [units],
  layers: [{ kind: "dense", units, bias: false }, ...layers],
});
const drawn = (network: Architecture, initializer: Initializer, more = {}) =>
  JSON.stringify({ network, initializer, ...more });
/** A recipe whose hidden layers keep their size, and its ends do not. */
const recipe = drawn(
  { input: [5], layers: [40, 100, 100].flatMap((units) => [{ kind: "dense", units, bias: false }, { kind: "tanh" }]) },
  { kind: "gaussian", weightVariance: 0.81 },
  { loss: "meanSquaredError", optimizer: { kind: "sgd", rate: 0.1 }, batch: 4, steps: 10, seed: 3 },
);

let place: Workplace;
beforeAll(async () => {
  place = await createWorkplace({
    "henon.onnx": writeModel(henon()),
    "state.npy": writeNpy({ shape: [2], data: Float32Array.of(0.1, 0.1) }),
    "gaussian.json": drawn(layersOf(SIDE), { kind: "gaussian", weightVariance: 1.7 }),
    "orthogonal.json": drawn(layersOf(SIDE), { kind: "orthogonal" }),
    "tanh.json": drawn(layersOf(200, { kind: "tanh", gain: 1.5 }), { kind: "gaussian" }),
    "recipe.json": recipe,
    "shrinking.json": drawn({ input: [9], layers: [{ kind: "dense", units: 4 }] }, { kind: "gaussian" }),
    "long.npy": writeNpy({ shape: [3], data: new Float32Array(3) }),
  });
});
afterAll(() => place.remove());

const lyapunov = (...args: readonly string[]) => pushforward(["lyapunov", ...args], { cwd: place.folder });
const short = ["henon.onnx", "--start", "state.npy", "--steps", "400"];

test("--json gives the settings and the exponents, the same at each run", async () => {
  const [{ code, stdout }, again] = await Promise.all([lyapunov(...short, "--json"), lyapunov(...short, "--json")]);
  expect(code).toBe(0);
  expect(again.stdout).toBe(stdout);
  const { exponents, dimension, ...settings } = JSON.parse(stdout);
  expect(settings).toMatchObject({ model: "henon.onnx", from: "state", to: "next", size: 2, steps: 400, burnIn: 100 });
  expect(settings.sha256).toMatch(/^[0-9a-f]{64}$/);
  const [first, second] = exponents;
  expect(first.low).toBeLessThan(0.419);
  expect(first.high).toBeGreaterThan(0.419);
  expect(first.value + second.value).toBeCloseTo(Math.log(0.3), 4);
  expect(dimension).toBeCloseTo(1.26, 1);
});

test("a table shows the exponents with their intervals", async () => {
  const { code, stdout } = await lyapunov(...short);
  expect(code).toBe(0);
  expect(stdout).toContain("state → next: exponents in nats a step, over 400 steps after 100");
  expect(stdout).toMatch(/^1 +0\.4\d* +0\.\d+ … 0\.\d+$/m);
  expect(stdout).toMatch(/Kaplan-Yorke dimension: 1\.\d+ of 2/);
});

test.each([
  ["a tensor of another size", [...short, "--to", "one"], /no tap "one"/],
  ["a state that the network computes", [...short, "--from", "squares"], /is computed by the network/],
  ["an array that does not fit", ["henon.onnx", "--start", "long.npy"], /3 entries/],
  ["a word that is no state", ["henon.onnx", "--start", "warm"], /random, zero, or the \.npy file/],
])("%s is refused with what to do", async (_, args, message) => {
  const { code, stderr } = await lyapunov(...args);
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
});

describe("the layers of a recipe", () => {
  const measured = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await lyapunov(...args, "--json");
    expect(stderr).not.toContain("error");
    expect(code).toBe(0);
    return JSON.parse(stdout);
  };

  test("with a Gaussian matrix for each step, have the exponents of Newman", async () => {
    const { exponents, steps, ...settings } = await measured("gaussian.json", "--steps", "600", "--burn-in", "20");
    expect(settings).toMatchObject({ recipe: "gaussian.json", tied: false, layers: ["fc1"], times: 1, size: SIDE });
    expect(settings.sha256).toBe(sha256Of(await readFile(place.path("gaussian.json"))));
    const expected = gaussianExponents(SIDE, 1.7, steps);
    const squares = expected.map(({ value, deviation }, i) => ((exponents[i].value - value) / deviation) ** 2);
    expect(Math.max(...squares)).toBeLessThan(4 ** 2);
    const mean = squares.reduce((sum, square) => sum + square, 0) / SIDE;
    // χ²/16 lies between these in 99.9 cases of 100.
    expect(mean).toBeGreaterThan(0.23);
    expect(mean).toBeLessThan(2.5);
  });

  test("with orthogonal matrices have none, whether they are drawn anew or tied", async () => {
    for (const tied of [[], ["--tied"]]) {
      const { exponents } = await measured("orthogonal.json", "--steps", "100", ...tied);
      for (const { value } of exponents) expect(Math.abs(value)).toBeLessThan(1e-6);
      expect(exponents).toHaveLength(SIDE);
    }
  });

  test("with tanh have λ₁ of mean-field theory: anew with its correction for the width, tied by about 3/N less than ½·ln χ", async () => {
    const layers = { activation: tanh, weightVariance: 1.5 ** 2 };
    const options = ["tanh.json", "--steps", "400", "--count", "1"];
    const [anew, tied] = [await measured(...options), await measured(...options, "--tied")];
    const half = Math.log(meanField(layers).chi) / 2;
    const of = ({ exponents }: typeof anew) => exponents[0].value;
    // The growth of ln ‖v‖ in one step has the variance β/4, which is ½·ln χ − λ₁.
    const deviation = Math.sqrt((half - typicalExponent(layers, 200)) / 400);
    expect(Math.abs(of(anew) - typicalExponent(layers, 200))).toBeLessThan(4 * deviation);
    expect(Math.abs(of(tied) - half)).toBeLessThan(0.03);
    expect(of(anew)).not.toBe(of(tied));
  });

  test("of a whole recipe are those between input and output that keep the size; its seed and --seed decide all", async () => {
    const short = ["recipe.json", "--steps", "40", "--burn-in", "100", "--count", "2"];
    const [first, again, seeded, other] = await Promise.all(
      [short, short, [...short, "--seed", "3"], [...short, "--seed", "4"]].map((args) => measured(...args)),
    );
    expect(first).toMatchObject({ from: "tanh2", to: "tanh3", layers: ["fc3", "tanh3"], size: 100, seed: 3 });
    expect(again).toEqual(first);
    expect(seeded).toEqual(first);
    expect(other.exponents).not.toEqual(first.exponents);
    // Below g = 1 the state dies out, and tanh is linear: λ₁ is that of Gaussian matrices.
    const { value, deviation } = gaussianExponents(100, 0.81, 40)[0]!;
    expect(Math.abs(first.exponents[0].value - value)).toBeLessThan(4 * deviation);
  });

  test("are named in the table", async () => {
    const { stdout } = await lyapunov("recipe.json", "--steps", "40", "--tied", "--count", "1");
    expect(stdout).toContain(
      "recipe.json, tanh2 → fc3 → tanh3, weights the same at every step: exponents in nats a step",
    );
  });

  test.each([
    ["no layers that keep the size", ["shrinking.json"], /fc1 takes 9 and gives 4.*behind fc1 for example/s],
    ["an option for ONNX files", ["gaussian.json", "--shape", "3"], /--shape is for ONNX files/],
    ["--tied of an ONNX file", ["henon.onnx", "--tied"], /--tied is for the layers of a recipe/],
    ["a file that is none", ["absent.json"], /absent\.json/],
    ["ends that are none", ["recipe.json", "--from", "fc9"], /no tensor "fc9"/],
  ])("%s is refused with what to do", async (_, args, message) => {
    const { code, stderr } = await lyapunov(...args);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect(stderr).toContain("  do  ");
  });
});
