import { PushforwardError, type Shape, sizeOf } from "../../base/index.ts";
import { int, ints, text } from "../../onnx/index.ts";
import type { GraphWriter, Value } from "../graph-writer.ts";
import { axisOf, bottomAt, each, type LayerParts, type LayerType, refuse } from "./layer.ts";
import { zeroPadded } from "./pooling.ts";

const flatten = each((bottom, { settings, graph }) => {
  const rank = bottom.shape.length;
  const first = axisOf(settings.number("axis", 1), rank);
  const end = settings.number("end_axis", -1);
  const last = end < 0 ? end + rank : end;
  const { shape } = bottom;
  return graph.reshape(bottom, [
    ...shape.slice(0, first),
    sizeOf(shape.slice(first, last + 1)),
    ...shape.slice(last + 1),
  ]);
});

const reshape = each((bottom, { settings, graph }) => {
  const { shape } = bottom;
  const rank = shape.length;
  const axis = settings.number("axis", 0);
  const first = axis < 0 ? axis + rank + 1 : axisOf(axis, rank);
  const count = settings.number("num_axes", -1);
  const last = count === -1 ? rank : first + count;
  const oldest = ["new_num", "new_channels", "new_height", "new_width"].map((name) => settings.number(name, 0));
  const isOldest = oldest.some((extent) => extent !== 0);
  const wanted = isOldest ? oldest : settings.message("shape").numbers("dim");
  const filled = wanted.map((extent, at) => (extent === 0 ? (shape[first + at] ?? 1) : extent));
  const known = sizeOf(filled.filter((extent) => extent !== -1));
  const inferred = sizeOf(shape.slice(first, last)) / known;
  const middle = filled.map((extent) => (extent === -1 ? inferred : extent));
  return graph.reshape(bottom, [...shape.slice(0, first), ...middle, ...shape.slice(last)]);
});

/** `axis`, or the older name of it. */
const axisNamed = ({ settings }: LayerParts, older: string, rank: number): number =>
  axisOf(settings.number("axis", settings.number(older, 1)), rank);

function concat(layer: LayerParts): Value[] {
  const first = bottomAt(layer, 0);
  const axis = axisNamed(layer, "concat_dim", first.shape.length);
  const total = layer.bottoms.reduce((sum, { shape }) => sum + (shape[axis] ?? 0), 0);
  const differs = layer.bottoms.find(({ shape }) =>
    first.shape.some((extent, at) => at !== axis && extent !== shape[at]),
  );
  if (differs !== undefined) {
    throw new PushforwardError("model-invalid", {
      what: `${first.shape.join("×")} and ${differs.shape.join("×")} cannot be joined along axis ${axis}.`,
      fix: "Check the .prototxt and the shape of the input.",
    });
  }
  if (axis === 0) layer.graph.isBatchFixed = true;
  const shape = first.shape.map((extent, at) => (at === axis ? total : extent));
  return [layer.graph.emit("Concat", layer.bottoms, shape, { axis: int(axis) })];
}

function slice(layer: LayerParts): Value[] {
  const { settings, graph, tops } = layer;
  const bottom = bottomAt(layer, 0);
  const axis = axisNamed(layer, "slice_dim", bottom.shape.length);
  const extent = bottom.shape[axis] ?? 0;
  const points = settings.numbers("slice_point");
  const inner = points.length > 0 ? points : Array.from({ length: tops - 1 }, (_, at) => ((at + 1) * extent) / tops);
  const bounds = [0, ...inner, extent];
  const sizes = bounds.slice(1).map((bound, at) => bound - bounds[at]!);
  if (sizes.length !== tops || sizes.some((size) => !Number.isInteger(size) || size < 1)) {
    throw new PushforwardError("model-invalid", {
      what: `${extent} entries along axis ${axis} cannot be divided at ${inner.join(", ")} into ${tops} tops.`,
      fix: "Check the layer in the .prototxt.",
    });
  }
  if (tops === 1) return [bottom];
  if (axis === 0) graph.isBatchFixed = true;
  const shapes = sizes.map((size) => bottom.shape.map((own, at) => (at === axis ? size : own)));
  return graph.emitAll("Split", [bottom, graph.ints("sizes", sizes)], shapes, { axis: int(axis) });
}

/** Cuts axes to parts. */
function cut(
  bottom: Value,
  graph: GraphWriter,
  from: number,
  starts: readonly number[],
  sizes: readonly number[],
): Value {
  const ends = starts.map((start, at) => start + sizes[at]!);
  const axes = starts.map((_, at) => from + at);
  if (ends.some((end, at) => end > bottom.shape[from + at]!) || starts.some((start) => start < 0)) {
    throw new PushforwardError("model-invalid", {
      what: `${bottom.shape.join("×")} has no part of ${sizes.join("×")} at ${starts.join(", ")}.`,
      fix: "Check the layer in the .prototxt, and the shape of the input.",
    });
  }
  const inputs = [bottom, graph.ints("starts", starts), graph.ints("ends", ends), graph.ints("axes", axes)];
  return graph.emit("Slice", inputs, [
    ...bottom.shape.slice(0, from),
    ...sizes,
    ...bottom.shape.slice(from + sizes.length),
  ]);
}

/** The first bottom, cut to the size of the second from `axis` on. */
function crop(layer: LayerParts): Value[] {
  const { settings, graph } = layer;
  const [bottom, reference] = [bottomAt(layer, 0), bottomAt(layer, 1)];
  const axis = axisOf(settings.number("axis", 2), bottom.shape.length);
  const sizes = reference.shape.slice(axis);
  const offsets = settings.numbers("offset");
  if (axis === 0) graph.isBatchFixed = true;
  return [
    cut(
      bottom,
      graph,
      axis,
      sizes.map((_, at) => offsets[at] ?? offsets.at(-1) ?? 0),
      sizes,
    ),
  ];
}

const permute = each((bottom, { settings, graph }) => {
  const order = settings.numbers("order");
  const all = [...order, ...bottom.shape.flatMap((_, axis) => (order.includes(axis) ? [] : [axis]))];
  if (all[0] !== 0) graph.isBatchFixed = true;
  return graph.emit(
    "Transpose",
    [bottom],
    all.map((axis) => bottom.shape[axis]!),
    { perm: ints(all) },
  );
});

const tile = each((bottom, { settings, graph }) => {
  const axis = axisOf(settings.number("axis", 1), bottom.shape.length);
  const repeats = bottom.shape.map((_, at) => (at === axis ? settings.number("tiles", 1) : 1));
  if (axis === 0) graph.isBatchFixed = true;
  return graph.emit(
    "Tile",
    [bottom, graph.ints("repeats", repeats)],
    bottom.shape.map((extent, at) => extent * repeats[at]!),
  );
});

/** Channels g·n + i become i·G + g, for G groups of n. */
const shuffle = each((bottom, { settings, graph }) => {
  const groups = settings.number("group", 1);
  const [batch = 1, channels = 1, ...rest] = bottom.shape;
  const apart = graph.reshape(bottom, [batch, groups, channels / groups, sizeOf(rest)]);
  const shape: Shape = [batch, channels / groups, groups, sizeOf(rest)];
  return graph.reshape(graph.emit("Transpose", [apart], shape, { perm: ints([0, 2, 1, 3]) }), bottom.shape);
});

/** Bilinear, corner to corner, as in DeepLab and PSPNet. A negative `pad` cuts first. The size may be that of a second bottom. */
function interpolate(layer: LayerParts): Value[] {
  const { settings, graph, bottoms } = layer;
  const bottom = bottomAt(layer, 0);
  const [begin, end] = [settings.number("pad_beg", 0), settings.number("pad_end", 0)];
  if (begin > 0 || end > 0) refuse("Interp with positive padding does not exist.");
  const extents = bottom.shape.slice(2);
  const inner = extents.map((extent) => extent + begin + end);
  const part =
    begin === 0 && end === 0
      ? bottom
      : cut(
          bottom,
          graph,
          2,
          inner.map(() => -begin),
          inner,
        );
  const shrink = settings.number("shrink_factor", 1);
  const zoom = settings.number("zoom_factor", 1);
  const byFactors = inner.map((extent) => {
    const shrunk = Math.floor((extent - 1) / shrink) + 1;
    return shrunk + (shrunk - 1) * (zoom - 1);
  });
  const given = [settings.number("height", 0), settings.number("width", 0)];
  const isGiven = given.every((extent) => extent > 0);
  const sizes = bottoms[1]?.shape.slice(2) ?? (isGiven ? given : byFactors);
  if (sizes.every((size, at) => size === inner[at])) return [part];
  const attributes = {
    mode: text("linear"),
    coordinate_transformation_mode: text("align_corners"),
    axes: ints([2, 3]),
  };
  const inputs = [part, undefined, undefined, graph.ints("sizes", sizes)];
  return [graph.emit("Resize", inputs, [...bottom.shape.slice(0, 2), ...sizes], attributes)];
}

/** Each entry becomes a square (YOLO), or goes back to the place that a pool took it from (SegNet). */
function upsample(layer: LayerParts): Value[] {
  const { settings, graph, bottoms } = layer;
  const bottom = bottomAt(layer, 0);
  const factor = settings.number("scale", 2);
  const factors = [settings.number("scale_h", factor), settings.number("scale_w", factor)];
  const extents = bottom.shape.slice(2).map((extent, at) => extent * factors[at]!);
  const sizes = [settings.number("upsample_h", extents[0]!), settings.number("upsample_w", extents[1]!)];
  const [pads, outs] = [["pad_out_h", "pad_out_w"], sizes];
  if (pads.some((name) => settings.boolean(name, false))) refuse("Upsample with padding at its end is not read.");
  const shape = [...bottom.shape.slice(0, 2), ...outs];
  const mask = bottoms[1];
  if (mask !== undefined) {
    graph.isBatchFixed = true;
    const attributes = { kernel_shape: ints(factors), strides: ints(factors) };
    return [graph.emit("MaxUnpool", [bottom, mask, graph.ints("shape", shape)], shape, attributes)];
  }
  const attributes = {
    mode: text("nearest"),
    coordinate_transformation_mode: text("asymmetric"),
    nearest_mode: text("floor"),
  };
  const scales = graph.floats("scales", [4], [1, 1, ...outs.map((size, at) => size / bottom.shape[at + 2]!)]);
  return [graph.emit("Resize", [bottom, undefined, scales], shape, attributes)];
}

/** Zeros around a picture, which the oldest files have as a layer of its own. */
const padding = each((bottom, { settings, graph }) => {
  const pad = settings.number("pad", 0);
  return zeroPadded(
    bottom,
    graph,
    bottom.shape.slice(2).map(() => pad),
  );
});

/** Rows of the first bottom, in the order that the second gives. */
function batchReindex(layer: LayerParts): Value[] {
  const { graph } = layer;
  const [bottom, order] = [bottomAt(layer, 0), bottomAt(layer, 1)];
  graph.isBatchFixed = true;
  const indices = graph.emit("Cast", [order], order.shape, { to: int(7) });
  return [graph.emit("Gather", [bottom, indices], [...order.shape, ...bottom.shape.slice(1)], { axis: int(0) })];
}

export const shapeLayers: Readonly<Record<string, LayerType>> = {
  flatten: { settings: "flatten_param", write: flatten },
  reshape: { settings: "reshape_param", write: reshape },
  concat: { settings: "concat_param", ignored: ["concat_dim"], write: concat },
  slice: { settings: "slice_param", ignored: ["slice_dim"], write: slice },
  crop: { settings: "crop_param", write: crop },
  permute: { settings: "permute_param", write: permute },
  tile: { settings: "tile_param", write: tile },
  shufflechannel: { settings: "shuffle_channel_param", write: shuffle },
  interp: { settings: "interp_param", write: interpolate },
  upsample: { settings: "upsample_param", write: upsample },
  padding: { settings: "", write: padding },
  batchreindex: { settings: "batch_reindex_param", write: batchReindex },
};
