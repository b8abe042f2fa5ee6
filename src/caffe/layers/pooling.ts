import { PushforwardError, type Shape } from "../../base/index.ts";
import { int, ints } from "../../onnx/index.ts";
import type { GraphWriter, Value } from "../graph-writer.ts";
import type { Message } from "../message.ts";
import { windowOf } from "./convolution.ts";
import { bottomAt, type LayerParts, type LayerType, refuse } from "./layer.ts";

const methods = ["MAX", "AVE", "STOCHASTIC"] as const;
type Method = (typeof methods)[number];

/** Windows of a pool, along each axis. */
interface Windows {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly pad: readonly number[];
}

/** The smallest float32 that is not subnormal: what Caffe's stochastic pool adds to a sum that it divides by. */
const LEAST = 2 ** -126;

/**
 * The number of windows along an axis. Caffe rounds up, so that the last window may reach beyond the picture and its padding; it leaves out a
 * window that would begin in the padding at the end.
 */
function windowCount(extent: number, kernel: number, stride: number, pad: number, roundsUp: boolean): number {
  const room = (extent + 2 * pad - kernel) / stride;
  const count = (roundsUp ? Math.ceil(room) : Math.floor(room)) + 1;
  return pad > 0 && (count - 1) * stride >= extent + pad ? count - 1 : count;
}

function pooling(layer: LayerParts): Value[] {
  const { settings } = layer;
  const bottom = bottomAt(layer, 0);
  const method = settings.choice("pool", methods, "MAX");
  const axes = bottom.shape.length - 2;
  if (axes < 1) {
    throw new PushforwardError("shape-mismatch", {
      what: `A pool needs axes behind the channels, and its bottom is ${bottom.shape.join("×")}.`,
      fix: "Check the shape of the input.",
    });
  }
  if (settings.boolean("global_pooling", false)) {
    const extents = bottom.shape.slice(2);
    settings.numbers("pad");
    settings.numbers("stride");
    if (method === "STOCHASTIC")
      return [
        stochastic(
          bottom,
          layer.graph,
          windowsOver(extents),
          extents.map(() => 1),
        ),
      ];
    const shape = [...bottom.shape.slice(0, 2), ...extents.map(() => 1)];
    return [layer.graph.emit(method === "MAX" ? "GlobalMaxPool" : "GlobalAveragePool", [bottom], shape)];
  }
  if (settings.numbers("dilation").some((step) => step !== 1)) refuse("Pools with dilation are not read.");
  const windows: Windows = {
    kernel: windowOf(settings, "kernel_size", ["kernel_h", "kernel_w"], axes, 0),
    stride: windowOf(settings, "stride", ["stride_h", "stride_w"], axes, 1),
    pad: windowOf(settings, "pad", ["pad_h", "pad_w"], axes, 0),
  };
  return pool(layer, bottom, method, windows, roundsUp(settings));
}

/** `round_mode` is Caffe's name for it; forks have `ceil_mode`. */
const roundsUp = (settings: Message): boolean =>
  settings.choice("round_mode", ["CEIL", "FLOOR"], "CEIL") === "CEIL" && settings.boolean("ceil_mode", true);

const windowsOver = (extents: readonly number[]): Windows => ({
  kernel: extents,
  stride: extents.map(() => 1),
  pad: extents.map(() => 0),
});

/** The pool, and for two tops the places of the maxima, which Upsample takes. */
function pool(layer: LayerParts, bottom: Value, method: Method, windows: Windows, up: boolean): Value[] {
  const { graph, tops } = layer;
  const { kernel, stride, pad } = windows;
  const [batch = 1, channels = 1, ...extents] = bottom.shape;
  if (kernel.some((extent) => extent < 1)) {
    throw new PushforwardError("model-invalid", { what: "The pool has no kernel_size.", fix: "Check the .prototxt." });
  }
  const counts = extents.map((extent, axis) => windowCount(extent, kernel[axis]!, stride[axis]!, pad[axis]!, up));
  if (counts.some((count, axis) => count < 1 || (count - 1) * stride[axis]! - pad[axis]! >= extents[axis]!)) {
    throw new PushforwardError("shape-mismatch", {
      what: `A window of ${kernel.join("×")} lies outside ${extents.join("×")}.`,
      fix: "Check the shape of the input.",
    });
  }
  if (method === "AVE") return [average(bottom, graph, windows, counts)];
  if (method === "STOCHASTIC") return [stochastic(bottom, graph, windows, counts)];
  const shape: Shape = [batch, channels, ...counts];
  const attributes = windowAttributes(windows, pad, overhang(extents, windows, counts));
  return graph.emitAll("MaxPool", [bottom], tops > 1 ? [shape, shape] : [shape], attributes);
}

/** How far the last window reaches beyond the picture, along each axis. */
const overhang = (extents: readonly number[], { kernel, stride, pad }: Windows, counts: readonly number[]): number[] =>
  extents.map((extent, axis) => Math.max(0, (counts[axis]! - 1) * stride[axis]! + kernel[axis]! - extent - pad[axis]!));

const windowAttributes = ({ kernel, stride }: Windows, begin: readonly number[], end: readonly number[]) => ({
  kernel_shape: ints(kernel),
  strides: ints(stride),
  pads: ints([...begin, ...end]),
});

/** Caffe divides by the part of the window that lies in the picture or its padding, and not by what reaches beyond the padding. */
function average(bottom: Value, graph: GraphWriter, windows: Windows, counts: readonly number[]): Value {
  const { pad } = windows;
  const [batch = 1, channels = 1, ...extents] = bottom.shape;
  const end = overhang(extents, windows, counts);
  const shape = [batch, channels, ...counts];
  const beyond = end.map((reach, axis) => Math.max(0, reach - pad[axis]!));
  if (beyond.every((reach) => reach === 0)) {
    const attributes = { ...windowAttributes(windows, pad, end), count_include_pad: int(1) };
    return graph.emit("AveragePool", [bottom], shape, attributes);
  }
  const padded = pad.some((extent) => extent > 0) ? zeroPadded(bottom, graph, pad) : bottom;
  const attributes = {
    ...windowAttributes(
      windows,
      pad.map(() => 0),
      beyond,
    ),
    count_include_pad: int(0),
  };
  return graph.emit("AveragePool", [padded], shape, attributes);
}

/** A picture with zeros around it. */
export function zeroPadded(bottom: Value, graph: GraphWriter, pad: readonly number[]): Value {
  const [batch = 1, channels = 1, ...extents] = bottom.shape;
  const shape = [batch, channels, ...extents.map((extent, axis) => extent + 2 * pad[axis]!)];
  return graph.emit("Pad", [bottom, graph.ints("pads", [0, 0, ...pad, 0, 0, ...pad])], shape);
}

/** In the phase TEST a stochastic pool is Σx² / Σx. */
function stochastic(bottom: Value, graph: GraphWriter, windows: Windows, counts: readonly number[]): Value {
  const squares = average(graph.emit("Mul", [bottom, bottom], bottom.shape), graph, windows, counts);
  const sums = average(bottom, graph, windows, counts);
  const positive = graph.emit("Add", [sums, graph.scalar("least", LEAST)], sums.shape);
  return graph.emit("Div", [squares, positive], sums.shape);
}

/** A pyramid of pools with 1, 2×2, 4×4, ... windows, in one row. */
function pyramid(layer: LayerParts): Value[] {
  const { settings, graph } = layer;
  const bottom = bottomAt(layer, 0);
  const [batch = 1, , ...extents] = bottom.shape;
  const method = settings.choice("pool", methods, "MAX");
  const height = settings.number("pyramid_height", 1);
  const widest = Math.max(0, ...extents);
  if (!Number.isInteger(height) || height < 1 || 2 ** (height - 1) > widest) {
    throw new PushforwardError("model-invalid", {
      what: `A pyramid of height ${height} has no windows in a bottom of ${bottom.shape.join("×")}.`,
      fix: "Check the layer in the .prototxt, and the shape of the input.",
    });
  }
  const levels = Array.from({ length: height }, (_, level) => {
    const bins = 2 ** level;
    const kernel = extents.map((extent) => Math.ceil(extent / bins));
    const pad = extents.map((extent, axis) => Math.floor((kernel[axis]! * bins - extent + 1) / 2));
    const [pooled] = pool({ ...layer, tops: 1 }, bottom, method, { kernel, stride: kernel, pad }, true);
    const entries = pooled!.shape.slice(1).reduce((product, extent) => product * extent, 1);
    return graph.emit("Flatten", [pooled], [batch, entries], { axis: int(1) });
  });
  const total = levels.reduce((sum, { shape }) => sum + shape[1]!, 0);
  return [graph.emit("Concat", levels, [batch, total], { axis: int(1) })];
}

/** Settings that a global pool does not look at. */
const paddings = ["pad_h", "pad_w", "stride_h", "stride_w", "round_mode", "ceil_mode", "dilation"];

export const poolingLayers: Readonly<Record<string, LayerType>> = {
  pooling: {
    settings: "pooling_param",
    ignored: ["engine", "axis", "kernel_size", "kernel_h", "kernel_w", ...paddings],
    write: pooling,
  },
  spp: { settings: "spp_param", ignored: ["engine"], write: pyramid },
};
