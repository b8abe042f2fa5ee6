import { expect, test } from "vitest";
import {
  buildModel,
  type DataType,
  floatTensor,
  normalize,
  readModel,
  readTensor,
  type Tensor,
  toNumbers,
  valueInfo,
  writeModel,
} from "../../src/onnx/index.ts";
import { isNarrow, numbersByCode } from "../../src/onnx/narrow-types.ts";
import { toFloat32 } from "../../src/onnx/precision.ts";
import { encodeTensor } from "../../src/onnx/proto.ts";
import { mismatch } from "../support/close.ts";
import { nodeTests } from "../support/onnx-node.ts";
import { evaluate } from "../support/ort.ts";
import { sharedDir, withoutShared } from "../support/shared.ts";

/** Numbers of each type of at most 8 bits as the papers of the formats print them, and their codes. */
test.each<[DataType, Record<number, number>]>([
  ["float8e4m3fn", { 0: 0, 1: 2 ** -9, 8: 2 ** -6, 56: 1, 126: 448, 127: Number.NaN, 254: -448 }],
  ["float8e4m3fnuz", { 0: 0, 1: 2 ** -10, 64: 1, 127: 240, 128: Number.NaN, 255: -240 }],
  ["float8e5m2", { 1: 2 ** -16, 60: 1, 123: 57344, 124: Number.POSITIVE_INFINITY, 253: Number.NaN }],
  ["float8e5m2fnuz", { 1: 2 ** -17, 64: 1, 127: 57344, 128: Number.NaN, 255: -57344 }],
  ["float8e8m0", { 0: 2 ** -127, 127: 1, 128: 2, 254: 2 ** 127, 255: Number.NaN }],
  ["float4e2m1", { 0: 0, 1: 0.5, 2: 1, 3: 1.5, 4: 2, 5: 3, 6: 4, 7: 6, 9: -0.5, 15: -6 }],
])("the codes of %s", (type, expected) => {
  const numbers = numbersByCode(type)!;
  for (const [code, number] of Object.entries(expected)) expect([code, numbers[Number(code)]]).toEqual([code, number]);
});

test.each([
  ["int4", 22, [0x8f, 0x07], [-1, -8, 7]],
  ["uint4", 21, [0x8f, 0x07], [15, 8, 7]],
  ["int2", 26, [0b11_10_01_00, 0b10], [0, 1, -2, -1, -2]],
  ["uint2", 25, [0b11_10_01_00, 0b10], [0, 1, 2, 3, 2]],
  ["float4e2m1", 23, [0x2f], [15, 2]],
] as const)("entries of %s share bytes, the first in the lowest bits", (type, dataType, bytes, entries) => {
  const dims = [entries.length];
  const raw = readTensor(encodeTensor({ dims, dataType, rawData: Uint8Array.from(bytes) }));
  const listed = readTensor(encodeTensor({ dims, dataType, int32Data: [...bytes] }));
  expect([raw, listed].map((tensor) => [tensor.type, [...(tensor.data as Uint8Array)]])).toEqual([
    [type, entries],
    [type, entries],
  ]);
  expect(() => readTensor(encodeTensor({ dims: [9], dataType, rawData: Uint8Array.from(bytes) }))).toThrow(
    /should hold 9 = 9 entries/,
  );
});

test("a weight of each type is read, written and read again, and is a constant of floats or bytes", async () => {
  const types: DataType[] = [
    "float8e4m3fn",
    "float8e5m2fnuz",
    "float8e8m0",
    "float4e2m1",
    "int4",
    "uint4",
    "int2",
    "uint2",
  ];
  for (const type of types) {
    const isSigned = type === "int4" || type === "int2";
    const data = isSigned ? Int8Array.of(1, -1, 0) : Uint8Array.of(1, 3, 2);
    const weight: Tensor = { type, shape: [3], data };
    const graph = {
      inputs: [valueInfo("x", "float32", [3])],
      outputs: [valueInfo("y", "float32", [3])],
      nodes: [
        {
          name: "c",
          op: "Cast",
          domain: "",
          inputs: ["w"],
          outputs: ["c"],
          attributes: { to: { kind: "int", value: 1 } },
        },
        { name: "y", op: "Mul", domain: "", inputs: ["x", "c"], outputs: ["y"], attributes: {} },
      ] as const,
      initializers: new Map([["w", weight]]),
    };
    const read = await readModel(writeModel(buildModel(graph, 25)));
    expect(read.graph.initializers.get("w")).toEqual(weight);
    const { onnx } = await normalize(read, { evaluate });
    const x = floatTensor([3], [1, 1, 1]);
    const result = await evaluate(onnx, new Map([["x", x]]), ["y"]);
    const table = numbersByCode(type);
    expect(toNumbers(result.get("y")!)).toEqual(Array.from(data, (code) => table?.[code] ?? code));
  }
});

/** The least number of the format's cases that must pass, and those that cannot, with the reason. */
const FLOOR = 100;

test("the format's own cases with types of at most 8 bits give their outputs", { timeout: 300_000 }, async ({
  skip,
}) => {
  skip(sharedDir === undefined, withoutShared);
  const failures: Record<string, string> = {};
  let passed = 0;
  for (const { name, model, inputs, outputs } of nodeTests()) {
    if (![...inputs, ...outputs].some(({ type }) => isNarrow(type))) continue;
    try {
      const raw = await readModel(model, { file: name });
      const feeds = new Map(raw.graph.inputs.map((input, i) => [input.name, inputs[i]!]));
      const { onnx } = await normalize(raw, { feeds, evaluate });
      const fed = new Map(
        onnx.graph.inputs.map(({ name: input, type }) => {
          const given = toFloat32(feeds.get(input)!);
          return [input, given.type === type ? given : floatTensor(given.shape, toNumbers(given))];
        }),
      );
      const results = await evaluate(
        onnx,
        fed,
        raw.graph.outputs.map((output) => output.name),
      );
      for (const [i, output] of raw.graph.outputs.entries()) {
        const got = results.get(output.name)!;
        const want = toFloat32(outputs[i]!);
        const gap = mismatch(got, got.type === want.type ? want : floatTensor(want.shape, toNumbers(want)));
        if (gap !== undefined) failures[name] = `${output.name}: ${gap}`;
      }
      if (failures[name] === undefined) passed++;
    } catch (error) {
      failures[name] = (error as Error).message;
    }
  }
  expect(failures).toEqual({});
  expect(passed).toBeGreaterThanOrEqual(FLOOR);
});
