import { afterAll, expect, test } from "vitest";
import { createRng, gaussianArray, sizeOf } from "../../src/base/index.ts";
import { Network } from "../../src/jacobian/index.ts";
import { packsOf } from "../../src/jacobian/pack-kept.ts";
import {
  buildModel,
  floatTensor,
  int,
  type NodeParts,
  node,
  normalize,
  type OnnxModel,
  valueInfo,
} from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { emittedJacobian } from "../laws/emitted.ts";
import { relativeDistance } from "../laws/vectors.ts";
import { evaluate } from "../support/ort.ts";

const backend = createBackend({ threads: 1 });
afterAll(() => backend.dispose());

const weights = (shape: readonly number[], seed: string) =>
  floatTensor(
    shape,
    gaussianArray(createRng(seed), sizeOf(shape)).map((value) => 0.5 * value),
  );

const [STEPS, INPUTS, HIDDEN] = [12, 3, 5];

const lstm: OnnxModel = buildModel({
  inputs: [valueInfo("x", "float32", [STEPS, 1, INPUTS])],
  outputs: [valueInfo("y", "float32", [STEPS, 1, 1, HIDDEN])],
  nodes: [node({ op: "LSTM", inputs: ["x", "W", "R"], outputs: ["y"], attributes: { hidden_size: int(HIDDEN) } })],
  initializers: new Map([
    ["W", weights([1, 4 * HIDDEN, INPUTS], "W")],
    ["R", weights([1, 4 * HIDDEN, HIDDEN], "R")],
  ]),
});

test("what the steps of an LSTM keep goes to the products in a few tensors, and J is the same", async () => {
  const x = weights([STEPS, 1, INPUTS], "x");
  const model = await normalize(lstm, { evaluate });
  const apart = await emittedJacobian(backend, { model, point: new Map([["x", x]]), sources: ["x"], targets: ["y"] });
  const packs = packsOf(apart.linearization);
  const packed = packs.flatMap(({ parts }) => parts);
  expect(new Set(packed).size).toBe(packed.length);
  expect(apart.linearization.kept.length - packed.length + packs.length).toBeLessThan(6);
  expect(packed.length).toBeGreaterThan(2 * STEPS);
  using J = await new Network(model, backend).jacobian({ at: x.data as Float32Array, from: "x", to: "y" });
  const [v, u] = [gaussianArray(createRng("v"), 2 * apart.n), gaussianArray(createRng("u"), 2 * apart.m)];
  expect(relativeDistance((await J.jvp(v)).data, await apart.jvp(v, 2))).toBeLessThan(1e-6);
  expect(relativeDistance((await J.vjp(u)).data, await apart.vjp(u, 2))).toBeLessThan(1e-6);
  await apart.release();
});

test("parts of a pack are read under their own names: the active rows behind many ReLUs", async () => {
  const relus = [...new Array(9).keys()];
  const nodes: NodeParts[] = [
    ...relus.flatMap((i) => [
      { op: "Add", inputs: ["x", `b${i}`], outputs: [`s${i}`] },
      { op: "Relu", inputs: [`s${i}`], outputs: [`r${i}`] },
    ]),
    { op: "Concat", inputs: relus.map((i) => `r${i}`), outputs: ["y"], attributes: { axis: int(1) } },
  ];
  const model = buildModel({
    inputs: [valueInfo("x", "float32", [1, 4])],
    outputs: [valueInfo("y", "float32", [1, 36])],
    nodes: nodes.map(node),
    initializers: new Map(relus.map((i) => [`b${i}`, weights([1, 4], `b${i}`)])),
  });
  const network = new Network(await normalize(model, { evaluate }), backend);
  using J = await network.jacobian({ at: weights([1, 4], "x").data as Float32Array, from: "x", to: "y" });
  const positive = [...J.value.keys()].filter((i) => J.value[i]! > 0);
  expect(positive.length).toBeLessThan(30);
  expect(positive.length).toBeGreaterThan(6);
  expect([...(await J.activeRows())!]).toEqual(positive);
});
