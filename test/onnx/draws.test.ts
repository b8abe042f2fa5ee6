import { afterAll, describe, expect, test } from "vitest";
import { createRng, gaussianArray } from "../../src/base/index.ts";
import { Network } from "../../src/jacobian/index.ts";
import {
  type Attributes,
  buildModel,
  castTo,
  float,
  floatTensor,
  int,
  ints,
  type Node,
  node,
  normalize,
  type OnnxModel,
  type Tensor,
  toNumbers,
  valueInfo,
} from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { evaluateWith } from "../../src/runtime/index.ts";

const backend = createBackend({ threads: 1 });
afterAll(() => backend.dispose());
const evaluate = evaluateWith(backend);

/** Enough that a mean is within 4 deviations / 100. */
const COUNT = 10_000;
const DEVIATIONS = 4 / Math.sqrt(COUNT);

function modelOf(nodes: readonly Node[], outputs: readonly string[], opset = 22, x = [100, 100]): OnnxModel {
  const graph = {
    inputs: [valueInfo("x", "float32", x)],
    outputs: outputs.map((name) => ({ name, type: undefined, shape: undefined })),
    nodes,
    initializers: new Map<string, Tensor>(),
  };
  return buildModel(graph, opset);
}

/** What a node of one operator gives for x in a normalized graph, and the operators that are left of it. */
async function drawnBy(op: string, attributes: Attributes, x: Tensor, { opset = 22, name = "y", inputs = ["x"] } = {}) {
  const model = modelOf([node({ op, inputs, outputs: ["y"], attributes, name })], ["y"], opset, [...x.shape]);
  const { onnx } = await normalize(model, { feeds: new Map([["x", x]]), evaluate });
  const known = onnx.graph.initializers.get("y");
  return known ?? (await evaluate(onnx, new Map([["x", x]]), ["y"])).get("y")!;
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const deviation = (values: readonly number[]) => {
  const centre = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - centre) ** 2)));
};
const wide = floatTensor([100, 100], gaussianArray(createRng("x"), COUNT));

describe("random numbers are drawn once, when a graph is opened", () => {
  test.each([7, 15, 22, 26])("in opset %d, with the mean and the width that are asked for", async (opset) => {
    const normal = toNumbers(await drawnBy("RandomNormalLike", { mean: float(2), scale: float(3) }, wide, { opset }));
    expect(Math.abs(mean(normal) - 2)).toBeLessThan(3 * DEVIATIONS);
    expect(Math.abs(deviation(normal) - 3)).toBeLessThan(3 * DEVIATIONS);
    const uniform = toNumbers(await drawnBy("RandomUniformLike", { low: float(1), high: float(5) }, wide, { opset }));
    expect(Math.min(...uniform)).toBeGreaterThanOrEqual(1);
    expect(Math.max(...uniform)).toBeLessThan(5);
    expect(Math.abs(mean(uniform) - 3)).toBeLessThan(4 * DEVIATIONS);
    const shape = ints([100, 100]);
    for (const op of ["RandomNormal", "RandomUniform"]) {
      const tensor = await drawnBy(op, { shape, dtype: int(11) }, wide, { opset, inputs: [] });
      expect([tensor.type, tensor.shape]).toEqual(["float32", [100, 100]]);
    }
  });

  test("the seed and the name of the node determine them", async () => {
    const draw = async (seed: number | undefined, name: string) =>
      toNumbers(await drawnBy("RandomNormalLike", seed === undefined ? {} : { seed: float(seed) }, wide, { name }));
    const first = await draw(1, "y");
    expect(await draw(1, "y")).toEqual(first);
    expect(await draw(2, "y")).not.toEqual(first);
    expect(await draw(1, "other")).not.toEqual(first);
    expect(await draw(undefined, "y")).toEqual(await draw(undefined, "y"));
  });

  test("Bernoulli gives 1 as often as its input says, in the type that is asked for", async () => {
    const chances = floatTensor(
      [3, 5000],
      Float32Array.from({ length: 15000 }, (_, i) => [0, 0.3, 1][Math.floor(i / 5000)]!),
    );
    const drawn = await drawnBy("Bernoulli", { dtype: int(7), seed: float(3) }, chances);
    expect(drawn.type).toBe("int64");
    const shares = [0, 1, 2].map((row) => mean(toNumbers(drawn).slice(5000 * row, 5000 * (row + 1))));
    expect([shares[0], shares[2]]).toEqual([0, 1]);
    expect(Math.abs(shares[1]! - 0.3)).toBeLessThan(4 * Math.sqrt((0.3 * 0.7) / 5000));
  });

  test("Multinomial gives each class as often as its weight says", async () => {
    const logs = floatTensor([2, 3], [0.2, 0.5, 0.3, 6, 1, 3].map(Math.log));
    const drawn = await drawnBy("Multinomial", { sample_size: int(5000), dtype: int(7) }, logs);
    expect([drawn.type, drawn.shape]).toEqual(["int64", [2, 5000]]);
    const share = (row: number, of: number) =>
      mean(
        toNumbers(drawn)
          .slice(5000 * row, 5000 * (row + 1))
          .map((place) => (place === of ? 1 : 0)),
      );
    for (const [row, weights] of [
      [0.2, 0.5, 0.3],
      [0.6, 0.1, 0.3],
    ].entries()) {
      for (const [of, weight] of weights.entries()) {
        expect(Math.abs(share(row, of) - weight)).toBeLessThan(4 * Math.sqrt((weight * (1 - weight)) / 5000));
      }
    }
  });
});

describe("derivatives hold what was drawn fixed", () => {
  const jacobianAt = async (nodes: readonly Node[], at: Float32Array, opset = 22) => {
    const model = modelOf(nodes, ["y"], opset, [at.length]);
    const network = new Network(await normalize(model, { evaluate }), backend);
    const J = await network.jacobian({ at });
    return { J: [...(await J.dense()).data], y: [...J.value] };
  };
  const op = (name: string, inputs: readonly string[], output: string, attributes: Attributes = {}) =>
    node({ op: name, inputs, outputs: [output], attributes });

  test("y = x² · noise", async () => {
    const nodes = [
      op("RandomNormalLike", ["x"], "noise"),
      op("Mul", ["x", "x"], "square"),
      op("Mul", ["square", "noise"], "y"),
    ];
    const { J, y } = await jacobianAt(nodes, Float32Array.of(1, 2));
    expect(Math.abs(y[0]!)).toBeGreaterThan(0);
    // dy = 2x · noise, and y = x² · noise.
    for (const [i, x] of [1, 2].entries()) expect(J[3 * i]).toBeCloseTo((2 * y[i]!) / x, 5);
    expect(await jacobianAt(nodes, Float32Array.of(1, 2))).toEqual({ J, y });
  });

  test("the step of Bernoulli has no slope, and what is multiplied by it has", async () => {
    const nodes = [
      op("Bernoulli", ["x"], "drawn"),
      op("Cast", ["drawn"], "kept", castTo("float32")),
      op("Mul", ["x", "kept"], "y"),
    ];
    const { J, y } = await jacobianAt(nodes, new Float32Array(20).fill(0.5));
    const kept = y.map((value) => value / 0.5);
    expect(new Set(kept)).toEqual(new Set([0, 1]));
    expect(kept.map((_, i) => J[21 * i])).toEqual(kept);
  });

  const constant = (name: string, value: Tensor) => op("Constant", [], name, { value: { kind: "tensor", value } });
  const truth = (value: number): Tensor => ({ type: "bool", shape: [], data: Uint8Array.of(value) });

  test.each([12, 13, 22])("Dropout of opset %d in training, whose mask says what stays", async (opset) => {
    const nodes = [
      constant("ratio", floatTensor([], [0.25])),
      constant("training", truth(1)),
      node({ op: "Dropout", inputs: ["x", "ratio", "training"], outputs: ["d", "mask"], name: "drop" }),
      op("Cast", ["mask"], "ones", castTo("float32")),
      op("Mul", ["d", "ones"], "y"),
    ];
    const { J, y } = await jacobianAt(nodes, new Float32Array(400).fill(3), opset);
    const kept = y.filter((value) => value !== 0);
    for (const value of kept) expect(value).toBeCloseTo(4, 5);
    expect(Math.abs(kept.length / 400 - 0.75)).toBeLessThan(4 * Math.sqrt((0.25 * 0.75) / 400));
    for (const [i, value] of y.entries()) expect(J[401 * i]).toBeCloseTo(value / 3, 5);
  });

  test("Dropout that an input may switch to training", async () => {
    const nodes = [
      op("ReduceSum", ["x"], "sum", { keepdims: int(0) }),
      constant("zero", floatTensor([], [0])),
      op("Greater", ["sum", "zero"], "training"),
      op("Dropout", ["x", "", "training"], "y"),
    ];
    expect(new Set((await jacobianAt(nodes, new Float32Array(40).fill(1))).y)).toEqual(new Set([0, 2]));
    expect(new Set((await jacobianAt(nodes, new Float32Array(40).fill(-1))).y)).toEqual(new Set([-1]));
  });

  test("BiasDropout leaves out entries of x + bias, and none of the residual", async () => {
    const drop = (inputs: readonly string[]) =>
      node({ op: "BiasDropout", domain: "com.microsoft", inputs, outputs: ["y", "mask"] });
    const nodes = [
      constant("bias", floatTensor([], [1])),
      constant("residual", floatTensor([50], new Array(50).fill(100))),
      constant("training", truth(1)),
      drop(["x", "bias", "residual", "", "training"]),
    ];
    const model = modelOf(nodes, ["y"], 18, [50]);
    const importing = { ...model, opsets: new Map([...model.opsets, ["com.microsoft", 1]]) };
    const network = new Network(await normalize(importing, { evaluate }), backend);
    const J = await network.jacobian({ at: new Float32Array(50).fill(2) });
    expect(new Set(J.value)).toEqual(new Set([100, 106]));
    expect(new Set((await J.dense()).data)).toEqual(new Set([0, 2]));
  });
});
