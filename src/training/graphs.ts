import type { Shape } from "../base/index.ts";
import { type Model, type OnnxModel, valueInfo } from "../onnx/index.ts";
import type { Architecture, Weights } from "./architecture.ts";
import { writeFreeEnergyGap } from "./boltzmann.ts";
import { LayerWriter, type Mask } from "./layer-writer.ts";
import { writeLayer } from "./layers.ts";
import { chainsOf, type Loss, losses, lossName } from "./losses.ts";

/** The graph that training differentiates. */
export interface TrainingGraph {
  /**
   * Inputs: the network's input [B, …], `target` [B, …] of the shape of its output where the loss has one, masks and weights; the states of
   * chains for contrastive divergence. `loss` is a number.
   */
  readonly model: Model;
  readonly batch: number;
  /** The scalar that is differentiated, the output of the graph: `loss`, but for contrastive divergence. */
  readonly objective: string;
  /** Whether there is an input `target`. */
  readonly hasTarget: boolean;
  /** The name of the network's input. */
  readonly input: string;
  /** The tensor in the graph that is the network's output. */
  readonly output: string;
  /** The shapes of the weights that are inputs. */
  readonly weights: ReadonlyMap<string, Shape>;
  readonly masks: readonly Mask[];
  /** The input that takes random signs of the shape of the network's input, if a penalty needs them. */
  readonly signs?: string;
}

export interface TrainingGraphOptions {
  /** The number of examples B in a step. */
  readonly batch: number;
  readonly loss: Loss;
  /** Weights that are constants of the graph and not trained. */
  readonly fixed?: Weights;
}

/**
 * The training graph of a network for batches of a fixed size.
 *
 * @throws PushforwardError `model-invalid` where a layer does not fit what comes before it, or the loss what the network gives
 */
export function trainingGraph(net: Architecture, options: TrainingGraphOptions): TrainingGraph {
  const chains = chainsOf(options.loss, options.batch);
  return graphOf(net, options, (writer, output) =>
    chains === undefined ? writer.last : writeFreeEnergyGap(writer, output, chains.count),
  );
}

/**
 * The graph of the loss alone, for batches of a fixed size, without dropout.
 *
 * @throws PushforwardError as `trainingGraph`
 */
export function evaluationGraph(net: Architecture, options: TrainingGraphOptions): TrainingGraph {
  return graphOf(withoutDropout(net), options, ({ last }) => last);
}

/** @param writeObjective writes what is differentiated after the loss, from the network's output, and returns its name */
function graphOf(
  net: Architecture,
  { batch, loss, fixed = new Map() }: TrainingGraphOptions,
  writeObjective: (writer: LayerWriter, output: string) => string,
): TrainingGraph {
  const writer = written(net, batch);
  const { input, masks, last: output, shape } = writer;
  const { hasTarget, write } = losses[lossName(loss)];
  if (hasTarget) writer.declare("target", shape);
  write(writer, "target");
  const objective = writeObjective(writer, output);
  const weights = new Map([...writer.weights].filter(([name]) => !fixed.has(name)));
  return { model: writer.model(fixed), batch, objective, hasTarget, input, output, weights, masks };
}

const withoutDropout = (net: Architecture): Architecture => ({
  ...net,
  layers: net.layers.filter(({ kind }) => kind !== "dropout"),
});

/**
 * The network as it is written to a file: its input [N, …], its output [N, …], and no dropout. Weights that are given are initializers,
 * and others are inputs. The node of the output has the name of its layer: `fc6`.
 *
 * @throws PushforwardError `model-invalid` where a layer does not fit what comes before it
 */
export function inferenceModel(net: Architecture, weights: Weights): OnnxModel {
  const { outputName = "output" } = net;
  const writer = written(withoutDropout(net), 1);
  writer.rename(outputName);
  const { onnx } = writer.model(weights);
  const anyBatch = (info: ReturnType<typeof valueInfo>) =>
    info.name === writer.input || info.name === outputName
      ? valueInfo(info.name, info.type!, ["N", ...info.shape!.slice(1)])
      : info;
  const { inputs, outputs } = onnx.graph;
  return { ...onnx, graph: { ...onnx.graph, inputs: inputs.map(anyBatch), outputs: outputs.map(anyBatch) } };
}

/** The shapes of all weights of a network by name, in the order of the layers. */
export function weightShapes(net: Architecture): ReadonlyMap<string, Shape> {
  return written(net, 1).weights;
}

/**
 * The shapes of all weights that a training with this loss has: those of the network, and the visible bias of a machine.
 *
 * @throws PushforwardError as `trainingGraph`
 */
export const trainedShapes = (net: Architecture, loss: Loss): ReadonlyMap<string, Shape> =>
  trainingGraph(net, { batch: 1, loss }).weights;

/** A tensor between the layers of a network. */
export interface TensorPlace {
  readonly name: string;
  /** Its shape without the batch axis. */
  readonly shape: Shape;
  /** The number of layers with weights before it. */
  readonly number: number;
}

/** The tensors between the layers: the input, and the output of each layer. */
export function tensorsOf(net: Architecture): TensorPlace[] {
  const writer = new LayerWriter(net, 1);
  const place = () => ({ name: writer.last, shape: writer.shape.slice(1), number: writer.number });
  const input = place();
  const outputs = net.layers.map((layer) => {
    writeLayer(writer, layer);
    return place();
  });
  return [input, ...outputs];
}

/** Some consecutive layers of a network as a graph: from a tensor to the output of the last of them, with all weights as inputs. */
export function partModel(
  net: Architecture,
  { name, shape, number }: TensorPlace,
): Pick<LayerWriter, "weights"> & { readonly model: OnnxModel } {
  const writer = written({ ...net, inputName: name, input: shape }, 1, number);
  return { model: writer.model(new Map()).onnx, weights: writer.weights };
}

function written(net: Architecture, batch: number, earlier = 0): LayerWriter {
  const writer = new LayerWriter(net, batch, earlier);
  for (const layer of net.layers) writeLayer(writer, layer);
  return writer;
}
