import { afterAll, describe, expect, test } from "vitest";
import { PushforwardError } from "../../src/base/index.ts";
import {
  buildModel,
  floatTensor,
  int,
  intTensor,
  type Node,
  node,
  type OnnxModel,
  type Tensor,
  valueInfo,
} from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { runtimeError } from "../../src/platform/ort/runtime-errors.ts";

const backend = createBackend();
afterAll(() => backend.dispose());

function modelOf(
  one: Node,
  constants: Readonly<Record<string, Tensor>> = {},
  type: "float32" | "float64" = "float32",
): OnnxModel {
  return buildModel({
    inputs: [valueInfo("x", type, [2, 3])],
    outputs: [{ name: "y", type: undefined, shape: undefined }],
    nodes: [one],
    initializers: new Map(Object.entries(constants)),
  });
}

const of = (op: string, inputs: readonly string[], more: Partial<Node> = {}) =>
  node({ op, name: "n", inputs, outputs: ["y"], ...more });

const rows: readonly [what: string, model: OnnxModel, code: string, says: RegExp, op: string | undefined][] = [
  [
    "an operator of no set",
    modelOf(of("Blur", ["x"])),
    "backend-failed",
    /^ONNX Runtime knows no operator Blur in opset 18\.$/,
    "Blur",
  ],
  [
    "an operator of another set",
    {
      ...modelOf(of("Blur", ["x"], { domain: "ai.own" })),
      opsets: new Map([
        ["", 18],
        ["ai.own", 1],
      ]),
    },
    "backend-failed",
    /^ONNX Runtime knows no operator Blur in the operator set "ai\.own"\.$/,
    "Blur",
  ],
  [
    "an attribute",
    modelOf(of("Relu", ["x"], { attributes: { slope: int(1) } })),
    "backend-failed",
    /^ONNX Runtime does not accept this Relu \("Unrecognized attribute: slope for operator Relu"\)\.$/,
    "Relu",
  ],
  [
    "mixed types",
    modelOf(of("Add", ["x", "i"]), { i: intTensor([1, 2, 3]) }),
    "backend-failed",
    /^The inputs of this Add have different element types: float and int64\.$/,
    "Add",
  ],
  [
    "shapes that do not fit",
    modelOf(of("MatMul", ["x", "w"]), { w: floatTensor([2, 2], [1, 2, 3, 4]) }),
    "backend-failed",
    /^ONNX Runtime does not accept this MatMul \("Incompatible dimensions for matrix multiplication"\)\.$/,
    "MatMul",
  ],
  [
    "a place that is not there",
    modelOf(of("Gather", ["x", "i"]), { i: intTensor([7]) }),
    "backend-failed",
    /^ONNX Runtime cannot compute this Gather \("indices element out of data bounds, idx=7[^\n]*"\)\.$/,
    "Gather",
  ],
  [
    "more than the memory",
    modelOf(of("Expand", ["x", "s"]), { s: intTensor([1_000_000, 1_000_000, 2, 3]) }),
    "memory-short",
    /^There is no memory for a tensor of 24000\.0 GB\.$/,
    undefined,
  ],
];

describe("what ONNX Runtime says is told in words:", () => {
  test.each(rows)("%s", async (_, model, code, says, op) => {
    const attempt = async () => {
      const executable = await backend.compile(model);
      return executable.run({ x: floatTensor([2, 3], [1, 2, 3, 4, 5, 6]) }, ["y"]);
    };
    const error = await attempt().then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(PushforwardError);
    const { code: found, what, where, fix } = error as PushforwardError;
    expect([found, where.op]).toEqual([code, op]);
    expect(what).toMatch(says);
    expect(fix).toMatch(/^\w.*\.$/);
  });

  test.each([
    [
      "WebGPU validation failed. Buffer size (2147483648) exceeds the max buffer size limit (1073741824).",
      "A tensor has 2.1 GB, and the device holds at most 1.1 GB in one.",
    ],
    [
      "WebGPU validation failed. [Invalid Buffer (unlabeled)] is invalid due to a previous error.",
      "The device has no memory left for a tensor.",
    ],
  ])("a tensor that a device cannot hold: %s", (text, what) => {
    expect(runtimeError("run", new Error(text))).toMatchObject({
      ...{ code: "memory-short", what },
      fix: "Use the CPU, ask for fewer triplets, or give a smaller input.",
    });
  });

  test.each([
    "failed to call OrtRun(). ERROR_CODE: 6, ERROR_MESSAGE: std::bad_alloc",
    "failed to allocate a buffer of size 3000000000.",
  ])("memory that a browser does not have: %s", (text) => {
    expect(runtimeError("run", new Error(text))).toMatchObject({
      ...{ code: "memory-short", what: "There is no memory left for a tensor." },
      fix: expect.stringContaining("4 GiB"),
    });
  });

  test("a text that is not known is one short line in quotes", () => {
    const text = `/src/core/model.cc:202 ort::Model::Model(const Path&, bool) ${"Something\nhappened. ".repeat(30)}`;
    const { what, fix } = runtimeError("load", new Error(text));
    expect(what).toMatch(/^ONNX Runtime cannot load this graph \("Something happened\. [^\n]{1,160}…"\)\.$/);
    expect(what.length).toBeLessThan(220);
    expect(fix).toBeDefined();
  });
});
