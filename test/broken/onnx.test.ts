import { describe, expect, test } from "vitest";
import { PushforwardError } from "../../src/base/index.ts";
import {
  buildModel,
  checkModel,
  floatTensor,
  type Graph,
  node,
  normalize,
  type OnnxModel,
  readModel,
  valueInfo,
  writeModel,
} from "../../src/onnx/index.ts";
import { decodeModel, encodeModel, type GraphMessage, type TensorMessage } from "../../src/onnx/proto.ts";
import { evaluate } from "../support/ort.ts";

const FILE = "net.onnx";

/** The text that a user would see. */
async function complaint(attempt: () => unknown): Promise<string> {
  try {
    await attempt();
  } catch (error) {
    if (error instanceof PushforwardError) return `${error.code}\n${error.format()}`;
    throw error;
  }
  return "no complaint";
}

const lines = (...text: string[]) => text.join("\n");

const conv = (weights = [1, 2, 3, 4]): OnnxModel =>
  buildModel({
    inputs: [valueInfo("x", "float32", [1, 1, 4, 4])],
    outputs: [valueInfo("y", "float32", [1, 1, 3, 3])],
    nodes: [node({ op: "Conv", name: "conv1", inputs: ["x", "w"], outputs: ["y"] })],
    initializers: new Map([["w", floatTensor([1, 1, 2, 2], weights)]]),
  });

/** Its fields in the order of their numbers, as most writers have them: the operator sets come last. */
const whole = encodeModel(decodeModel(writeModel(conv())));
const bytesOf = (text: string) => new TextEncoder().encode(text);

const file = (graph: GraphMessage): Uint8Array => encodeModel({ irVersion: 8, graph, opsetImport: [{ version: 18 }] });
const fileWith = (tensor: TensorMessage): Uint8Array => file({ name: "g", initializer: [tensor] });

const external = (location: string, length?: string, offset?: string): TensorMessage => ({
  name: "fc.weight",
  dims: [2],
  dataType: 1,
  dataLocation: 1,
  externalData: [
    { key: "location", value: location },
    ...(length === undefined ? [] : [{ key: "length", value: length }]),
    ...(offset === undefined ? [] : [{ key: "offset", value: offset }]),
  ],
});

interface FileRow {
  readonly what: string;
  readonly bytes: Uint8Array;
  readonly says: string;
}

const unreadable: FileRow[] = [
  {
    what: "an empty file",
    bytes: new Uint8Array(0),
    says: lines(
      "model-invalid",
      "error: The file is empty.",
      "  at  file net.onnx",
      "  do  Download or export the model again.",
    ),
  },
  {
    what: "a page instead of a model",
    bytes: bytesOf("<!doctype html><html><body>404</body></html>"),
    says: lines(
      "model-invalid",
      "error: The file is a web page (HTML), but an ONNX model is needed.",
      "  at  file net.onnx",
      "  do  Download the file itself: on model hubs that is the link named raw, download or resolve.",
    ),
  },
  {
    what: "a Git LFS pointer",
    bytes: bytesOf("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"),
    says: lines(
      "model-invalid",
      "error: The file is a Git LFS pointer, but an ONNX model is needed.",
      "  at  file net.onnx",
      `  do  Fetch the model with "git lfs pull".`,
    ),
  },
  {
    what: "a message of another format",
    bytes: bytesOf("\x12\x03abc"),
    says: lines(
      "model-invalid",
      "error: The file contains no graph.",
      "  at  file net.onnx",
      "  do  Check that the file is an ONNX model and complete; download or export it again.",
    ),
  },
  {
    what: "fewer entries than the shape says",
    bytes: fileWith({ name: "w", dims: [2, 3], dataType: 1, floatData: [1, 2] }),
    says: lines(
      "model-invalid",
      `error: Tensor "w" should hold 2×3 = 6 entries of float32, and holds 2.`,
      "  at  file net.onnx",
      "  do  The file is damaged or was cut off: download or export it again.",
    ),
  },
  {
    what: "raw bytes that are no whole number of entries",
    bytes: fileWith({ name: "w", dims: [2], dataType: 1, rawData: new Uint8Array(7) }),
    says: lines(
      "model-invalid",
      `error: Tensor "w" should hold 2 = 2 entries of float32, and holds 7 bytes.`,
      "  at  file net.onnx",
      "  do  The file is damaged or was cut off: download or export it again.",
    ),
  },
  {
    what: "an element type that is not read",
    bytes: fileWith({ name: "w", dims: [2], dataType: 14, rawData: new Uint8Array(16) }),
    says: lines(
      "op-unsupported",
      `error: The tensor "w" has the element type 14 of the format, which is not supported.`,
      "  at  file net.onnx",
      "  do  Export the model in float32; complex numbers are not supported.",
    ),
  },
  {
    what: "the same initializer twice",
    bytes: file({ initializer: [1, 2].map((value) => ({ name: "w", dims: [1], dataType: 1, floatData: [value] })) }),
    says: lines(
      "model-invalid",
      `error: Two initializers are named "w".`,
      "  at  file net.onnx",
      "  do  Tensor names must be unique. Export the model again.",
    ),
  },
  {
    what: "a sparse initializer",
    bytes: file({ sparseInitializer: [{}] }),
    says: lines(
      "op-unsupported",
      "error: The model contains sparse initializers, which are not supported.",
      "  at  file net.onnx",
      "  do  Export the model with dense weights.",
    ),
  },
  {
    what: "a sequence as input",
    bytes: file({ input: [{ name: "words", type: { sequenceType: {} } }] }),
    says: lines(
      "op-unsupported",
      `error: "words" is not a dense tensor of a supported element type.`,
      "  at  file net.onnx",
      "  do  Cut the model to the part whose inputs and outputs are plain tensors.",
    ),
  },
  {
    what: "an attribute that is a list of graphs",
    bytes: file({ node: [{ name: "n", opType: "X", attribute: [{ name: "bodies", type: 10 }] }] }),
    says: lines(
      "op-unsupported",
      `error: The attribute "bodies" has a type that is not supported (type 10 of the format).`,
      "  at  file net.onnx, node n, op X",
      "  do  Sparse tensors, types, and lists of tensors or graphs are not supported: export the model without them.",
    ),
  },
  {
    what: "external data and nobody to read it",
    bytes: fileWith(external("net.data")),
    says: lines(
      "external-data",
      `error: The data of tensor "fc.weight" lies in "net.data", and no reader for it was given.`,
      "  at  file net.onnx",
      "  do  Give the file beside the model, or save the model as one file.",
    ),
  },
  {
    what: "external data outside the model's folder",
    bytes: fileWith(external("../../etc/passwd")),
    says: lines(
      "external-data",
      `error: The data of tensor "fc.weight" lies in "../../etc/passwd", which is not a file beside the model.`,
      "  at  file net.onnx",
      "  do  Save the model again with its data beside it.",
    ),
  },
];

describe("files that cannot be read", () => {
  test.each(unreadable)("$what", async ({ bytes, says }) => {
    expect(await complaint(() => readModel(bytes, { file: FILE }))).toBe(says);
  });

  test("external data that is missing", async () => {
    const missing = () => Promise.reject(new Error("no such file."));
    expect(await complaint(() => readModel(fileWith(external("net.data")), { file: FILE, external: missing }))).toBe(
      lines(
        "external-data",
        `error: The data of tensor "fc.weight" lies in "net.data", which cannot be read: no such file.`,
        "  at  file net.onnx",
        `  do  Put "net.data" beside the model.`,
      ),
    );
  });

  const early = "which ends early: 4 of 8 bytes at offset 0.";
  const beforeOffset = "where the data end before the offset 16: none of 8 bytes can be read.";
  const noNumbers = "at offset first with length 8, which are not whole numbers.";
  const again = `Download or export "net.data" again.`;

  test.each([
    { tensor: external("net.data", "8"), found: 4, why: early, fix: again },
    { tensor: external("net.data"), found: 4, why: early, fix: again },
    { tensor: external("net.data", "8", "16"), found: 0, why: beforeOffset, fix: again },
    { tensor: external("net.data", undefined, "16"), found: 0, why: beforeOffset, fix: again },
    {
      tensor: external("net.data", "8", "first"),
      found: 8,
      why: noNumbers,
      fix: "The file is damaged: download or export it again.",
    },
  ])("external data $why", async ({ tensor, found, why, fix }) => {
    const reader = () => Promise.resolve(new Uint8Array(found));
    expect(await complaint(() => readModel(fileWith(tensor), { file: FILE, external: reader }))).toBe(
      lines(
        "external-data",
        `error: The data of tensor "fc.weight" lies in "net.data", ${why}`,
        "  at  file net.onnx",
        `  do  ${fix}`,
      ),
    );
  });

  test("cut off anywhere, a file is refused in words", async () => {
    const endings = new Set<string>();
    for (let length = 0; length < whole.length; length++) {
      const told = await complaint(async () =>
        checkModel(await readModel(whole.subarray(0, length), { file: FILE }), FILE),
      );
      endings.add(told.replace(/after \d+ bytes/, "after n bytes"));
    }
    const cutOff = lines(
      "model-invalid",
      "error: The file is not a complete ONNX model: it ends in the middle of a field, after n bytes.",
      "  at  file net.onnx",
      "  do  Check that the file is ONNX and complete; download or export it again.",
    );
    const beforeOpset = lines(
      "model-invalid",
      `error: The model does not say which version of the operator set "ai.onnx" it uses.`,
      "  at  file net.onnx, node conv1, op Conv",
      "  do  The file is damaged or was cut off: download or export it again.",
    );
    const [empty, , , noGraph] = unreadable.map(({ says }) => says);
    expect([...endings].sort()).toEqual([empty, cutOff, noGraph, beforeOpset].sort());
  });
});

const relu = (name: string, from: string, to: string) => node({ op: "Relu", name, inputs: [from], outputs: [to] });

const graph = (changes: Partial<Graph>): OnnxModel =>
  buildModel({
    inputs: [valueInfo("x", "float32", [2])],
    outputs: [valueInfo("y", "float32", [2])],
    nodes: [relu("relu1", "x", "y")],
    initializers: new Map(),
    ...changes,
  });

const branch: Graph = { ...conv().graph, inputs: [], nodes: [relu("inner", "gone", "y")] };

const unusable: { readonly what: string; readonly model: OnnxModel; readonly says: string }[] = [
  {
    what: "an input that nothing defines",
    model: graph({ nodes: [relu("relu1", "features", "y")] }),
    says: lines(
      "model-invalid",
      `error: The node reads "features", which no node, input or initializer defines.`,
      "  at  file net.onnx, node relu1, op Relu",
      "  do  The file is incomplete: export the model again.",
    ),
  },
  {
    what: "an input that nothing defines, in a branch",
    model: graph({
      nodes: [
        node({
          op: "If",
          inputs: ["x"],
          outputs: ["y"],
          attributes: { then_branch: { kind: "graph", value: branch } },
        }),
      ],
    }),
    says: lines(
      "model-invalid",
      `error: The node reads "gone", which no node, input or initializer defines.`,
      "  at  file net.onnx, node inner, op Relu",
      "  do  The file is incomplete: export the model again.",
    ),
  },
  {
    what: "an output that nothing computes",
    model: graph({ outputs: [valueInfo("logits", "float32", [2])] }),
    says: lines(
      "model-invalid",
      `error: The graph's output "logits" is not computed by any node.`,
      "  at  file net.onnx",
      "  do  The file is incomplete: export the model again.",
    ),
  },
  {
    what: "a cycle",
    model: graph({
      nodes: [
        node({ op: "Add", name: "sum", inputs: ["x", "b"], outputs: ["a"] }),
        relu("relu1", "a", "b"),
        relu("relu2", "b", "y"),
      ],
    }),
    says: lines(
      "model-invalid",
      "error: The graph has a cycle: relu1 → sum → relu1.",
      "  at  file net.onnx, node relu1, op Relu",
      "  do  The graph of a network must have no cycles. Export the model again.",
    ),
  },
  {
    what: "two tensors of one name",
    model: graph({ nodes: [relu("relu1", "x", "y"), relu("relu2", "x", "y")] }),
    says: lines(
      "model-invalid",
      `error: Two tensors are named "y".`,
      "  at  file net.onnx, node relu2, op Relu",
      "  do  Tensor names must be unique. Export the model again.",
    ),
  },
  {
    what: "an operator set that is not imported",
    model: graph({ nodes: [node({ op: "Gelu", domain: "com.microsoft", inputs: ["x"], outputs: ["y"] })] }),
    says: lines(
      "model-invalid",
      `error: The model does not say which version of the operator set "com.microsoft" it uses.`,
      "  at  file net.onnx, node y, op Gelu",
      "  do  The file is damaged or was cut off: download or export it again.",
    ),
  },
  {
    what: "a graph optimized for one processor",
    model: graph({ nodes: [node({ op: "Conv", domain: "com.microsoft.nchwc", inputs: ["x"], outputs: ["y"] })] }),
    says: lines(
      "op-unsupported",
      "error: The file is a graph that ONNX Runtime has optimized for one processor: the node is of com.microsoft.nchwc.",
      "  at  file net.onnx, node y, op Conv",
      "  do  Open the model from which it was made, or save it again with the optimization level ORT_ENABLE_EXTENDED or a lower one.",
    ),
  },
  {
    what: "opset 6",
    model: { ...graph({}), opsets: new Map([["", 6]]) },
    says: lines(
      "op-unsupported",
      "error: The model is written in opset 6, but the oldest opset that can be read is 7.",
      "  at  file net.onnx",
      "  do  Convert it with onnx.version_converter.convert_version(model, 13), or export it again.",
    ),
  },
  {
    what: "NaN among the weights",
    model: conv([1, Number.NaN, 3, Number.NaN]),
    says: lines(
      "not-finite",
      `error: 2 of 4 entries of the weight "w" are not finite (NaN or infinite).`,
      "  at  file net.onnx, node conv1, op Conv",
      "  do  The training diverged, or the file is damaged. Use another checkpoint.",
    ),
  },
  {
    what: "an infinite weight",
    model: conv([1, 2, 3, Number.NEGATIVE_INFINITY]),
    says: lines(
      "not-finite",
      `error: 1 of 4 entries of the weight "w" are not finite (NaN or infinite).`,
      "  at  file net.onnx, node conv1, op Conv",
      "  do  The training diverged, or the file is damaged. Use another checkpoint.",
    ),
  },
  {
    what: "NaN in a Constant node, in float16",
    model: graph({
      nodes: [
        node({
          op: "Constant",
          inputs: [],
          outputs: ["c"],
          attributes: {
            value: { kind: "tensor", value: { type: "float16", shape: [1], data: Uint16Array.of(0x7e00) } },
          },
        }),
        node({ op: "Add", name: "sum", inputs: ["x", "c"], outputs: ["y"] }),
      ],
    }),
    says: lines(
      "not-finite",
      `error: 1 of 1 entries of the weight "c" are not finite (NaN or infinite).`,
      "  at  file net.onnx, node sum, op Add",
      "  do  The training diverged, or the file is damaged. Use another checkpoint.",
    ),
  },
];

describe("graphs that cannot run", () => {
  test.each(unusable)("$what", async ({ model, says }) => {
    expect(await complaint(() => normalize(checkModel(model, FILE), { evaluate, file: FILE }))).toBe(says);
  });
});

describe("graphs that only look broken", () => {
  test("nodes in the wrong order are put in order", () => {
    const nodes = [relu("relu2", "a", "y"), relu("relu1", "x", "a")];
    expect(checkModel(graph({ nodes })).graph.nodes.map(({ name }) => name)).toEqual(["relu1", "relu2"]);
  });

  test("nodes in order stay as they are", () => {
    const nodes = [relu("b", "x", "a"), relu("a", "x", "y")];
    expect(checkModel(graph({ nodes })).graph.nodes).toEqual(nodes);
  });

  test("a node comes after what its branch reads", () => {
    const outputs = [valueInfo("y2", "float32", [1])];
    const value: Graph = { ...conv().graph, inputs: [], nodes: [relu("inner", "late", "y2")], outputs };
    const choice = node({
      op: "If",
      name: "if",
      inputs: ["x"],
      outputs: ["y"],
      attributes: { then_branch: { kind: "graph", value }, else_branch: { kind: "graph", value } },
    });
    const model = graph({ nodes: [choice, relu("before", "x", "late")] });
    expect(checkModel(model).graph.nodes.map(({ name }) => name)).toEqual(["before", "if"]);
  });
});
