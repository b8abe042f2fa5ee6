import { describe, expect, test } from "vitest";
import { createRng, gaussianArray, sizeOf } from "../../src/base/index.ts";
import {
  type Attributes,
  buildModel,
  floatTensor,
  type Graph,
  int,
  intTensor,
  type Node,
  node,
  normalize,
  type OnnxModel,
  type Tensor,
  text,
  valueInfo,
  writeModel,
} from "../../src/onnx/index.ts";
import { mismatch } from "../support/close.ts";
import { evaluate, runBytes } from "../support/ort.ts";

/** A node whose second and later inputs steer it, and what becomes of it. */
interface Steered {
  readonly op: string;
  readonly note?: string;
  readonly opset: number;
  readonly shape: readonly number[];
  readonly steering: readonly (Tensor | undefined)[];
  readonly attributes?: Attributes;
  readonly becomes: readonly string[];
}

const scales = (...values: number[]) => floatTensor([4], values);
const ints = (...values: number[]) => intTensor(values);
const picture = [1, 2, 5, 6];

const rows: readonly Steered[] = [
  { op: "Resize", note: "down", opset: 10, shape: picture, steering: [scales(1, 1, 0.6, 0.5)], becomes: ["Resize"] },
  { op: "Resize", note: "up", opset: 10, shape: picture, steering: [scales(1, 1, 2, 1.7)], becomes: ["Resize"] },
  {
    op: "Resize",
    note: "one axis up, one down",
    opset: 10,
    shape: picture,
    steering: [scales(1, 1, 2, 0.6)],
    becomes: ["Resize", "Resize"],
  },
  {
    op: "Resize",
    note: "one axis up, one down, linear",
    opset: 10,
    shape: picture,
    steering: [scales(1, 1, 1.5, 0.5)],
    attributes: { mode: text("linear") },
    becomes: ["Resize"],
  },
  { op: "Upsample", opset: 9, shape: picture, steering: [scales(1, 1, 2, 1.7)], becomes: ["Resize"] },
  {
    op: "Resize",
    note: "scales",
    opset: 11,
    shape: picture,
    steering: [floatTensor([0], []), scales(1, 1, 0.6, 2)],
    becomes: ["Resize"],
  },
  { op: "Slice", opset: 10, shape: picture, steering: [ints(1, -3), ints(4, -1), ints(2, 3)], becomes: ["Slice"] },
  { op: "Pad", opset: 11, shape: [2, 3], steering: [ints(0, 1, 2, 0), floatTensor([], [1.5])], becomes: ["Pad"] },
  {
    op: "Dropout",
    opset: 12,
    shape: [2, 3],
    steering: [floatTensor([], [0.5]), { type: "bool", shape: [], data: Uint8Array.of(0) }],
    becomes: ["Identity"],
  },
  { op: "Clip", opset: 11, shape: [2, 3], steering: [undefined, floatTensor([], [0.25])], becomes: ["Clip"] },
  { op: "Squeeze", opset: 13, shape: [1, 3, 1], steering: [ints(0)], becomes: ["Squeeze"] },
  { op: "Unsqueeze", opset: 13, shape: [3], steering: [ints(0, 2)], becomes: ["Unsqueeze"] },
  { op: "ReduceSum", opset: 13, shape: [2, 3], steering: [ints(1)], becomes: ["ReduceSum"] },
];

type Origin = "an initializer" | "a Constant node" | "computed" | "computed in the branch of an If";

/** The row as a model, with every steering input from the same origin. */
function modelOf({ op, opset, shape, steering, attributes = {} }: Steered, origin: Origin): OnnxModel {
  const names = steering.map((tensor, i) => (tensor === undefined ? "" : `s${i}`));
  const steered = node({ op, inputs: ["x", ...names], outputs: ["y"], attributes, name: "steered" });
  const given = [...steering.entries()].filter((entry): entry is [number, Tensor] => entry[1] !== undefined);
  const sources = given.map(([i, tensor]) => sourceOf(`s${i}`, tensor, origin));
  const nodes = [...sources.flatMap(({ nodes }) => nodes), steered];
  const initializers = new Map(sources.flatMap(({ initializers }) => initializers));
  const output = { name: "y", type: undefined, shape: undefined } as const;
  const inputs = [valueInfo("x", "float32", shape)];
  if (origin !== "computed in the branch of an If") {
    return buildModel({ inputs, outputs: [output], nodes, initializers }, opset);
  }
  const branch = (name: string, body: readonly Node[]): Graph => ({
    name,
    inputs: [],
    outputs: [{ ...output, name: body.at(-1)!.outputs[0]! }],
    nodes: body,
    initializers: new Map(),
  });
  const other = node({ op: "Identity", inputs: ["x"], outputs: ["same"] });
  const choice = node({
    op: "If",
    inputs: ["yes"],
    outputs: ["z"],
    attributes: {
      then_branch: { kind: "graph", value: branch("then", nodes) },
      else_branch: { kind: "graph", value: branch("else", [other]) },
    },
  });
  const yes: Tensor = { type: "bool", shape: [], data: Uint8Array.of(1) };
  return buildModel(
    {
      inputs,
      outputs: [{ ...output, name: "z" }],
      nodes: [choice],
      initializers: new Map(initializers).set("yes", yes),
    },
    opset,
  );
}

function sourceOf(name: string, tensor: Tensor, origin: Origin) {
  if (origin === "an initializer") return { nodes: [], initializers: [[name, tensor] as const] };
  if (origin === "a Constant node") {
    const attributes: Attributes = { value: { kind: "tensor", value: tensor } };
    return { nodes: [node({ op: "Constant", inputs: [], outputs: [name], attributes })], initializers: [] };
  }
  const computed =
    tensor.shape.length === 0
      ? node({ op: "Identity", inputs: [`${name}/stored`], outputs: [name] })
      : node({ op: "Concat", inputs: [`${name}/stored`], outputs: [name], attributes: { axis: int(0) } });
  return { nodes: [computed], initializers: [[`${name}/stored`, tensor] as const] };
}

describe.each(rows)("$op of opset $opset $note", (row) => {
  const x = floatTensor(row.shape, gaussianArray(createRng("constants", row.op), sizeOf(row.shape)));
  const feeds = new Map([["x", x]]);

  test.each<Origin>(["an initializer", "a Constant node", "computed"])("steered by %s", async (origin) => {
    const model = modelOf(row, origin);
    const { onnx } = await normalize(model, { evaluate });
    expect(onnx.graph.nodes.map(({ op }) => op)).toEqual(row.becomes);
    const want = await runBytes(writeModel(model), feeds);
    const got = await evaluate(onnx, feeds, ["y"]);
    expect(mismatch(got.get("y")!, want.get("y")!, { rtol: 1e-6, atol: 1e-6 })).toBeUndefined();
  });

  test("steered inside a branch", async () => {
    const model = modelOf(row, "computed in the branch of an If");
    const { onnx } = await normalize(model, { evaluate });
    const want = await runBytes(writeModel(model), feeds);
    const got = await evaluate(onnx, feeds, ["z"]);
    expect(mismatch(got.get("z")!, want.get("z")!, { rtol: 1e-6, atol: 1e-6 })).toBeUndefined();
  });
});

test("scales that come from the input's values resize as they did", async () => {
  const nodes = [
    node({ op: "Abs", inputs: ["factors"], outputs: ["s"] }),
    node({ op: "Resize", inputs: ["x", "s"], outputs: ["y"] }),
  ];
  const model = buildModel(
    {
      inputs: [valueInfo("x", "float32", picture), valueInfo("factors", "float32", [4])],
      outputs: [{ name: "y", type: undefined, shape: undefined }],
      nodes,
      initializers: new Map(),
    },
    10,
  );
  const x = floatTensor(picture, gaussianArray(createRng("constants"), sizeOf(picture)));
  const feeds = new Map([
    ["x", x],
    ["factors", scales(1, 1, -1.6, 0.5)],
  ]);
  const { onnx } = await normalize(model, { evaluate, feeds });
  const want = await runBytes(writeModel(model), feeds);
  const got = await evaluate(onnx, feeds, ["y"]);
  expect(mismatch(got.get("y")!, want.get("y")!)).toBeUndefined();
});
