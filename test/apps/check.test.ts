import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeNpy } from "../../src/images/npy.ts";
import {
  buildModel,
  floatTensor,
  ints,
  node,
  type OnnxModel,
  readModel,
  valueInfo,
  writeModel,
} from "../../src/onnx/index.ts";
import { pushforward } from "./command-line.ts";
import { createWorkplace, type Workplace } from "./workplace.ts";

/** Extrema of those entries of a picture that a mask lets through, by an operator of ONNX Runtime's own set that has no rule. */
const masked = (): OnnxModel => {
  const built = buildModel({
    inputs: [valueInfo("x", "float32", [1, 1, 4, 4])],
    outputs: [valueInfo("y", "float32", [1, 1, 2, 2])],
    nodes: [
      node({ op: "Relu", inputs: ["x"], outputs: ["relu"] }),
      node({
        op: "MaxpoolWithMask",
        domain: "com.microsoft",
        inputs: ["relu", "mask"],
        outputs: ["pooled"],
        attributes: { kernel_shape: ints([2, 2]), strides: ints([2, 2]) },
        name: "pool",
      }),
      node({ op: "Sigmoid", inputs: ["pooled"], outputs: ["y"] }),
    ],
    initializers: new Map([["mask", { type: "int32", shape: [1, 1, 4, 4], data: new Int32Array(16).fill(1) }]]),
  });
  return { ...built, opsets: new Map([...built.opsets, ["com.microsoft", 1]]) };
};

/** log x, which is not finite at negative numbers. */
const logarithm = buildModel({
  inputs: [valueInfo("x", "float32", [1, 20])],
  outputs: [valueInfo("y", "float32", [1, 20])],
  nodes: [node({ op: "Log", inputs: ["x"], outputs: ["y"] })],
  initializers: new Map(),
});

/** A product of matrices, rounded to quantized numbers and back, and a function of it. */
const rounding = buildModel({
  inputs: [valueInfo("x", "float32", [1, 4])],
  outputs: [valueInfo("y", "float32", [1, 4])],
  nodes: [
    node({ op: "MatMul", inputs: ["x", "m"], outputs: ["product"] }),
    node({ op: "QuantizeLinear", inputs: ["product", "scale", "middle"], outputs: ["codes"] }),
    node({ op: "DequantizeLinear", inputs: ["codes", "scale", "middle"], outputs: ["levels"] }),
    node({ op: "Tanh", inputs: ["levels"], outputs: ["y"] }),
  ],
  initializers: new Map([
    [
      "m",
      floatTensor(
        [4, 4],
        Array.from({ length: 16 }, (_, i) => Math.sin(i)),
      ),
    ],
    ["scale", floatTensor([], [0.25])],
    ["middle", { type: "uint8", shape: [], data: Uint8Array.of(128) }],
  ]),
});

let place: Workplace;
beforeAll(async () => {
  place = await createWorkplace({
    "masked.onnx": writeModel(masked()),
    "log.onnx": writeModel(logarithm),
    "rounding.onnx": writeModel(rounding),
    "points/a.npy": writeNpy({ shape: [1, 20], data: new Float32Array(20).fill(2) }),
    "points/b.npy": writeNpy({ shape: [1, 20], data: new Float32Array(20).fill(0.5) }),
    "broken.onnx": writeModel(logarithm).subarray(0, 40),
  });
});
afterAll(() => place.remove());

const lines = (stdout: string) =>
  stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

describe("pushforward check", () => {
  test("a network that is right: a table, a page, and the code 0", async () => {
    const out = place.path("digits");
    const { code, stdout } = await pushforward([
      "check",
      "examples/digits/digits.onnx",
      "--taps",
      "conv1,logits",
      "--out",
      out,
    ]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^logits +Gemm +10 +right +\d\.\de-\d+ +\d\.\de-\d+ /m);
    expect(stdout).toContain("The network opens and runs");
    const page = readFileSync(place.path("digits", "check.html"), "utf8");
    expect(page).toContain("Checkup of digits.onnx");
    expect(page).toContain("2 of 2 taps can be differentiated and are right.");
    expect(page.match(/<tr><th scope="row"/g)).toHaveLength(2);
    expect(page).not.toMatch(/<script|src=|https?:/);
  });

  test("an operator without a rule: the code 3, what can be done, and the node as a file", async () => {
    const out = place.path("parts");
    const { code, stdout, stderr } = await pushforward(["check", place.path("masked.onnx"), "--json", "--out", out]);
    expect(code).toBe(3);
    const [relu, pooled, y, network] = lines(stdout);
    expect(relu).toMatchObject({ name: "relu", finding: "right" });
    expect([pooled, y]).toMatchObject([
      { name: "pooled", finding: "no rule" },
      { name: "y", finding: "no rule" },
    ]);
    expect(pooled.reason).toBe(
      'com.microsoft.MaxpoolWithMask "pool": it has no rule: ONNX Runtime keeps it for internal use, and does not describe it.',
    );
    expect(network).toMatchObject({ opens: true, counts: { right: 1, "no rule": 2 } });
    expect(network.advice.join(" ")).toContain("Taps up to relu can be differentiated");
    expect(stderr).toContain("the smallest part that fails at pooled");
    const part = await readModel(readFileSync(place.path("parts", "pooled.failing.onnx")));
    expect(part.graph.nodes.map(({ op }) => op)).toEqual(["MaxpoolWithMask"]);
    expect(part.graph.inputs.map(({ name }) => name)).toEqual(["relu"]);
    expect((await place.list("parts")).sort()).toEqual([
      "check.html",
      "pooled.failing.input0.npy",
      "pooled.failing.onnx",
    ]);
  });

  test("values that are not finite: the code 2; at the user's own inputs it is right", async () => {
    const random = await pushforward(["check", place.path("log.onnx")]);
    expect(random.code).toBe(2);
    expect(random.stdout).toContain("not finite");
    expect(random.stdout).toContain("give inputs of the network with --data");
    const own = await pushforward(["check", place.path("log.onnx"), "--data", place.path("points")]);
    expect(own.code).toBe(0);
    expect(own.stdout).toMatch(/^y +Log +20 +right/m);
  });

  test("behind a quantization, differences do not apply, as the table, the page and the lines say", async () => {
    const out = place.path("rounding");
    const asked = ["check", place.path("rounding.onnx"), "--quantized", "straight-through"];
    const { code, stdout } = await pushforward([...asked, "--out", out]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^product +MatMul +4 +right +\d\S* +\d\S* +0 /m);
    // The column of differences is empty.
    expect(stdout).toMatch(/^y +Tanh +4 +adjoint +\d\S* {12,}0 /m);
    expect(stdout).toMatch(/^codes, .*: differences do not apply behind a quantization/m);
    const page = readFileSync(place.path("rounding", "check.html"), "utf8");
    expect(page).toContain("1 of 5 taps can be differentiated and is right.");
    expect(page).toContain("At 4 taps more, J and Jᵀ are transposes of each other, and differences do not apply");
    const told = lines((await pushforward([...asked, "--json"])).stdout);
    expect(told.at(-1).counts).toMatchObject({ right: 1, adjoint: 4, wrong: 0 });
    const y = told.find(({ name }) => name === "y");
    expect(y).toMatchObject({ finding: "adjoint", adjoint: expect.any(Number) });
    expect(y.difference).toBeUndefined();
  });

  test("some entries of a tap are refused: whole taps are checked", async () => {
    const { code, stderr } = await pushforward(["check", place.path("log.onnx"), "--taps", "y[0,3]"]);
    expect(code).toBe(2);
    expect(stderr).toContain("Name the tap without indices: y.");
  });

  test("a file that does not open is told, as a line too", async () => {
    const { code, stdout, stderr } = await pushforward(["check", place.path("broken.onnx"), "--json"]);
    expect(code).toBe(2);
    expect(lines(stdout)).toMatchObject([{ opens: false, error: { code: "model-invalid" } }]);
    expect(stderr).toContain("error:");
  });
});
