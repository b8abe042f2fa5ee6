import { afterAll, describe, expect, test } from "vitest";
import { measureVectors, vectors } from "../../src/studies/vectors.ts";
import { convnet } from "../apps/networks.ts";
import { type Laboratory, laboratory } from "./laboratory.ts";

const opened: Laboratory[] = [];
afterAll(() => Promise.all(opened.map((one) => one.close())));

const shape = [3, 40, 50] as const;
const picture = (value: (c: number, y: number, x: number) => number) =>
  Float32Array.from({ length: 3 * 40 * 50 }, (_, at) => {
    return value(Math.floor(at / 2000), Math.floor((at % 2000) / 50), at % 50);
  });

describe("what is measured of a vector", () => {
  test("a single pixel is as small as can be", () => {
    const { area, spread } = measureVectors([picture((_, y, x) => (y === 7 && x === 9 ? 1 : 0))], shape);
    expect(area).toBeCloseTo(1 / 2000, 9);
    expect(spread).toBeCloseTo(0, 6);
  });

  test("an even one fills the picture, and spreads as a rectangle does", () => {
    const { area, spread } = measureVectors([picture(() => -1)], shape);
    expect(area).toBeCloseTo(1, 9);
    const expected = Math.sqrt((40 ** 2 - 1) / 12 + (50 ** 2 - 1) / 12) / Math.hypot(40, 50);
    expect(spread).toBeCloseTo(expected, 9);
  });

  test("a wave has its frequency", () => {
    const wave = picture((_, y, x) => {
      const fading = Math.sin((Math.PI * (x + 0.5)) / 50) * Math.sin((Math.PI * (y + 0.5)) / 40);
      return fading * Math.cos(2 * Math.PI * (0.06 * x + 0.08 * y));
    });
    expect(measureVectors([wave], shape).frequency).toBeCloseTo(0.1, 2);
  });

  test("neither sign nor a turn within the span of several changes anything", () => {
    const [a, b] = [picture((_, y) => Math.sin(y)), picture((_, _y, x) => (x < 10 ? 1 : 0))];
    const [cos, sin] = [Math.cos(1), Math.sin(1)];
    const turned = [a.map((value, at) => cos * value + sin * b[at]!), a.map((value, at) => sin * value - cos * b[at]!)];
    const before = measureVectors([a, b], shape);
    for (const [name, value] of Object.entries(measureVectors(turned, shape))) {
      expect(value).toBeCloseTo(before[name as keyof typeof before], 5);
    }
  });
});

describe("vectors", () => {
  test("where J is the same at every image, there is one spectrum, and no verdict", async () => {
    const one = await laboratory({ model: convnet(), taps: ["conv1"], count: 8 });
    opened.push(one);
    const { verdicts } = vectors.conclude(await one.study(vectors), {});
    for (const { verdict, because } of verdicts) {
      expect(verdict).toBe("undecided");
      expect(because).toContain("(J is the same for all 8 images)");
    }
  });

  test("every kept vector is measured", async () => {
    const one = await laboratory({ model: convnet(), taps: ["relu1", "logits"], count: 3, k: 12, vectors: 3 });
    opened.push(one);
    const data = await one.study(vectors);
    const numbers = data.values.number!.data;
    expect([...numbers.subarray(0, 6)]).toEqual([1, 2, 3, 10, 11, 12]);
    expect([...numbers.subarray(numbers.length - 6)]).toEqual([1, 2, 3, 8, 9, 10]);
    const { tables, charts, verdicts } = vectors.conclude(data, {});
    expect(tables[0]!.rows.map(([tap]) => tap)).toEqual(["relu1", "logits"]);
    expect(charts.map(({ id }) => id)).toEqual(["correlation", "area", "spread", "frequency"]);
    for (const { because } of verdicts) expect(because).toContain("(3 images: no interval)");
  });
});
