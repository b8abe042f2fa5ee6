import { describe, expect, test } from "vitest";
import { createRng, gaussianArray, type Shape, sizeOf } from "../../src/base/index.ts";
import {
  type Attributes,
  buildModel,
  float,
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
import { jacobian64 } from "../laws/jacobian64.ts";
import { distance, gaussian64, norm } from "../laws/vectors.ts";
import { evaluate } from "../support/ort.ts";

const floats = (shape: Shape, seed: number, size = 1): Tensor =>
  floatTensor(
    shape,
    gaussianArray(createRng("floats", seed), sizeOf(shape)).map((value) => size * value),
  );
const positive = (shape: Shape, seed: number): Tensor =>
  floatTensor(
    shape,
    (floats(shape, seed).data as Float32Array).map((value) => 0.01 + Math.abs(value) / 50),
  );
/** Signed codes have 7 bits: without VNNI, ONNX Runtime saturates sums of products of unsigned and signed codes in 16 bits. */
function codes(type: "int8" | "uint8", shape: Shape, seed: number): Tensor {
  const rng = createRng("codes", seed);
  const draw = () => (type === "int8" ? rng.integer(127) - 63 : rng.integer(256));
  const data = Array.from({ length: sizeOf(shape) }, draw);
  return { type, shape, data: type === "int8" ? Int8Array.from(data) : Uint8Array.from(data) };
}
const alike = (type: "int8" | "uint8", shape: Shape, value: number): Tensor => ({
  type,
  shape,
  data: type === "int8" ? new Int8Array(sizeOf(shape)).fill(value) : new Uint8Array(sizeOf(shape)).fill(value),
});
const whole = (...values: readonly number[]): Tensor => ({
  type: "int32",
  shape: [values.length],
  data: Int32Array.from(values),
});

interface Case {
  readonly op: string;
  readonly note: string;
  readonly input: Shape;
  /** The inputs after x; `null` for one that is left out. */
  readonly constants: readonly (Tensor | null)[];
  readonly attributes?: Attributes;
  readonly outputs?: number;
  /** How far values may be from ONNX Runtime's, and derivatives from those without rounding, if not by rounding of floats alone. */
  readonly rough?: { readonly values?: number; readonly derivative?: number };
  /** The node of floats without rounding, whose differences tangents are compared with. */
  readonly floats?: { readonly op: string; readonly domain?: string; readonly constants: readonly (Tensor | null)[] };
}

function dequantized(weights: Tensor, scale: Tensor, zero: Tensor): Tensor {
  const columns = weights.shape.at(-1)!;
  const perDirection = sizeOf(weights.shape) / (weights.shape.length === 3 ? weights.shape[0]! : 1);
  const of = (tensor: Tensor, place: number): number => {
    const count = sizeOf(tensor.shape);
    if (count === 1) return toNumbers(tensor)[0]!;
    const direction = Math.floor(place / perDirection);
    if (weights.shape.length === 3 && count === weights.shape[0]) return toNumbers(tensor)[direction]!;
    return toNumbers(tensor)[(weights.shape.length === 3 ? direction * columns : 0) + (place % columns)]!;
  };
  const data = toNumbers(weights).map((code, place) => (code - of(zero, place)) * of(scale, place));
  return floatTensor(weights.shape, data);
}

/** [directions, rows, columns] with the last two swapped. */
function turned({ shape, data }: Tensor): Tensor {
  const [directions = 1, rows = 1, columns = 1] = shape;
  const size = rows * columns;
  const from = (place: number) => {
    const [direction, own] = [Math.floor(place / size), place % size];
    return direction * size + (own % rows) * columns + Math.floor(own / rows);
  };
  return floatTensor(
    [directions, columns, rows],
    Float32Array.from({ length: directions * size }, (_, place) => (data as Float32Array)[from(place)]!),
  );
}

interface Lstm {
  readonly note: string;
  readonly directions?: 1 | 2;
  readonly type?: "int8" | "uint8";
  readonly perColumn?: boolean;
  readonly attributes?: Attributes;
  readonly rest?: readonly (Tensor | null)[];
  readonly batch?: number;
}

/** Four steps of sequences of three numbers, with a state of five. */
function lstm({
  note,
  directions = 1,
  type = "int8",
  perColumn = false,
  attributes = {},
  rest = [],
  batch = 1,
}: Lstm): Case {
  const of: Shape = perColumn ? [directions, 20] : [directions];
  const [w, r] = [codes(type, [directions, 3, 20], 1), codes(type, [directions, 5, 20], 2)];
  const [ws, rs] = [positive(of, 3), positive(of, 4)];
  const zero = alike(type, of, type === "int8" ? 0 : 128);
  const [bias = null, lengths = null, h = null, c = null, peepholes = null] = rest;
  return {
    op: "DynamicQuantizeLSTM",
    note,
    input: [4, batch, 3],
    rough: {
      // ONNX Runtime rounds the states of sequences that different threads compute each between extremes of its own.
      ...(batch > 1 ? { values: 0.01 } : {}),
      // A first state that is constant is rounded once and for all.
      ...(h === null ? {} : { derivative: 0.01 }),
    },
    constants: [w, r, bias, lengths, h, c, peepholes, ws, zero, rs, zero],
    attributes: { hidden_size: int(5), ...attributes },
    outputs: 3,
    floats: {
      op: "LSTM",
      constants: [turned(dequantized(w, ws, zero)), turned(dequantized(r, rs, zero)), bias, lengths, h, c, peepholes],
    },
  };
}

function product(note: string, scale: Tensor, zero: Tensor | null, bias: Tensor | null): Case {
  const w = codes(zero?.type === "uint8" ? "uint8" : "int8", [6, 4], 5);
  const matrix = dequantized(w, scale, zero ?? alike("int8", [1], 0));
  return {
    op: "DynamicQuantizeMatMul",
    note,
    input: [3, 6],
    constants: [w, scale, zero, bias],
    floats: bias === null ? { op: "MatMul", constants: [matrix] } : { op: "Gemm", constants: [matrix, bias] },
  };
}

const cases: readonly Case[] = [
  product("with one scale", positive([1], 6), null, null),
  product(
    "with a scale for each column, zero points and a bias",
    positive([4], 7),
    alike("uint8", [4], 120),
    floats([4], 8),
  ),
  lstm({ note: "forward" }),
  lstm({
    note: "with a scale for each column, in reverse",
    perColumn: true,
    attributes: { direction: text("reverse") },
  }),
  lstm({
    note: "of unsigned weights in both directions",
    directions: 2,
    type: "uint8",
    attributes: { direction: text("bidirectional") },
    rest: [floats([2, 40], 9, 0.3)],
  }),
  lstm({
    note: "with states and peepholes",
    rest: [floats([1, 40], 10, 0.3), null, floats([1, 1, 5], 11), floats([1, 1, 5], 12), floats([1, 15], 13)],
  }),
  lstm({
    note: "with sequences of different lengths, states and peepholes",
    batch: 2,
    perColumn: true,
    rest: [floats([1, 40], 10, 0.3), whole(4, 2), floats([1, 2, 5], 11), floats([1, 2, 5], 12), floats([1, 15], 13)],
  }),
  lstm({
    note: "in both directions with different lengths, activations and a clip",
    batch: 2,
    directions: 2,
    attributes: {
      direction: text("bidirectional"),
      clip: float(0.9),
      activations: { kind: "strings", value: ["Sigmoid", "Tanh", "Tanh", "HardSigmoid", "Softsign", "Tanh"] },
    },
    rest: [null, whole(3, 4)],
  }),
];

function modelOf(
  op: string,
  domain: string,
  { input, attributes = {}, outputs = 1 }: Case,
  constants: Case["constants"],
): OnnxModel {
  const names = constants.map((tensor, i) => (tensor === null ? "" : `c${i}`));
  const made = Array.from({ length: outputs }, (_, i) => (i === 0 ? "y" : `y${i}`));
  const model = buildModel({
    inputs: [valueInfo("x", "float32", input)],
    outputs: made.map((name) => ({ name, type: "float32", shape: undefined })),
    nodes: [node({ op, domain, inputs: ["x", ...names], outputs: made, attributes })],
    initializers: new Map(constants.flatMap((tensor, i) => (tensor === null ? [] : [[`c${i}`, tensor] as const]))),
  });
  return { ...model, opsets: new Map([...model.opsets, ["com.microsoft", 1]]) };
}

describe("operators that quantize their input by its extremes", () => {
  describe.each(cases.map((one): [string, Case] => [`${one.op} ${one.note}`, one]))("%s", (_, one) => {
    const model = modelOf(one.op, "com.microsoft", one, one.constants);
    const fetches = model.graph.outputs.map(({ name }) => name);
    const point = new Map([["x", floats(one.input, 14)]]);

    test("compute what ONNX Runtime's kernel does, whatever tangents do", async () => {
      for (const quantized of ["refuse", "straight-through"] as const) {
        const { onnx } = await normalize(model, { evaluate, quantized });
        const [theirs, ours] = [await evaluate(model, point, fetches), await evaluate(onnx, point, fetches)];
        for (const name of fetches) {
          const [want, got] = [theirs.get(name)!, ours.get(name)!];
          expect(got.shape).toEqual(want.shape);
          const [a, b] = [want, got].map((tensor) => Float64Array.from(toNumbers(tensor))) as [
            Float64Array,
            Float64Array,
          ];
          expect(distance(a, b)).toBeLessThan((one.rough?.values ?? 1e-5) * norm(a));
        }
      }
    });

    test("have the derivative of the operator of floats where nothing is rounded", async () => {
      const normalized = await normalize(model, { evaluate, quantized: "straight-through" });
      const J = await jacobian64({ model: normalized, point, sources: ["x"], targets: ["y"] });
      const v = gaussian64(J.n, "v");
      const without = modelOf(one.floats!.op, one.floats!.domain ?? "", one, one.floats!.constants);
      const plain = await normalize(without, { evaluate });
      const exact = await jacobian64({ model: plain, point, sources: ["x"], targets: ["y"] });
      const [Jv, wanted] = [J.jvp(v), exact.jvp(v)];
      expect(norm(wanted)).toBeGreaterThan(0);
      expect(distance(Jv, wanted)).toBeLessThan((one.rough?.derivative ?? 1e-5) * norm(wanted));
    });
  });
});
