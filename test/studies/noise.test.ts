import { afterAll, describe, expect, test } from "vitest";
import { toDense } from "../../src/operator/index.ts";
import { noise } from "../../src/studies/noise.ts";
import { valueAt } from "../../src/studies/study.ts";
import { convnet, lowRankNet } from "../apps/networks.ts";
import { hostBlock } from "../support/js-algebra.ts";
import { type Laboratory, laboratory } from "./laboratory.ts";

const opened: Laboratory[] = [];
afterAll(() => Promise.all(opened.map((one) => one.close())));

async function open(options: Partial<Parameters<typeof laboratory>[0]> = {}): Promise<Laboratory> {
  const one = await laboratory({ model: convnet(), taps: ["relu1", "logits"], count: 3, k: 6, ...options });
  opened.push(one);
  return one;
}
const set = ["kinds=gaussian,salt-and-pepper", "gaussian=0,0.2,0.5", "salt-and-pepper=0,0.1,0.4", "images=2"];

describe("exchanging what nodes keep", () => {
  test("none leaves J, all make it the other's, and each order of exchange passes through real mixtures", async () => {
    const { lab } = await open();
    const [source, target] = [lab.taps[0]!, lab.taps[2]!];
    const at = (image: number) => lab.jacobian(lab.inputs[image]!.point, source, target, { apart: true });
    const [a, b] = [await at(0), await at(1)];
    expect(a.factors).toEqual(["relu1", "pool1", "relu2"]);
    const matrix = (exchanged: readonly string[]) => toDense(a.exchanged(b, new Set(exchanged)));
    expect(await matrix([])).toEqual(await toDense(a));
    expect(await matrix(a.factors)).toEqual(await toDense(b));
    expect(await matrix(["relu2"])).not.toEqual(await toDense(a));
    // A program in which factors are merged gives the same J.
    expect(await toDense(await lab.jacobian(lab.inputs[1]!.point, source, target))).toEqual(await toDense(b));
    const one = hostBlock(new Float32Array(10).fill(1), 1);
    expect((await a.exchanged(b, new Set(["relu1"])).applyTranspose(one)).length).toBe(144);
  });
});

describe("noise", () => {
  test("parts add up to the whole change in either order; noise of strength 0 changes nothing", async () => {
    const { study } = await open();
    const data = await study(noise, { set });
    const { axes } = data;
    const chosen = [0, 1];
    for (const image of chosen) {
      for (const kind of axes.kind!.keys()) {
        for (const level of axes.level!.keys()) {
          const whole = Math.log(valueAt(data, "energy", [image, kind, level]));
          for (const order of [0, 1]) {
            const parts = axes.factor!.map((_, factor) => valueAt(data, "part", [image, kind, level, order, factor]));
            // Energies are sums of float32 products.
            expect(Math.abs(parts.reduce((sum, part) => sum + part, 0) - whole)).toBeLessThan(1e-5);
          }
          if (level > 1) continue;
          expect(whole).toBe(0);
          expect(valueAt(data, "distance", [image, kind, level])).toBe(0);
          expect(valueAt(data, "same", [image, kind, level])).toBe(1);
          for (let i = 0; i < 6; i++) {
            const [noisy, clean] = [level, 0].map((at) => valueAt(data, "sigma", [image, kind, 1, at, i]));
            expect(noisy! / clean!).toBeCloseTo(1, 4);
          }
        }
      }
    }
    expect(valueAt(data, "energy", [2, 0, 3])).toBeGreaterThan(0);
    expect(valueAt(data, "sigma", [2, 0, 0, 0, 0])).toBeNaN();
  });

  test("at a tap of few entries Σσ² is that of its singular values", async () => {
    const { study } = await open({ k: 10 });
    const data = await study(noise, { set });
    for (const level of data.axes.level!.keys()) {
      const [there, clean] = [level, 0].map((at) =>
        Array.from({ length: 10 }, (_, i) => valueAt(data, "sigma", [0, 1, 1, at, i]) ** 2).reduce((a, b) => a + b),
      );
      expect(valueAt(data, "energy", [0, 1, level]) / (there! / clean!)).toBeCloseTo(1, 4);
    }
  });

  test("true classes count where they are known, by name or by number", async () => {
    const labels = ["3", "1", "7"];
    const classes = Array.from({ length: 10 }, (_, i) => `c${i}`);
    const numbered = await (await open({ labels })).study(noise, { set });
    const byName = await open({ labels: labels.map((name) => `c${name}`), classes });
    const named = await byName.study(noise, { set });
    expect(numbered.values.top1!.data).toEqual(named.values.top1!.data);
    expect(numbered.values.top5!.data.every((value) => value === 0 || value === 1)).toBe(true);
  });

  test("charts, tables and verdicts, with classes and without", async () => {
    const { study, lab } = await open();
    const params = { gaussian: [0, 0.2, 0.5], "salt-and-pepper": [0, 0.1, 0.4] };
    const { tables, charts, verdicts } = await noise.conclude(await study(noise, { set }), params);
    expect(tables.map(({ id, rows }) => [id, rows.length])).toEqual([
      ["by-level", 8],
      ["by-layer", 18],
    ]);
    expect(charts.map(({ id }) => id)).toEqual([
      "shrink",
      "spectra",
      "energy",
      "classes",
      "margin",
      "factors",
      "layers",
    ]);
    expect(verdicts).toHaveLength(4);
    expect(lab.inputs).toHaveLength(3);

    const trunk = convnet();
    const graph = { ...trunk.graph, outputs: [{ ...trunk.graph.outputs[0]!, name: "relu2", shape: [1, 6, 6, 6] }] };
    const without = await open({ model: { ...trunk, graph }, taps: ["relu2"] });
    const found = await noise.conclude(await without.study(noise, { set }), params);
    expect(found.charts.map(({ id }) => id)).toEqual(["shrink", "spectra", "energy", "factors", "layers"]);
    expect(verdicts.map(({ on }) => on)).toContain("with the class");
    expect(found.verdicts.map(({ on }) => on)).not.toContain("with the class");
  });

  test("one image has no interval", async () => {
    const { study } = await open({ count: 1 });
    const { verdicts } = await noise.conclude(await study(noise, { set }), { gaussian: [0, 0.2, 0.5] });
    expect(new Set(verdicts.map(({ verdict }) => verdict))).toEqual(new Set(["undecided"]));
  });

  test.each([
    [{}, ["kinds=fog"], 'There is no noise of the kind "fog".'],
    [
      {},
      ["gaussian=0.1"],
      "Every kind of noise needs the same number of strengths, but there are 1 of gaussian, 3 of salt-and-pepper.",
    ],
    [{}, ["gaussian=0.1,-1,2"], "Noise of the kind gaussian cannot have the strength -1."],
    [{}, ["kinds=jpeg", "jpeg=0"], "Noise of the kind jpeg cannot have the strength 0."],
    [{}, ["gaussian=0.1,0.5,0.2"], "The strengths of gaussian noise must be in order, from weak to strong noise."],
    [{}, ["kinds=jpeg", "jpeg=5,50"], "The strengths of jpeg noise must be in order, from weak to strong noise."],
    [{ model: lowRankNet(), taps: ["y"] }, [], "The study of noise needs pictures, but the input of the network is 8."],
  ])("%j %j is refused", async (options, more, message) => {
    const { study } = await open(options);
    await expect(study(noise, { set: [...set, ...more] })).rejects.toThrow(message);
  });
});
