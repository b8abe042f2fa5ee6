import protobuf from "protobufjs/light.js";
import { describe, expect, test } from "vitest";
import { importCaffe } from "../../src/caffe/index.ts";
import { blobBytes } from "../support/caffemodel.ts";
import { drawNet, encoded, fileOf, importNet, inputLayers, run } from "./nets.ts";

const weights = { conv1: [[4, 3, 3, 3], [4]], conv2: [[6, 2, 3, 3], [6]], fc3: [[5, 24], [5]] };
const inputs = { data: [2, 3, 9, 9] };

const newest = `
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1" convolution_param { num_output: 4 kernel_size: 3 stride: 2 } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "norm1" type: "LRN" bottom: "conv1" top: "norm1" lrn_param { local_size: 3 alpha: 0.1 beta: 0.75 } }
layer { name: "pool1" type: "Pooling" bottom: "norm1" top: "pool1" pooling_param { pool: MAX kernel_size: 3 stride: 2 } }
layer { name: "conv2" type: "Convolution" bottom: "pool1" top: "conv2"
  convolution_param { num_output: 6 kernel_size: 3 pad: 1 group: 2 } }
layer { name: "relu2" type: "ReLU" bottom: "conv2" top: "conv2" }
layer { name: "drop2" type: "Dropout" bottom: "conv2" top: "conv2" }
layer { name: "fc3" type: "InnerProduct" bottom: "conv2" top: "fc3" inner_product_param { num_output: 5 } }
layer { name: "prob" type: "Softmax" bottom: "fc3" top: "prob" }`;

const v1 = `
input: "data" input_dim: 2 input_dim: 3 input_dim: 9 input_dim: 9
layers { name: "conv1" type: CONVOLUTION bottom: "data" top: "conv1" blobs_lr: 1 blobs_lr: 2 weight_decay: 1
  convolution_param { num_output: 4 kernel_size: 3 stride: 2 weight_filler { type: "gaussian" std: 0.01 } } }
layers { name: "relu1" type: RELU bottom: "conv1" top: "conv1" }
layers { name: "norm1" type: LRN bottom: "conv1" top: "norm1" lrn_param { local_size: 3 alpha: 0.1 beta: 0.75 } }
layers { name: "pool1" type: POOLING bottom: "norm1" top: "pool1" pooling_param { pool: MAX kernel_size: 3 stride: 2 } }
layers { name: "conv2" type: CONVOLUTION bottom: "pool1" top: "conv2" convolution_param { num_output: 6 kernel_size: 3 pad: 1 group: 2 } }
layers { name: "relu2" type: RELU bottom: "conv2" top: "conv2" }
layers { name: "drop2" type: DROPOUT bottom: "conv2" top: "conv2" dropout_param { dropout_ratio: 0.5 } }
layers { name: "fc3" type: INNER_PRODUCT bottom: "conv2" top: "fc3" inner_product_param { num_output: 5 } }
layers { name: "prob" type: SOFTMAX bottom: "fc3" top: "prob" }`;

const v0 = `
input: "data" input_dim: 2 input_dim: 3 input_dim: 9 input_dim: 9
layers { layer { name: "conv1" type: "conv" num_output: 4 kernelsize: 3 stride: 2 blobs_lr: 1. weight_filler { type: "gaussian" } } bottom: "data" top: "conv1" }
layers { layer { name: "relu1" type: "relu" } bottom: "conv1" top: "conv1" }
layers { layer { name: "norm1" type: "lrn" local_size: 3 alpha: 0.1 beta: 0.75 } bottom: "conv1" top: "norm1" }
layers { layer { name: "pool1" type: "pool" pool: MAX kernelsize: 3 stride: 2 } bottom: "norm1" top: "pool1" }
layers { layer { name: "pad2" type: "padding" pad: 1 } bottom: "pool1" top: "pad2" }
layers { layer { name: "conv2" type: "conv" num_output: 6 kernelsize: 3 group: 2 biasterm: true } bottom: "pad2" top: "conv2" }
layers { layer { name: "relu2" type: "relu" } bottom: "conv2" top: "conv2" }
layers { layer { name: "drop2" type: "dropout" dropout_ratio: 0.5 } bottom: "conv2" top: "conv2" }
layers { layer { name: "fc3" type: "innerproduct" num_output: 5 } bottom: "conv2" top: "fc3" }
layers { layer { name: "prob" type: "softmax" } bottom: "fc3" top: "prob" }`;

const net = drawNet("forms", { layers: newest, inputs, weights });

/** The network as it was trained: with data layers for each phase, a loss and an accuracy. */
const forTraining = `
layer { name: "train" type: "Data" top: "data" top: "label" include { phase: TRAIN }
  transform_param { mirror: true crop_size: 9 mean_file: "mean.binaryproto" } data_param { source: "train_lmdb" batch_size: 256 backend: LMDB } }
layer { name: "val" type: "Data" top: "data" top: "label" include { phase: TEST }
  transform_param { mirror: false crop_size: 9 scale: 0.00390625 mean_value: 104 mean_value: 117 mean_value: 123 }
  data_param { source: "val_lmdb" batch_size: 50 backend: LMDB } }
${newest.replace(/layer \{ name: "prob".*/, "")}
layer { name: "extra" type: "Power" bottom: "fc3" top: "extra" power_param { power: 2 } exclude { phase: TEST } }
layer { name: "accuracy" type: "Accuracy" bottom: "fc3" bottom: "label" top: "accuracy" include { phase: TEST } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc3" bottom: "label" top: "loss" }`;

const read = (prototxt: string, options = {}) =>
  importCaffe({ bytes: encoded(prototxt) }, { bytes: fileOf(net) }, options);

describe("all forms of the files are one network", () => {
  const taps = ["conv1", "relu1", "norm1", "pool1", "conv2", "relu2", "drop2", "fc3", "prob"];

  test.each([
    ["V1", v1],
    ["V0", v0],
  ] as const)("the form %s", async (form, prototxt) => {
    const older = importNet({ ...net, prototxt }, form).model;
    const found = await run(older, net.inputs, taps);
    const wanted = await run(importNet(net).model, net.inputs, taps);
    for (const tap of taps) expect(found.get(tap), tap).toEqual(wanted.get(tap));
    expect(older.graph.inputs).toEqual(importNet(net).model.graph.inputs);
  });

  test("inputs with shapes beside the layers", () => {
    const beside = `input: "data" input_shape { dim: 2 dim: 3 dim: 9 dim: 9 }${newest}`;
    expect(read(beside).model).toEqual(importNet(net).model);
  });

  test("weights in pieces, and in float64", async () => {
    const { data, shape } = net.weights.fc3![1]!;
    const pieces = Uint8Array.from([
      ...[58, 3, 10, 1, shape[0]!],
      ...[42, 8, ...new Uint8Array(data.slice(0, 2).buffer)],
      ...[...data.slice(2)].flatMap((entry) => [45, ...new Uint8Array(Float32Array.of(entry).buffer)]),
    ]);
    const doubles = Uint8Array.from([
      58,
      3,
      10,
      1,
      shape[0]!,
      66,
      40,
      ...new Uint8Array(Float64Array.from(data).buffer),
    ]);
    for (const blob of [pieces, doubles]) {
      const weights = bytesWith(blob);
      const { model } = importCaffe({ bytes: encoded(oneLayer) }, { bytes: weights });
      expect(model.graph.initializers.get("fc3.bias")).toEqual({ type: "float32", shape, data });
    }
  });
});

const oneLayer = `${inputLayers({ data: [1, 24] })}layer { name: "fc3" type: "InnerProduct" bottom: "data" top: "fc3" inner_product_param { num_output: 5 } }`;

/** A file with the layer fc3, whose second blob is given as bytes. */
function bytesWith(second: Uint8Array): Uint8Array {
  const first = blobBytes(net.weights.fc3![0]!);
  const writer = protobuf.Writer.create().uint32(10).string("fc3");
  const layer = [first, second].reduce((all, blob) => all.uint32(58).bytes(blob), writer).finish();
  return protobuf.Writer.create().uint32(802).bytes(layer).finish();
}

describe("a network for training", () => {
  test("is read in the phase TEST, without what needs labels", async () => {
    const { model, notes, transform, inputShape } = read(forTraining);
    expect(inputShape).toEqual([50, 3, 9, 9]);
    expect(model.graph.inputs.map(({ name, shape }) => [name, shape])).toEqual([["data", ["N", 3, 9, 9]]]);
    expect(model.graph.outputs.map(({ name }) => name)).toEqual(["fc3"]);
    expect(notes).toEqual([
      'layer "accuracy" (Accuracy) is left out: it compares with labels',
      'layer "loss" (SoftmaxWithLoss) is left out: it is a loss',
    ]);
    expect(transform).toEqual({ scale: 0.00390625, mean: [104, 117, 123], meanFile: undefined });
    const found = await run(model, net.inputs, ["fc3"]);
    expect(found).toEqual(await run(importNet(net).model, net.inputs, ["fc3"]));
  });

  test("stages and levels choose layers", () => {
    const staged = `${inputLayers(inputs)}
      layer { name: "a" type: "ReLU" bottom: "data" top: "a" include { stage: "deploy" } }
      layer { name: "b" type: "TanH" bottom: "data" top: "b" include { not_stage: "deploy" } }
      layer { name: "c" type: "Sigmoid" bottom: "data" top: "c" include { min_level: 1 } }`;
    const names = (prototxt: string) => read(prototxt).model.graph.outputs.map(({ name }) => name);
    expect(names(staged)).toEqual(["b"]);
    expect(names(`state { stage: "deploy" level: 2 }${staged}`)).toEqual(["a", "c"]);
  });
});

describe("names", () => {
  test("layers that write over their bottom make tensors of their own", () => {
    const names = importNet(net).model.graph.nodes.flatMap(({ outputs }) => outputs);
    expect(names.filter((name) => !name.includes("/"))).toEqual([
      "conv1",
      "relu1",
      "norm1",
      "pool1",
      "conv2",
      "relu2",
      "drop2",
      "fc3",
      "prob",
    ]);
  });

  test("a layer whose name is that of a blob does not take it twice", () => {
    const odd = `${inputLayers({ data: [1, 4] })}
      layer { name: "later" type: "Power" bottom: "data" top: "a" power_param { scale: 2 } }
      layer { name: "a" type: "ReLU" bottom: "a" top: "a" }
      layer { name: "later2" type: "TanH" bottom: "a" top: "later" }
      layer { name: "later3" type: "AbsVal" bottom: "later" top: "later" }`;
    const names = read(odd).model.graph.nodes.flatMap(({ outputs }) => outputs);
    expect(names).toEqual(["a", "a/in-place", "later", "later3"]);
  });

  test("a part of the network ends at a layer or a blob", () => {
    const outputs = (until: string) => read(inputLayers(inputs) + newest, { until }).model.graph.outputs;
    expect(outputs("relu1").map(({ name }) => name)).toEqual(["relu1"]);
    expect(outputs("conv2").map(({ name }) => name)).toEqual(["conv2"]);
    expect(outputs("pool1").map(({ name }) => name)).toEqual(["pool1"]);
    expect(() => outputs("pol1")).toThrow(/no layer or blob "pol1"/);
  });

  test("a network that computes across its batch keeps it", () => {
    const across = `${inputLayers({ data: [4, 3] })}layer { name: "y" type: "Reshape" bottom: "data" top: "y" reshape_param { shape { dim: 2 dim: 6 } } }`;
    expect(read(across).model.graph.inputs[0]!.shape).toEqual([4, 3]);
  });
});
