import { describe, expect, test } from "vitest";
import { PushforwardError } from "../../src/base/index.ts";
import { parseSpace } from "../../src/search/space.ts";

const recipe = {
  network: {
    input: [4],
    layers: [
      {
        $repeat: { $choice: [1, 3] },
        layers: [{ kind: "dense", units: { $integer: [4, 6] } }, { kind: { $choice: ["tanh", "relu"] } }],
      },
      { kind: "dense", units: 2 },
    ],
  },
  initializer: {
    $choice: [
      { kind: "gaussian", weightVariance: { $logUniform: [0.1, 10] } },
      { kind: "orthogonal", gain: { $uniform: [1, 2] } },
    ],
  },
  loss: "softmaxCrossEntropy",
  optimizer: { kind: "sgd", rate: { $logUniform: [1e-4, 1] } },
  batch: 2,
  steps: 9,
};
const draws = (json: object, count = 2000) => {
  const space = parseSpace(json, "space.json");
  return Array.from({ length: count }, (_, index) => space.draw(7, index));
};

describe("a space of recipes", () => {
  test("its candidates depend on the seed and the index alone, whatever else varies", () => {
    const [space, other] = [
      parseSpace(recipe, "a.json"),
      parseSpace({ ...recipe, batch: { $integer: [1, 2] } }, "b.json"),
    ];
    for (let index = 0; index < 20; index++) {
      expect(space.draw(3, index)).toEqual(space.draw(3, index));
      expect(other.draw(3, index).recipe.network).toEqual(space.draw(3, index).recipe.network);
    }
    const rates = [0, 1].map((seed) => space.draw(seed, 0).recipe.optimizer.rate);
    expect(rates[0]).not.toBe(rates[1]);
  });

  test("a logarithmic range is uniform in the logarithm, a plain one in the number, and choices are equally frequent", () => {
    const all = draws(recipe);
    // The largest deviation of an empirical distribution of 2000 numbers is below 1.63/√2000 in 99 % of cases (Kolmogorov).
    const deviation = (values: number[]) =>
      Math.max(...values.toSorted((a, b) => a - b).map((value, i) => Math.abs(value - (i + 0.5) / values.length)));
    expect(
      deviation(all.map(({ recipe: { optimizer } }) => Math.log(optimizer.rate / 1e-4) / Math.log(1e4))),
    ).toBeLessThan(0.037);
    const gains = all.flatMap(({ recipe: { initializer } }) =>
      initializer.kind === "orthogonal" ? [initializer.gain! - 1] : [],
    );
    expect(deviation(gains)).toBeLessThan(1.63 / Math.sqrt(gains.length));
    // Of 2000 draws with probability ½, within 3.3 standard deviations of 22.
    expect(Math.abs(gains.length - 1000)).toBeLessThan(74);
    expect(
      Math.abs(all.filter(({ drawn }) => drawn.get("network.layers[0].$repeat") === 3).length - 1000),
    ).toBeLessThan(74);
    const units = new Set(all.map(({ drawn }) => drawn.get("network.layers[0].layers[0].units")));
    expect([...units].sort()).toEqual([4, 5, 6]);
  });

  test("a repeated layer is drawn once: all its copies are the same", () => {
    for (const { recipe: drawn, drawn: values } of draws(recipe, 50)) {
      const hidden = drawn.network.layers.slice(0, -1);
      expect(hidden).toHaveLength(2 * Number(values.get("network.layers[0].$repeat")));
      for (const [i, layer] of hidden.entries()) expect(layer).toEqual(hidden[i % 2]);
    }
  });

  test("what was drawn is told by its place, a chosen object by its kind", () => {
    const { drawn, recipe: own } = parseSpace(recipe, "a.json").draw(7, 0);
    expect(drawn.get("initializer")).toBe(own.initializer.kind);
    expect(drawn.get("optimizer.rate")).toBe(own.optimizer.rate);
    const inChosen = own.initializer.kind === "gaussian" ? "initializer(1).weightVariance" : "initializer(2).gain";
    expect([...drawn.keys()]).toContain(inChosen);
  });
});

describe("a space that cannot be", () => {
  const rate = (value: unknown) => ({ ...recipe, optimizer: { kind: "sgd", rate: value } });
  test.each([
    ["an unknown range", rate({ $loguniform: [1, 2] }), "$loguniform", "optimizer.rate", "$logUniform"],
    [
      "another key beside a range",
      rate({ $uniform: [1, 2], unit: "s" }),
      '"unit" beside $uniform',
      "optimizer.rate",
      "alone",
    ],
    ["ends in the wrong order", rate({ $uniform: [2, 1] }), "the smaller first", "optimizer.rate", "$uniform"],
    ["a logarithm of 0", rate({ $logUniform: [0, 1] }), "two positive numbers", "optimizer.rate", "1e-4"],
    ["no alternatives", rate({ $choice: [] }), "at least one value", "optimizer.rate", "$choice"],
    [
      "a number that a recipe refuses at one end",
      rate({ $uniform: [-1, 1] }),
      '"optimizer.rate" must be',
      "optimizer.rate",
      "0.0001",
    ],
    ["an alternative that a recipe refuses", rate({ $choice: [0.1, "fast"] }), '"fast"', "optimizer.rate", "0.0001"],
    [
      "a range of the loss",
      { ...recipe, loss: { $choice: ["softmaxCrossEntropy", "meanSquaredError"] } },
      "the same for all",
      "loss",
      "one value",
    ],
    [
      "repeated layers where there is no list",
      { ...recipe, initializer: { $repeat: 2, layers: [] } },
      "no list",
      "initializer",
      "network.layers",
    ],
    [
      "half a repetition",
      { ...recipe, network: { input: [4], layers: [{ $repeat: 1.5, layers: [{ kind: "dense", units: 2 }] }] } },
      "whole number",
      "network.layers[0].$repeat",
      "$repeat",
    ],
  ])("%s is refused with its place", (_, json, what, option, fix) => {
    try {
      parseSpace(json, "space.json");
    } catch (cause) {
      expect(cause).toBeInstanceOf(PushforwardError);
      const error = cause as PushforwardError;
      expect(error.code).toBe("usage");
      expect(error.what).toContain(what);
      expect(error.where).toMatchObject({ file: "space.json", option });
      expect(error.fix).toContain(fix);
      return;
    }
    expect.unreachable();
  });

  test("a recipe without a range is no space", () => {
    const { draw } = parseSpace(recipe, "a.json");
    expect(() => parseSpace(draw(0, 0).recipe, "a.json")).toThrow("Nothing varies");
  });
});
