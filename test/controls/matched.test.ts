import { afterAll, describe, expect, test } from "vitest";
import { type Control, type ControlLayer, drawControl, weightLayers } from "../../src/controls/index.ts";
import {
  castTo,
  float,
  floatTensor,
  int,
  ints,
  intTensor,
  type Model,
  type NodeParts,
  text,
  writeModel,
} from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { drawInLoop } from "../support/draw-in-loop.ts";
import { evaluate } from "../support/ort.ts";
import { networkOf, random, randomPoints, weightsIn } from "./networks.ts";

const backend = createBackend({ threads: 1 });
afterAll(() => backend.dispose());

/** An output of a node, and the bias in it: a tensor, a factor, and the number of entries over which each of its numbers is spread. */
interface Output {
  readonly name: string;
  readonly bias?: { readonly of: string; readonly times?: number; readonly spread?: number };
}

/** The root mean square of all these outputs, bias aside, over all points: the whole graph runs in ONNX Runtime, sums in float64. */
async function rootMeanSquare(
  model: Model,
  points: readonly Float32Array[],
  outputs: readonly Output[],
): Promise<number> {
  const { graph } = model.onnx;
  const fetches = outputs.map(({ name }) => name);
  const infos = fetches.map((name) => ({ name, type: undefined, shape: undefined }));
  let [sum, count] = [0, 0];
  for (const point of points) {
    const x = floatTensor(model.values.get("x")!.shape, point);
    const values = await evaluate({ ...model.onnx, graph: { ...graph, outputs: infos } }, new Map([["x", x]]), fetches);
    for (const { name, bias } of outputs) {
      const data = values.get(name)!.data as Float32Array;
      const added = bias === undefined ? [0] : weightsIn(model, bias.of);
      const [times, spread] = [bias?.times ?? 1, bias?.spread ?? 1];
      for (const [i, y] of data.entries()) sum += (y - times * added[Math.floor(i / spread) % added.length]!) ** 2;
      count += data.length;
    }
  }
  return Math.sqrt(sum / count);
}

const drawMatched = (model: Model, points: readonly Float32Array[], draw = 1) =>
  drawControl(model, { kind: "matched", seed: 3, draw, points, backend });

/** Checks the root mean square of every layer, by the name of its weights, and returns the control. */
async function expectMatched(
  model: Model,
  points: readonly Float32Array[],
  outputs: Readonly<Record<string, readonly Output[]>>,
): Promise<Control> {
  const control = await drawMatched(model, points);
  const permuted = await drawControl(model, { kind: "permuted", seed: 3, draw: 1, points, backend });
  expect(control.layers.map(({ weights }) => weights)).toEqual(Object.keys(outputs));
  const before: number[] = [];
  for (const { weights, gain, trained, reached, note } of control.layers as Required<ControlLayer>[]) {
    const measured = await rootMeanSquare(control.model, points, outputs[weights]!);
    const wanted = await rootMeanSquare(model, points, outputs[weights]!);
    expect(note).toBeUndefined();
    expect(Math.abs(measured / wanted - 1), weights).toBeLessThan(0.01);
    expect(trained / wanted).toBeCloseTo(1, 4);
    expect(reached / measured).toBeCloseTo(1, 4);
    // The permuted weights of the same seed and draw, times the gain.
    const scaled = weightsIn(permuted.model, weights).map((weight) => weight * gain);
    expect(weightsIn(control.model, weights)).toEqual(scaled);
    before.push((await rootMeanSquare(permuted.model, points, outputs[weights]!)) / wanted);
  }
  // Without gains, the network is far from the trained one.
  expect(Math.max(...before.map((ratio) => Math.abs(Math.log(ratio))))).toBeGreaterThan(Math.log(1.1));
  return control;
}

/**
 * Weights of which a permutation keeps little: each row has a mean and a scale of its own, like learned weights. Products are of
 * the size of biases.
 */
function learned(seed: number, shape: readonly number[]) {
  const { data } = random(seed, shape);
  const each = data.length / shape[0]!;
  return floatTensor(
    shape,
    (data as Float32Array).map((x, i) => ((x + 2) / each) * 1.5 ** (Math.floor(i / each) % 5)),
  );
}

const conv = (
  x: string,
  parameters: readonly string[],
  y: string,
  attributes: NodeParts["attributes"] = {},
): NodeParts => ({
  op: "Conv",
  inputs: [x, ...parameters],
  outputs: [y],
  attributes: { pads: ints([1, 1, 1, 1]), ...attributes },
});

describe("matched reaches the trained root mean square of every layer within 1 %", () => {
  test("convolutions: ReLU, BatchNorm, depthwise, a residual sum, concatenated branches, Gemm", async () => {
    const channel = (seed: number) => random(seed, [8]);
    const model = await networkOf({
      input: [1, 3, 10, 10],
      output: "y",
      initializers: {
        w1: learned(1, [8, 3, 3, 3]),
        b1: channel(2),
        scale: channel(3),
        shift: channel(4),
        mean: channel(5),
        variance: floatTensor([8], [1, 2, 3, 4, 5, 6, 7, 8]),
        w2: learned(6, [8, 1, 3, 3]),
        b2: channel(7),
        w3: learned(8, [8, 8, 3, 3]),
        w4: learned(9, [4, 8, 1, 1]),
        b4: random(10, [4]),
        w5: learned(11, [6, 4, 3, 3]),
        w6: learned(12, [10, 7]),
        b6: random(13, [7]),
        w7: learned(14, [7, 3]),
      },
      nodes: [
        conv("x", ["w1", "b1"], "c1"),
        { op: "BatchNormalization", inputs: ["c1", "scale", "shift", "mean", "variance"], outputs: ["n1"] },
        { op: "Relu", inputs: ["n1"], outputs: ["r1"] },
        conv("r1", ["w2", "b2"], "c2", { group: int(8) }),
        { op: "Relu", inputs: ["c2"], outputs: ["r2"] },
        conv("r2", ["w3"], "c3"),
        { op: "Add", inputs: ["c3", "r1"], outputs: ["sum"] },
        { op: "Relu", inputs: ["sum"], outputs: ["r3"] },
        conv("r3", ["w4", "b4"], "c4", { pads: ints([0, 0, 0, 0]) }),
        conv("r3", ["w5"], "c5", { group: int(2) }),
        { op: "Concat", inputs: ["c4", "c5"], outputs: ["both"], attributes: { axis: int(1) } },
        { op: "Relu", inputs: ["both"], outputs: ["r4"] },
        { op: "GlobalAveragePool", inputs: ["r4"], outputs: ["p"] },
        { op: "Flatten", inputs: ["p"], outputs: ["f"] },
        { op: "Gemm", inputs: ["f", "w6", "b6"], outputs: ["g"], attributes: { alpha: float(0.5), beta: float(2) } },
        { op: "Relu", inputs: ["g"], outputs: ["r5"] },
        { op: "MatMul", inputs: ["r5", "w7"], outputs: ["y"] },
      ],
    });
    await expectMatched(model, randomPoints(4, 300), {
      w1: [{ name: "c1", bias: { of: "b1", spread: 100 } }],
      w2: [{ name: "c2", bias: { of: "b2", spread: 100 } }],
      w3: [{ name: "c3" }],
      w4: [{ name: "c4", bias: { of: "b4", spread: 100 } }],
      w5: [{ name: "c5" }],
      w6: [{ name: "g", bias: { of: "b6", times: 2 } }],
      w7: [{ name: "y" }],
    });
  });

  test("attention: weights on either side of a MatMul, products of activations, Einsum, ConvTranspose", async () => {
    const model = await networkOf({
      input: [1, 6, 8],
      output: "y",
      initializers: {
        wq: learned(1, [8, 8]),
        wk: learned(2, [8, 8]),
        wv: learned(3, [8, 8]),
        mix: learned(4, [6, 6]),
        gamma: random(5, [8]),
        beta: random(6, [8]),
        heads: learned(7, [2, 8, 5]),
        fold: learned(8, [5, 3]),
        up: learned(9, [6, 2, 3, 3]),
        bias: random(10, [4]),
        root: floatTensor([], [Math.sqrt(8)]),
        flat: intTensor([4, 7 * 7]),
        last: learned(11, [4, 3]),
        offset: random(12, [49, 3]),
      },
      nodes: [
        { op: "MatMul", inputs: ["x", "wq"], outputs: ["q"] },
        { op: "MatMul", inputs: ["x", "wk"], outputs: ["k"] },
        { op: "MatMul", inputs: ["x", "wv"], outputs: ["v"] },
        { op: "Transpose", inputs: ["k"], outputs: ["kt"], attributes: { perm: ints([0, 2, 1]) } },
        { op: "MatMul", inputs: ["q", "kt"], outputs: ["scores"] },
        { op: "Div", inputs: ["scores", "root"], outputs: ["scaled"] },
        { op: "Softmax", inputs: ["scaled"], outputs: ["attention"], attributes: { axis: int(-1) } },
        { op: "MatMul", inputs: ["attention", "v"], outputs: ["a"] },
        { op: "MatMul", inputs: ["mix", "a"], outputs: ["m"] },
        { op: "Add", inputs: ["x", "m"], outputs: ["h"] },
        { op: "LayerNormalization", inputs: ["h", "gamma", "beta"], outputs: ["n"] },
        {
          op: "Einsum",
          inputs: ["n", "heads", "fold"],
          outputs: ["e"],
          attributes: { equation: text("bsd,hde,ef->bshf") },
        },
        { op: "ConvTranspose", inputs: ["e", "up", "bias"], outputs: ["t"], attributes: { group: int(2) } },
        { op: "Relu", inputs: ["t"], outputs: ["r"] },
        { op: "GlobalAveragePool", inputs: ["r"], outputs: ["p"] },
        { op: "Flatten", inputs: ["p"], outputs: ["f"] },
        { op: "MatMul", inputs: ["f", "last"], outputs: ["y"] },
      ],
    });
    const control = await expectMatched(model, randomPoints(4, 48), {
      wq: [{ name: "q" }],
      wk: [{ name: "k" }],
      wv: [{ name: "v" }],
      mix: [{ name: "m" }],
      heads: [{ name: "e" }],
      fold: [{ name: "e" }],
      up: [{ name: "t", bias: { of: "bias", spread: 4 * 5 } }],
      last: [{ name: "y" }],
    });
    // Of several weights in one product, the first has the gain.
    expect(control.layers.find(({ weights }) => weights === "fold")!.gain).toBeCloseTo(1, 6);
  });

  test("tied weights have one gain, for the outputs of all their nodes together", async () => {
    const step = (i: number): NodeParts[] => [
      { op: "Gemm", inputs: [`h${i}`, "w", "b"], outputs: [`g${i}`], attributes: { transB: int(1) } },
      { op: "Tanh", inputs: [`g${i}`], outputs: [`t${i}`] },
      { op: "MatMul", inputs: [`t${i}`, "u"], outputs: [`m${i}`] },
      { op: "Add", inputs: [`m${i}`, `h${i}`], outputs: [`h${i + 1}`] },
    ];
    const steps = [0, 1, 2, 3, 4, 5];
    const model = await networkOf({
      input: [1, 6],
      output: "h6",
      initializers: { w: learned(1, [9, 6]), b: random(2, [9]), u: random(3, [9, 6]) },
      nodes: [{ op: "Relu", inputs: ["x"], outputs: ["h0"] }, ...steps.flatMap(step)],
    });
    await expectMatched(model, randomPoints(3, 6), {
      w: steps.map((i) => ({ name: `g${i}`, bias: { of: "b" } })),
      u: steps.map((i) => ({ name: `m${i}` })),
    });
  });

  test("weights that are tied in turn, so that each output depends on the gains of both", async () => {
    const names = Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? "w" : "v"));
    const model = await networkOf({
      input: [1, 8],
      output: "h12",
      initializers: { w: random(1, [8, 8], 0.4), v: random(2, [8, 8], 0.4) },
      nodes: [
        { op: "Relu", inputs: ["x"], outputs: ["h0"] },
        ...names.flatMap((name, i): NodeParts[] => [
          { op: "MatMul", inputs: [`h${i}`, name], outputs: [`m${i}`] },
          { op: "Relu", inputs: [`m${i}`], outputs: [`h${i + 1}`] },
        ]),
      ],
    });
    const of = (name: string) => names.flatMap((own, i) => (own === name ? [{ name: `m${i}` }] : []));
    await expectMatched(model, randomPoints(3, 8), { w: of("w"), v: of("v") });
  });
});

test("the number of threads, and so the order of sums, does not change the network", async () => {
  const model = await networkOf({
    input: [1, 64],
    output: "y",
    initializers: { w1: learned(1, [64, 512]), w2: learned(2, [512, 64]) },
    nodes: [
      { op: "MatMul", inputs: ["x", "w1"], outputs: ["h"] },
      { op: "Relu", inputs: ["h"], outputs: ["r"] },
      { op: "MatMul", inputs: ["r", "w2"], outputs: ["y"] },
    ],
  });
  const points = randomPoints(3, 64);
  const { layers, model: control } = await drawMatched(model, points);
  // Other sums, as on another machine: the same points in another order, two threads.
  const other = createBackend({ threads: 2 });
  const options = { kind: "matched", seed: 3, draw: 1, points: points.toReversed(), backend: other } as const;
  const again = await drawControl(model, options).finally(() => other.dispose());
  expect(again.layers.map(({ gain }) => gain)).toEqual(layers.map(({ gain }) => gain));
  expect(writeModel(again.model.onnx)).toEqual(writeModel(control.onnx));
});

describe("a layer that no gain can match has gain 1 and a note", () => {
  const afterRelu = (first: readonly number[], second: readonly number[]) =>
    networkOf({
      input: [1, 2],
      output: "y",
      initializers: { first: floatTensor([2, 1], first), second: floatTensor([1, second.length], second) },
      nodes: [
        { op: "MatMul", inputs: ["x", "first"], outputs: ["h"] },
        { op: "Relu", inputs: ["h"], outputs: ["r"] },
        { op: "MatMul", inputs: ["r", "second"], outputs: ["y"] },
      ],
    });
  /** A draw in which the two numbers of the first layer are exchanged. */
  async function exchanged(model: Model, points: readonly Float32Array[]): Promise<Control> {
    const trained = weightsIn(model, "first");
    for (let draw = 1; ; draw++) {
      const control = await drawMatched(model, points, draw);
      const drawn = weightsIn(control.model, "first");
      if (Math.abs(drawn[0]! / drawn[1]!) === Math.abs(trained[1]! / trained[0]!)) return control;
    }
  }
  const points = [Float32Array.of(1, 0)];

  test("zero in the trained network", async () => {
    const { layers } = await exchanged(await afterRelu([-2, 1], [3, 4]), points);
    expect(layers.map(({ gain, trained }) => [gain, trained])).toEqual([
      [2, 2],
      [1, 0],
    ]);
    expect(layers.map(({ note }) => note)).toEqual([
      undefined,
      "The output is zero at every point in the trained network.",
    ]);
  });

  test("zero in the control", async () => {
    const { layers } = await exchanged(await afterRelu([2, -1], [3, 4]), points);
    expect(layers.map(({ gain, trained, reached }) => [gain, trained, reached])).toEqual([
      [2, 2, 2],
      [1, Math.sqrt(50), 0],
    ]);
    expect(layers.map(({ note }) => note)).toEqual([undefined, "The output is zero at every point in the control."]);
  });

  test("tied weights whose outputs are all zero in the control", async () => {
    const model = await networkOf({
      input: [1, 2],
      output: "y",
      initializers: { first: floatTensor([2, 1], [2, -1]), second: floatTensor([1, 1], [3]) },
      nodes: [
        { op: "MatMul", inputs: ["x", "first"], outputs: ["h"] },
        { op: "Relu", inputs: ["h"], outputs: ["r"] },
        { op: "MatMul", inputs: ["r", "second"], outputs: ["again"] },
        { op: "MatMul", inputs: ["again", "second"], outputs: ["y"] },
      ],
    });
    const { layers } = await exchanged(model, points);
    expect(layers[1]).toMatchObject({ gain: 1, reached: 0, note: "The output is zero at every point in the control." });
  });

  test("so small in the control that the gain would overflow", async () => {
    const { layers, model } = await exchanged(await afterRelu([2, 1e-39], [3, 4]), points);
    expect(layers[0]).toMatchObject({ gain: 1, trained: 2, note: "The gain is too large for float32." });
    for (const { data } of model.onnx.graph.initializers.values()) {
      expect([...(data as Float32Array)].every(Number.isFinite)).toBe(true);
    }
  });
});

test("matched needs inputs, and refuses what it cannot compare", async () => {
  const model = await networkOf({
    input: [1, 4],
    output: "y",
    initializers: { w: random(1, [4, 2]) },
    nodes: [{ op: "MatMul", inputs: ["x", "w"], outputs: ["y"] }],
  });
  expect(weightLayers(model)).toHaveLength(1);
  await expect(drawMatched(model, [])).rejects.toMatchObject({
    code: "usage",
    what: "Controls of the kind matched need inputs of the network, over which their activations are compared.",
  });
  const infinite = Float32Array.of(Number.POSITIVE_INFINITY, 0, 0, 0);
  await expect(drawMatched(model, [infinite])).rejects.toMatchObject({ code: "not-finite", where: { node: "y" } });
});

test("matched refuses a network in which something other than a tensor passes a layer", async () => {
  const model = await networkOf({
    input: [1, 4],
    output: "y",
    initializers: { w: random(1, [4, 4]) },
    nodes: [
      // A draw says which part is taken, so that the sequence stays one.
      ...drawInLoop("draw"),
      { op: "Cast", inputs: ["draw"], outputs: ["first"], attributes: castTo("int64") },
      { op: "SequenceConstruct", inputs: ["x", "x"], outputs: ["both"] },
      { op: "MatMul", inputs: ["x", "w"], outputs: ["m"] },
      { op: "SequenceAt", inputs: ["both", "first"], outputs: ["same"] },
      { op: "Add", inputs: ["m", "same"], outputs: ["a"] },
      { op: "MatMul", inputs: ["a", "w"], outputs: ["y"] },
    ],
  });
  await expect(drawMatched(model, randomPoints(1, 4))).rejects.toMatchObject({
    code: "op-unsupported",
    what: 'A control of the kind matched is computed layer by layer, and "both" between two layers is not a tensor.',
    where: { node: "both", op: "SequenceConstruct" },
  });
});
