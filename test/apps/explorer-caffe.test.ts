import { readFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { writeNpy } from "../../src/images/index.ts";
import { readExactNpy } from "../../src/images/npy.ts";
import { drawNet, fileOf } from "../caffe/nets.ts";
import { sharedDir, sharedPath, withoutShared } from "../support/shared.ts";
import { storedEntries } from "../support/zip.ts";
import { connect, given } from "./explorer-host.ts";

describe("networks of Caffe in the explorer's engine", () => {
  const { client } = connect();
  afterAll(() => client.close());

  const net = drawNet("explorer", {
    layers: `layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "out" type: "InnerProduct" bottom: "conv" top: "out" inner_product_param { num_output: 3 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "out" bottom: "label" top: "loss" }`,
    inputs: { data: [10, 3, 32, 32] },
    weights: { conv: [[4, 3, 3, 3], [4]], out: [[3, 3600], [3]] },
  });
  const weights = given("a/net.caffemodel", fileOf(net));
  const text = given("a/net.prototxt", net.prototxt);

  test("a .prototxt and its .caffemodel are a network, and what was left out is told", async () => {
    const { file, taps, preprocessing, notes } = await client.ask("open", { files: [weights, text] });
    expect(file).toMatch(/(^|\/)net\.onnx$/);
    expect(taps.map(({ name, shape }) => [name, shape])).toEqual([
      ["data", [3, 32, 32]],
      ["conv", [4, 30, 30]],
      ["out", [3]],
    ]);
    const settings = { colour: "BGR", mean: [104.007, 116.6688, 122.6789] };
    expect(preprocessing).toMatchObject({ name: "caffe-alexnet", isUnsure: true, settings });
    expect(notes).toEqual([expect.stringMatching(/^Layer "loss" \(SoftmaxWithLoss\) is left out: .*\.$/)]);
  });

  test("a mean in the .prototxt prepares the pictures", async () => {
    const layer =
      'layer { name: "data" type: "Data" top: "data" top: "label" transform_param { crop_size: 32 scale: 0.5 mean_value: 100 mean_value: 110 mean_value: 120 } data_param { batch_size: 10 } }';
    const file = given("a/net.prototxt", net.prototxt.replace(/^layer .*\n/, `${layer}\n`));
    const { preprocessing } = await client.ask("open", { files: [weights, file] });
    const settings = { mean: [100, 110, 120], std: [2], scale: 1 };
    expect(preprocessing).toMatchObject({ isUnsure: false, reason: "It is in the file a/net.prototxt.", settings });
  });

  test("one of the two alone is refused", async () => {
    await expect(client.ask("open", { files: [weights] })).rejects.toMatchObject({
      code: "usage",
      what: "A network of Caffe is one .prototxt and one .caffemodel, and there are 0 and 1.",
    });
  });

  test.skipIf(sharedDir === undefined)(
    `LeNet gives the probabilities that Caffe's files promise (${withoutShared})`,
    async () => {
      const read = (name: string) => readFileSync(sharedPath("data", "models", "lenet", name));
      await client.ask("open", {
        files: ["lenet.prototxt", "lenet.caffemodel"].map((name) => given(name, read(name))),
      });
      const entries = storedEntries(read("lenet-expected.npz"));
      const expected = (name: string) => readExactNpy(entries.get(`${name}.npy`)!, name).data as Float64Array;
      const [images, probabilities] = [expected("image"), expected("prob")];
      const files = [0, 7].map((i) => {
        const data = Float32Array.from(images.subarray(784 * i, 784 * (i + 1)), (level) => level / 256);
        return given(`${i}.npy`, writeNpy({ shape: [1, 28, 28], data }));
      });
      const { pictures } = await client.ask("pictures", { files });
      for (const [at, i] of [0, 7].entries()) {
        for (const { index, share } of pictures[at]!.top!) expect(share).toBeCloseTo(probabilities[10 * i + index]!, 6);
      }
    },
  );
});
