import { formatShape, PushforwardError, sizeOf } from "../base/index.ts";
import { float, int } from "../onnx/index.ts";
import type { Activation, Convolution, Dense, Layer, Pool, Sigmoid } from "./architecture.ts";
import { type LayerWriter, windowAttributes } from "./layer-writer.ts";

type Kind = Layer["kind"];
type OfKind<K extends Kind> = Layer & { readonly kind: K };

/** How each kind of layer is written. In a graph that is not for training there is no dropout. */
const writers: { readonly [K in Kind]: (writer: LayerWriter, layer: OfKind<K>) => void } = {
  dense,
  conv: convolution,
  relu: (writer, layer) => activation(writer, layer, "Relu"),
  tanh: (writer, layer) => activation(writer, layer, "Tanh"),
  sigmoid: (writer, layer) => {
    const { gain = 1, offset = 0 } = layer;
    if (offset === 0) return activation(writer, layer, "Sigmoid");
    // 1/(1 + e^(−x)) = ½·tanh(x/2) + ½, so that with an offset of ½ no digits cancel near the origin.
    const name = writer.numbered("sigmoid");
    scale(writer, writer.numbered("gain"), gain / 2);
    writer.op("Tanh", writer.numbered("tanh"));
    writer.op("Mul", offset === 0.5 ? name : writer.numbered("half"), { inputs: [writer.scalar(`${name}.half`, 0.5)] });
    if (offset !== 0.5) writer.op("Add", name, { inputs: [writer.scalar(`${name}.shift`, 0.5 - offset)] });
  },
  erf: (writer, layer) => activation(writer, layer, "Erf", Math.sqrt(Math.PI) / 2),
  hardTanh: (writer, layer) => activation(writer, layer, "Clip"),
  linear: (writer, { gain = 1 }) => scale(writer, writer.numbered("linear"), gain),
  lrn: (writer, { size, alpha, beta, bias }) => {
    const attributes = { size: int(size), alpha: float(alpha), beta: float(beta), bias: float(bias) };
    writer.op("LRN", writer.numbered("norm"), { attributes });
  },
  maxPool: (writer, layer) => pool(writer, layer, "MaxPool"),
  avgPool: (writer, layer) => pool(writer, layer, "AveragePool"),
  dropout: (writer, { rate }) => {
    if (rate > 0) writer.mask(rate);
  },
  flatten,
};

/**
 * Adds a layer.
 *
 * @throws PushforwardError `model-invalid` where it does not fit what comes before it
 */
export function writeLayer<K extends Kind>(writer: LayerWriter, layer: OfKind<K>): void {
  writers[layer.kind as K](writer, layer);
}

function dense(writer: LayerWriter, layer: Dense): void {
  if (writer.shape.length > 2) flatten(writer);
  const [batch, width] = writer.shape as [number, number];
  const name = writer.nextWeighted("fc");
  const isTransposed = "tied" in layer && layer.transposed === true;
  const weight =
    "tied" in layer
      ? writer.sharedWeight(name, layer.tied, 2)
      : { name: writer.weight(name, [layer.units, width]), shape: [layer.units, width] };
  const [units, inputs] = (isTransposed ? [...weight.shape].reverse() : weight.shape) as [number, number];
  requireFit(name, inputs, width, "entries");
  writer.op("Gemm", name, {
    inputs: [weight.name, ...(layer.bias === false ? [] : [writer.bias(name, units)])],
    shape: [batch, units],
    attributes: { transB: int(isTransposed ? 0 : 1) },
  });
}

function convolution(writer: LayerWriter, layer: Convolution): void {
  const { stride = 1, pad = 0 } = layer;
  const name = writer.nextWeighted("conv");
  requirePictures(writer, name);
  const [batch, depth, ...spatial] = writer.shape as [number, number, ...number[]];
  const isTied = "tied" in layer;
  const isTransposed = isTied && layer.transposed === true;
  const weight = isTied
    ? writer.sharedWeight(name, layer.tied, 4)
    : {
        name: writer.weight(name, [layer.channels, depth, layer.kernel, layer.kernel]),
        shape: [layer.channels, depth, layer.kernel, layer.kernel],
      };
  const [outputs, inputs, kernel] = weight.shape as [number, number, number];
  requireFit(name, isTransposed ? outputs : inputs, depth, "channels");
  const channels = isTransposed ? inputs : outputs;
  // The transposed map reaches each entry that a window of the convolution has read.
  const extents = isTransposed
    ? spatial.map((extent) => (extent - 1) * stride + kernel - 2 * pad)
    : writer.windows(name, kernel, stride, pad);
  writer.op(isTransposed ? "ConvTranspose" : "Conv", name, {
    inputs: [weight.name, ...(layer.bias === false ? [] : [writer.bias(name, channels)])],
    shape: [batch, channels, ...extents],
    attributes: windowAttributes(kernel, stride, pad),
  });
}

function requireFit(node: string, wanted: number, given: number, things: string): void {
  if (wanted === given) return;
  throw new PushforwardError("model-invalid", {
    what: `The weight that this layer shares takes ${wanted} ${things}, but ${given} come in.`,
    where: { node },
    fix: `Let the layer before it have ${wanted} ${things}, or set "transposed".`,
  });
}

function flatten(writer: LayerWriter): void {
  const [batch, ...rest] = writer.shape as [number, ...number[]];
  writer.op("Flatten", writer.numbered("flat"), { shape: [batch, sizeOf(rest)], attributes: { axis: int(1) } });
}

/** f(slope · gain · x). */
function activation(writer: LayerWriter, { kind, gain = 1 }: Activation | Sigmoid, op: string, slope = 1): void {
  const name = writer.numbered(kind);
  if (gain * slope !== 1) scale(writer, writer.numbered("gain"), gain * slope);
  const limits = op === "Clip" ? [writer.scalar(`${name}.min`, -1), writer.scalar(`${name}.max`, 1)] : [];
  writer.op(op, name, { inputs: limits });
}

function scale(writer: LayerWriter, name: string, factor: number): void {
  writer.op("Mul", name, { inputs: [writer.scalar(`${name}.factor`, factor)] });
}

function pool(writer: LayerWriter, { kernel, stride = kernel, pad = 0 }: Pool, op: string): void {
  const name = writer.numbered("pool");
  requirePictures(writer, name);
  writer.op(op, name, {
    shape: [...writer.shape.slice(0, 2), ...writer.windows(name, kernel, stride, pad)],
    attributes: windowAttributes(kernel, stride, pad),
  });
}

function requirePictures({ shape }: LayerWriter, node: string): void {
  if (shape.length === 4) return;
  throw new PushforwardError("model-invalid", {
    what: `This layer takes pictures [C, H, W], but ${formatShape(shape.slice(1))} comes in.`,
    where: { node },
    fix: "Put it before layers that give vectors, and let the input of the network be [C, H, W].",
  });
}
