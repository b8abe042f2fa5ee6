import { afterAll, describe, expect, test } from "vitest";
import { createRng, gaussianArray } from "../../src/base/index.ts";
import { checkNetwork, type Finding, failingPart } from "../../src/checkup/index.ts";
import { Network, type Point } from "../../src/jacobian/index.ts";
import {
  buildModel,
  castTo,
  filled,
  floatTensor,
  int,
  ints,
  intTensor,
  type Node,
  node,
  normalize,
  type OnnxModel,
  valueInfo,
} from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { type Backend, evaluateWith } from "../../src/runtime/index.ts";
import { drawInLoop } from "../support/draw-in-loop.ts";

const rng = createRng("checkup");
const random = (...shape: number[]) =>
  floatTensor(
    shape,
    gaussianArray(
      rng,
      shape.reduce((a, b) => a * b, 1),
    ),
  );

/** A picture through a convolution, a function and a product of matrices; a class as a whole number, and as a float; and an empty tensor. */
const model = buildModel({
  inputs: [valueInfo("x", "float32", [1, 2, 5, 5])],
  outputs: [
    valueInfo("y", "float32", [1, 4]),
    valueInfo("class", "float32", [1]),
    valueInfo("none", "float32", [1, 0]),
  ],
  nodes: [
    node({ op: "Conv", inputs: ["x", "w"], outputs: ["conv"], attributes: { kernel_shape: ints([3, 3]) } }),
    node({ op: "Tanh", inputs: ["conv"], outputs: ["tanh"] }),
    node({ op: "Flatten", inputs: ["tanh"], outputs: ["row"] }),
    node({ op: "Gemm", inputs: ["row", "m"], outputs: ["y"] }),
    node({ op: "ArgMax", inputs: ["y"], outputs: ["index"], attributes: { axis: int(1), keepdims: int(0) } }),
    node({ op: "Cast", inputs: ["index"], outputs: ["number"], attributes: castTo("float32") }),
    node({ op: "Mul", inputs: ["number", "two"], outputs: ["class"] }),
    node({ op: "Slice", inputs: ["row", "zero", "zero", "one"], outputs: ["none"] }),
  ],
  initializers: new Map([
    ["w", random(3, 2, 3, 3)],
    ["m", random(27, 4)],
    ["two", filled([], 2)],
    ["zero", intTensor([0])],
    ["one", intTensor([1])],
  ]),
});

const opened: Backend[] = [];
afterAll(() => Promise.all(opened.map((backend) => backend.dispose())));

/** The network on a device that spoils graphs. */
async function networkOn(of: OnnxModel, spoil: (model: OnnxModel) => OnnxModel = (same) => same): Promise<Network> {
  const inner = createBackend({ threads: 1 });
  opened.push(inner);
  const normal = await normalize(of, { evaluate: evaluateWith(inner), quantized: "straight-through" });
  return new Network(normal, { ...inner, compile: (graph) => inner.compile(spoil(graph)) });
}

const replaced = (graph: OnnxModel, op: string, by: (node: Node) => Node[]): OnnxModel => ({
  ...graph,
  graph: { ...graph.graph, nodes: graph.graph.nodes.flatMap((one) => (one.op === op ? by(one) : [one])) },
});

/** The output of a node plus itself. */
const doubled = (one: Node): Node[] => [
  { ...one, name: `${one.name}/half`, outputs: [`${one.outputs[0]}/half`] },
  node({ op: "Add", inputs: [`${one.outputs[0]}/half`, `${one.outputs[0]}/half`], outputs: [one.outputs[0]!] }),
];

const point: Point = gaussianArray(createRng("point"), 50);

async function checked(network: Network) {
  const from = network.source;
  const taps = network.taps.filter((tap) => tap.op !== "Input" && network.moves(from, tap));
  const checkup = await checkNetwork(network, { points: [point], from, taps });
  const findings = Object.fromEntries(checkup.taps.map(({ tap, finding }) => [tap.name, finding]));
  return { ...checkup, findings: findings as Readonly<Record<string, Finding>>, from };
}

describe("a network that is right", () => {
  test("each tap is found right, constant or empty, with its numbers", async () => {
    const { taps, findings, forward } = await checked(await networkOn(model));
    expect(findings).toMatchObject({ conv: "right", tanh: "right", y: "right", class: "constant" });
    expect(["empty", undefined]).toContain(findings.none);
    expect(forward).toBeGreaterThan(0);
    for (const { finding, adjoint, difference, times } of taps) {
      if (finding !== "right") continue;
      // Products are rounded to float32; differences are taken in float64.
      expect(adjoint).toBeLessThan(1e-7);
      expect(difference).toBeLessThan(3e-6);
      expect(times!.jvp).toBeGreaterThan(0);
    }
  });

  test("a point at a kink is told, and J is compared beside it", async () => {
    const relu = replaced(model, "Tanh", (one) => [{ ...one, op: "Relu" }]);
    const network = await networkOn(relu);
    const from = network.source;
    const checkup = await checkNetwork(network, {
      points: [new Float32Array(50)],
      from,
      taps: [network.tap("tanh"), network.tap("y")],
    });
    const at = checkup.taps.filter(({ tap }) => tap.name === "tanh" || tap.name === "y");
    expect(at.map(({ finding, reason }) => reason ?? finding)).toEqual(["right", "right"]);
    expect(at[0]!.kinks).toEqual([{ tap: "tanh", neurons: 27, windows: 0 }]);
    expect(checkup.advice.join(" ")).toMatch(/kinks of tanh/);
  });
});

test("a derivative that is infinite at the point is told as such, not as a Jᵀ that is wrong", async () => {
  const network = await networkOn(replaced(model, "Tanh", (one) => [{ ...one, op: "Sqrt" }]));
  const { taps } = await checkNetwork(network, {
    points: [new Float32Array(50)],
    from: network.source,
    taps: [network.tap("tanh")],
  });
  expect(taps.find(({ tap }) => tap.name === "tanh")).toMatchObject({
    finding: "not finite",
    reason: "the derivative at the point is not finite",
  });
});

test("where large terms of J cancel, float32 is told to be at fault, but not where a product is wrong", async () => {
  const near = random(27, 4);
  const cancelling = replaced(model, "Gemm", (one) => [
    node({ op: "MatMul", inputs: ["row", "m"], outputs: ["here"] }),
    node({ op: "MatMul", inputs: ["row", "near"], outputs: ["there"] }),
    node({ op: "Sigmoid", inputs: ["here"], outputs: ["low"] }),
    node({ op: "Sigmoid", inputs: ["there"], outputs: ["high"] }),
    { ...one, op: "Sub", inputs: ["low", "high"], attributes: {} },
  ]);
  const m = cancelling.graph.initializers.get("m")!.data as Float32Array;
  const beside = floatTensor(
    [27, 4],
    m.map((entry, i) => entry + 1e-4 * (near.data as Float32Array)[i]!),
  );
  const initializers = new Map([...cancelling.graph.initializers, ["near", beside] as const]);
  const of: OnnxModel = { ...cancelling, graph: { ...cancelling.graph, initializers } };
  const found = async (network: Network) => {
    const { taps } = await checkNetwork(network, { points: [point], from: network.source, taps: [network.tap("y")] });
    return taps.find(({ tap }) => tap.name === "y")!;
  };
  const { finding, reason, adjoint } = await found(await networkOn(of));
  expect({ finding, reason }).toMatchObject({
    finding: "inexact",
    reason: expect.stringContaining("terms of J cancel"),
  });
  expect(adjoint).toBeGreaterThan(1e-6);
  const spoilt = await networkOn(of, (graph) => (givesPictures(graph) ? replaced(graph, "Identity", doubled) : graph));
  expect((await found(spoilt)).finding).toBe("not adjoint");
});

/** The network, whose convolution is rounded to quantized numbers and back. */
const rounding = replaced(model, "Tanh", (one) => [
  node({ op: "QuantizeLinear", inputs: ["conv", "scale", "middle"], outputs: ["codes"] }),
  node({ op: "DequantizeLinear", inputs: ["codes", "scale", "middle"], outputs: ["levels"] }),
  { ...one, inputs: ["levels"] },
]);
const quantizedModel: OnnxModel = {
  ...rounding,
  graph: {
    ...rounding.graph,
    initializers: new Map([
      ...rounding.graph.initializers,
      ["scale", filled([], 0.25)],
      ["middle", { type: "uint8", shape: [], data: Uint8Array.of(128) }],
    ]),
  },
};

describe("a network that draws at random", () => {
  const drawing = (draw: readonly Node[]) =>
    replaced(model, "Tanh", (one) => [
      ...draw,
      node({ op: "Mul", inputs: ["conv", "noise"], outputs: ["noisy"] }),
      { ...one, inputs: ["noisy"] },
    ]);
  const once = drawing([node({ op: "RandomNormalLike", inputs: ["conv"], outputs: ["noise"] })]);
  const anew = drawing(drawInLoop("noise", 1, 2));

  test("what is drawn once is a constant", async () => {
    const { findings } = await checked(await networkOn(once));
    expect(findings).toMatchObject({ conv: "right", noisy: "right", tanh: "right", y: "right" });
  });

  test("differences do not apply behind what every pass draws anew", async () => {
    const { taps, findings } = await checked(await networkOn(anew));
    expect(findings).toMatchObject({ conv: "right", noisy: "adjoint", tanh: "adjoint", y: "adjoint" });
    const { reason, difference } = taps.find(({ tap }) => tap.name === "noisy")!;
    expect(reason).toMatch(/differences do not apply behind numbers that the network draws at random/);
    expect(difference).toBeUndefined();
  });

  test.each([
    ["once", once],
    ["anew", anew],
  ])("J is that of the numbers that its own pass drew: %s", async (when, network) => {
    const drawn = await networkOn(network);
    const to = drawn.tap("noisy");
    using J = await drawn.jacobian({ at: point, from: drawn.tap("conv"), to });
    const [conv] = await drawn.forward(point, [drawn.tap("conv")]);
    // The product is linear in what it is taken of, so that J · conv is its value.
    const { data } = await J.jvp(conv!);
    for (const [i, entry] of data.entries()) expect(entry).toBeCloseTo(J.value[i]!, 5);
    const [other] = await drawn.forward(point, [to]);
    if (when === "anew") expect(other).not.toEqual(J.value);
    else for (const [i, entry] of other!.entries()) expect(entry).toBeCloseTo(J.value[i]!, 5);
  });
});

/** Only Jᵀ of the convolution gives a block of pictures. */
const givesPictures = ({ graph }: OnnxModel): boolean =>
  graph.outputs.some(({ shape }) => shape?.join() === "K,2,5,5") && graph.inputs[0]!.shape?.join() !== "K,2,5,5";

describe("behind a quantization", () => {
  test("differences do not apply, and J and Jᵀ are compared", async () => {
    const { taps, findings } = await checked(await networkOn(quantizedModel));
    expect(findings).toMatchObject({ conv: "right", levels: "adjoint", tanh: "adjoint", y: "adjoint" });
    for (const { finding, adjoint, difference, reason } of taps.filter(({ tap }) => ["tanh", "y"].includes(tap.name))) {
      expect(finding).toBe("adjoint");
      expect(adjoint).toBeLessThan(1e-7);
      expect(difference).toBeUndefined();
      expect(reason).toMatch(/differences do not apply behind a quantization/);
    }
  });

  test("from a tap behind it, differences apply", async () => {
    const network = await networkOn(quantizedModel);
    const from = network.tap("levels");
    const { taps } = await checkNetwork(network, { points: [point], from, taps: [network.tap("y")] });
    expect(taps.find(({ tap }) => tap.name === "y")).toMatchObject({ finding: "right" });
  });

  test("a Jᵀ that is not the transpose of J is found, with its part", async () => {
    const network = await networkOn(quantizedModel, (graph) =>
      givesPictures(graph) ? replaced(graph, "Identity", doubled) : graph,
    );
    const from = network.source;
    const { taps } = await checkNetwork(network, { points: [point], from, taps: [network.tap("y")] });
    const y = taps.find(({ tap }) => tap.name === "y")!;
    expect(y.finding).toBe("not adjoint");
    expect((await failingPart(network, y, { from, point, seed: 0 }))?.ops).toEqual(["Conv"]);
  });
});

describe("a fault is found, and the smallest part that has it", () => {
  test("a Jᵀ that is not the transpose of J", async () => {
    const network = await networkOn(model, (graph) =>
      givesPictures(graph) ? replaced(graph, "Identity", doubled) : graph,
    );
    const { taps, findings, from, advice } = await checked(network);
    expect(findings).toMatchObject({ conv: "not adjoint", tanh: "not adjoint", y: "not adjoint" });
    expect(advice.join(" ")).toMatch(/must not be used/);
    const y = taps.find(({ tap }) => tap.name === "y")!;
    const part = await failingPart(network, y, { from, point, seed: 0 });
    expect(part?.ops).toEqual(["Conv"]);
    expect([...part!.inputs].map(([name, { shape }]) => [name, shape])).toEqual([["x", [1, 2, 5, 5]]]);
    expect(part!.inputs.get("x")!.data).toEqual(point);
  });

  test("a J that is not the derivative of the network", async () => {
    // Differences see another function than the rule.
    const isDouble = ({ graph }: OnnxModel) => graph.outputs.some(({ type }) => type === "float64");
    const network = await networkOn(model, (graph) =>
      isDouble(graph) ? replaced(graph, "Tanh", (one) => [{ ...one, op: "Sin" }]) : graph,
    );
    const { taps, findings, from } = await checked(network);
    expect(findings).toMatchObject({ conv: "right", tanh: "wrong", y: "wrong" });
    const y = taps.find(({ tap }) => tap.name === "y")!;
    expect(y.reason).toMatch(/not what differences/);
    const part = await failingPart(network, y, { from, point, seed: 0 });
    expect(part?.ops).toEqual(["Tanh"]);
    expect([...part!.inputs.keys()]).toEqual(["conv"]);
    expect(part!.model.graph.outputs.map(({ name }) => name)).toEqual(["tanh"]);
  });

  test("what lies between two taps, if no node fails alone", async () => {
    // Wrong only where a graph has both: the product of matrices and the function before it.
    const both = ({ graph }: OnnxModel) =>
      graph.outputs.some(({ type }) => type === "float64") &&
      ["Tanh", "Gemm"].every((op) => graph.nodes.some((one) => one.op === op));
    const network = await networkOn(model, (graph) => (both(graph) ? replaced(graph, "Gemm", doubled) : graph));
    const from = network.source;
    const taps = [network.tap("y")];
    const { taps: found } = await checkNetwork(network, { points: [point], from, taps });
    const y = found.find(({ tap }) => tap.name === "y")!;
    expect(y.finding).toBe("wrong");
    const part = await failingPart(network, y, { from, point, seed: 0 });
    expect(part?.ops).toEqual(["Tanh", "Flatten", "Gemm"]);
  });
});
