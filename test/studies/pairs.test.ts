import { afterAll, describe, expect, test } from "vitest";
import { createRng, gaussianArray } from "../../src/base/index.ts";
import { augmented } from "../../src/studies/augment.ts";
import { flatTable } from "../../src/studies/control-findings.ts";
import { pairs } from "../../src/studies/pairs.ts";
import { convnet, lowRankNet } from "../apps/networks.ts";
import { type Laboratory, laboratory } from "./laboratory.ts";

const opened: Laboratory[] = [];
afterAll(() => Promise.all(opened.map((one) => one.close())));

async function open(options: Partial<Parameters<typeof laboratory>[0]> = {}): Promise<Laboratory> {
  const labels = ["a", "b", "a", "b"];
  const one = await laboratory({ model: convnet(), taps: ["conv1", "relu1", "logits"], labels, ...options });
  opened.push(one);
  return one;
}
const set = ["pairs=3", "directions=1,3"];

describe("pairs", () => {
  test("partners are of the kind that they should be; no linear growth exceeds σ_1; a linear tap grows as J says", async () => {
    const { lab, study } = await open();
    const { values } = await study(pairs, { set });
    const [count, taps] = [3, 3];
    for (let image = 0; image < 4; image++) {
      const sigma = await Promise.all([1, 2, 3].map(async (tap) => (await lab.spectrum(image, tap)).sigma[0]!));
      const partners = values.partner!.data.subarray(image * 2 * count, (image + 1) * 2 * count);
      // There is one other image of the class, and two of the other: each is a partner once.
      const alike = (image + 2) % 4;
      expect(partners.toSorted()).toEqual(
        Float64Array.of(...[0, 1, 2, 3].filter((other) => other !== image), Number.NaN, Number.NaN, Number.NaN),
      );
      for (const [pair, partner] of partners.entries()) {
        if (Number.isNaN(partner)) continue;
        expect(partner === alike).toBe(pair < count);
        for (let tap = 0; tap < taps; tap++) {
          const at = (image * 2 * count + pair) * taps + tap;
          const [first, second, middle] = values.linear!.data.subarray(3 * at, 3 * at + 3);
          expect(first).toBeLessThanOrEqual(sigma[tap]! * (1 + 1e-5));
          if (tap > 0) continue;
          for (const growth of [first, second, middle]) expect(growth! / values.actual!.data[at]!).toBeCloseTo(1, 4);
        }
      }
    }
  });

  test("where J knows nothing of the images, their difference has j/n of its energy in j singular directions, on average", async () => {
    const points = Array.from({ length: 40 }, (_, i) => gaussianArray(createRng("far", i), 144));
    const labels = points.map((_, i) => (i % 2 === 0 ? "a" : "b"));
    const { study } = await open({ points, labels, taps: ["conv1"] });
    const { values } = await study(pairs, { set: ["pairs=4", "directions=3"] });
    const energy = values.energy!.data;
    const mean = energy.reduce((sum, value) => sum + value, 0) / energy.length;
    expect(Math.abs(mean - 3 / 144)).toBeLessThan(0.006);
  });

  test("an image without another of its class is paired with itself, seen otherwise", async () => {
    const { study } = await open({ labels: ["a", "b", "c", "d"] });
    const data = await study(pairs, { set: [...set, "within=augmentation"] });
    const [count, taps] = [3, 3];
    for (let image = 0; image < 4; image++) {
      for (let pair = 0; pair < 2 * count; pair++) {
        const partner = data.values.partner!.data[image * 2 * count + pair]!;
        if (pair < count) expect(partner).toBe(image);
        else expect(partner).not.toBe(image);
        expect(data.values.actual!.data[(image * 2 * count + pair) * taps]).toBeGreaterThan(0);
      }
    }
    const { tables } = pairs.conclude(data, { within: "augmentation" });
    expect(tables[0]!.caption).toContain("a copy of it that is shifted, mirrored or changed in contrast");
  });

  test("a picture seen otherwise has its own levels, moved: an even one stays, a ramp is a ramp of another slope or side", () => {
    const shape = [1, 4, 40];
    const even = new Float32Array(160).fill(0.7);
    for (const value of augmented(even, shape, createRng(1))) expect(value).toBeCloseTo(0.7, 6);
    const ramp = Float32Array.from({ length: 160 }, (_, at) => at % 40);
    for (let seed = 0; seed < 8; seed++) {
      const seen = augmented(ramp, shape, createRng(seed));
      const slope = seen[11]! - seen[10]!;
      expect(Math.abs(Math.abs(slope) - 1)).toBeLessThanOrEqual(0.2 + 1e-5);
      for (let column = 3; column < 37; column++) expect(seen[column]! - seen[column - 1]!).toBeCloseTo(slope, 4);
    }
  });

  test("pairs that share an image are not taken for independent", async () => {
    const [images, count, repeats] = [24, 4, 60];
    const { study } = await open({ count: images, labels: Array.from({ length: images }, (_, i) => `${i % 4}`) });
    const data = await study(pairs, { set: [`pairs=${count}`, "directions=1"] });
    const { partner, actual } = data.values;
    let held = 0;
    for (let repeat = 0; repeat < repeats; repeat++) {
      // Logarithms of growth that are the sum of what either image brings.
      const brings = gaussianArray(createRng("brings", repeat), images);
      const growth = actual!.data.map((_, at) => {
        const pair = Math.floor(at / data.axes.tap!.length);
        return Math.exp(brings[Math.floor(pair / (2 * count))]! + brings[partner!.data[pair]!]!);
      });
      const made = { ...data, seed: repeat, values: { ...data.values, actual: { ...actual!, data: growth } } };
      const { columns, rows } = flatTable(pairs.conclude(made, {}).tables[0]!);
      const [low, high] = ["actual growth, low", "actual growth, high"].map((name) =>
        Number(rows[0]![columns.indexOf(name)]),
      );
      if (low! <= 1 && 1 <= high!) held++;
    }
    expect(Math.abs(held / repeats - 0.95)).toBeLessThan(0.09);
  });

  test("the charts and the table speak of both kinds", async () => {
    const { study } = await open();
    const { tables, charts, verdicts } = pairs.conclude(await study(pairs, { set }), {});
    expect(tables[0]!.rows.map(([tap, kind]) => `${tap} ${kind}`)).toContain("logits between");
    expect(charts.map(({ id }) => id)).toEqual(["growth", "linear", "energy"]);
    for (const { because } of verdicts) expect(because).toMatch(/95 % interval .* n = 4 images/);
  });

  test.each([
    [{ labels: ["a", "a", "a", "a"] }, [], "image0 has none of another class."],
    [{ labels: ["a", "a", "b", "c"] }, [], "image2 has none of its class."],
    [
      { labels: ["a", "a", "a", "a"] },
      ["within=augmentation"],
      "Every image needs one of another class; image0 has none of another class.",
    ],
    [{}, ["within=magic"], 'Pairs within a class cannot come from "magic".'],
    [
      { model: lowRankNet(), taps: ["y"] },
      ["within=augmentation"],
      "Only pictures can be transformed, but the input of the network is 8.",
    ],
    [{ vectors: 2 }, [], "The study needs the span of 3 singular vectors, but only 2 are stored."],
  ])("%j %j is refused", async (options, more, message) => {
    const { study } = await open(options);
    await expect(study(pairs, { set: [...set, ...more] })).rejects.toThrow(message);
  });
});
