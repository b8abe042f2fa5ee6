import { describe, expect, test } from "vitest";
import { createRng } from "../../src/base/index.ts";
import { Batches } from "../../src/training/batches.ts";
import { corrupt } from "../../src/training/corruptions.ts";
import { type Architecture, trainingGraph } from "../../src/training/index.ts";

const COUNT = 40_000;
const clean = Float32Array.from({ length: COUNT }, (_, i) => (i % 7) + 1);
const corrupted = (settings: Parameters<typeof corrupt>[1], seed = 1) => {
  const values = clean.slice();
  corrupt(values, settings, createRng(seed, "corruption"));
  return values;
};
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe("gaussian", () => {
  test.each([0.1, 0.5])(
    "the noise has mean 0 and the deviation %d, and its entries do not depend on each other",
    (d) => {
      const noise = Array.from(corrupted({ kind: "gaussian", deviation: d }), (value, i) => (value - clean[i]!) / d);
      // Five standard errors of each: of a mean 1/√n, of a mean square √2/√n, of the fourth moment √96/√n.
      const bound = 5 / Math.sqrt(COUNT);
      expect(Math.abs(mean(noise))).toBeLessThan(bound);
      expect(Math.abs(mean(noise.map((value) => value ** 2)) - 1)).toBeLessThan(Math.SQRT2 * bound);
      expect(Math.abs(mean(noise.map((value) => value ** 4)) - 3)).toBeLessThan(Math.sqrt(96) * bound);
      expect(Math.abs(mean(noise.slice(1).map((value, i) => value * noise[i]!)))).toBeLessThan(bound);
    },
  );
});

describe("masking", () => {
  test.each([0, 0.25, 1])("a share of %d becomes 0, and the others stay", (rate) => {
    const values = corrupted({ kind: "masking", rate });
    const isZero = Array.from(values, (value) => Number(value === 0));
    expect(Math.abs(mean(isZero) - rate)).toBeLessThanOrEqual(5 * Math.sqrt((rate * (1 - rate)) / COUNT));
    expect(values.every((value, i) => value === 0 || value === clean[i])).toBe(true);
  });
});

describe("in a step", () => {
  const net: Architecture = { input: [1, 4, 4], layers: [{ kind: "dense", units: 16 }, { kind: "sigmoid" }] };
  const graph = trainingGraph(net, { batch: 3, loss: "binaryCrossEntropy" });
  const inputs = Float32Array.from({ length: 5 * 16 }, (_, i) => 1 + i);
  const batches = () => new Batches(graph, { shape: net.input, inputs, targets: { kind: "inputs" } });
  const corruption = { kind: "masking", rate: 0.5 } as const;

  test("the target is the clean input, also of a shifted picture", () => {
    const shifted = batches().random([4, 0, 2], { shift: 1, corruption: undefined }, createRng(3));
    const [x, target] = [shifted.input!.data.slice(), shifted.target!.data.slice()];
    expect(target).toEqual(x);
    const both = batches().random([4, 0, 2], { shift: 1, corruption }, createRng(3));
    expect(both.target!.data).toEqual(target);
    const { data } = both.input!;
    expect(data).not.toEqual(x);
    expect(data.every((value, i) => value === 0 || value === x[i])).toBe(true);
  });

  test("where a network is evaluated, nothing is corrupted, and the examples themselves never are", () => {
    const own = batches();
    own.random([4, 0, 2], { shift: 0, corruption }, createRng(3));
    expect(own.plain([4, 0, 2]).input!.data).toEqual(
      Float32Array.from([4, 0, 2].flatMap((index) => Array.from(inputs.slice(16 * index, 16 * index + 16)))),
    );
  });
});
