import { describe, expect, test } from "vitest";
import { createRng, gaussianArray, type Shape, sizeOf } from "../../src/base/index.ts";
import { Network, productCost } from "../../src/jacobian/index.ts";
import { buildModel, floatTensor, int, ints, node, normalize, valueInfo } from "../../src/onnx/index.ts";
import type { Backend } from "../../src/runtime/index.ts";
import { evaluate } from "../support/ort.ts";

interface Layers {
  readonly input: Shape;
  readonly nodes: readonly ReturnType<typeof node>[];
  readonly weights?: Readonly<Record<string, Shape>>;
}

/** The cost of J from the input `x` to the tensor `y`. */
async function costOf({ input, nodes, weights = {} }: Layers): Promise<number> {
  const initializers = Object.entries(weights).map(
    ([name, shape]) => [name, floatTensor(shape, gaussianArray(createRng(name), sizeOf(shape)))] as const,
  );
  const model = await normalize(
    buildModel({
      inputs: [valueInfo("x", "float32", input)],
      outputs: [{ name: "y", type: "float32", shape: undefined }],
      initializers: new Map(initializers),
      nodes,
    }),
    { evaluate },
  );
  const network = new Network(model, undefined as unknown as Backend); // Nothing is compiled here.
  return productCost(model, network.input, network.tap("y"));
}

const matmul = (a: string, b: string, y = "y") => node({ op: "MatMul", inputs: [a, b], outputs: [y] });

describe("multiply-adds of a product with J, counted by hand", () => {
  test.each<[what: string, input: Shape, weight: Shape, cost: number]>([
    ["a matrix", [5, 7], [7, 3], 5 * 7 * 3],
    ["12 heads, each with its own matrix", [12, 5, 7], [12, 7, 3], 12 * 5 * 7 * 3],
    ["12 heads with one matrix", [12, 5, 7], [7, 3], 12 * 5 * 7 * 3],
    ["one matrix for 12 weights", [5, 7], [12, 7, 3], 12 * 5 * 7 * 3],
    ["batches of both sides, broadcast", [4, 1, 5, 7], [6, 7, 3], 4 * 6 * 5 * 7 * 3],
    ["a vector on the left", [7], [7, 3], 7 * 3],
    ["a vector on the right", [5, 7], [7], 5 * 7],
    ["a vector on the right of a batch", [12, 5, 7], [7], 12 * 5 * 7],
    ["a vector on the left of a batch", [7], [12, 7, 3], 12 * 7 * 3],
    ["two vectors", [7], [7], 7],
  ])("MatMul, %s", async (_, input, weight, cost) => {
    expect(await costOf({ input, weights: { w: weight }, nodes: [matmul("x", "w")] })).toBe(cost);
  });

  test("MatMul with the moving factor on the right", async () => {
    expect(await costOf({ input: [12, 7, 3], weights: { w: [5, 7] }, nodes: [matmul("w", "x")] })).toBe(12 * 5 * 7 * 3);
  });

  test("scores of attention, where both factors move, have two products", async () => {
    const transposed = node({ op: "Transpose", inputs: ["x"], outputs: ["t"], attributes: { perm: ints([0, 2, 1]) } });
    expect(await costOf({ input: [12, 5, 7], nodes: [transposed, matmul("x", "t")] })).toBe(2 * 12 * 5 * 7 * 5);
    expect(await costOf({ input: [4, 4], nodes: [matmul("x", "x")] })).toBe(2 * 4 * 4 * 4);
  });

  test("a factor that is a step function of the input does not move", async () => {
    const rounded = node({ op: "Floor", inputs: ["x"], outputs: ["t"] });
    expect(await costOf({ input: [4, 4], nodes: [rounded, matmul("x", "t")] })).toBe(4 * 4 * 4);
  });

  test.each([
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ])("Gemm with transA = %i, transB = %i", async (transA, transB) => {
    const gemm = node({
      op: "Gemm",
      inputs: ["x", "w"],
      outputs: ["y"],
      attributes: { transA: int(transA), transB: int(transB) },
    });
    const [input, w] = [transA ? [7, 5] : [5, 7], transB ? [3, 7] : [7, 3]];
    expect(await costOf({ input, weights: { w }, nodes: [gemm] })).toBe(5 * 7 * 3);
  });

  test.each([
    [1, 4 * 6],
    [2, 2 * 6],
  ])("Conv in %i groups", async (group, pairs) => {
    const conv = node({ op: "Conv", inputs: ["x", "w"], outputs: ["y"], attributes: { group: int(group) } });
    const weights = { w: [6, 4 / group, 3, 3] };
    expect(await costOf({ input: [1, 4, 8, 10], weights, nodes: [conv] })).toBe(6 * 8 * (pairs * 9));
  });

  test.each([
    [1, 4 * 6],
    [2, 2 * 6],
  ])("ConvTranspose in %i groups", async (group, pairs) => {
    const attributes = { group: int(group), strides: ints([2, 2]) };
    const layer = node({ op: "ConvTranspose", inputs: ["x", "w"], outputs: ["y"], attributes });
    const weights = { w: [4, 6 / group, 3, 3] };
    expect(await costOf({ input: [1, 4, 8, 10], weights, nodes: [layer] })).toBe(8 * 10 * (pairs * 9));
  });

  test("only the layers between the two taps", async () => {
    const nodes = [matmul("x", "a", "h"), matmul("h", "b")];
    expect(await costOf({ input: [5, 7], weights: { a: [7, 3], b: [3, 2] }, nodes })).toBe(5 * 7 * 3 + 5 * 3 * 2);
  });
});
