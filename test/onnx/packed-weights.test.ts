import { expect, test } from "vitest";
import { createRng, gaussianArray, type Shape } from "../../src/base/index.ts";
import {
  type Attributes,
  buildModel,
  floatTensor,
  int,
  node,
  normalize,
  type Tensor,
  toNumbers,
  valueInfo,
} from "../../src/onnx/index.ts";
import { evaluate } from "../support/ort.ts";

const bytes = (shape: Shape, seed: number): Tensor => {
  const rng = createRng("bytes", seed);
  return {
    type: "uint8",
    shape,
    data: Uint8Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => rng.integer(256)),
  };
};
const scales = (shape: Shape): Tensor =>
  floatTensor(
    shape,
    gaussianArray(
      createRng("scales"),
      shape.reduce((a, b) => a * b, 1),
    ).map((value) => 0.01 + Math.abs(value) / 50),
  );

interface Case {
  readonly op: string;
  readonly note: string;
  readonly constants: Readonly<Record<string, Tensor>>;
  readonly attributes: Attributes;
}

/** x [3, 40] · Wᵀ with W [6, 40], of which a row has blocks of 16: two whole ones and one of 8. */
const sizes = { K: int(40), N: int(6), bits: int(4), block_size: int(16) };

const cases: readonly Case[] = [
  { op: "MatMulNBits", note: "of 4 bits", attributes: sizes, constants: { w: bytes([6, 3, 8], 1), s: scales([18]) } },
  {
    op: "MatMulNBits",
    note: "of 4 bits with zero points",
    attributes: sizes,
    constants: { w: bytes([6, 3, 8], 2), s: scales([18]), z: bytes([12], 3) },
  },
  {
    op: "MatMulNBits",
    note: "of 8 bits",
    attributes: { ...sizes, bits: int(8) },
    constants: { w: bytes([6, 3, 16], 4), s: scales([18]) },
  },
  ...[0, 1].map(
    (type): Case => ({
      op: "MatMulBnb4",
      note: type === 0 ? "of floats of 4 bits" : "of quantiles of a normal distribution",
      attributes: { K: int(40), N: int(6), block_size: int(16), quant_type: int(type) },
      constants: { w: bytes([120], 5), s: scales([15]) },
    }),
  ),
];

test.each(cases.map((one): [string, Case] => [`${one.op} ${one.note}`, one]))(
  "%s multiplies by a constant of floats",
  async (_, { op, constants, attributes }) => {
    const model = buildModel({
      inputs: [valueInfo("x", "float32", [3, 40])],
      outputs: [{ name: "y", type: "float32", shape: undefined }],
      nodes: [
        node({ op, domain: "com.microsoft", inputs: ["x", ...Object.keys(constants)], outputs: ["y"], attributes }),
      ],
      initializers: new Map(Object.entries(constants)),
    });
    const file = { ...model, opsets: new Map([...model.opsets, ["com.microsoft", 1]]) };
    const { onnx } = await normalize(file, { evaluate });
    expect(onnx.graph.nodes.map((one) => one.op)).toEqual(["MatMul"]);
    const feeds = new Map([["x", floatTensor([3, 40], gaussianArray(createRng("x"), 120))]]);
    const theirs = toNumbers((await evaluate(file, feeds, ["y"])).get("y")!);
    const ours = toNumbers((await evaluate(onnx, feeds, ["y"])).get("y")!);
    const largest = Math.max(...theirs.map(Math.abs));
    theirs.forEach((value, i) => {
      expect(Math.abs(value - ours[i]!)).toBeLessThan(1e-5 * largest);
    });
  },
);
