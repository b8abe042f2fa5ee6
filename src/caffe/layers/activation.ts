import { float, int } from "../../onnx/index.ts";
import type { GraphWriter, Value } from "../graph-writer.ts";
import { each, type LayerParts, type LayerType, weight } from "./layer.ts";

/** An operator of one input that needs no settings. */
const plain = (op: string, settings: string): LayerType => ({
  settings,
  ignored: ["engine"],
  write: each((bottom, { graph }) => graph.emit(op, [bottom], bottom.shape)),
});

const relu = each((bottom, { settings, graph }) => {
  const slope = settings.number("negative_slope", 0);
  if (slope === 0) return graph.emit("Relu", [bottom], bottom.shape);
  return graph.emit("LeakyRelu", [bottom], bottom.shape, { alpha: float(slope) });
});

const prelu = each((bottom, layer) => {
  const channels = layer.settings.boolean("channel_shared", false) ? 1 : bottom.shape[1]!;
  const slope = weight(layer, 0, "slope", [channels, ...bottom.shape.slice(2).map(() => 1)]);
  return layer.graph.emit("PRelu", [bottom, slope], bottom.shape);
});

const clip = (limits: (layer: LayerParts) => readonly [number, number]) =>
  each((bottom, layer) => {
    const [least, most] = limits(layer);
    const { graph } = layer;
    return graph.emit("Clip", [bottom, graph.scalar("min", least), graph.scalar("max", most)], bottom.shape);
  });

/** shift + scale · x, without what changes nothing. */
function affine(bottom: Value, { settings, graph }: LayerParts, factor = 1): Value {
  const scale = settings.number("scale", 1) * factor;
  const shift = settings.number("shift", 0) * factor;
  const scaled = scale === 1 ? bottom : graph.emit("Mul", [bottom, graph.scalar("scale", scale)], bottom.shape);
  return shift === 0 ? scaled : graph.emit("Add", [scaled, graph.scalar("shift", shift)], bottom.shape);
}

const power = each((bottom, layer) => {
  const exponent = layer.settings.number("power", 1);
  const base = affine(bottom, layer);
  return exponent === 1 ? base : raised(base, layer.graph, exponent);
});

const raised = (base: Value, graph: GraphWriter, exponent: number): Value =>
  graph.emit("Pow", [base, graph.scalar("power", exponent)], base.shape);

/** The logarithm of the base of Exp and Log; −1 stands for e. */
const logOfBase = ({ settings }: LayerParts): number => {
  const base = settings.number("base", -1);
  return base === -1 ? 1 : Math.log(base);
};

const exp = each((bottom, layer) => layer.graph.emit("Exp", [affine(bottom, layer, logOfBase(layer))], bottom.shape));

const log = each((bottom, layer) => {
  const { graph } = layer;
  const natural = graph.emit("Log", [affine(bottom, layer)], bottom.shape);
  const factor = 1 / logOfBase(layer);
  return factor === 1 ? natural : graph.emit("Mul", [natural, graph.scalar("factor", factor)], bottom.shape);
});

/** In the phase TEST nothing is dropped. Forks that do not scale in training scale here. */
const dropout = each((bottom, { settings, graph }) => {
  const share = settings.number("dropout_ratio", 0.5);
  if (settings.boolean("scale_train", true)) return bottom;
  return graph.emit("Mul", [bottom, graph.scalar("kept", 1 - share)], bottom.shape);
});

const threshold = each((bottom, { settings, graph }) => {
  const limit = graph.scalar("threshold", settings.number("threshold", 0));
  const above = graph.emit("Greater", [bottom, limit], bottom.shape);
  return graph.emit("Cast", [above], bottom.shape, { to: int(1) });
});

const swish = each((bottom, { settings, graph }) => {
  const beta = settings.number("beta", 1);
  const scaled = beta === 1 ? bottom : graph.emit("Mul", [bottom, graph.scalar("beta", beta)], bottom.shape);
  const gate = graph.emit("Sigmoid", [scaled], bottom.shape);
  return graph.emit("Mul", [bottom, gate], bottom.shape);
});

const elu = each((bottom, { settings, graph }) =>
  graph.emit("Elu", [bottom], bottom.shape, { alpha: float(settings.number("alpha", 1)) }),
);

const identity: LayerType = {
  settings: "",
  write: ({ bottoms, tops }) => Array.from({ length: Math.max(tops, 1) }, (_, top) => bottoms[top] ?? bottoms[0]!),
};

export const activationLayers: Readonly<Record<string, LayerType>> = {
  relu: { settings: "relu_param", ignored: ["engine", "fuse"], write: relu },
  relu6: { settings: "relu6_param", ignored: ["engine", "negative_slope"], write: clip(() => [0, 6]) },
  prelu: { settings: "prelu_param", ignored: ["filler"], write: prelu },
  elu: { settings: "elu_param", write: elu },
  clip: {
    settings: "clip_param",
    write: clip(({ settings }) => [settings.number("min", -Infinity), settings.number("max", Infinity)]),
  },
  sigmoid: plain("Sigmoid", "sigmoid_param"),
  tanh: plain("Tanh", "tanh_param"),
  absval: plain("Abs", "absval_param"),
  bnll: plain("Softplus", "bnll_param"),
  mish: plain("Mish", "mish_param"),
  swish: { settings: "swish_param", ignored: ["engine"], write: swish },
  power: { settings: "power_param", write: power },
  exp: { settings: "exp_param", write: exp },
  log: { settings: "log_param", write: log },
  threshold: { settings: "threshold_param", write: threshold },
  dropout: { settings: "dropout_param", write: dropout },
  split: identity,
  identity,
};
