import { describe, expect, test } from "vitest";
import {
  type Architecture,
  initialWeights,
  isHomogeneous,
  type Layer,
  layerStep,
  weightsAt,
} from "../../src/training/index.ts";

const dense = (units: number): Layer => ({ kind: "dense", units });
const tanh: Layer = { kind: "tanh" };
const conv = (channels: number, pad = 1): Layer => ({ kind: "conv", channels, kernel: 3, pad });
const net = (input: readonly number[], ...layers: readonly Layer[]): Architecture => ({ input, layers });

const inside = (network: Architecture, ends = {}) => {
  const { from, layers, times, shape } = layerStep(network, ends);
  return { from, layers, times, shape };
};

describe("the layers that keep the size are the step", () => {
  test.each([
    ["one layer", net([8], dense(8)), { from: "input", layers: ["fc1"], times: 1, shape: [8] }],
    [
      "hidden layers of one width, of which a step is one",
      net([1, 4, 7], dense(8), tanh, dense(8), tanh, dense(8), tanh, dense(3)),
      { from: "tanh1", layers: ["fc2", "tanh2"], times: 2, shape: [8] },
    ],
    [
      "hidden layers that differ, all of which are the step",
      net([5], dense(8), tanh, dense(8), tanh, dense(8), { kind: "relu" }, dense(3)),
      { from: "tanh1", layers: ["fc2", "tanh2", "fc3", "relu3"], times: 1, shape: [8] },
    ],
    [
      "an auto-encoder of pictures as vectors",
      net([1, 4, 4], dense(8), tanh, dense(16)),
      { from: "input", layers: ["fc1", "tanh1", "fc2"], times: 1, shape: [16] },
    ],
    [
      "a bottleneck that repeats",
      net([9], dense(8), tanh, dense(2), dense(8), tanh, dense(2), dense(8), tanh, dense(3)),
      { from: "tanh1", layers: ["fc2", "fc3", "tanh3"], times: 2, shape: [8] },
    ],
    [
      "convolutions that keep the extents, up to a pool",
      net([1, 6, 6], conv(4), tanh, conv(4), tanh, { kind: "maxPool", kernel: 2 }, dense(3)),
      { from: "tanh1", layers: ["conv2", "tanh2"], times: 1, shape: [4, 6, 6] },
    ],
    [
      "dropout is left out",
      net([9], dense(8), { kind: "dropout", rate: 0.5 }, dense(8), tanh),
      { from: "fc1", layers: ["fc2", "tanh2"], times: 1, shape: [8] },
    ],
    [
      "layers that share a weight stay together",
      net([8], dense(8), tanh, { kind: "dense", tied: "fc1" }, tanh),
      { from: "input", layers: ["fc1", "tanh1", "fc2", "tanh2"], times: 1, shape: [8] },
    ],
  ])("%s", (_, network, wanted) => {
    expect(inside(network)).toEqual(wanted);
  });

  test("named ends choose others", () => {
    const network = net([8], dense(8), tanh, dense(8), tanh, dense(8));
    expect(inside(network)).toMatchObject({ from: "input", times: 1 });
    expect(inside(network, { from: "tanh1", to: "tanh2" })).toMatchObject({ from: "tanh1", layers: ["fc2", "tanh2"] });
    expect(inside(network, { to: "fc1" })).toMatchObject({ from: "input", layers: ["fc1"] });
    expect(inside(network, { from: "fc2" })).toMatchObject({ from: "fc2", layers: ["tanh2", "fc3"] });
  });

  test("the graph has the names of the whole network, with the state and the weights as inputs", () => {
    const { model, weights } = layerStep(net([5], dense(8), tanh, dense(8), tanh, dense(3)));
    expect(model.graph.inputs.map(({ name }) => name)).toEqual(["tanh1", "fc2.weight", "fc2.bias"]);
    expect(model.graph.outputs.map(({ name }) => name)).toEqual(["tanh2"]);
    expect([...weights]).toEqual([
      ["fc2.weight", [8, 8]],
      ["fc2.bias", [8]],
    ]);
  });
});

describe("weights of the steps", () => {
  const network = net([5], dense(8), tanh, dense(8), tanh, dense(3));
  const initializer = { kind: "gaussian", biasVariance: 0.1 } as const;

  test("tied, they are those with which a training of the seed begins; otherwise new ones at each step", () => {
    const step = layerStep(network);
    const whole = initialWeights(network, initializer, 7);
    const tied = weightsAt(step, initializer, { tied: true, seedAt: () => 7 });
    expect(Object.keys(tied(3))).toEqual(["fc2.weight", "fc2.bias"]);
    for (const [name, values] of Object.entries(tied(3))) expect(values).toEqual(whole.get(name)!.data);
    const untied = weightsAt(step, initializer, { tied: false, seedAt: (at) => at });
    expect(untied(1)).not.toEqual(untied(2));
    expect(untied(2)).toEqual(untied(2));
  });
});

test("without biases, linear layers, ReLU and pools multiply a longer state as they do a shorter one", () => {
  const relu = net([8], dense(8), { kind: "relu" });
  const biased = { kind: "gaussian", biasVariance: 0.1 } as const;
  expect(isHomogeneous(layerStep(relu), { kind: "gaussian" })).toBe(true);
  expect(isHomogeneous(layerStep(relu), biased)).toBe(false);
  expect(isHomogeneous(layerStep(net([8], { kind: "dense", units: 8, bias: false })), biased)).toBe(true);
  expect(isHomogeneous(layerStep(net([8], dense(8), tanh)), { kind: "gaussian" })).toBe(false);
});

describe("what is no step is refused with what to do", () => {
  const shrinking = net([9], dense(8), tanh, dense(4), tanh, dense(3));
  test.each([
    [
      "no layers that keep the size",
      shrinking,
      {},
      /fc1 takes 9 and gives 8, fc2 takes 8 and gives 4, .*behind fc1 for example \{ "kind": "dense", "units": 8 \}/,
    ],
    [
      "convolutions that do not",
      net([1, 9, 9], conv(4, 0), conv(4, 0)),
      {},
      /conv1 takes 1×9×9 and gives 4×7×7.*"kind": "conv", "channels": 4/,
    ],
    ["no weights", net([9], tanh), {}, /no layer with weights.*Add one/],
    ["ends of other sizes", shrinking, { from: "tanh1", to: "fc3" }, /from tanh1 \(8\) to fc3 \(3\).*Name two tensors/],
    ["ends in the wrong order", net([8], dense(8), dense(8)), { from: "fc2", to: "fc1" }, /Name two tensors/],
    ["ends without weights between", net([8], dense(8), tanh), { from: "fc1", to: "tanh1" }, /no layers with weights/],
    ["an unknown end", shrinking, { from: "tanh9" }, /no tensor "tanh9".*Did you mean tanh1/],
    [
      "a weight from outside",
      net([9], dense(8), { kind: "dense", tied: "fc1", transposed: true }, dense(8), tanh, {
        kind: "dense",
        tied: "fc1",
        transposed: true,
      }),
      { from: "fc2" },
      /fc4 takes the weight of fc1, which is not one of them.*Give fc4 a weight of its own/,
    ],
  ])("%s", (_, network, ends, message) => {
    let told = "";
    try {
      layerStep(network, ends);
    } catch (cause) {
      told = (cause as { format(): string }).format().replaceAll("\n", " ");
    }
    expect(told).toMatch(message);
  });
});
