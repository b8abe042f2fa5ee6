import { afterAll, describe, expect, test } from "vitest";
import { PushforwardError } from "../../src/base/index.ts";
import {
  buildModel,
  checkModel,
  floatTensor,
  int,
  node,
  normalize,
  type OnnxModel,
  readModel,
  type Tensor,
  text,
  valueInfo,
  writeModel,
} from "../../src/onnx/index.ts";
import { NEWEST_READ, NEWEST_RUN } from "../../src/onnx/opset-range.ts";
import { decodeModel, encodeModel } from "../../src/onnx/proto.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { evaluateWith } from "../../src/runtime/index.ts";

const backend = createBackend();
const evaluate = evaluateWith(backend);
afterAll(() => backend.dispose());

/** y = relu(x · w) */
const network = (opset: number): OnnxModel =>
  buildModel(
    {
      inputs: [valueInfo("x", "float32", [1, 2])],
      outputs: [valueInfo("y", "float32", [1, 2])],
      nodes: [
        node({ op: "MatMul", inputs: ["x", "w"], outputs: ["h"] }),
        node({ op: "Relu", inputs: ["h"], outputs: ["y"] }),
      ],
      initializers: new Map([["w", floatTensor([2, 2], [1, -2, 3, 4])]]),
    },
    opset,
  );

/** The file of a model, with another version of the format than the one that is written. */
function fileOf(model: OnnxModel, irVersion: number): Uint8Array {
  return encodeModel({ ...decodeModel(writeModel(model)), irVersion });
}

const x = new Map<string, Tensor>([["x", floatTensor([1, 2], [1, 1])]]);

describe("versions of the format", () => {
  test.each([3, 4, 8, 10, 13, 14, 15, 99])(
    "a model of version %d runs, where it needs nothing of it",
    async (version) => {
      const model = await readModel(fileOf(network(17), version));
      const { onnx } = await normalize(model, { evaluate });
      expect([...((await evaluate(onnx, x, ["y"])).get("y")!.data as Float32Array)]).toEqual([4, 2]);
    },
  );
});

describe("operator sets", () => {
  test.each([7, 13, 18, 21, 26, 27, 28])("opset %d runs where its operators are those of before", async (opset) => {
    const { onnx } = await normalize(network(opset), { evaluate });
    expect([...((await evaluate(onnx, x, ["y"])).get("y")!.data as Float32Array)]).toEqual([4, 2]);
  });

  test("the newest that the runtime loads is the one that is written here", async () => {
    await (await backend.compile(network(NEWEST_RUN))).release();
    await expect(backend.compile(network(NEWEST_RUN + 1))).rejects.toMatchObject({
      code: "backend-failed",
      what: `The model is written in opset ${NEWEST_RUN + 1} of ai.onnx, and this ONNX Runtime knows it up to opset ${NEWEST_RUN}.`,
    });
  });

  test("a newer one than is known is refused with both versions", () => {
    const opset = NEWEST_READ + 1;
    let refusal: unknown;
    try {
      checkModel(network(opset), "net.onnx");
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(PushforwardError);
    expect((refusal as PushforwardError).format()).toBe(
      [
        "error: The model is written in opset 29, but the newest opset that can be read is 28, and the newest that ONNX Runtime runs is 26.",
        "  at  file net.onnx",
        "  do  Export it in opset 26 or an older one, or convert it with onnx.version_converter.convert_version(model, 26).",
      ].join("\n"),
    );
  });

  test.each([
    [
      "an attribute",
      node({ op: "SpaceToDepth", inputs: ["x"], outputs: ["y"], attributes: { blocksize: int(1), mode: text("CRD") } }),
    ],
    ["an operator", node({ op: "Unheard", inputs: ["x"], outputs: ["y"] })],
  ])("%s that the runtime's opset has not is refused with both versions", async (_, one) => {
    const model = network(28);
    const graph = { ...model.graph, nodes: [one], inputs: [valueInfo("x", "float32", [1, 2, 2, 2])] };
    await expect(normalize({ ...model, graph }, { evaluate, file: "net.onnx" })).rejects.toMatchObject({
      code: "backend-failed",
      what: expect.stringMatching(
        /^The model is written in opset 28, but the newest opset that ONNX Runtime runs is 26, and the model does not run as one of opset 26\. .*(mode|Unheard)/,
      ),
      where: { file: "net.onnx", op: one.op },
    });
  });
});
