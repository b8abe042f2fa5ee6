import { afterAll, describe, expect, test } from "vitest";
import {
  type Attributes,
  buildModel,
  floatTensor,
  type Graph,
  int,
  intTensor,
  node,
  normalize,
  readModel,
  type Tensor,
  valueInfo,
  writeModel,
} from "../../src/onnx/index.ts";
import { withRequiredOutputs } from "../../src/onnx/omitted-outputs.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { evaluateWith } from "../../src/runtime/index.ts";

const backend = createBackend();
const evaluate = evaluateWith(backend);
afterAll(() => backend.dispose());

interface Case {
  readonly op: string;
  readonly outputs: readonly string[];
  readonly inputs?: Readonly<Record<string, Tensor>>;
  readonly attributes?: Attributes;
  readonly opset?: number;
  readonly shape?: readonly number[];
  /** The output that is wanted, by hand. */
  readonly output: string;
  readonly value: readonly number[];
}

const channel = (value: number) => floatTensor([1], [value]);
const bn = { s: channel(2), b: channel(1), m: channel(0), v: channel(1 - 1e-5) };

// x = [1, 2, 3, 4, 5, 6]
const cases: readonly Case[] = [
  { op: "Split", outputs: ["a", "", "c"], opset: 13, attributes: { axis: int(1) }, output: "c", value: [5, 6] },
  {
    op: "Split",
    outputs: ["", "b", ""],
    opset: 18,
    attributes: { axis: int(1), num_outputs: int(3) },
    output: "b",
    value: [3, 4],
  },
  {
    op: "Split",
    outputs: ["a", "", ""],
    inputs: { sizes: intTensor([1, 2, 3]) },
    opset: 13,
    attributes: { axis: int(1) },
    output: "a",
    value: [1],
  },
  { op: "TopK", outputs: ["", "places"], inputs: { k: intTensor([2]) }, output: "places", value: [5, 4] },
  { op: "TopK", outputs: ["largest", ""], inputs: { k: intTensor([2]) }, output: "largest", value: [6, 5] },
  { op: "TopK", outputs: ["largest"], inputs: { k: intTensor([2]) }, output: "largest", value: [6, 5] },
  { op: "DynamicQuantizeLinear", outputs: ["", "", "zero"], output: "zero", value: [0] },
  { op: "Dropout", outputs: ["", "mask"], output: "mask", value: [1, 1, 1, 1, 1, 1] },
  { op: "Dropout", outputs: ["y", ""], output: "y", value: [1, 2, 3, 4, 5, 6] },
  // In training the numbers of the batch count a tenth (momentum 0.9): its mean is 3.5, its variance 35/12.
  {
    op: "BatchNormalization",
    outputs: ["y", "", ""],
    inputs: bn,
    opset: 13,
    shape: [2, 1, 3],
    output: "y",
    value: [3, 5, 7, 9, 11, 13],
  },
  {
    op: "BatchNormalization",
    outputs: ["y", "mean"],
    inputs: bn,
    opset: 15,
    shape: [2, 1, 3],
    attributes: { training_mode: int(1) },
    output: "mean",
    value: [0.35],
  },
  {
    op: "BatchNormalization",
    outputs: ["y", "", "var"],
    inputs: bn,
    opset: 15,
    shape: [2, 1, 3],
    attributes: { training_mode: int(1) },
    output: "var",
    value: [0.9 + 0.1 * (35 / 12)],
  },
];

const modelOf = ({ op, outputs, inputs = {}, attributes, opset = 18, shape = [1, 6], output }: Case) =>
  buildModel(
    {
      inputs: [valueInfo("x", "float32", shape)],
      outputs: [{ name: output, type: undefined, shape: undefined }],
      nodes: [node({ op, name: "n", inputs: ["x", ...Object.keys(inputs)], outputs, attributes })],
      initializers: new Map(Object.entries(inputs)),
    },
    opset,
  );

describe("outputs that a file leaves without a name", () => {
  test.each(cases)("$op $outputs", async (one) => {
    const model = await readModel(writeModel(modelOf(one)));
    const { onnx } = await normalize(model, { evaluate });
    const fed = floatTensor(one.shape ?? [1, 6], [1, 2, 3, 4, 5, 6]);
    const found = (await evaluate(onnx, new Map([["x", fed]]), [one.output])).get(one.output)!;
    const numbers = Array.from(found.data as ArrayLike<number | bigint>, Number);
    expect(numbers).toHaveLength(one.value.length);
    for (const [i, value] of numbers.entries()) expect(value).toBeCloseTo(one.value[i]!, 4);
  });

  test("get names that nothing else has, in branches too", () => {
    const split = node({ op: "Split", name: "s", inputs: ["x"], outputs: ["", "", "c"], attributes: { axis: int(1) } });
    const branch: Graph = { name: "b", inputs: [], outputs: [], initializers: new Map(), nodes: [split] };
    const choice = node({
      op: "If",
      name: "s",
      inputs: ["yes"],
      outputs: ["", "s/unnamed"],
      attributes: { then_branch: { kind: "graph", value: branch }, else_branch: { kind: "graph", value: branch } },
    });
    const graph = withRequiredOutputs({ ...branch, inputs: [valueInfo("x", "float32", [6])], nodes: [choice] });
    const inner = Object.values(graph.nodes[0]!.attributes).flatMap((one) =>
      one.kind === "graph" ? one.value.nodes : [],
    );
    const names = [graph.nodes[0]!, ...inner].flatMap(({ outputs }) => outputs).filter((name) => name !== "c");
    expect(names).not.toContain("");
    expect(new Set(names).size).toBe(names.length);
  });

  test("stay away where nothing asks for them", () => {
    const one = node({ op: "LSTM", inputs: ["x", "w", "r"], outputs: ["y", "", "c", ""] });
    const graph = { ...modelOf(cases[0]!).graph, nodes: [one] };
    expect(withRequiredOutputs(graph).nodes[0]!.outputs).toEqual(["y", "", "c"]);
    const whole = node({ op: "LSTM", inputs: ["x", "w", "r"], outputs: ["y", "h"] });
    expect(withRequiredOutputs({ ...graph, nodes: [whole] }).nodes[0]).toBe(whole);
  });
});
