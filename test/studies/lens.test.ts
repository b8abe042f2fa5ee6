import { readFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { PushforwardError } from "../../src/base/index.ts";
import { readModel } from "../../src/onnx/index.ts";
import { denseMatrix } from "../../src/operator/index.ts";
import { lens } from "../../src/studies/lens.ts";
import { paramsOf, type StudyData } from "../../src/studies/study.ts";
import { svd } from "../../src/svd/index.ts";
import { convnet } from "../apps/networks.ts";
import { relativeDistance } from "../laws/vectors.ts";
import { jsAlgebra } from "../support/js-algebra.ts";
import { sharedDir, sharedPath, withoutShared } from "../support/shared.ts";
import { readStories } from "../support/stories.ts";
import { type Laboratory, type LaboratoryOptions, laboratory } from "./laboratory.ts";
import { languageModel, OUTPUTS, TOKENS, tokenwise, WIDTH } from "./language-model.ts";

const opened: Laboratory[] = [];
afterAll(() => Promise.all(opened.map((one) => one.close())));

async function open(options: LaboratoryOptions): Promise<Laboratory> {
  const one = await laboratory(options);
  opened.push(one);
  return one;
}

const names = ["a", "b", "c", "d", "e"];
const labOf = () => open({ model: languageModel(), taps: ["state0", "state1", "state2"], count: 2, names });

const SKIP = 1;

/** Σₛ J(from[t] → to[s]) of each token t that counts, text by text, from the whole matrices: [m, n] each. */
async function eachOf(
  { lab }: Laboratory,
  from: string,
  to: string,
  [n, m, tokens = TOKENS]: readonly [n: number, m: number, tokens?: number],
) {
  const each: Float64Array[] = [];
  for (const { point } of lab.inputs) {
    using J = await lab.network.jacobian({ at: point, from, to });
    const { data } = await J.dense();
    for (let token = SKIP; token < tokens; token++) {
      const own = new Float64Array(m * n);
      for (let s = 0; s < tokens; s++) {
        for (let at = 0; at < m * n; at++) {
          const [row, column] = [s * m + Math.floor(at / n), token * n + (at % n)];
          own[at]! += data[row * tokens * n + column]!;
        }
      }
      each.push(own);
    }
  }
  return each;
}

async function meanOf(one: Laboratory, from: string, to: string, sides: Parameters<typeof eachOf>[3]) {
  const each = await eachOf(one, from, to, sides);
  return each[0]!.map((_, at) => each.reduce((sum, own) => sum + own[at]! / each.length, 0));
}

const valuesAt = (data: StudyData, name: string, tap: number): Float64Array => {
  const { shape, data: numbers } = data.values[name]!;
  const size = shape.slice(1).reduce((a, b) => a * b, 1);
  return numbers.subarray(tap * size, (tap + 1) * size);
};

describe("the Jacobian lens of a language model", () => {
  test("is the mean over tokens of what a state does to all last states, and agrees with differences", async () => {
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
    }
  });

  test("what the tokens contribute to a singular value has it as its mean", async () => {
    const one = await labOf();
    const data = await one.study(lens);
    expect(data.axes.sample).toEqual(["image0[1]", "image0[2]", "image0[3]", "image1[1]", "image1[2]", "image1[3]"]);
    const each = await eachOf(one, "state0", "state2", [WIDTH, WIDTH]);
    const size = { source: [WIDTH], target: [WIDTH] };
    const mean = await meanOf(one, "state0", "state2", [WIDTH, WIDTH]);
    const { u, v } = await svd(denseMatrix(mean, size, jsAlgebra), { k: WIDTH });
    const [sigma, found] = [valuesAt(data, "sigma", 0), valuesAt(data, "contribution", 0)];
    for (let k = 0; k < WIDTH; k++) {
      const own = found.subarray(k * each.length, (k + 1) * each.length);
      expect(own.reduce((sum, value) => sum + value, 0) / each.length).toBeCloseTo(sigma[k]!, 5);
      each.forEach((A, sample) => {
        const expected = A.reduce(
          (sum, entry, at) => sum + u[k * WIDTH + Math.floor(at / WIDTH)]! * entry * v[k * WIDTH + (at % WIDTH)]!,
          0,
        );
        expect(own[sample]).toBeCloseTo(expected, 5);
      });
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

  test("fewer tokens are spaced evenly over the texts", async () => {
    const one = await labOf();
    const { axes } = await lens.design(one.lab, paramsOf(lens, { set: ["tokens=3"] }));
    expect(axes.sample).toEqual(["image0[1]", "image1[1]", "image1[3]"]);
  });

  test("a network that no later token reads has the mean of its blocks; taps may have further axes of one place", async () => {
    const one = await open({ model: tokenwise([3, 1]), taps: ["hidden", "logits"], count: 1 });
    const data = await one.study(lens, { set: ["skip=0"] });
    using J = await one.lab.network.jacobian({ at: one.lab.inputs[0]!.point, from: "hidden", to: "logits" });
    const { data: whole } = await J.dense();
    const mean = Float64Array.from({ length: 4 }, (_, at) => {
      const [row, column] = [Math.floor(at / 2), at % 2];
      return [0, 1, 2].reduce((sum, t) => sum + whole[(2 * t + row) * 6 + 2 * t + column]! / 3, 0);
    });
    expect(relativeDistance(valuesAt(data, "lens", 0), mean)).toBeLessThan(1e-6);
    // The output is the last tap itself: the scores are the entries of the left singular vectors.
    for (const vector of [0, 1]) {
      const [outputs, scores] = ["token", "score"].map((name) => [...valuesAt(data, name, 0).subarray(10 * vector)]);
      expect(new Set(outputs!.slice(0, 2))).toEqual(new Set([0, 1]));
      expect(Math.hypot(scores![0]!, scores![1]!)).toBeCloseTo(1, 5);
      expect(outputs!.slice(2, 8).every(Number.isNaN)).toBe(true); // There are only two outputs at each end.
    }
  });

  test.each([
    ["taps of pictures", convnet(), ["relu1", "logits"], {}, /tokens × width, and "relu1" is/, /two such taps/],
    ["a single tap", languageModel(), ["state0"], {}, /at least two taps/, /state0, state1, state2/],
    ["parts of taps", languageModel(), ["state0[0,1:]", "state2[0,1:]"], {}, /whole taps .* 3×3/, /state0, state1/],
    ["a text in a batch of several", tokenwise([2, 3]), ["hidden", "logits"], {}, /"hidden" is 2×3×2/, /one text/],
    ["a part of a token", languageModel(), ["state0", "state2"], { set: ["tokens=0.5"] }, /tokens = 0.5/, /at least 1/],
    ["tokens before the first", languageModel(), ["state0", "state2"], { set: ["skip=-1"] }, /skip = -1/, /0 or more/],
    ["texts that are too short", languageModel(), ["state0", "state2"], { set: ["skip=4"] }, /has 4 tokens/, /skip=0/],
  ] as const)("%s are refused", async (_, model, taps, options, what, fix) => {
    const refused = async () => {
      const { lab } = await open({ model, taps });
      return lens.design(lab, paramsOf(lens, options));
    };
    await expect(refused()).rejects.toThrow(PushforwardError);
    await expect(refused()).rejects.toMatchObject({
      what: expect.stringMatching(what),
      fix: expect.stringMatching(fix),
    });
  });

  test("a list of names that is not as long as the scores is refused", async () => {
    const { lab } = await open({ model: languageModel(), taps: ["state0", "state2"], names: ["a", "b"] });
    const refused = async () => lens.design(lab, paramsOf(lens));
    await expect(refused()).rejects.toThrow("There are 2 names of tokens, but logits has 5 scores for each token.");
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

test.for([
  ["a GPT-2 with fused attention", "gpt2_sdpa_op23.fixed.onnx", ["transformer", "transformer.h.0", "transformer.h.1"]],
  ["a Mamba, which scans its tokens", "mamba_eager.legacy.onnx", ["layers.0", "layers.1"]],
] as const)(
  "%s: the lens is that of the whole matrix, and agrees with differences",
  async ([, name, taps], { skip }) => {
    skip(sharedDir === undefined, withoutShared);
    const file = sharedPath("zoo", name);
    const model = await readModel(readFileSync(file), { file });
    const one = await open({ model, taps, count: 2 });
    const data = await one.study(lens);
    expect(data.axes.sample).toHaveLength(22);
    for (const [tap, from] of taps.slice(0, -1).entries()) {
      const mean = await meanOf(one, from, taps.at(-1)!, [32, 32, 12]);
      expect(relativeDistance(valuesAt(data, "lens", tap), mean)).toBeLessThan(1e-6);
      expect(valuesAt(data, "difference", tap)[0]).toBeLessThan(1e-3);
    }
    const [, tokens] = lens.conclude(data, {}).tables;
    expect(tokens!.rows).toHaveLength((taps.length - 1) * 6);
  },
);

test("stories260k: the lens over 200 tokens agrees with differences at every layer, and its tokens are pieces", {
  timeout: 300_000,
}, async ({ skip }) => {
  skip(sharedDir === undefined, withoutShared);
  const { model, ids, pieces } = await readStories();
  const { study } = await open({
    ...{ model, names: pieces, points: [Float32Array.from(ids)], shape: [1, ids.length], k: 16 },
    taps: [0, 1, 2, 3, 4].map((block) => `block${block}.out`),
  });
  const data = await study(lens);
  expect(data.axes.sample).toHaveLength(200);
  for (const tap of [0, 1, 2, 3]) {
    expect(valuesAt(data, "difference", tap)[0]).toBeLessThan(1e-4);
    const [sigma, residual] = [valuesAt(data, "sigma", tap), valuesAt(data, "residual", tap)];
    expect(sigma.every((value) => value > 0)).toBe(true);
    expect(residual.every((value) => value <= 1e-5 * sigma[0]!)).toBe(true);
  }
  const [, tokens] = lens.conclude(data, {}).tables;
  expect(tokens!.rows).toHaveLength(4 * 8);
});
