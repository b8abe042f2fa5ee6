import { describe, expect, test } from "vitest";
import { createRng } from "../../src/base/index.ts";
import { floatTensor } from "../../src/onnx/index.ts";
import { features } from "../../src/studies/features.ts";
import { VARIANTS, weightsOf } from "../../src/studies/features-measures.ts";
import { partialSpearman } from "../../src/studies/features-numbers.ts";
import type { EncoderTraining } from "../../src/studies/index.ts";
import { correlation, ranks } from "../../src/studies/statistics.ts";
import type { Params, StudyData } from "../../src/studies/study.ts";

describe("the partial rank correlation", () => {
  const rng = createRng(1, "numbers");
  const draw = () => Array.from({ length: 30 }, () => rng.gaussian());
  const [c, d] = [draw(), draw()];
  const a = draw().map((value, i) => value + c[i]! - d[i]!);
  const b = draw().map((value, i) => value + 2 * c[i]! + d[i]!);
  const r = (x: readonly number[], y: readonly number[]) => correlation(ranks(x), ranks(y));
  const given = (xy: number, xz: number, yz: number) => (xy - xz * yz) / Math.sqrt((1 - xz ** 2) * (1 - yz ** 2));

  test("is Spearman's without anything given, and by the recursion over what is given", () => {
    expect(partialSpearman(a, b, [])).toBeCloseTo(r(a, b), 12);
    const ofC = (x: readonly number[], y: readonly number[]) => given(r(x, y), r(x, c), r(y, c));
    expect(partialSpearman(a, b, [c])).toBeCloseTo(ofC(a, b), 12);
    expect(partialSpearman(a, b, [c, d])).toBeCloseTo(given(ofC(a, b), ofC(a, d), ofC(b, d)), 12);
  });

  test("is not defined where nothing is left", () => {
    expect(partialSpearman(a, b, [b])).toBeNaN();
    expect(
      partialSpearman(
        a,
        a.map(() => 1),
        [],
      ),
    ).toBeNaN();
  });
});

test("the control with permuted rows has the same numbers in each row, in another order, and the same biases", () => {
  const data = Float32Array.from({ length: 40 }, (_, i) => i);
  const weights = new Map([
    ["fc1.weight", floatTensor([4, 10], data)],
    ["fc1.bias", floatTensor([4], [1, 2, 3, 4])],
    ["fc2.bias", floatTensor([10], new Float32Array(10))],
  ]);
  const network = { input: [10], layers: [{ kind: "dense", units: 4 }] } as const;
  const encoder = { name: "a", network, first: weights, last: weights } as unknown as EncoderTraining;
  const permuted = weightsOf("permuted", encoder, 1);
  expect([...permuted.keys()]).toEqual(["fc1.weight", "fc1.bias"]);
  const moved = permuted.get("fc1.weight")!.data as Float32Array;
  for (let row = 0; row < 4; row++) {
    expect([...moved.slice(10 * row, 10 * row + 10)].sort((x, y) => x - y)).toEqual([
      ...data.slice(10 * row, 10 * row + 10),
    ]);
  }
  expect(moved).not.toEqual(data);
  expect(permuted.get("fc1.bias")).toBe(weights.get("fc1.bias"));
  expect(weightsOf("permuted", encoder, 1).get("fc1.weight")!.data).toEqual(moved);
  expect(weightsOf("permuted", encoder, 2).get("fc1.weight")!.data).not.toEqual(moved);
});

interface Measured {
  readonly rank: number;
  readonly norm: number;
  readonly error: number;
}

interface Settings {
  readonly shape?: readonly number[];
  readonly floor?: number;
  /** Whether the image is stored. */
  readonly known?: boolean;
}

/** The findings for these configurations with five seeds, whose error and rank are given by functions, at inputs of four entries. */
function findings(
  configurations: readonly { readonly name: string; readonly family: string }[],
  of: (configuration: number, seed: number) => Measured,
  { shape = [4], floor = 1e-6, known = true }: Settings = {},
) {
  const seeds = 5;
  const all = configurations.flatMap((own, c) => Array.from({ length: seeds }, (_, seed) => ({ ...own, c, seed })));
  const axes = {
    training: all.map(({ name, seed }) => `${name}/${seed}`),
    variant: VARIANTS,
    image: ["example 3", "example 5"],
    k: [1, 2],
    direction: [1, 2, 3],
    entry: [0, 1, 2, 3],
  };
  const array = (dims: readonly (keyof typeof axes)[], value: (training: number) => number) => {
    const each = dims.reduce((product, name) => product * axes[name].length, 1);
    return {
      dims: ["training", ...dims],
      shape: [],
      data: Float64Array.from({ length: all.length * each }, (_, i) => value(Math.floor(i / each))),
    };
  };
  const at = (training: number) => of(all[training]!.c, all[training]!.seed);
  const measured = (value: (training: number) => number) => array(["variant", "image"], value);
  const values = {
    effective_rank: measured((t) => at(t).rank),
    norm: measured((t) => at(t).norm),
    ...{ first_ten: measured(() => 0.5), saturation: measured(() => 0.1) },
    floor: measured(() => floor),
    sigma: array(["variant", "image", "k"], () => 1),
    tangents: array(["variant", "image", "direction"], () => 2),
    vector: array(["direction", "entry"], (t) => t),
    picture: array(["entry"], (t) => (known ? t : Number.NaN)),
    probe_error: array(["variant"], (t) => at(t).error),
    tuned_error: array(["variant"], () => Number.NaN),
    reconstruction: array([], (t) => all[t]!.seed),
  };
  const params: Params = {
    configuration: all.map(({ name }) => name),
    family: all.map(({ family }) => family),
    // The first training of a configuration in the order of names need not be that of the first seed.
    seed: all.map(({ seed }) => (seed + 2) % seeds),
    shape,
  };
  const inputs = [{ name: "example 3", label: "7" }];
  return features.conclude({ axes, inputs, seed: 0, values } as unknown as StudyData, params);
}

/** The rules of such a study by their names. */
function study(...given: Parameters<typeof findings>) {
  const rows = findings(...given).tables.find(({ id }) => id === "rules")!.rows;
  return (id: string) => {
    const row = rows.find(([own]) => own === id);
    return row === undefined
      ? undefined
      : { ...(row[2] as { value: number; low: number; high: number }), verdict: row[3] };
  };
}

const families = ["AE", "CAE", "CAE", "CAE", "CAE", "DAE, Gaussian", "DAE, Gaussian", "DAE, Gaussian"];
const named = families.map((family, i) => ({ name: `${family}-${i}`, family }));

describe("the rules", () => {
  test("an error that rises with the rank supports A1; contractive encoders that are better support A4", () => {
    // Plain encoders have the largest rank and error, contractive ones the smallest.
    const place = [8, 1, 2, 3, 4, 5, 6, 7];
    const rule = study(named, (c, seed) => ({
      rank: Math.exp(place[c]! + 0.01 * ((seed * 7) % 5)),
      norm: Math.exp(place[c]! / 2),
      error: 0.01 * place[c]! + 0.0001 * ((seed * 3) % 5),
    }));
    expect(rule("A1 probe")).toMatchObject({ value: 1, verdict: "supported" });
    expect(rule("A3 probe")).toMatchObject({ value: 1, verdict: "supported" });
    expect(rule("A4 CAE-1")!.value).toBeCloseTo(1 - 8, 9);
    expect(rule("A4 CAE-1")!.verdict).toBe("supported");
    expect(rule("A4 CAE-1 probe")!.verdict).toBe("supported");
    expect(rule("R contractive")!.value).toBeCloseTo((2.5 - 6) / 2, 9);
    expect(rule("R denoising")!.value).toBeCloseTo((6 - 8) / 2, 9);
    expect(rule("R contractive")!.verdict).toBe("supported");
    expect(rule("permuted rank")).toMatchObject({ value: 0, verdict: "" });
    expect(rule("A1 fine-tuned")).toBeUndefined();
  });

  test("an error that falls with the rank contradicts A1, and one between families alone does not support A3", () => {
    const falling = study(named, (c) => ({ rank: c + 1, norm: 1 + (c % 3), error: 0.5 - 0.01 * c }));
    expect(falling("A1 probe")).toMatchObject({ value: -1, verdict: "contradicted" });
    // Simpson: families rise together, and within each the error falls as the rank rises.
    const level = [0, 10, 10, 10, 10, 20, 20, 20];
    const within = [0, 1, 2, 3, 4, 1, 2, 3];
    const simpson = study(named, (c) => ({
      rank: level[c]! + within[c]! + 1,
      norm: 1,
      error: 0.01 * (level[c]! - within[c]! + 5),
    }));
    expect(simpson("A1 probe")!.value).toBeGreaterThan(0.5);
    expect(simpson("A3 probe")).toMatchObject({ value: -1, verdict: "contradicted" });
  });

  test("few configurations decide nothing", () => {
    const few = study(named.slice(0, 4), (c) => ({ rank: c + 1, norm: 1, error: 0.1 * c }));
    expect(few("A1 probe")!.verdict).toBe("undecided");
  });
});

describe("the first vectors as pictures", () => {
  const of = () => ({ rank: 1, norm: 1, error: 0.1 });
  const ofFirst = [
    { name: "plain", family: "AE" },
    { name: "contractive-1", family: "CAE" },
    { name: "contractive-2", family: "CAE" },
  ];

  test("one configuration of each family has a row, at its first seed, with the image", () => {
    const [pictures, ...others] = findings(ofFirst, of, { shape: [1, 2, 2] }).pictures!;
    expect(others).toEqual([]);
    expect(pictures!.caption).toContain("at the held-out example 3 (class 7)");
    expect(pictures!.rows.map(({ name }) => name)).toEqual(["plain, seed 0", "contractive-1, seed 0"]);
    // The trainings with the seed 0 are the fourth of each.
    for (const [row, training] of [3, 8].entries()) {
      const entries = Float64Array.of(training, training, training, training);
      expect(pictures!.rows[row]).toMatchObject({
        source: entries,
        vectors: [
          { sigma: 1, entries },
          { sigma: 1, entries },
        ],
      });
    }
  });

  test("of several configurations of a family that with the middle effective rank is shown, of an even number the lower one", () => {
    const rankOf = [8, 1, 4, 3, 2, 7, 5, 6]; // of the encoders above: plain, four contractive, three denoising
    const [pictures] = findings(named, (c) => ({ rank: rankOf[c]!, norm: 1, error: 0.1 }), { shape: [1, 2, 2] })
      .pictures!;
    expect(pictures!.rows.map(({ name }) => name)).toEqual([
      "AE-0, seed 0",
      "CAE-4, seed 0",
      "DAE, Gaussian-7, seed 0",
    ]);
  });

  test("a vector whose σ is below the floor is left out, and so is an image that is not known", () => {
    const [plain] = findings(ofFirst, of, { shape: [1, 2, 2], floor: 1, known: false }).pictures![0]!.rows;
    expect(plain).toEqual({ name: "plain, seed 0", vectors: [undefined, undefined] });
  });

  test.each([[[4]], [[2, 2, 1]], [[2, 2]]])("inputs of the shape %j are no pictures", (shape) => {
    expect(findings(ofFirst, of, { shape }).pictures).toEqual([]);
  });
});
