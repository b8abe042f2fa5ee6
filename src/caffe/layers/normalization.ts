import { PushforwardError, type Shape } from "../../base/index.ts";
import { float, int, ints } from "../../onnx/index.ts";
import type { GraphWriter, Value } from "../graph-writer.ts";
import { axisOf, bottomAt, each, type LayerParts, type LayerType, refuse, weight } from "./layer.ts";

/** Caffe's LRN across channels is that of ONNX. Within a channel it divides by the mean of squares in a window, padded with zeros. */
const lrn = each((bottom, { settings, graph }) => {
  const size = settings.number("local_size", 5);
  const [alpha, beta] = [settings.number("alpha", 1), settings.number("beta", 0.75)];
  const bias = settings.number("k", 1);
  const { shape } = bottom;
  if (settings.choice("norm_region", ["ACROSS_CHANNELS", "WITHIN_CHANNEL"], "ACROSS_CHANNELS") === "ACROSS_CHANNELS") {
    const attributes = { size: int(size), alpha: float(alpha), beta: float(beta), bias: float(bias) };
    return graph.emit("LRN", [bottom], shape, attributes);
  }
  const side = Math.floor((size - 1) / 2);
  const attributes = {
    kernel_shape: ints([size, size]),
    strides: ints([1, 1]),
    pads: ints([side, side, side, side]),
    count_include_pad: int(1),
  };
  const squares = graph.emit("AveragePool", [graph.emit("Mul", [bottom, bottom], shape)], shape, attributes);
  const scaled = graph.emit("Mul", [squares, graph.scalar("alpha", alpha)], shape);
  const base = graph.emit("Add", [scaled, graph.scalar("one", 1)], shape);
  return graph.emit("Mul", [bottom, graph.emit("Pow", [base, graph.scalar("power", -beta)], shape)], shape);
});

/**
 * Moving statistics, divided by the factor that Caffe stores beside them. NVIDIA's fork and Intel's store a scale and a bias behind it. With
 * `use_global_stats: false` the statistics are those of the batch, also in the phase TEST.
 */
const batchNorm = each((bottom, layer) => {
  const { settings, blobs, graph } = layer;
  const epsilon = settings.number("eps", 1e-5);
  const channels = bottom.shape[1] ?? 1;
  const hasScale = settings.boolean("scale_bias", blobs.length >= 5);
  if (!settings.boolean("use_global_stats", true)) {
    if (hasScale) refuse("A batch normalization by the statistics of the batch with a scale is not read.");
    const axes = [0, ...bottom.shape.slice(2).map((_, axis) => axis + 2)];
    return standardized(bottom, graph, axes, { epsilon, isInside: true });
  }
  const factor = blobs[2]?.data[0] ?? 1;
  const divided = (index: number, label: string) => {
    weightsAt(layer, index, channels);
    const { data } = blobs[index]!;
    return graph.floats(
      label,
      [channels],
      factor === 0 ? data.map(() => 0) : factor === 1 ? data : data.map((x) => x / factor),
    );
  };
  const mean = divided(0, "mean");
  const variance = divided(1, "variance");
  const scale = hasScale ? weight(layer, 3, "scale", [channels]) : graph.filled("scale", [channels], 1);
  const shift = hasScale ? weight(layer, 4, "bias", [channels]) : graph.filled("bias", [channels], 0);
  return batchNormalization(bottom, graph, [scale, shift, mean, variance], epsilon);
});

const batchNormalization = (
  bottom: Value,
  graph: GraphWriter,
  [scale, shift, mean, variance]: readonly [Value, Value, Value, Value],
  epsilon: number,
): Value =>
  graph.emit("BatchNormalization", [bottom, scale, shift, mean, variance], bottom.shape, { epsilon: float(epsilon) });

function weightsAt({ blobs }: LayerParts, index: number, count: number): void {
  if (blobs[index]?.data.length === count) return;
  throw new PushforwardError("model-invalid", {
    what: `The .caffemodel has no ${count} numbers for the statistics of this layer.`,
    fix: "The .prototxt and the .caffemodel must be of the same network.",
  });
}

/** The layer BN of forks: a scale and a bias (SegNet's for inference), or those and mean and variance. */
const bn = each((bottom, layer) => {
  const { settings, blobs, graph } = layer;
  const channels = bottom.shape[1] ?? 1;
  const scale = weight(layer, 0, "scale", [channels]);
  const shift = weight(layer, 1, "bias", [channels]);
  const isScale = settings.choice("bn_mode", ["LEARN", "INFERENCE"], "LEARN") === "INFERENCE" || blobs.length === 2;
  const epsilon = settings.number("eps", 1e-5);
  const [mean, variance] = isScale
    ? [graph.filled("mean", [channels], 0), graph.filled("variance", [channels], 1)]
    : [weight(layer, 2, "mean", [channels]), weight(layer, 3, "variance", [channels])];
  return batchNormalization(bottom, graph, [scale, shift, mean, variance], isScale ? 0 : epsilon);
});

/** (x − mean) / deviation over axes. Caffe adds epsilon to the deviation (MVN) or to the variance inside the root (BatchNorm). */
function standardized(
  bottom: Value,
  graph: GraphWriter,
  over: readonly number[],
  { epsilon, isInside, onlyMean = false }: { epsilon: number; isInside: boolean; onlyMean?: boolean },
): Value {
  const { shape } = bottom;
  const axes = graph.ints("axes", over);
  const reduced = shape.map((extent, axis) => (over.includes(axis) ? 1 : extent));
  const mean = graph.emit("ReduceMean", [bottom, axes], reduced);
  const centred = graph.emit("Sub", [bottom, mean], shape);
  if (onlyMean) return centred;
  const squares = graph.emit("Mul", [centred, centred], shape);
  const variance = graph.emit("ReduceMean", [squares, axes], reduced);
  const least = graph.scalar("epsilon", epsilon);
  const deviation = isInside
    ? graph.emit("Sqrt", [graph.emit("Add", [variance, least], reduced)], reduced)
    : graph.emit("Add", [graph.emit("Sqrt", [variance], reduced), least], reduced);
  return graph.emit("Div", [centred, deviation], shape);
}

const mvn = each((bottom, { settings, graph }) => {
  const first = settings.boolean("across_channels", false) ? 1 : 2;
  const axes = bottom.shape.flatMap((_, axis) => (axis >= first ? [axis] : []));
  const onlyMean = !settings.boolean("normalize_variance", true);
  return standardized(bottom, graph, axes, { epsilon: settings.number("eps", 1e-9), isInside: false, onlyMean });
});

/** The layer Normalize of SSD: x / √(Σx² + eps), times a scale for each channel. */
const normalize = each((bottom, layer) => {
  const { settings, graph } = layer;
  const { shape } = bottom;
  const channels = shape[1] ?? 1;
  const last = settings.boolean("across_spatial", true) ? shape.length : 2;
  const axes = shape.flatMap((_, axis) => (axis >= 1 && axis < last ? [axis] : []));
  const reduced = shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
  const squares = graph.emit("ReduceSumSquare", [bottom, graph.ints("axes", axes)], reduced);
  const positive = graph.emit("Add", [squares, graph.scalar("epsilon", settings.number("eps", 1e-10))], reduced);
  const direction = graph.emit("Div", [bottom, graph.emit("Sqrt", [positive], reduced)], shape);
  const shared = settings.boolean("channel_shared", true);
  const ofChannels: Shape = [shared ? 1 : channels, ...shape.slice(2).map(() => 1)];
  return graph.emit("Mul", [direction, weight(layer, 0, "scale", ofChannels)], shape);
});

/** Scale and Bias: with one bottom their numbers are weights, with two they are the second bottom; both begin at `axis`. */
function operand(layer: LayerParts, index: number, label: string): Value {
  const { settings, graph, bottoms } = layer;
  const { shape } = bottomAt(layer, 0);
  const second = index === 0 ? bottoms[1] : undefined;
  const given = settings.number("axis", 1);
  const count = second === undefined ? settings.number("num_axes", 1) : second.shape.length;
  if (count === 0) return second ?? weight(layer, index, label, []);
  const axis = axisOf(given, shape.length);
  const last = count === -1 ? shape.length : axis + count;
  const covered = shape.slice(axis, last);
  const after = shape.slice(last).map(() => 1);
  if (second === undefined) return weight(layer, index, label, [...covered, ...after]);
  if (covered.length < count || covered.some((extent, at) => extent !== second.shape[at])) {
    throw new PushforwardError("model-invalid", {
      what: `The second bottom, ${second.shape.join("×")}, does not fit the first, ${shape.join("×")}, from axis ${axis}.`,
      fix: "Check the layer in the .prototxt.",
    });
  }
  return graph.reshape(second, [...second.shape, ...after]);
}

function scale(layer: LayerParts): Value[] {
  const { settings, graph } = layer;
  const bottom = bottomAt(layer, 0);
  const product = graph.emit("Mul", [bottom, operand(layer, 0, "scale")], bottom.shape);
  if (!settings.boolean("bias_term", false)) return [product];
  const bias = biasOf(layer, bottom.shape);
  return [graph.emit("Add", [product, bias], bottom.shape)];
}

/** The bias of a Scale lies behind its scale, or first where the scale is a bottom. It has the shape of the scale. */
function biasOf(layer: LayerParts, shape: Shape): Value {
  const second = layer.bottoms[1];
  if (second === undefined) return operand(layer, 1, "bias");
  const axis = axisOf(layer.settings.number("axis", 1), shape.length);
  return weight(layer, 0, "bias", [...second.shape, ...shape.slice(axis + second.shape.length).map(() => 1)]);
}

function bias(layer: LayerParts): Value[] {
  const bottom = bottomAt(layer, 0);
  return [layer.graph.emit("Add", [bottom, operand(layer, 0, "bias")], bottom.shape)];
}

export const normalizationLayers: Readonly<Record<string, LayerType>> = {
  lrn: { settings: "lrn_param", ignored: ["engine", "k"], write: lrn },
  batchnorm: {
    settings: "batch_norm_param",
    ignored: ["moving_average_fraction", "engine", "scale_filler", "bias_filler"],
    write: batchNorm,
  },
  bn: {
    settings: "bn_param",
    ignored: ["scale_filler", "shift_filler", "slope_filler", "bias_filler", "momentum", "frozen", "engine", "eps"],
    write: bn,
  },
  mvn: { settings: "mvn_param", write: mvn },
  normalize: { settings: "norm_param", ignored: ["scale_filler"], write: normalize },
  scale: { settings: "scale_param", ignored: ["filler", "bias_filler", "num_axes", "axis"], write: scale },
  bias: { settings: "bias_param", ignored: ["filler", "num_axes", "axis"], write: bias },
};
