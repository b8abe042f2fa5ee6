import { PushforwardError, type Shape, sizeOf } from "../../base/index.ts";
import { type Attributes, int, ints } from "../../onnx/index.ts";
import type { Value } from "../graph-writer.ts";
import { type Message, perAxis } from "../message.ts";
import { axisOf, bottomAt, each, type LayerParts, type LayerType, refuse, weight } from "./layer.ts";

/** A value for each axis of a window: from `field`, or from the two fields for height and width. */
export function windowOf(
  settings: Message,
  field: string,
  [height, width]: readonly [string, string],
  axes: number,
  otherwise: number,
): number[] {
  const all = settings.numbers(field);
  const apart = [settings.numbers(height), settings.numbers(width)];
  if (apart.every((values) => values.length === 0)) return perAxis(all, axes, otherwise, field);
  if (axes !== 2) refuse(`The settings ${height} and ${width} are for two axes, and there are ${axes}.`);
  return apart.map((values, axis) => values.at(-1) ?? all[axis] ?? all[0] ?? otherwise);
}

interface Geometry {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly pad: readonly number[];
  readonly dilation: readonly number[];
}

function geometryOf(settings: Message, axes: number): Geometry {
  const kernel = windowOf(settings, "kernel_size", ["kernel_h", "kernel_w"], axes, 0);
  if (kernel.some((extent) => extent < 1)) {
    throw new PushforwardError("model-invalid", { what: "The layer has no kernel_size.", fix: "Check the .prototxt." });
  }
  return {
    kernel,
    stride: windowOf(settings, "stride", ["stride_h", "stride_w"], axes, 1),
    pad: windowOf(settings, "pad", ["pad_h", "pad_w"], axes, 0),
    dilation: perAxis(settings.numbers("dilation"), axes, 1, "dilation"),
  };
}

const attributesOf = ({ kernel, stride, pad, dilation }: Geometry, group: number): Attributes => ({
  kernel_shape: ints(kernel),
  strides: ints(stride),
  pads: ints([...pad, ...pad]),
  dilations: ints(dilation),
  group: int(group),
});

/** A convolution, or a transposed one, which Caffe calls Deconvolution: its weights are [in, out / group, ...]. */
function convolution(isTransposed: boolean, groupOf: (layer: LayerParts, channels: number) => number) {
  return each((bottom, layer) => {
    const { settings, graph } = layer;
    const [batch = 1, channels = 1, ...extents] = bottom.shape;
    if (axisOf(settings.number("axis", 1), bottom.shape.length) !== 1) {
      refuse("The convolution's channels are not on axis 1.");
    }
    const geometry = geometryOf(settings, extents.length);
    const { kernel, stride, pad, dilation } = geometry;
    const group = groupOf(layer, channels);
    const outputs = settings.number("num_output", channels);
    if (channels % group !== 0 || outputs % group !== 0) {
      throw new PushforwardError("model-invalid", {
        what: `${channels} channels and ${outputs} outputs cannot be divided into ${group} groups.`,
        fix: "Check the layer in the .prototxt, and the shape of the input.",
      });
    }
    const shape = isTransposed ? [channels, outputs / group, ...kernel] : [outputs, channels / group, ...kernel];
    const filters = weight(layer, 0, "weight", shape);
    const bias = settings.boolean("bias_term", true) ? weight(layer, 1, "bias", [outputs]) : undefined;
    const spatial = extents.map((extent, axis) => {
      const reach = dilation[axis]! * (kernel[axis]! - 1) + 1;
      if (isTransposed) return stride[axis]! * (extent - 1) + reach - 2 * pad[axis]!;
      return Math.floor((extent + 2 * pad[axis]! - reach) / stride[axis]!) + 1;
    });
    if (spatial.some((extent) => extent < 1)) {
      throw new PushforwardError("shape-mismatch", {
        what: `The kernel of ${kernel.join("×")} does not fit into ${extents.join("×")}.`,
        fix: "Check the shape of the input.",
      });
    }
    return graph.emit(
      isTransposed ? "ConvTranspose" : "Conv",
      bias === undefined ? [bottom, filters] : [bottom, filters, bias],
      [batch, outputs, ...spatial],
      attributesOf(geometry, group),
    );
  });
}

const group = ({ settings }: LayerParts): number => settings.number("group", 1);
const convolutionSettings = {
  settings: "convolution_param",
  ignored: ["weight_filler", "bias_filler", "engine", "force_nd_im2col", "cudnn_convolution_algo_seeker", "group"],
};

/** y = W·x + b, where x is what lies behind `axis` in one row. */
function innerProduct(layer: LayerParts): Value[] {
  const { settings, graph } = layer;
  const bottom = bottomAt(layer, 0);
  const axis = axisOf(settings.number("axis", 1), bottom.shape.length);
  const kept = bottom.shape.slice(0, axis);
  const inputs = sizeOf(bottom.shape.slice(axis));
  const outputs = settings.number("num_output", 0);
  const isTransposed = settings.boolean("transpose", false);
  const matrix = weight(layer, 0, "weight", isTransposed ? [inputs, outputs] : [outputs, inputs]);
  const bias = settings.boolean("bias_term", true) ? weight(layer, 1, "bias", [outputs]) : undefined;
  const isFlat = bottom.shape.length === axis + 1;
  const rows =
    axis === 1 && !isFlat
      ? graph.emit("Flatten", [bottom], [kept[0]!, inputs], { axis: int(1) })
      : graph.reshape(bottom, axis === 0 ? [1, inputs] : [...kept, inputs]);
  if (axis <= 1) {
    const attributes = { transB: int(isTransposed ? 0 : 1) };
    const product = graph.emit(
      "Gemm",
      bias === undefined ? [rows, matrix] : [rows, matrix, bias],
      [kept[0] ?? 1, outputs],
      attributes,
    );
    return [axis === 0 ? graph.reshape(product, [outputs]) : product];
  }
  const shape: Shape = [...kept, outputs];
  const factor = isTransposed ? matrix : graph.emit("Transpose", [matrix], [inputs, outputs], { perm: ints([1, 0]) });
  const product = graph.emit("MatMul", [rows, factor], shape);
  return [bias === undefined ? product : graph.emit("Add", [product, bias], shape)];
}

/** A row of the table for each index. */
function embed(layer: LayerParts): Value[] {
  const { settings, graph } = layer;
  const bottom = bottomAt(layer, 0);
  const outputs = settings.number("num_output", 0);
  const table = weight(layer, 0, "weight", [settings.number("input_dim", 0), outputs]);
  const shape = [...bottom.shape, outputs];
  const ids = graph.emit("Cast", [bottom], bottom.shape, { to: int(7) });
  const rows = graph.emit("Gather", [table, ids], shape, { axis: int(0) });
  if (!settings.boolean("bias_term", true)) return [rows];
  return [graph.emit("Add", [rows, weight(layer, 1, "bias", [outputs])], shape)];
}

export const convolutionLayers: Readonly<Record<string, LayerType>> = {
  convolution: { ...convolutionSettings, write: convolution(false, group) },
  deconvolution: { ...convolutionSettings, write: convolution(true, group) },
  convolutiondepthwise: { ...convolutionSettings, write: convolution(false, (_, channels) => channels) },
  depthwiseconvolution: { ...convolutionSettings, write: convolution(false, (_, channels) => channels) },
  innerproduct: {
    settings: "inner_product_param",
    ignored: ["weight_filler", "bias_filler", "engine"],
    write: innerProduct,
  },
  embed: { settings: "embed_param", ignored: ["weight_filler", "bias_filler"], write: embed },
};
