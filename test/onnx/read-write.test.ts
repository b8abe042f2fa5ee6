import { describe, expect, test } from "vitest";
import {
  type Attribute,
  buildModel,
  type DataType,
  float,
  floatTensor,
  type Graph,
  int,
  ints,
  intTensor,
  node,
  normalize,
  type OnnxModel,
  readModel,
  type Tensor,
  text,
  valueInfo,
  writeModel,
} from "../../src/onnx/index.ts";
import { encodeModel, type TensorMessage } from "../../src/onnx/proto.ts";
import { dataTypes } from "../../src/onnx/tensor-types.ts";
import { evaluate } from "../support/ort.ts";

const samples: Record<DataType, Tensor["data"]> = {
  float32: Float32Array.of(0, -1.5, 3.25),
  float64: Float64Array.of(0, -1e300, Math.PI),
  float16: Uint16Array.of(0, 0xbc00, 0x7bff),
  bfloat16: Uint16Array.of(0, 0xbf80, 0x7f7f),
  int8: Int8Array.of(0, -128, 127),
  int16: Int16Array.of(0, -32768, 32767),
  int32: Int32Array.of(0, -(2 ** 31), 2 ** 31 - 1),
  int64: BigInt64Array.of(0n, -(2n ** 63n), 2n ** 63n - 1n),
  uint8: Uint8Array.of(0, 1, 255),
  uint16: Uint16Array.of(0, 1, 65535),
  uint32: Uint32Array.of(0, 1, 2 ** 32 - 1),
  uint64: BigUint64Array.of(0n, 1n, 2n ** 64n - 1n),
  bool: Uint8Array.of(0, 1, 1),
  float8e4m3fn: Uint8Array.of(0, 0x7e, 0xff),
  float8e4m3fnuz: Uint8Array.of(0, 0x7f, 0x80),
  float8e5m2: Uint8Array.of(0, 0x7b, 0xfc),
  float8e5m2fnuz: Uint8Array.of(0, 0x7f, 0x80),
  float8e8m0: Uint8Array.of(0, 127, 255),
  float4e2m1: Uint8Array.of(0, 7, 15),
  int4: Int8Array.of(0, -8, 7),
  uint4: Uint8Array.of(0, 1, 15),
  int2: Int8Array.of(0, -2, 1),
  uint2: Uint8Array.of(0, 1, 3),
  string: ["", "a", "café"],
};

const sampleTensors = Object.entries(samples).map(([type, data]): [string, Tensor] => [
  `w-${type}`,
  { type: type as DataType, shape: [3], data },
]);

const branch = (name: string): Graph => ({
  name,
  inputs: [],
  outputs: [{ name: `${name}-out`, type: undefined, shape: undefined }],
  nodes: [node({ op: "Add", inputs: ["x", `${name}-c`], outputs: [`${name}-out`] })],
  initializers: new Map([[`${name}-c`, floatTensor([1], [2])]]),
});

const allAttributes: Record<string, Attribute> = {
  none: int(0),
  large: int(-(2 ** 52)),
  half: float(0.5),
  mode: text("linear"),
  empty: text(""),
  pads: ints([0, -1, 2]),
  noPads: ints([]),
  scales: { kind: "floats", value: [1, 2.5] },
  names: { kind: "strings", value: ["a", "", "ü"] },
  value: { kind: "tensor", value: intTensor([7], []) },
  body: { kind: "graph", value: branch("then") },
};

function everything(): OnnxModel {
  const model = buildModel({
    inputs: [valueInfo("x", "float32", ["N", 3, "?", 0]), valueInfo("i", "int64", [])],
    outputs: [
      valueInfo("y", "float32", [2]),
      { name: "z", type: "bool", shape: undefined },
      { name: "u", type: undefined, shape: undefined },
    ],
    nodes: [
      node({
        op: "Thing",
        domain: "my.domain",
        inputs: ["x", "", "i"],
        outputs: ["y", "", "z"],
        attributes: allAttributes,
      }),
      node({ op: "Other", name: "", inputs: [], outputs: ["u"] }),
    ],
    initializers: new Map(sampleTensors),
  });
  return { ...model, opsets: new Map([...model.opsets, ["my.domain", 3]]), producer: "somebody" };
}

describe("read(write(m)) = m", () => {
  test("with every attribute kind, element type and form of input", async () => {
    expect(await readModel(writeModel(everything()))).toEqual(everything());
  });

  test("with a subgraph in a subgraph", async () => {
    const inner = node({ op: "If", inputs: ["c"], outputs: ["o"], attributes: { else_branch: allAttributes.body! } });
    const outer: Graph = { ...branch("outer"), nodes: [inner] };
    const model = buildModel({
      ...outer,
      nodes: [node({ ...inner, attributes: { b: { kind: "graph", value: outer } } })],
    });
    expect(await readModel(writeModel(model))).toEqual(model);
  });

  test("with weights of which only a part of the buffer belongs to the tensor", async () => {
    const data = new Float32Array([9, 1, 2, 9]).subarray(1, 3);
    const model = buildModel({
      inputs: [],
      outputs: [],
      nodes: [],
      initializers: new Map([["w", floatTensor([2], data)]]),
    });
    expect((await readModel(writeModel(model))).graph.initializers.get("w")?.data).toEqual(Float32Array.of(1, 2));
  });
});

/** A file with one initializer, written as the given message. */
const fileWith = (tensor: TensorMessage): Uint8Array =>
  encodeModel({ irVersion: 8, graph: { name: "g", initializer: [tensor] }, opsetImport: [{ version: 18 }] });

async function readInitializer(tensor: TensorMessage): Promise<Tensor | undefined> {
  return (await readModel(fileWith({ ...tensor, name: "w" }))).graph.initializers.get("w");
}

describe("tensors", () => {
  const longs = (data: BigInt64Array | BigUint64Array) =>
    Array.from(data, (value) => ({
      low: Number(BigInt.asIntN(32, value)),
      high: Number(value >> 32n),
      unsigned: false,
    }));
  // Entries that share bytes are tried in narrow-types.test.ts.
  const apart = Object.entries(samples).filter(([type]) => !/int[24]$|float4/.test(type));
  const fieldRows: [DataType, TensorMessage][] = apart.map(([type, data]) => {
    const { code, field } = dataTypes[type as DataType];
    const entries = Array.isArray(data)
      ? data.map((entry) => new TextEncoder().encode(entry))
      : data instanceof BigInt64Array || data instanceof BigUint64Array
        ? longs(data)
        : Array.from(data as Uint8Array);
    return [type as DataType, { dims: [3], dataType: code, [field]: entries }];
  });

  test.each(fieldRows)("%s in its typed field", async (type, message) => {
    expect(await readInitializer(message)).toEqual({ type, shape: [3], data: samples[type] });
  });

  test("raw bytes that are aligned are not copied", async () => {
    const bytes = fileWith({ dims: [8], dataType: dataTypes.uint8.code, rawData: new Uint8Array(8), name: "w" });
    const data = (await readModel(bytes)).graph.initializers.get("w")?.data as Uint8Array;
    expect(data.buffer).toBe(bytes.buffer);
  });

  test("an attribute beyond 2^53 saturates, so that 'to the end' still means it", async () => {
    const end = { low: -1, high: 0x7fffffff, unsigned: false };
    const bytes = encodeModel({
      irVersion: 8,
      graph: { node: [{ opType: "Slice", output: ["y"], attribute: [{ name: "ends", type: 7, ints: [end] }] }] },
    });
    const [slice] = (await readModel(bytes)).graph.nodes;
    expect(slice?.attributes.ends).toEqual(ints([Number.MAX_SAFE_INTEGER]));
  });
});

describe("external data", () => {
  const external: TensorMessage = {
    name: "w",
    dims: [2],
    dataType: dataTypes.float32.code,
    dataLocation: 1,
    externalData: [
      { key: "location", value: "weights.bin" },
      { key: "offset", value: "4" },
      { key: "length", value: "8" },
    ],
  };

  test("is read at its offset from the file that the tensor names", async () => {
    const file = new Uint8Array(Float32Array.of(9, 1, 2, 9).buffer);
    const asked: unknown[] = [];
    const model = await readModel(fileWith(external), {
      external: async (location, offset, length = 0) => {
        asked.push([location, offset, length]);
        return file.subarray(offset, offset + length);
      },
    });
    expect(asked).toEqual([["weights.bin", 4, 8]]);
    expect(model.graph.initializers.get("w")).toEqual(floatTensor([2], [1, 2]));
  });

  test.each(["0", undefined])("without a length (%s), a tensor has the bytes of its entries", async (length) => {
    const file = new Uint8Array(Float32Array.of(9, 1, 2, 9).buffer);
    const entries = external.externalData!.filter(({ key }) => key !== "length");
    const externalData = length === undefined ? entries : [...entries, { key: "length", value: length }];
    const model = await readModel(fileWith({ ...external, externalData }), {
      external: async (_location, offset, size) =>
        file.subarray(offset, size === undefined ? undefined : offset + size),
    });
    expect(model.graph.initializers.get("w")).toEqual(floatTensor([2], [1, 2]));
  });
});

test("an input that may be left out is read as the tensor that is given", async () => {
  const tensor = { tensorType: { elemType: 1, shape: { dim: [{ dimValue: 2 }] } } };
  const bytes = encodeModel({
    irVersion: 8,
    graph: {
      input: [
        { name: "x", type: tensor },
        { name: "mask", type: { optionalType: { elemType: tensor } } },
      ],
      output: [{ name: "y", type: tensor }],
      node: [
        { opType: "OptionalGetElement", input: ["mask"], output: ["given"] },
        { opType: "Mul", input: ["x", "given"], output: ["y"] },
      ],
    },
    opsetImport: [{ version: 15 }],
  });
  const model = await readModel(bytes);
  expect(model.graph.inputs).toEqual([valueInfo("x", "float32", [2]), valueInfo("mask", "float32", [2])]);
  const { onnx } = await normalize(model, { evaluate });
  expect(onnx.graph.nodes).toMatchObject([
    { op: "Identity", inputs: ["mask"], outputs: ["given"] },
    { op: "Mul", inputs: ["x", "given"] },
  ]);
});

test("ONNX Runtime's own operators need no import, as in files of its transformer optimizer", async () => {
  const type = { tensorType: { elemType: 1, shape: { dim: [{ dimValue: 2 }] } } };
  const bytes = encodeModel({
    irVersion: 8,
    graph: {
      input: [{ name: "x", type }],
      output: [{ name: "y", type }],
      node: [{ opType: "Gelu", domain: "com.microsoft", input: ["x"], output: ["y"] }],
    },
    opsetImport: [{ version: 17 }],
  });
  const { opsets } = await readModel(bytes);
  expect(opsets).toEqual(
    new Map([
      ["", 17],
      ["com.microsoft", 1],
    ]),
  );
});

describe("old files", () => {
  test("initializers that are listed as inputs are no inputs", async () => {
    const info = (name: string) => ({ name, type: { tensorType: { elemType: 1, shape: { dim: [{ dimValue: 1 }] } } } });
    const bytes = encodeModel({
      irVersion: 3,
      graph: {
        input: [info("x"), info("w")],
        output: [info("y")],
        initializer: [{ name: "w", dims: [1], dataType: 1, floatData: [2] }],
        node: [{ opType: "Add", input: ["x", "w"], output: ["y"] }],
      },
      opsetImport: [{ version: 8 }],
    });
    const model = await readModel(bytes);
    expect(model.graph.inputs).toEqual([valueInfo("x", "float32", [1])]);
    expect(model.irVersion).toBe(4);
  });

  test("attributes that do not say their kind", async () => {
    const attribute = [
      { name: "alpha", f: 0.5 },
      { name: "axis", i: 0 },
      { name: "pads", ints: [1, 2] },
    ];
    const bytes = encodeModel({ graph: { node: [{ opType: "X", output: ["y"], attribute }] } });
    const [first] = (await readModel(bytes)).graph.nodes;
    expect(first?.attributes).toEqual({ alpha: float(0.5), axis: int(0), pads: ints([1, 2]) });
  });
});
