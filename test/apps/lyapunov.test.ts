import { afterAll, beforeAll, expect, test } from "vitest";
import { writeNpy } from "../../src/images/npy.ts";
import { writeModel } from "../../src/onnx/index.ts";
import { henon } from "../dynamics/networks.ts";
import { pushforward } from "./command-line.ts";
import { createWorkplace, type Workplace } from "./workplace.ts";

let place: Workplace;
beforeAll(async () => {
  place = await createWorkplace({
    "henon.onnx": writeModel(henon()),
    "state.npy": writeNpy({ shape: [2], data: Float32Array.of(0.1, 0.1) }),
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
