import { afterAll, describe, expect, test } from "vitest";
import { directionalNoise } from "../../src/studies/directional-noise.ts";
import { convnet } from "../apps/networks.ts";
import { type Laboratory, laboratory } from "./laboratory.ts";

const opened: Laboratory[] = [];
afterAll(() => Promise.all(opened.map((one) => one.close())));

async function open(options: Partial<Parameters<typeof laboratory>[0]> = {}): Promise<Laboratory> {
  const one = await laboratory({ model: convnet(), taps: ["logits"], count: 3, k: 6, ...options });
  opened.push(one);
  return one;
}
const set = ["directions=2", "draws=2", "amplitudes=1e-4,1e-2,1"];

describe("directional noise", () => {
  test("the linear prediction is exact as the amplitude goes to 0, and lies within the spectrum", async () => {
    const { lab, study } = await open();
    const { values, axes } = await study(directionalNoise, { set });
    const [directions, amplitudes, draws] = [axes.direction!.length, 3, 2];
    for (let image = 0; image < 3; image++) {
      const { sigma } = await lab.spectrum(image, 1);
      const size = Math.sqrt(lab.inputs[image]!.point.reduce((sum, value) => sum + value * value, 0));
      for (let d = 0; d < directions; d++) {
        for (let draw = 0; draw < draws; draw++) {
          const at = (amplitude: number) => ((image * directions + d) * amplitudes + amplitude) * draws + draw;
          expect(values.error!.data[at(0)]).toBeLessThan(0.02);
          const growth = values.predicted!.data[at(0)]! / (1e-4 * size);
          expect(growth).toBeLessThanOrEqual(sigma[0]! * (1 + 1e-4));
          if (axes.direction![d] === "first") expect(growth).toBeGreaterThanOrEqual(sigma[1]! * (1 - 1e-4));
          if (axes.direction![d] === "last") expect(growth).toBeLessThanOrEqual(sigma[4]! * (1 + 1e-4));
          // J is homogeneous.
          expect(values.predicted!.data[at(2)]! / values.predicted!.data[at(0)]!).toBeCloseTo(1e4, 0);
        }
      }
    }
    for (const ratio of values.energy!.data.filter((_, i) => i % amplitudes === 0)) expect(ratio).toBeCloseTo(1, 1);
  });

  test("charts, tables and verdicts", async () => {
    const { study } = await open({ count: 6 });
    const { tables, charts, verdicts } = directionalNoise.conclude(await study(directionalNoise, { set }), {
      directions: 2,
    });
    expect(tables.map(({ id, rows }) => [id, rows.length])).toEqual([
      ["by-amplitude", 18],
      ["radius", 6],
    ]);
    expect(charts.map(({ id }) => id)).toEqual(["shift", "error", "changed", "energy"]);
    expect(verdicts[0]!.verdict).toBe("supported");
  });

  test("only scores tell a class", async () => {
    const { study } = await open({ taps: ["relu2"] });
    const { charts, verdicts } = directionalNoise.conclude(await study(directionalNoise, { set }), { directions: 2 });
    expect(charts.map(({ id }) => id)).toEqual(["shift", "error", "energy"]);
    expect(verdicts).toHaveLength(1);
  });

  test.each([
    [{}, ["amplitudes=0.1,0.01"], "The amplitudes must be larger than 0 and in increasing order."],
    [{}, ["amplitudes=0,0.01"], "The amplitudes must be larger than 0 and in increasing order."],
    [{ count: 1 }, [], "needs at least two images"],
    [{ k: 2 }, [], "The study compares the first, middle and last singular vectors, but there are only 2 in all."],
  ])("%j %j is refused", async (options, more, message) => {
    const { study } = await open(options);
    await expect(study(directionalNoise, { set: [...set, ...more] })).rejects.toThrow(message);
  });
});
