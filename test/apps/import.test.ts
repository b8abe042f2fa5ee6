import { existsSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readNpy } from "../../src/images/npy.ts";
import { drawNet, fileOf } from "../caffe/nets.ts";
import { blobBytes } from "../support/caffemodel.ts";
import { pushforward } from "./command-line.ts";
import { createWorkplace, type Workplace } from "./workplace.ts";

const net = drawNet("command", {
  layers: `layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "out" type: "InnerProduct" bottom: "conv" top: "out" inner_product_param { num_output: 3 } }`,
  inputs: { data: [10, 3, 6, 6] },
  weights: { conv: [[4, 3, 3, 3], [4]], out: [[3, 64], [3]] },
});
const mean = { shape: [3, 8, 8], data: Float32Array.from({ length: 192 }, (_, i) => 100 + i / 8) };

let place: Workplace;
beforeAll(async () => {
  place = await createWorkplace({
    "net.prototxt": net.prototxt,
    "net.caffemodel": fileOf(net),
    "mean.binaryproto": blobBytes(mean, true),
  });
});
afterAll(() => place.remove());

describe.skipIf(!existsSync("dist/apps/cli/main.js"))(
  "pushforward import (skipped: not compiled, npm run build)",
  () => {
    test("writes an ONNX file whose taps are the blobs, and that can be differentiated", async () => {
      const out = place.path("net.onnx");
      const imported = await pushforward([
        "import",
        place.path("net.prototxt"),
        place.path("net.caffemodel"),
        "--out",
        out,
      ]);
      expect(imported).toEqual({ code: 0, stdout: `${out}\n`, stderr: "note: 4 nodes, 307 weights\n" });
      const inspected = await pushforward(["inspect", out, "--json"]);
      const taps = inspected.stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
      expect(taps.map(({ name, shape, supported }) => [name, shape, supported])).toEqual([
        ["data", [3, 6, 6], true],
        ["conv", [4, 4, 4], true],
        ["relu", [4, 4, 4], true],
        ["out", [3], true],
      ]);
    });

    test("a mean image becomes a preset file", async () => {
      const out = place.path("mean.onnx");
      const files = [place.path("net.prototxt"), place.path("net.caffemodel")];
      const { code, stderr } = await pushforward([
        "import",
        ...files,
        "--mean",
        place.path("mean.binaryproto"),
        "--out",
        out,
      ]);
      expect(code).toBe(0);
      expect(stderr).toContain("--preprocess");
      expect(JSON.parse(readFileSync(place.path("mean.preprocess.json"), "utf8"))).toEqual({
        name: "caffe",
        colour: "BGR",
        resize: { exact: [8, 8] },
        crop: [6, 6],
        scale: 1,
        mean: "mean.mean.npy",
        std: [1],
      });
      expect(readNpy(readFileSync(place.path("mean.mean.npy")), "")).toEqual(mean);
    });

    test("a mean pixel and a part of the network", async () => {
      const out = place.path("part.onnx");
      const files = [place.path("net.prototxt"), place.path("net.caffemodel")];
      const { code } = await pushforward([
        "import",
        ...files,
        "--mean",
        "104,117,123",
        "--until",
        "conv",
        "--out",
        out,
      ]);
      expect(code).toBe(0);
      const preset = JSON.parse(readFileSync(place.path("part.preprocess.json"), "utf8"));
      expect(preset).toMatchObject({ resize: { exact: [6, 6] }, mean: [104, 117, 123] });
      expect((await pushforward(["inspect", out])).stdout).toContain("conv");
    });

    test("an error names the file, the layer and what to do", async () => {
      const files = [place.path("net.prototxt"), place.path("net.caffemodel")];
      const { code, stderr } = await pushforward([
        "import",
        ...files,
        "--shape",
        "3,9,9",
        "--out",
        place.path("no.onnx"),
      ]);
      expect(code).toBe(2);
      expect(stderr).toContain("The weight of this layer is 3×64 in the .caffemodel, and 3×196 is needed.");
      expect(stderr).toContain("node out, op InnerProduct");
      const over = await pushforward(["import", ...files, "--out", files[1]!]);
      expect(over.stderr).toContain("would be written over a file of the network");
    });
  },
);
