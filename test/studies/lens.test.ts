import { readFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { PushforwardError } from "../../src/base/index.ts";
import { readModel } from "../../src/onnx/index.ts";
import { lens } from "../../src/studies/lens.ts";
import { paramsOf, type StudyData } from "../../src/studies/study.ts";
import { convnet } from "../apps/networks.ts";
import { relativeDistance } from "../laws/vectors.ts";
import { sharedDir, sharedPath, withoutShared } from "../support/shared.ts";
import { type Laboratory, type LaboratoryOptions, laboratory } from "./laboratory.ts";
import { languageModel, OUTPUTS, TOKENS, WIDTH } from "./language-model.ts";

const opened: Laboratory[] = [];
afterAll(() => Promise.all(opened.map((one) => one.close())));

async function open(options: LaboratoryOptions): Promise<Laboratory> {
  const one = await laboratory(options);
  opened.push(one);
  return one;
}

const names = ["a", "b", "c", "d", "e"];
const labOf = () => open({ model: languageModel(), taps: ["state0", "state1", "state2"], count: 2, names });

/** The mean over tokens and inputs of J(from[t] → to[t]), from the whole matrices. */
async function meanOf({ lab }: Laboratory, from: string, to: string, [n, m]: readonly [number, number]) {
  const mean = new Float64Array(m * n);
  for (const { point } of lab.inputs) {
    using J = await lab.network.jacobian({ at: point, from, to });
    const { data } = await J.dense();
    for (let token = 0; token < TOKENS; token++) {
      for (let at = 0; at < m * n; at++) {
        const [row, column] = [token * m + Math.floor(at / n), token * n + (at % n)];
        mean[at]! += data[row * TOKENS * n + column]! / (TOKENS * lab.inputs.length);
      }
    }
  }
  return mean;
}

const valuesAt = (data: StudyData, name: string, tap: number): Float64Array => {
  const { shape, data: numbers } = data.values[name]!;
  const size = shape.slice(1).reduce((a, b) => a * b, 1);
  return numbers.subarray(tap * size, (tap + 1) * size);
};

describe("the mean Jacobian of a language model", () => {
  test("is the mean over tokens of the diagonal blocks of J, and agrees with differences", async () => {
    const one = await labOf();
    const data = await one.study(lens);
    expect(data.axes.tap).toEqual(["state0", "state1"]);
    for (const [tap, from] of ["state0", "state1"].entries()) {
      const mean = await meanOf(one, from, "state2", [WIDTH, WIDTH]);
      expect(relativeDistance(valuesAt(data, "lens", tap), mean)).toBeLessThan(1e-6);
      const squares = valuesAt(data, "sigma", tap).reduce((sum, sigma) => sum + sigma ** 2, 0);
      expect(squares / mean.reduce((sum, entry) => sum + entry ** 2, 0)).toBeCloseTo(1, 5);
      const [difference] = valuesAt(data, "difference", tap);
      expect(difference).toBeGreaterThan(0);
      expect(difference).toBeLessThan(1e-3);
      expect([...valuesAt(data, "tokens", tap)]).toEqual([8]);
    }
  });

  test("its vectors are read as the outputs whose scores they change most", async () => {
    const one = await labOf();
    const data = await one.study(lens, { set: ["vectors=2", "top=2"] });
    const [L, R] = [
      await meanOf(one, "state0", "state2", [WIDTH, WIDTH]),
      await meanOf(one, "state2", "logits", [WIDTH, OUTPUTS]),
    ];
    const [sigma, scores] = [valuesAt(data, "sigma", 0), valuesAt(data, "score", 0)];
    const outputs = [...valuesAt(data, "token", 0)];
    for (const vector of [0, 1]) {
      // R·u with u of L·Lᵀ·u = σ²·u: the scores are those of a direction that L·Lᵀ only stretches.
      const own = outputs.slice(4 * vector, 4 * vector + 4);
      expect(new Set(own).size).toBe(4);
      const known = scores.subarray(4 * vector, 4 * vector + 4);
      expect([...known]).toEqual([...known].sort((a, b) => b - a));
      const u = solve3(
        own.slice(0, 3).map((row) => [0, 1, 2].map((column) => R[row * WIDTH + column]!)),
        [...known],
      );
      expect(Math.hypot(...u)).toBeCloseTo(1, 4);
      const LtU = [0, 1, 2].map((column) => u.reduce((sum, value, row) => sum + value * L[row * WIDTH + column]!, 0));
      expect(Math.hypot(...LtU)).toBeCloseTo(sigma[vector]!, 4);
      expect(R.subarray(own[3]! * WIDTH, own[3]! * WIDTH + 3).reduce((sum, r, i) => sum + r * u[i]!, 0)).toBeCloseTo(
        known[3]!,
        4,
      );
    }
    const { tables, charts, claims } = lens.conclude(data, {});
    expect(tables.map(({ id }) => id)).toEqual(["by-tap", "tokens"]);
    expect(tables[1]!.rows[0]!.slice(3)).toEqual([
      outputs
        .slice(0, 2)
        .map((token) => `"${names[token]!}"`)
        .join(" "),
      outputs
        .slice(2, 4)
        .reverse()
        .map((token) => `"${names[token]!}"`)
        .join(" "),
    ]);
    expect(charts[0]!.panels[0]!.series.map(({ name }) => name)).toEqual(["state0", "state1"]);
    expect(claims).toEqual([]);
  });

  test("fewer tokens are spaced evenly", async () => {
    const data = await (await labOf()).study(lens, { set: ["tokens=3"] });
    expect([...valuesAt(data, "tokens", 0)]).toEqual([3]);
  });

  test("taps that are no states of tokens are refused", async () => {
    const { lab } = await open({ model: convnet(), taps: ["relu1", "logits"] });
    const refused = async () => lens.design(lab, paramsOf(lens));
    await expect(refused()).rejects.toThrow(PushforwardError);
    await expect(refused()).rejects.toMatchObject({ code: "usage", where: { option: "--taps" } });
    const single = await open({ model: languageModel(), taps: ["state0"] });
    await expect((async () => lens.design(single.lab, paramsOf(lens)))()).rejects.toThrow("at least two taps");
  });
});

/** The solution of three linear equations, by Cramer's rule. */
function solve3(rows: readonly (readonly number[])[], right: readonly number[]): number[] {
  const determinant = ([a, b, c]: readonly (readonly number[])[]) =>
    a![0]! * (b![1]! * c![2]! - b![2]! * c![1]!) -
    a![1]! * (b![0]! * c![2]! - b![2]! * c![0]!) +
    a![2]! * (b![0]! * c![1]! - b![1]! * c![0]!);
  const whole = determinant(rows);
  return [0, 1, 2].map(
    (column) => determinant(rows.map((row, i) => row.map((value, j) => (j === column ? right[i]! : value)))) / whole,
  );
}

test("stories260k: the lens agrees with differences at every layer, and its tokens are pieces", {
  timeout: 300_000,
}, async ({ skip }) => {
  skip(sharedDir === undefined, withoutShared);
  const file = sharedPath("data", "models", "stories260k.onnx");
  const model = await readModel(readFileSync(file), { file });
  const { ids, pieces } = JSON.parse(readFileSync(sharedPath("data", "models", "stories260k-golden.json"), "utf8"));
  const table = model.graph.initializers.get("embedding")!.data as Float32Array;
  const point = Float32Array.from(
    (ids as number[]).slice(0, 40).flatMap((id) => [...table.subarray(64 * id, 64 * id + 64)]),
  );
  const { study } = await open({
    ...{ model, names: pieces, points: [point], shape: [1, 40, 64], k: 16 },
    taps: ["block0.out", "block2.out", "block4.out"],
  });
  const data = await study(lens, { set: ["tokens=12"] });
  for (const tap of [0, 1]) {
    expect(valuesAt(data, "difference", tap)[0]).toBeLessThan(2e-2);
    const [sigma, residual] = [valuesAt(data, "sigma", tap), valuesAt(data, "residual", tap)];
    expect(sigma.every((value) => value > 0)).toBe(true);
    expect(residual.every((value) => value <= 1e-5 * sigma[0]!)).toBe(true);
  }
  const [, tokens] = lens.conclude(data, {}).tables;
  expect(tokens!.rows).toHaveLength(16);
});
