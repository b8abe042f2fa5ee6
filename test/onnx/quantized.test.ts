import { describe, expect, test } from "vitest";
import { createRng, gaussianArray, sizeOf } from "../../src/base/index.ts";
import {
  type Attributes,
  buildModel,
  type DataType,
  floatTensor,
  int,
  type Model,
  node,
  normalize,
  type OnnxModel,
  readModel,
  type Tensor,
  toNumbers,
  valueInfo,
  writeModel,
} from "../../src/onnx/index.ts";
import { evaluate, runBytes } from "../support/ort.ts";
import { type QuantizedCase, quantizedCases, roundTrip } from "./quantized-cases.ts";

const pointOf = (shape: readonly number[], seed = 0) =>
  floatTensor(shape, gaussianArray(createRng("x", seed), sizeOf(shape)));

/** What ONNX Runtime computes of a file, and what it computes of the normalized graph. */
async function both(model: OnnxModel, x: Tensor, normalized?: Model) {
  const feeds = new Map([["x", x]]);
  const { onnx } = normalized ?? (await normalize(model, { evaluate }));
  const theirs = (await runBytes(writeModel(model), feeds, ["y"])).get("y")!;
  const ours = (await evaluate(onnx, feeds, ["y"])).get("y")!;
  expect(ours.shape).toEqual(theirs.shape);
  return { theirs: toNumbers(theirs), ours: toNumbers(ours) };
}

const largestGap = (a: readonly number[], b: readonly number[]) =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);

describe("a graph of quantized numbers computes in floats what ONNX Runtime computes in integers", () => {
  const runnable = quantizedCases.filter(({ withoutKernel }) => !withoutKernel);
  test.each(runnable.map((one): [string, QuantizedCase] => [one.name, one]))("%s", async (_, one) => {
    for (const seed of [0, 1, 2]) {
      const { theirs, ours } = await both(one.model, pointOf(one.input, seed));
      // The step of the output's codes, unless it is floats.
      const step = toNumbers(one.model.graph.initializers.get("ys")!)[0]!;
      const rounding = 1e-6 * Math.max(1, ...theirs.map(Math.abs));
      expect(largestGap(theirs, ours)).toBeLessThan(rounding + (one.steps ?? 0) * step);
    }
  });
});

const integers = (type: DataType, values: readonly number[], shape: readonly number[] = []): Tensor => ({
  type,
  shape,
  data: type.startsWith("u") ? Uint8Array.from(values) : Int8Array.from(values),
});
const wide = (type: "int16" | "uint16", value: number): Tensor => ({
  type,
  shape: [],
  data: type === "int16" ? Int16Array.of(value) : Uint16Array.of(value),
});
const scale = floatTensor([], [0.07]);
const along = floatTensor([3], [0.05, 0.2, 0.4]);
const blocks = floatTensor(
  [2, 2, 4],
  gaussianArray(createRng("scales"), 16).map((value) => 0.05 + Math.abs(value)),
);
const axis = (at: number): Attributes => ({ axis: int(at) });

describe("QuantizeLinear and DequantizeLinear of every opset, type and form", () => {
  test.each(
    [
      roundTrip("uint8", 10, [2, 3, 4], scale, integers("uint8", [3])),
      roundTrip("int8", 10, [2, 3, 4], scale, integers("int8", [-3])),
      roundTrip("uint8", 11, [2, 3, 4], scale),
      roundTrip("uint8", 13, [2, 3, 4], along, integers("uint8", [3, 130, 250], [3]), axis(1)),
      roundTrip("int8", 13, [2, 4, 3], along, integers("int8", [0, 1, 2], [3]), axis(-1)),
      roundTrip("int8", 17, [3, 2, 2], along, integers("int8", [0, 1, 2], [3]), axis(0)),
      roundTrip("int8", 19, [2, 3, 4], scale, integers("int8", [-3])),
      roundTrip(
        "uint8",
        21,
        [2, 4, 4],
        blocks,
        integers(
          "uint8",
          Array.from({ length: 16 }, (_, i) => 9 * i),
          [2, 2, 4],
        ),
        {
          ...axis(1),
          block_size: int(2),
        },
      ),
      roundTrip("int8", 21, [2, 3, 4], blocks, undefined, { ...axis(1), block_size: int(2), output_dtype: int(3) }),
      roundTrip("int16", 21, [2, 3, 4], scale, wide("int16", -300)),
      roundTrip("uint16", 21, [2, 3, 4], scale, wide("uint16", 40_000)),
      roundTrip("int4", 21, [2, 3, 4], scale, integers("int4", [1])),
      roundTrip("uint4", 21, [2, 3, 4], along, integers("uint4", [1, 7, 15], [3]), axis(1)),
      roundTrip("uint8", 23, [2, 3, 4], scale, integers("uint8", [3])),
      roundTrip("uint8", 25, [2, 3, 4], scale, integers("uint8", [3])),
      roundTrip("float8e4m3fn", 19, [2, 3, 4], scale, integers("float8e4m3fn", [0])),
      roundTrip("float8e5m2", 19, [2, 3, 4], scale, integers("float8e5m2", [0])),
      roundTrip("float8e4m3fnuz", 19, [2, 3, 4], along, integers("float8e4m3fnuz", [0, 0, 0], [3]), axis(1)),
      roundTrip("float8e5m2fnuz", 19, [2, 3, 4], scale, integers("float8e5m2fnuz", [0])),
    ].map((one): [string, QuantizedCase] => [one.name, one]),
  )("%s", async (_, { model, input }) => {
    for (const factor of [1, 30]) {
      const x = pointOf(input, factor);
      const { theirs, ours } = await both(model, {
        ...x,
        data: (x.data as Float32Array).map((value) => factor * value),
      });
      expect(largestGap(theirs, ours)).toBeLessThan(1e-6 * Math.max(1, ...theirs.map(Math.abs)));
    }
  });
});

test("dynamic quantization, as ONNX Runtime's quantize_dynamic writes it", async () => {
  const model = buildModel(
    {
      inputs: [valueInfo("x", "float32", [4, 6])],
      outputs: [valueInfo("y", "float32", [4, 3])],
      nodes: [
        node({ op: "DynamicQuantizeLinear", inputs: ["x"], outputs: ["q", "s", "z"] }),
        node({ op: "MatMulInteger", inputs: ["q", "w", "z", "wz"], outputs: ["sums"] }),
        node({ op: "Cast", inputs: ["sums"], outputs: ["floats"], attributes: { to: int(1) } }),
        node({ op: "Mul", inputs: ["s", "ws"], outputs: ["factor"] }),
        node({ op: "Mul", inputs: ["floats", "factor"], outputs: ["y"] }),
      ],
      initializers: new Map([
        [
          "w",
          integers(
            "int8",
            Array.from({ length: 18 }, (_, i) => ((37 * i) % 101) - 50),
            [6, 3],
          ),
        ],
        ["wz", integers("int8", [3])],
        ["ws", floatTensor([], [0.01])],
      ]),
    },
    13,
  );
  for (const quantized of ["refuse", "straight-through"] as const) {
    const normalized = await normalize(model, { evaluate, quantized });
    const { theirs, ours } = await both(model, pointOf([4, 6]), normalized);
    expect(largestGap(theirs, ours)).toBeLessThan(1e-6 * Math.max(...theirs.map(Math.abs)));
  }
});

test("dequantized weights are constants of floats, and no choice is needed", async () => {
  const weights = integers(
    "int4",
    Array.from({ length: 12 }, (_, i) => (i % 16) - 8),
    [4, 3],
  );
  const model = buildModel(
    {
      inputs: [valueInfo("x", "float32", [2, 4])],
      outputs: [valueInfo("y", "float32", [2, 3])],
      nodes: [
        node({ op: "DequantizeLinear", inputs: ["w", "s", "z"], outputs: ["d"], attributes: axis(1) }),
        node({ op: "MatMul", inputs: ["x", "d"], outputs: ["y"] }),
      ],
      initializers: new Map([
        ["w", weights],
        ["s", along],
        ["z", integers("int4", [1, 0, -2], [3])],
      ]),
    },
    21,
  );
  const normalized = await normalize(await readModel(writeModel(model)), { evaluate });
  expect(normalized.onnx.graph.nodes.map(({ op }) => op)).toEqual(["MatMul"]);
  expect(normalized.quantized).toBeUndefined();
  const { theirs, ours } = await both(model, pointOf([2, 4]), normalized);
  expect(ours).toEqual(theirs);
});

test("a file that was written keeps the operators that stand for rounding, and takes the choice anew", async () => {
  const { model } = quantizedCases[0]!;
  const refused = await normalize(model, { evaluate });
  expect(refused.quantized).toBeUndefined();
  const read = await readModel(writeModel(refused.onnx));
  expect(read.graph.nodes.filter(({ domain }) => domain === "pushforward").map(({ op }) => op)).toEqual([
    "Quantize",
    "Quantize",
  ]);
  const again = await normalize(read, { evaluate, quantized: "straight-through" });
  expect(again.quantized).toBe("straight-through");
  const x = pointOf(quantizedCases[0]!.input);
  expect((await both(model, x, again)).ours).toEqual((await both(model, x, refused)).ours);
});
