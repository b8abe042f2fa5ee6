import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { createRng, gaussianArray, type Shape, sizeOf } from "../../src/base/index.ts";
import {
  checkModel,
  floatTensor,
  intTensor,
  normalize,
  readModel,
  type Tensor,
  writeModel,
} from "../../src/onnx/index.ts";
import { mismatch } from "../support/close.ts";
import { evaluate, runBytes } from "../support/ort.ts";
import { sharedDir, sharedPath, withoutShared } from "../support/shared.ts";

const noise = (name: string, shape: Shape): Tensor =>
  floatTensor(shape, gaussianArray(createRng("models", name), sizeOf(shape)));

interface Row {
  readonly file: string;
  readonly inputs: Readonly<Record<string, Tensor>>;
  /** Operators that must be gone from the normalized graph. */
  readonly without?: readonly string[];
}

const rows: readonly Row[] = [
  { file: "alexnet-trunk.onnx", inputs: { data: noise("data", [1, 3, 227, 227]) } },
  { file: "mnist.onnx", inputs: { Input3: noise("Input3", [1, 1, 28, 28]) } },
  { file: "resnet20-cifar10.onnx", inputs: { input: noise("input", [1, 3, 32, 32]) } },
  {
    file: "silero-vad.onnx",
    inputs: {
      input: noise("input", [1, 512]),
      state: noise("state", [2, 1, 128]),
      sr: intTensor([16000], []),
    },
    without: ["Constant"],
  },
  { file: "squeezenet1.1.onnx", inputs: { data: noise("data", [1, 3, 224, 224]) }, without: ["Dropout"] },
  { file: "stories260k.onnx", inputs: { embeddings: noise("embeddings", [1, 7, 64]) }, without: ["Shape", "Trilu"] },
  { file: "stories260k-ids.onnx", inputs: { ids: intTensor([1, 5, 400, 2, 33, 7, 9], [1, 7]) }, without: ["Shape"] },
  { file: "super-resolution.onnx", inputs: { input: noise("input", [1, 1, 224, 224]) } },
  {
    file: "ultraface/rfb-320.onnx",
    inputs: { input: noise("input", [1, 3, 240, 320]) },
    without: ["Constant", "Shape"],
  },
];

describe.each(rows)("$file", ({ file, inputs, without = [] }) => {
  const path = sharedDir === undefined ? "" : sharedPath("data", "models", ...file.split("/"));
  const feeds = new Map(Object.entries(inputs));

  test("reads, passes the check, and is the same after writing", async ({ skip }) => {
    skip(!existsSync(path), withoutShared);
    const model = await readModel(readFileSync(path), { file });
    expect(checkModel(model, file).graph.nodes).toEqual(model.graph.nodes);
    const written = writeModel(model);
    // Equal bytes are equal models; comparing millions of weights one by one takes a minute.
    expect(Buffer.compare(writeModel(await readModel(written)), written)).toBe(0);
  });

  test("normalized, gives the outputs of the file", { timeout: 60_000 }, async ({ skip }) => {
    skip(!existsSync(path), withoutShared);
    const bytes = readFileSync(path);
    const { onnx, values } = await normalize(await readModel(bytes, { file }), { file, feeds, evaluate });
    expect(onnx.graph.nodes.map(({ op }) => op).filter((op) => without.includes(op))).toEqual([]);
    expect([...values.keys()]).toEqual(
      expect.arrayContaining(onnx.graph.nodes.flatMap(({ outputs }) => outputs.filter(Boolean))),
    );

    const want = await runBytes(bytes, feeds);
    const got = await evaluate(onnx, feeds, [...want.keys()]);
    for (const [name, tensor] of want) {
      const scale = (tensor.data as Float32Array).reduce((largest, entry) => Math.max(largest, Math.abs(entry)), 0);
      // The same kernels on the same numbers: only folded constants may differ, by their rounding.
      expect(mismatch(got.get(name)!, tensor, { rtol: 1e-5, atol: 1e-6 * scale })).toBeUndefined();
    }
  });
});
