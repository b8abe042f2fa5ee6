import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Network, openModel } from "../../src/apps/node/index.ts";
import { createRng, gaussianArray, sizeOf } from "../../src/base/index.ts";
import type { Tap } from "../../src/jacobian/index.ts";
import {
  buildModel,
  floatTensor,
  int,
  node,
  type OnnxModel,
  type Tensor,
  valueInfo,
  writeModel,
} from "../../src/onnx/index.ts";
import { createWorkplace, type Workplace } from "../apps/workplace.ts";
import { adjointGap, relativeDistance } from "../laws/vectors.ts";

/** Differences of a pass in float32: rounding 6e-8 / STEP and curvature STEP² leave more than two digits. */
const STEP = 2 ** -8;
const DIFFERENCE = 5e-3;
const ADJOINT = 16 * 2 ** -23;

/** J by central differences along v, and how far J and Jᵀ are from being adjoint. */
async function compare(network: Network, output: Tap, scale: number) {
  const { input } = network;
  const x = gaussianArray(createRng("x"), sizeOf(input.shape)).map((value) => scale * value);
  const v = gaussianArray(createRng("v"), x.length).map((value) => scale * value);
  using J = await network.jacobian({ at: x, to: output });
  const u = gaussianArray(createRng("u"), sizeOf(output.shape));
  const at = async (step: number) => {
    const [y] = await network.forward(
      x.map((value, i) => value + step * v[i]!),
      [output],
    );
    return y!;
  };
  const [after, before] = [await at(STEP), await at(-STEP)];
  const difference = after.map((value, i) => (value - before[i]!) / (2 * STEP));
  const [Jv, Jtu] = [(await J.jvp(v)).data, (await J.vjp(u)).data];
  return { off: relativeDistance(Jv, difference), gap: adjointGap(u, Jv, Jtu, v) };
}

/** A denoiser in the form of NSNet2: linear layers around two GRUs, and a mask between 0 and 1 of the spectrum. */
function denoiser(steps: number, bins: number, hidden: number): OnnxModel {
  const random = (name: string, shape: readonly number[], inner: number): [string, Tensor] => [
    name,
    floatTensor(
      shape,
      gaussianArray(createRng(name), sizeOf(shape)).map((value) => value / Math.sqrt(inner)),
    ),
  ];
  const gru = (from: string, to: string) =>
    node({
      op: "GRU",
      inputs: [from, `${to}_w`, `${to}_r`, `${to}_b`],
      outputs: [`${to}_all`],
      attributes: { hidden_size: int(hidden), linear_before_reset: int(1) },
    });
  const linear = (from: string, to: string) => node({ op: "MatMul", inputs: [from, `${to}_w`], outputs: [to] });
  return buildModel({
    inputs: [valueInfo("x", "float32", [1, steps, bins])],
    outputs: [valueInfo("mask", "float32", [steps, 1, bins])],
    nodes: [
      node({
        op: "Transpose",
        inputs: ["x"],
        outputs: ["frames"],
        attributes: { perm: { kind: "ints", value: [1, 0, 2] } },
      }),
      linear("frames", "fc1"),
      gru("fc1", "gru1"),
      node({ op: "Squeeze", inputs: ["gru1_all", "one"], outputs: ["gru1"] }),
      gru("gru1", "gru2"),
      node({ op: "Squeeze", inputs: ["gru2_all", "one"], outputs: ["gru2"] }),
      linear("gru2", "fc2"),
      node({ op: "Relu", inputs: ["fc2"], outputs: ["relu"] }),
      linear("relu", "fc3"),
      node({ op: "Sigmoid", inputs: ["fc3"], outputs: ["mask"] }),
    ],
    initializers: new Map([
      ["one", { type: "int64", shape: [1], data: BigInt64Array.of(1n) }],
      random("fc1_w", [bins, hidden], bins),
      ...["gru1", "gru2"].flatMap((name) => [
        random(`${name}_w`, [1, 3 * hidden, hidden], hidden),
        random(`${name}_r`, [1, 3 * hidden, hidden], hidden),
        random(`${name}_b`, [1, 6 * hidden], 10),
      ]),
      random("fc2_w", [hidden, hidden], hidden),
      random("fc3_w", [hidden, bins], hidden),
    ]),
  });
}

describe("a recurrent network whole", { timeout: 300_000 }, () => {
  let place: Workplace;
  beforeAll(async () => {
    place = await createWorkplace({ "denoiser.onnx": writeModel(denoiser(12, 17, 24)) });
  });
  afterAll(() => place.remove());

  test("a denoiser with two GRUs: J is what differences show", async () => {
    const network = await openModel(join(place.folder, "denoiser.onnx"));
    try {
      expect(network.taps.filter(({ op }) => op === "GRU").map(({ tensor }) => tensor)).toEqual([
        "gru1_all",
        "gru2_all",
      ]);
      const { off, gap } = await compare(network, network.output, 1);
      expect(off).toBeLessThan(DIFFERENCE);
      expect(gap).toBeLessThan(ADJOINT);
    } finally {
      await network.close();
    }
  });
});
