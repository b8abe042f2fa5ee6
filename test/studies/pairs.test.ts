import { afterAll, describe, expect, test } from "vitest";
import { createRng, gaussianArray } from "../../src/base/index.ts";
import { pairs } from "../../src/studies/pairs.ts";
import { convnet } from "../apps/networks.ts";
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
      for (let pair = 0; pair < 2 * count; pair++) {
        const partner = values.partner!.data[image * 2 * count + pair]!;
        expect(partner).not.toBe(image);
        expect((partner - image) % 2 === 0).toBe(pair < count);
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

  test("the charts and the table speak of both kinds", async () => {
    const { study } = await open();
    const { tables, charts, verdicts } = pairs.conclude(await study(pairs, { set }), {});
    expect(tables[0]!.rows.map(([tap, kind]) => `${tap} ${kind}`)).toContain("logits between");
    expect(charts.map(({ id }) => id)).toEqual(["growth", "linear", "energy"]);
    for (const { because } of verdicts) expect(because).toMatch(/95 % interval .* n = 4 images/);
  });

  test.each([
    [{ labels: ["a", "a", "a", "a"] }, "image0 has not"],
    [{ labels: ["a", "a", "b", "c"] }, "image2 has not"],
    [{ vectors: 2 }, "The span of 3 singular vectors is asked for, and 2 are kept."],
  ])("%j is refused", async (options, message) => {
    const { study } = await open(options);
    await expect(study(pairs, { set })).rejects.toThrow(message);
  });
});
