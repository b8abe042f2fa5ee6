import { afterAll, describe, expect, test } from "vitest";
import { createRng, gaussianArray } from "../../src/base/index.ts";
import { flatTable } from "../../src/studies/control-findings.ts";
import { trajectory } from "../../src/studies/trajectory.ts";
import { convnet } from "../apps/networks.ts";
import { type Laboratory, laboratory } from "./laboratory.ts";

const opened: Laboratory[] = [];
afterAll(() => Promise.all(opened.map((one) => one.close())));

const centres = [0, 1].map((label) => gaussianArray(createRng("centre", label), 144));

/** Images of random numbers around two centres, one a class, that lie so far apart. */
async function around(count: number, apart: number): Promise<Laboratory> {
  const points = Array.from({ length: count }, (_, i) =>
    gaussianArray(createRng("image", i), 144).map((value, at) => 0.1 * value + apart * centres[i % 2]![at]!),
  );
  const labels = points.map((_, i) => (i % 2 === 0 ? "even" : "odd"));
  const one = await laboratory({ model: convnet(), taps: ["relu1", "logits"], points, labels });
  opened.push(one);
  return one;
}

describe("trajectory", () => {
  test("distances are those of the activations, and the plane is a projection", async () => {
    const { lab, study } = await around(6, 0.3);
    const { distance, position } = (await study(trajectory)).values;
    expect(distance!.shape).toEqual([3, 6, 6]);
    for (const [t, tap] of lab.taps.entries()) {
      const values = await lab.activations(tap);
      for (let i = 0; i < 6; i++) {
        for (let j = 0; j < 6; j++) {
          const [a, b] = [values[i]!, values[j]!];
          const expected = Math.hypot(...a.map((value, at) => value - b[at]!));
          const found = distance!.data[(t * 6 + i) * 6 + j]!;
          expect(Math.abs(found - expected)).toBeLessThanOrEqual(1e-5 * (expected + 1e-3));
          const [p, q] = [i, j].map((image) => position!.data.subarray((t * 6 + image) * 2, (t * 6 + image) * 2 + 2));
          expect(Math.hypot(p![0]! - q![0]!, p![1]! - q![1]!)).toBeLessThanOrEqual(found * (1 + 1e-6));
        }
      }
    }
  });

  test("classes that lie apart are told apart, and those that do not are not", async () => {
    const atInput = async (apart: number) => {
      const [table] = trajectory.conclude(await (await around(12, apart)).study(trajectory), {}).tables;
      const { columns, rows } = flatTable(table!);
      return ["separation, low", "separation, high"].map((name) => Number(rows[0]![columns.indexOf(name)]));
    };
    expect((await atInput(0.3))[0]).toBeGreaterThan(1.5);
    const [low, high] = await atInput(0);
    expect(low).toBeLessThan(1);
    expect(high).toBeGreaterThan(1);
  });

  test("the charts show every tap, and verdicts carry their numbers", async () => {
    const { charts, verdicts } = trajectory.conclude(await (await around(8, 0.3)).study(trajectory), {});
    expect(charts.map(({ id }) => id)).toEqual(["movement", "separation", "correlation"]);
    expect(charts[0]!.panels.map(({ title }) => title)).toEqual(["picture", "relu1", "logits"]);
    const images = charts[0]!.panels.map(({ series }) =>
      series.flatMap(({ points }) => points.map(({ image }) => image)),
    );
    for (const each of images) expect(each.toSorted()).toEqual([...Array(8).keys()]);
    for (const { because } of verdicts) expect(because).toMatch(/95 % interval .* n = 8/);
  });

  test("without classes there is no separation, and its claim is undecided", async () => {
    const one = await laboratory({ model: convnet(), taps: ["logits"], count: 4 });
    opened.push(one);
    const { charts, verdicts } = trajectory.conclude(await one.study(trajectory), {});
    expect(charts.map(({ id }) => id)).toEqual(["movement", "correlation"]);
    expect(verdicts[0]!.verdict).toBe("undecided");
  });

  test("an interrupted study stops after its cell", async () => {
    const aborter = new AbortController();
    const told: string[] = [];
    const onCell = (names: string) => {
      told.push(names);
      aborter.abort();
    };
    const { study } = await around(4, 0.3);
    await expect(study(trajectory, {}, { signal: aborter.signal, onCell })).rejects.toThrow(
      "The command was interrupted. Finished work is stored.",
    );
    expect(told).toEqual(["tap picture"]);
  });

  test("an image at which the network overflows is named, and the study does not hang", async () => {
    const points = [1, 1, 3e38].map((scale, i) =>
      gaussianArray(createRng(i), 144).map((value) => scale * Math.sign(value)),
    );
    const one = await laboratory({ model: convnet(), taps: ["relu1", "logits"], points });
    opened.push(one);
    await expect(one.lab.activations(one.lab.taps.at(-1)!)).rejects.toMatchObject({
      code: "not-finite",
      what: expect.stringMatching(/^The value of logits at .* is not finite\.$/),
    });
  });

  test("two images are too few", async () => {
    await expect((await around(2, 0)).study(trajectory)).rejects.toThrow(
      "needs at least 3 inputs, but there are only 2.",
    );
  });
});
