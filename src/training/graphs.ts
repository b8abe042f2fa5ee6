import type { Shape } from "../base/index.ts";
import { int, type Model, type OnnxModel, valueInfo } from "../onnx/index.ts";
import type { Convnet, Weights } from "./convnet.ts";
import { LayerWriter } from "./layer-writer.ts";

/** A dropout mask, an input of the training graph: each entry is 1/(1 − rate) with probability 1 − rate, otherwise 0. */
export interface Mask {
  readonly name: string;
  readonly shape: Shape;
  readonly rate: number;
}

/** The graph that training differentiates. */
export interface TrainingGraph {
  /**
   * Inputs: `image` [B, C, H, W], `oneHot` [B, classes], masks and weights. Output: `loss`, the softmax cross entropy in nats,
   * averaged over the batch.
   */
  readonly model: Model;
  readonly batch: number;
  readonly weights: ReadonlyMap<string, Shape>;
  readonly masks: readonly Mask[];
}

/**
 * The training graph of a network for batches of a fixed size.
 *
 * @throws PushforwardError `model-invalid` where a layer does not fit what comes before it
 */
export function trainingGraph(net: Convnet, batch: number): TrainingGraph {
  const writer = new LayerWriter(batch, net.input);
  const masks: Mask[] = [];
  for (const layer of net.layers) {
    if (layer.kind === "dropout") masks.push({ ...writer.mask(), rate: layer.rate });
    else writer.layer(layer);
  }
  const { shape } = writer;
  writer.declare("oneHot", shape);
  writer.op("LogSoftmax", "logProbability", { attributes: { axis: int(-1) } });
  writer.op("Mul", "logLikelihood", { inputs: ["oneHot"] });
  writer.op("ReduceSum", "total", { shape: [], attributes: { keepdims: int(0) } });
  writer.op("Mul", "loss", { inputs: [writer.scalar("minusPerImage", -1 / batch)], shape: [] });
  return { model: writer.model(new Map()), batch, weights: writer.weights, masks };
}

/**
 * The network as it is written to a file: input `image` [N, C, H, W], output `logits` [N, classes], weights as initializers, and no
 * dropout. Tensors are named like the layers of AlexNet (`conv1`, `relu1`, `norm1`, `pool1`, …, `fc6`): the number counts the
 * layers with weights.
 *
 * @throws PushforwardError `model-invalid` where a layer does not fit what comes before it
 */
export function inferenceModel(net: Convnet, weights: Weights): OnnxModel {
  const writer = new LayerWriter(1, net.input);
  for (const layer of net.layers) if (layer.kind !== "dropout") writer.layer(layer);
  writer.rename("logits");
  const { onnx } = writer.model(weights);
  const anyBatch = ({ name, type, shape }: ReturnType<typeof valueInfo>) =>
    valueInfo(name, type!, ["N", ...shape!.slice(1)]);
  const { inputs, outputs } = onnx.graph;
  return { ...onnx, graph: { ...onnx.graph, inputs: inputs.map(anyBatch), outputs: outputs.map(anyBatch) } };
}
