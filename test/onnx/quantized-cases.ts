import { createRng, type Shape, sizeOf } from "../../src/base/index.ts";
import {
  type Attributes,
  buildModel,
  type DataType,
  float,
  floatTensor,
  int,
  ints,
  type Node,
  node,
  type OnnxModel,
  type Tensor,
  valueInfo,
} from "../../src/onnx/index.ts";

/** A graph of quantized numbers between floats: x is quantized, an operator computes with the codes, and its result is dequantized. */
export interface QuantizedCase {
  readonly name: string;
  readonly model: OnnxModel;
  readonly input: Shape;
  /** The largest number of steps by which a code of the result may differ from ONNX Runtime's; exactly equal unless stated. */
  readonly steps?: number;
  /** Whether ONNX Runtime has no kernel for it on the CPU. */
  readonly withoutKernel?: boolean;
}

const MICROSOFT = "com.microsoft";

/**
 * Random whole numbers of a type of 8 bits. Signed ones have 7 bits: on processors without VNNI, ONNX Runtime saturates sums of products of
 * unsigned and signed codes in 16 bits.
 */
function codes(type: "int8" | "uint8", shape: Shape, seed: number): Tensor {
  const rng = createRng("codes", seed);
  const data = Array.from({ length: sizeOf(shape) }, () =>
    type === "int8" ? rng.integer(127) - 63 : rng.integer(256),
  );
  return { type, shape, data: type === "int8" ? Int8Array.from(data) : Uint8Array.from(data) };
}

const byte = (type: "int8" | "uint8", ...values: readonly number[]): Tensor => ({
  type,
  shape: values.length === 1 ? [] : [values.length],
  data: type === "int8" ? Int8Array.from(values) : Uint8Array.from(values),
});

const list = (...values: readonly number[]): Tensor => floatTensor([values.length], values);
const number = (value: number): Tensor => floatTensor([], [value]);

interface Parts {
  readonly name: string;
  readonly input: Shape;
  readonly op: string;
  readonly domain?: string;
  /** Names of inputs; `q`, `s`, `z` are the codes of x, their scale and zero point. */
  readonly inputs: readonly string[];
  readonly attributes?: Attributes;
  readonly constants?: Readonly<Record<string, Tensor>>;
  /** Scale and zero point of the result, if it is codes. */
  readonly result?: readonly [scale: string, zero: string];
  readonly opset?: number;
  readonly type?: "int8" | "uint8";
  readonly axis?: number;
  readonly steps?: number;
  readonly withoutKernel?: boolean;
}

/** x → QuantizeLinear → the operator → DequantizeLinear → y. */
function between({ name, input, op, inputs, type = "uint8", result, opset = 18, ...rest }: Parts): QuantizedCase {
  const initializers = new Map<string, Tensor>([
    ["s", number(type === "int8" ? 0.023 : 0.031)],
    ["z", byte(type, type === "int8" ? -7 : 120)],
    ["ys", number(0.0413)],
    ["yz", byte(type, type === "int8" ? 5 : 117)],
    ...Object.entries(rest.constants ?? {}),
  ]);
  const last = result === undefined ? "y" : "codes";
  const nodes: Node[] = [
    node({ op: "QuantizeLinear", inputs: ["x", "s", "z"], outputs: ["q"] }),
    node({ op, domain: rest.domain ?? "", inputs, outputs: [last], attributes: rest.attributes ?? {} }),
  ];
  if (result !== undefined) nodes.push(node({ op: "DequantizeLinear", inputs: [last, ...result], outputs: ["y"] }));
  const model = buildModel(
    {
      inputs: [valueInfo("x", "float32", input)],
      outputs: [{ name: "y", type: "float32", shape: undefined }],
      nodes,
      initializers,
    },
    opset,
  );
  const opsets = new Map(model.opsets).set(MICROSOFT, 1);
  const { steps, withoutKernel = false } = rest;
  return { name, model: { ...model, opsets }, input, withoutKernel, ...(steps ? { steps } : {}) };
}

const y = ["ys", "yz"] as const;
const q = ["q", "s", "z"] as const;
const conv = { w: codes("int8", [4, 3, 3, 3], 1), ws: list(0.002, 0.001, 0.003, 0.0015), wz: byte("int8", 0, 0, 0, 0) };
const bias: Tensor = { type: "int32", shape: [4], data: Int32Array.of(900, -2000, 50, 7000) };
const second = { b: codes("uint8", [2, 3, 4, 4], 2), bs: number(0.017), bz: byte("uint8", 99) };
const image: Shape = [2, 3, 4, 4];

const microsoft = (parts: Omit<Parts, "domain">): QuantizedCase => between({ ...parts, domain: MICROSOFT });

/** Operators of ONNX's own set between codes. */
const standard: readonly QuantizedCase[] = [
  between({
    name: "QLinearConv along channels, with a bias",
    input: [1, 3, 6, 6],
    op: "QLinearConv",
    inputs: [...q, "w", "ws", "wz", ...y, "b"],
    constants: { ...conv, b: bias },
    attributes: { pads: ints([1, 1, 1, 1]), strides: ints([2, 1]) },
    result: y,
  }),
  between({
    name: "QLinearConv of unsigned weights in groups",
    input: [1, 4, 5, 5],
    op: "QLinearConv",
    inputs: [...q, "w", "ws", "wz", ...y],
    constants: { w: codes("uint8", [4, 2, 2, 2], 3), ws: number(0.002), wz: byte("uint8", 130) },
    attributes: { group: int(2), dilations: ints([2, 2]) },
    result: y,
  }),
  between({
    name: "QLinearMatMul with a scale for each column",
    input: [2, 3, 5],
    op: "QLinearMatMul",
    inputs: [...q, "w", "ws", "wz", ...y],
    constants: { w: codes("int8", [5, 4], 4), ws: list(0.002, 0.001, 0.003, 0.004), wz: byte("int8", 1, 0, -3, 2) },
    result: y,
    type: "int8",
  }),
  between({
    name: "ConvInteger",
    input: [1, 3, 5, 5],
    op: "ConvInteger",
    inputs: ["q", "w", "z"],
    constants: { w: codes("uint8", [2, 3, 3, 3], 5), one: number(1) },
    attributes: { pads: ints([0, 1, 0, 1]) },
    result: ["one", ""],
  }),
  between({
    name: "MatMulInteger",
    input: [4, 5],
    op: "MatMulInteger",
    inputs: ["q", "w", "z", "wz"],
    constants: { w: codes("int8", [5, 3], 6), wz: byte("int8", 2, -1, 4), one: number(0.01) },
    result: ["one", ""],
  }),
  ...(["Transpose", "Relu", "Identity"] as const).map((op) =>
    between({ name: `${op} of codes`, input: image, op, inputs: ["q"], result: ["s", "z"], type: "int8" }),
  ),
  between({
    name: "MaxPool of codes",
    input: image,
    op: "MaxPool",
    inputs: ["q"],
    attributes: { kernel_shape: ints([2, 2]), strides: ints([2, 2]) },
    result: ["s", "z"],
  }),
  between({
    name: "Concat of codes with a constant of codes",
    input: image,
    op: "Concat",
    inputs: ["q", "b"],
    constants: second,
    attributes: { axis: int(1) },
    result: ["s", "z"],
  }),
  between({
    name: "Clip of codes",
    input: image,
    op: "Clip",
    inputs: ["q", "low", "high"],
    constants: { low: byte("uint8", 100), high: byte("uint8", 160) },
    result: ["s", "z"],
  }),
];

/** Operators of ONNX Runtime between codes. */
const contributed: readonly QuantizedCase[] = [
  ...["QLinearAdd", "QLinearMul"].map((op) =>
    microsoft({ name: op, input: image, op, inputs: [...q, "b", "bs", "bz", ...y], constants: second, result: y }),
  ),
  microsoft({
    name: "QLinearAveragePool",
    input: image,
    op: "QLinearAveragePool",
    inputs: [...q, ...y],
    attributes: { kernel_shape: ints([3, 2]), pads: ints([1, 0, 1, 0]), count_include_pad: int(0) },
    result: y,
  }),
  microsoft({
    name: "QLinearAveragePool with the channels last",
    input: [1, 4, 4, 3],
    op: "QLinearAveragePool",
    inputs: [...q, ...y],
    attributes: { kernel_shape: ints([2, 2]), channels_last: int(1) },
    result: y,
  }),
  microsoft({
    name: "QLinearGlobalAveragePool",
    input: image,
    op: "QLinearGlobalAveragePool",
    inputs: [...q, ...y],
    attributes: { channels_last: int(0) },
    result: y,
  }),
  microsoft({
    name: "QLinearLeakyRelu",
    input: image,
    op: "QLinearLeakyRelu",
    inputs: [...q, ...y],
    attributes: { alpha: float(0.2) },
    result: y,
  }),
  microsoft({
    name: "QLinearSigmoid",
    input: image,
    op: "QLinearSigmoid",
    inputs: [...q, "ss", "sz"],
    constants: { ss: number(1 / 256), sz: byte("uint8", 0) },
    result: ["ss", "sz"],
  }),
  microsoft({
    name: "QLinearSoftmax",
    input: [3, 5],
    op: "QLinearSoftmax",
    inputs: [...q, "ss", "sz"],
    constants: { ss: number(1 / 256), sz: byte("uint8", 0) },
    attributes: { axis: int(-1), opset: int(13) },
    result: ["ss", "sz"],
    steps: 1,
  }),
  microsoft({
    name: "QLinearReduceMean",
    input: image,
    op: "QLinearReduceMean",
    inputs: [...q, ...y],
    attributes: { axes: ints([2, 3]), keepdims: int(1) },
    result: y,
    withoutKernel: true,
  }),
  microsoft({
    name: "QLinearConcat",
    input: image,
    op: "QLinearConcat",
    inputs: [...y, ...q, "b", "bs", "bz"],
    constants: second,
    attributes: { axis: int(1) },
    result: y,
  }),
  microsoft({
    name: "QLinearWhere",
    input: image,
    op: "QLinearWhere",
    inputs: ["chosen", ...q, "b", "bs", "bz", ...y],
    constants: { ...second, chosen: { type: "bool", shape: [4], data: Uint8Array.of(1, 0, 1, 1) } },
    result: y,
  }),
  microsoft({
    name: "QLinearConv with the channels last",
    input: [1, 6, 6, 3],
    op: "QLinearConv",
    inputs: [...q, "w", "ws", "wz", ...y, "b"],
    constants: { ...conv, b: bias },
    attributes: { pads: ints([1, 1, 1, 1]), channels_last: int(1) },
    result: y,
  }),
  microsoft({
    name: "QGemm to codes",
    input: [3, 5],
    op: "QGemm",
    inputs: [...q, "w", "ws", "wz", "c", ...y],
    constants: {
      w: codes("int8", [4, 5], 7),
      ws: list(0.002, 0.001, 0.003, 0.004),
      wz: byte("int8", 0, 0, 0, 0),
      c: bias,
    },
    attributes: { transB: int(1), alpha: float(0.7) },
    result: y,
  }),
  microsoft({
    name: "QGemm to floats",
    input: [3, 5],
    op: "QGemm",
    inputs: [...q, "w", "ws", "wz"],
    constants: { w: codes("int8", [5, 4], 8), ws: number(0.002), wz: byte("int8", 3) },
  }),
  microsoft({
    name: "MatMulIntegerToFloat",
    input: [3, 5],
    op: "MatMulIntegerToFloat",
    inputs: ["q", "w", "s", "ws", "z", "wz", "c"],
    constants: {
      w: codes("int8", [5, 4], 9),
      ws: list(0.002, 0.001, 0.003, 0.004),
      wz: byte("int8", 0, 1, 0, -2),
      c: list(1, 2, 3, 4),
    },
  }),
  microsoft({
    name: "NhwcMaxPool",
    input: [1, 4, 4, 3],
    op: "NhwcMaxPool",
    inputs: ["q"],
    attributes: { kernel_shape: ints([2, 2]), strides: ints([2, 2]) },
    result: ["s", "z"],
  }),
];

export const quantizedCases: readonly QuantizedCase[] = [...standard, ...contributed];

/** x → QuantizeLinear → DequantizeLinear of every type and form: the name, the opset, the shape of x, and the two nodes' inputs. */
export function roundTrip(
  type: DataType,
  opset: number,
  input: Shape,
  scale: Tensor,
  zero?: Tensor,
  attributes: Attributes = {},
) {
  const names = ["s", ...(zero === undefined ? [] : ["z"])];
  const model = buildModel(
    {
      inputs: [valueInfo("x", "float32", input)],
      outputs: [{ name: "y", type: "float32", shape: undefined }],
      nodes: [
        node({ op: "QuantizeLinear", inputs: ["x", ...names], outputs: ["q"], attributes }),
        node({
          op: "DequantizeLinear",
          inputs: ["q", ...names],
          outputs: ["y"],
          attributes: Object.fromEntries(
            Object.entries(attributes).filter(([key]) => key === "axis" || key === "block_size"),
          ),
        }),
      ],
      initializers: new Map([["s", scale], ...(zero === undefined ? [] : [["z", zero] as const])]),
    },
    opset,
  );
  return { name: `${type} in opset ${opset}, scale [${scale.shape}]`, model, input };
}
