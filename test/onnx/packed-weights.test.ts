import { expect, test } from "vitest";
import { createRng, gaussianArray, type Shape } from "../../src/base/index.ts";
import {
  type Attributes,
  buildModel,
  floatTensor,
  int,
  node,
  normalize,
  type OnnxModel,
  type Tensor,
  text,
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
  /** Of x, [3, 40] unless stated. */
  readonly input?: Shape;
  /** The inputs after x, `null` for those left out. */
  readonly constants: Readonly<Record<string, Tensor | null>>;
  readonly attributes: Attributes;
  /** What it is written with; one product unless stated. */
  readonly ops?: readonly string[];
  /** Why ONNX Runtime's result is not compared, or how far it may be off if not by rounding alone. */
  readonly isRough?: number;
}

/** x [3, 40] · Wᵀ with W [6, 40], of which a row has blocks of 16: two whole ones and one of 8. */
const sizes = { K: int(40), N: int(6), bits: int(4), block_size: int(16) };

const floats = (shape: Shape, seed: number): Tensor =>
  floatTensor(
    shape,
    gaussianArray(
      createRng("floats", seed),
      shape.reduce((a, b) => a * b, 1),
    ),
  );
const places: Tensor = { type: "int32", shape: [40], data: Int32Array.from({ length: 40 }, (_, k) => (7 * k) % 3) };

const cases: readonly Case[] = [
  {
    op: "MatMulNBits",
    note: "of 2 bits with zero points",
    attributes: { ...sizes, bits: int(2) },
    constants: { w: bytes([6, 3, 4], 7), s: scales([18]), z: bytes([6], 8) },
  },
  {
    op: "MatMulNBits",
    note: "of 8 bits with zero points",
    attributes: { ...sizes, bits: int(8) },
    constants: { w: bytes([6, 3, 16], 9), s: scales([18]), z: bytes([18], 10) },
  },
  {
    op: "MatMulNBits",
    note: "of 4 bits with zero points in floats",
    attributes: sizes,
    constants: { w: bytes([6, 3, 8], 11), s: scales([18]), z: floats([18], 12) },
  },
  {
    op: "MatMulNBits",
    note: "of 4 bits with groups and a bias",
    attributes: sizes,
    constants: { w: bytes([6, 3, 8], 13), s: scales([18]), z: null, g: places, b: floats([6], 14) },
    ops: ["MatMul", "Add"],
  },
  {
    op: "MatMulNBits",
    note: "of 4 bits, computed in 8 bits",
    attributes: { ...sizes, accuracy_level: int(4) },
    constants: { w: bytes([6, 3, 8], 15), s: scales([18]) },
    isRough: 0.02,
  },
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

/** A model with the operator alone. */
function modelOf(
  op: string,
  input: Tensor,
  constants: Readonly<Record<string, Tensor | null>>,
  attributes: Attributes,
): OnnxModel {
  const names = Object.entries(constants).map(([name, tensor]) => (tensor === null ? "" : name));
  const model = buildModel({
    inputs: [valueInfo("x", input.type, input.shape)],
    outputs: [{ name: "y", type: undefined, shape: undefined }],
    nodes: [node({ op, domain: "com.microsoft", inputs: ["x", ...names], outputs: ["y"], attributes })],
    initializers: new Map(
      Object.entries(constants).flatMap(([name, tensor]) => (tensor ? [[name, tensor] as const] : [])),
    ),
  });
  return { ...model, opsets: new Map([...model.opsets, ["com.microsoft", 1]]) };
}

/** Compares the file and its normal form at x. */
async function compare(file: OnnxModel, onnx: OnnxModel, x: Tensor, tolerance = 1e-5): Promise<void> {
  const feeds = new Map([["x", x]]);
  const [theirs, ours] = [await evaluate(file, feeds, ["y"]), await evaluate(onnx, feeds, ["y"])].map(
    (all) => all.get("y")!,
  );
  expect(ours!.shape).toEqual(theirs!.shape);
  const [want, got] = [toNumbers(theirs!), toNumbers(ours!)];
  const largest = Math.max(...want.map(Math.abs));
  want.forEach((value, i) => {
    expect(Math.abs(value - got[i]!)).toBeLessThan(tolerance * largest);
  });
}

test.each(cases.map((one): [string, Case] => [`${one.op} ${one.note}`, one]))(
  "%s multiplies by a constant of floats",
  async (_, { op, constants, attributes, input = [3, 40], ops = ["MatMul"], isRough }) => {
    const x = floats(input, 0);
    const file = modelOf(op, x, constants, attributes);
    const { onnx } = await normalize(file, { evaluate });
    expect(onnx.graph.nodes.map((one) => one.op)).toEqual(ops);
    await compare(file, onnx, x, isRough);
  },
);

test("MatMulBnb4 multiplies by a matrix that is not turned", async () => {
  const constants = { w: bytes([120], 16), s: scales([15]) };
  const attributes = { K: int(40), N: int(6), block_size: int(16), quant_type: int(1) };
  const unit = floatTensor(
    [40, 40],
    Float32Array.from({ length: 1600 }, (_, i) => (i % 41 === 0 ? 1 : 0)),
  );
  const columns = await evaluate(modelOf("MatMulBnb4", unit, constants, attributes), new Map([["x", unit]]), ["y"]);
  const matrix = toNumbers(columns.get("y")!); // [40, 6]: the matrix, turned
  const x = floats([3, 6], 17);
  const { onnx } = await normalize(modelOf("MatMulBnb4", x, constants, { ...attributes, transB: int(0) }), {
    evaluate,
  });
  const ours = toNumbers((await evaluate(onnx, new Map([["x", x]]), ["y"])).get("y")!);
  const largest = Math.max(...ours.map(Math.abs));
  ours.forEach((value, place) => {
    const [row, k] = [Math.floor(place / 40), place % 40];
    const sum = Array.from({ length: 6 }, (_, n) => (x.data as Float32Array)[row * 6 + n]! * matrix[k * 6 + n]!);
    expect(Math.abs(value - sum.reduce((a, b) => a + b, 0))).toBeLessThan(1e-5 * largest);
  });
});

/** A table of 5 rows of 32 numbers, in blocks of 16. */
const table = { block_size: int(16), quantize_axis: int(1), gather_axis: int(0) };
const nibbles: Tensor = {
  type: "int4",
  shape: [5, 32],
  data: Int8Array.from({ length: 160 }, (_, i) => ((5 * i) % 16) - 8),
};

test.each([
  ["of 4 bits in bytes", { w: bytes([5, 16], 20) }, { s: scales([5, 2]) }, 4],
  ["of 4 bits in bytes with zero points", { w: bytes([5, 16], 21) }, { s: scales([5, 2]), z: bytes([5, 1], 22) }, 4],
  ["of 8 bits with zero points", { w: bytes([5, 32], 23) }, { s: scales([5, 2]), z: bytes([5, 2], 24) }, 8],
  ["of 4 bits with signs", { w: nibbles }, { s: scales([5, 2]) }, 4],
] as const)("GatherBlockQuantized takes rows of a table of floats, %s", async (_, { w }, rest, bits) => {
  const x: Tensor = { type: "int64", shape: [2, 2], data: BigInt64Array.of(4n, 0n, 2n, 4n) };
  const built = modelOf("GatherBlockQuantized", x, {}, { ...table, bits: int(bits) });
  const [one] = built.graph.nodes;
  const file: OnnxModel = {
    ...built,
    graph: {
      ...built.graph,
      nodes: [{ ...one!, inputs: ["w", "x", ...Object.keys(rest)] }],
      initializers: new Map<string, Tensor>([["w", w], ...Object.entries(rest)]),
    },
  };
  const { onnx } = await normalize(file, { evaluate });
  expect(onnx.graph.nodes.map(({ op }) => op)).toEqual(["Gather"]);
  await compare(file, onnx, x);
});

/** Three tokens of 32 numbers, of which each has two of four experts of 32 rows. */
test.each([
  ["of 4 bits with a scale for each row", { bits: 4 }],
  ["of 8 bits with a scale for each row", { bits: 8 }],
  ["of 4 bits in blocks with zero points", { bits: 4, block: 16, hasZeros: true }],
] as const)("QMoE is a mixture of experts of floats, %s", async (_, { bits, ...rest }) => {
  const { block = 0, hasZeros = false } = rest as { block?: number; hasZeros?: boolean };
  const perRow = block === 0 ? [] : [32 / block];
  const weights = (seed: number) => bytes([4, 32, (32 * bits) / 8], seed);
  const zeros = (seed: number) => (hasZeros ? bytes([4, 32, (perRow[0]! * bits) / 8], seed) : null);
  const constants = {
    router: floats([3, 4], 29),
    w1: weights(30),
    s1: scales([4, 32, ...perRow]),
    b1: floats([4, 32], 31),
    w2: weights(32),
    s2: scales([4, 32, ...perRow]),
    b2: null,
    w3: null,
    s3: null,
    b3: null,
    z1: zeros(33),
    z2: zeros(34),
  };
  const attributes = {
    k: int(2),
    expert_weight_bits: int(bits),
    activation_type: text("silu"),
    normalize_routing_weights: int(1),
    ...(block === 0 ? {} : { block_size: int(block) }),
  };
  const x = floats([3, 32], 35);
  const file = modelOf("QMoE", x, constants, attributes);
  const { onnx } = await normalize(file, { evaluate });
  expect(onnx.graph.nodes.map(({ domain }) => domain)).not.toContain("com.microsoft");
  await compare(file, onnx, x, 0.02);
});
