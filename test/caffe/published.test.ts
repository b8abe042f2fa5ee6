import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { createRng } from "../../src/base/index.ts";
import { importCaffe } from "../../src/caffe/index.ts";
import { readExactNpy } from "../../src/images/npy.ts";
import type { OnnxModel, Tensor } from "../../src/onnx/index.ts";
import { writeModel } from "../../src/onnx/index.ts";
import { runBytes } from "../support/ort.ts";
import { sharedDir, sharedPath, withoutShared } from "../support/shared.ts";
import { storedEntries } from "../support/zip.ts";
import { difference, withOutputs } from "./nets.ts";

const fileOf = (...parts: string[]) => {
  const file = sharedPath("data", "models", ...parts);
  return { bytes: readFileSync(file), file };
};

const run = (model: OnnxModel, feeds: ReadonlyMap<string, Tensor>, fetches: string[]) =>
  runBytes(writeModel(withOutputs(model, fetches)), feeds, fetches);

describe.skipIf(sharedDir === undefined)(`published networks of Caffe (skipped: ${withoutShared})`, () => {
  test("LeNet gives its expected logits and probabilities at 16 digits, in one batch", async () => {
    const { model, notes } = importCaffe(fileOf("lenet", "lenet.prototxt"), fileOf("lenet", "lenet.caffemodel"));
    expect(notes).toEqual([]);
    expect(model.graph.inputs).toEqual([{ name: "data", type: "float32", shape: ["N", 1, 28, 28] }]);
    expect(model.graph.outputs.map(({ name }) => name)).toEqual(["prob"]);
    const entries = storedEntries(fileOf("lenet", "lenet-expected.npz").bytes);
    const expected = (name: string) => readExactNpy(entries.get(`${name}.npy`)!, name).data as Float64Array;
    const image = Float32Array.from(expected("image"), (level) => level / 256);
    const feeds = new Map([["data", { type: "float32" as const, shape: [16, 1, 28, 28], data: image }]]);
    const found = await run(model, feeds, ["ip1", "relu1", "ip2", "prob"]);
    expect(difference(found.get("ip2")!.data as Float32Array, expected("ip2"))).toBeLessThan(1e-6);
    expect(difference(found.get("prob")!.data as Float32Array, expected("prob"))).toBeLessThan(1e-6);
    // The rectifier writes over the blob of the layer before it; both are tensors here.
    const [before, after] = ["ip1", "relu1"].map((name) => found.get(name)!.data as Float32Array);
    expect(Math.min(...before!)).toBeLessThan(0);
    expect(after).toEqual(before!.map((entry) => Math.max(entry, 0)));
  });

  test("UltraFace is the network that its authors publish as ONNX, at every tensor", { timeout: 60_000 }, async () => {
    const prototxt = fileOf("ultraface", "rfb-320.prototxt");
    const { model } = importCaffe(prototxt, fileOf("ultraface", "rfb-320.caffemodel"));
    const rng = createRng("ultraface");
    const data = Float32Array.from({ length: 3 * 240 * 320 }, () => 2 * rng.uniform() - 1);
    const feeds = new Map([["input", { type: "float32" as const, shape: [1, 3, 240, 320], data }]]);
    const names = model.graph.outputs.map(({ name }) => name);
    expect(names).toEqual(["boxes", "scores"]);
    const own = await run(model, feeds, names);
    const published = await runBytes(fileOf("ultraface", "rfb-320.onnx").bytes, feeds, names);
    for (const name of names) {
      expect(own.get(name)!.shape).toEqual(published.get(name)!.shape);
      const apart = difference(own.get(name)!.data as Float32Array, published.get(name)!.data as Float32Array);
      expect(apart, name).toBeLessThan(2e-5);
    }
  });
});
