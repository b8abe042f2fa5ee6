import { afterAll, describe, expect, test } from "vitest";
import { type Shape, sizeOf } from "../../src/base/index.ts";
import { drawControl, weightLayers } from "../../src/controls/index.ts";
import { filled, int, type Model, type NodeParts, text } from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { evaluate } from "../support/ort.ts";
import { networkOf, random, weightsIn } from "./networks.ts";

const backend = createBackend({ threads: 1 });
afterAll(() => backend.dispose());

interface Row {
  readonly name: string;
  readonly op: string;
  readonly input: Shape;
  readonly weights: Shape;
  readonly attributes?: NodeParts["attributes"];
  /** Whether the weights are the first input. */
  readonly first?: boolean;
  /** The filter of the weight at a place: its number among the outputs. */
  readonly filter: (at: readonly number[]) => number;
  readonly filters: number;
}

const equation = (value: string) => ({ equation: text(value) });

const rows: readonly Row[] = [
  { name: "Conv", op: "Conv", input: [1, 3, 5, 5], weights: [4, 3, 2, 3], filter: ([o]) => o!, filters: 4 },
  {
    name: "Conv in groups",
    op: "Conv",
    input: [1, 4, 5, 5],
    weights: [6, 2, 3, 3],
    attributes: { group: int(2) },
    filter: ([o]) => o!,
    filters: 6,
  },
  {
    name: "Conv, depthwise, 1-D",
    op: "Conv",
    input: [1, 4, 9],
    weights: [4, 1, 5],
    attributes: { group: int(4) },
    filter: ([o]) => o!,
    filters: 4,
  },
  {
    name: "ConvTranspose",
    op: "ConvTranspose",
    input: [1, 4, 3, 3],
    weights: [4, 3, 2, 2],
    filter: ([, o]) => o!,
    filters: 3,
  },
  {
    name: "ConvTranspose in groups",
    op: "ConvTranspose",
    input: [1, 6, 3, 3],
    weights: [6, 4, 2, 2],
    attributes: { group: int(2) },
    filter: ([i, o]) => Math.floor(i! / 3) * 4 + o!,
    filters: 8,
  },
  { name: "MatMul, on the right", op: "MatMul", input: [1, 5, 6], weights: [6, 3], filter: ([, o]) => o!, filters: 3 },
  {
    name: "MatMul, stacked on the right",
    op: "MatMul",
    input: [2, 5, 6],
    weights: [2, 6, 3],
    filter: ([b, , o]) => b! * 3 + o!,
    filters: 6,
  },
  {
    name: "MatMul, a vector on the right",
    op: "MatMul",
    input: [1, 5, 9],
    weights: [9],
    filter: () => 0,
    filters: 1,
  },
  {
    name: "MatMul, on the left",
    op: "MatMul",
    input: [1, 6, 3],
    weights: [4, 6],
    first: true,
    filter: ([o]) => o!,
    filters: 4,
  },
  {
    name: "MatMul, stacked on the left",
    op: "MatMul",
    input: [2, 6, 3],
    weights: [2, 4, 6],
    first: true,
    filter: ([b, o]) => b! * 4 + o!,
    filters: 8,
  },
  { name: "Gemm", op: "Gemm", input: [1, 6], weights: [6, 4], filter: ([, o]) => o!, filters: 4 },
  {
    name: "Gemm, transB",
    op: "Gemm",
    input: [1, 6],
    weights: [4, 6],
    attributes: { transB: int(1) },
    filter: ([o]) => o!,
    filters: 4,
  },
  {
    name: "Gemm, on the left",
    op: "Gemm",
    input: [6, 2],
    weights: [4, 6],
    first: true,
    filter: ([o]) => o!,
    filters: 4,
  },
  {
    name: "Gemm, on the left, transA",
    op: "Gemm",
    input: [6, 2],
    weights: [6, 4],
    attributes: { transA: int(1) },
    first: true,
    filter: ([, o]) => o!,
    filters: 4,
  },
  {
    name: "Einsum, a matrix for each head",
    op: "Einsum",
    input: [1, 5, 6],
    weights: [2, 6, 3],
    attributes: equation("bsd,hde->bshe"),
    filter: ([h, , e]) => h! * 3 + e!,
    filters: 6,
  },
  {
    name: "Einsum, without an arrow",
    op: "Einsum",
    input: [5, 6],
    weights: [6, 3],
    attributes: equation("s d, d e"),
    filter: ([, e]) => e!,
    filters: 3,
  },
  {
    name: "Einsum, with an ellipsis",
    op: "Einsum",
    input: [2, 3, 5, 6],
    weights: [2, 3, 4, 6],
    attributes: equation("...sd,...ed->...se"),
    filter: ([a, b, e]) => (a! * 3 + b!) * 4 + e!,
    filters: 24,
  },
];

const place = (index: number, shape: Shape): number[] => {
  const at: number[] = [];
  let rest = index;
  for (const extent of [...shape].reverse()) {
    at.unshift(rest % extent);
    rest = Math.floor(rest / extent);
  }
  return at;
};

/** The weights of each filter, sorted. */
function filtersOf(weights: Float32Array, { weights: shape, filter }: Row): Map<number, number[]> {
  const filters = new Map<number, number[]>();
  for (const [i, weight] of weights.entries()) {
    const own = filter(place(i, shape));
    filters.set(own, [...(filters.get(own) ?? []), weight]);
  }
  for (const own of filters.values()) own.sort((a, b) => a - b);
  return filters;
}

/** The output at an input of ones; of a convolution, the sums over each channel. */
async function atOnes(model: Model, { input, op }: Row): Promise<number[]> {
  const y = (await evaluate(model.onnx, new Map([["x", filled(input, 1)]]), ["y"])).get("y")!;
  const data = [...(y.data as Float32Array)];
  if (!op.startsWith("Conv")) return data;
  const each = sizeOf(y.shape.slice(2));
  return Array.from({ length: data.length / each }, (_, i) =>
    data.slice(i * each, (i + 1) * each).reduce((a, b) => a + b, 0),
  );
}

describe.each(rows)("permuted-filters: $name", (row) => {
  const network = () =>
    networkOf({
      input: row.input,
      output: "y",
      initializers: { w: random(1, row.weights) },
      nodes: [
        {
          op: row.op,
          inputs: row.first ? ["w", "x"] : ["x", "w"],
          outputs: ["y"],
          attributes: row.attributes ?? {},
        },
      ],
    });
  const draw = (model: Model, kind: "permuted" | "permuted-filters") =>
    drawControl(model, { kind, seed: 0, draw: 1, points: [], backend });

  test("keeps the weights of every filter, in another order", async () => {
    const model = await network();
    const control = weightsIn((await draw(model, "permuted-filters")).model, "w");
    const filters = filtersOf(weightsIn(model, "w"), row);
    expect(filters.size).toBe(row.filters);
    expect(filtersOf(control, row)).toEqual(filters);
    expect(control).not.toEqual(weightsIn(model, "w"));
  });

  // At ones an output is the sum of the weights of its filter, whatever their order.
  test("so that the output at an input of ones stays, as it does not if the whole layer is permuted", async () => {
    const model = await network();
    const trained = await atOnes(model, row);
    const sizes = Math.max(...trained.map(Math.abs));
    const gap = async (kind: "permuted" | "permuted-filters") => {
      const control = await atOnes((await draw(model, kind)).model, row);
      return Math.max(...control.map((y, i) => Math.abs(y - trained[i]!))) / sizes;
    };
    expect(await gap("permuted-filters")).toBeLessThan(1e-5);
    if (row.filters > 1) expect(await gap("permuted")).toBeGreaterThan(1e-2);
    expect(weightLayers(model)).toHaveLength(1);
  });
});
