import { PushforwardError, sizeOf } from "../../base/index.ts";
import { float, int } from "../../onnx/index.ts";
import type { Value } from "../graph-writer.ts";
import { axisOf, bottomAt, each, type LayerParts, type LayerType } from "./layer.ts";

function eltwise(layer: LayerParts): Value[] {
  const { settings, graph, bottoms } = layer;
  const operation = settings.choice("operation", ["PROD", "SUM", "MAX"], "SUM");
  const coefficients = settings.numbers("coeff");
  const { shape } = bottomAt(layer, 0);
  if (coefficients.length > 0 && coefficients.length !== bottoms.length) {
    throw new PushforwardError("model-invalid", {
      what: `The layer has ${bottoms.length} bottoms and ${coefficients.length} coefficients.`,
      fix: "Check the layer in the .prototxt.",
    });
  }
  const terms =
    operation !== "SUM"
      ? bottoms
      : bottoms.map((bottom, at) => {
          const factor = coefficients[at] ?? 1;
          return factor === 1 ? bottom : graph.emit("Mul", [bottom, graph.scalar("coeff", factor)], shape);
        });
  const op = { PROD: "Mul", SUM: "Add", MAX: "Max" }[operation];
  if (op === "Max") return [graph.emit(op, terms, shape)];
  return [terms.slice(1).reduce((sum, term) => graph.emit(op, [sum, term], shape), terms[0]!)];
}

const softmax = each((bottom, { settings, graph }) =>
  graph.emit("Softmax", [bottom], bottom.shape, { axis: int(axisOf(settings.number("axis", 1), bottom.shape.length)) }),
);

/** All axes from `axis` on become one number. */
function reduction(layer: LayerParts): Value[] {
  const { settings, graph } = layer;
  const bottom = bottomAt(layer, 0);
  const names = ["SUM", "ASUM", "SUMSQ", "MEAN"] as const;
  const operation = settings.choice("operation", names, "SUM", 1);
  const op = { SUM: "ReduceSum", ASUM: "ReduceL1", SUMSQ: "ReduceSumSquare", MEAN: "ReduceMean" }[operation];
  const axis = axisOf(settings.number("axis", 0), bottom.shape.length);
  if (axis === 0) graph.isBatchFixed = true;
  const axes = bottom.shape.flatMap((_, at) => (at >= axis ? [at] : []));
  const shape = bottom.shape.slice(0, axis);
  const reduced = graph.emit(op, [bottom, graph.ints("axes", axes)], shape, { keepdims: int(0) });
  const factor = settings.number("coeff", 1);
  return [factor === 1 ? reduced : graph.emit("Mul", [reduced, graph.scalar("coeff", factor)], shape)];
}

/** The places of the largest entries as floats, or the entries, or both. */
function argMax(layer: LayerParts): Value[] {
  const { settings, graph } = layer;
  const bottom = bottomAt(layer, 0);
  const count = settings.number("top_k", 1);
  const withValues = settings.boolean("out_max_val", false);
  const hasAxis = settings.has("axis");
  const [batch = 1, ...rest] = bottom.shape;
  const axis = hasAxis ? axisOf(settings.number("axis", 0), bottom.shape.length) : 1;
  const rows = hasAxis ? bottom : graph.reshape(bottom, [batch, sizeOf(rest)]);
  const shape = rows.shape.map((extent, at) => (at === axis ? count : extent));
  const [values, places] = graph.emitAll("TopK", [rows, graph.ints("k", [count])], [shape, shape], { axis: int(axis) });
  if (hasAxis && withValues) return [values!];
  const indices = graph.emit("Cast", [places], shape, { to: int(1) });
  if (hasAxis) return [indices];
  const after = bottom.shape.slice(3).map(() => 1);
  const inRows = (value: Value) => graph.reshape(value, [batch, 1, count, ...after]);
  if (!withValues) return [inRows(indices)];
  const both = [batch, 2, count, ...after];
  return [graph.emit("Concat", [inRows(indices), inRows(values!)], both, { axis: int(1) })];
}

/** a · x + y, as in SENet, with one number a for each channel. */
function axpy(layer: LayerParts): Value[] {
  const { graph } = layer;
  const [factor, x, y] = [bottomAt(layer, 0), bottomAt(layer, 1), bottomAt(layer, 2)];
  const channels = graph.reshape(factor, [...x.shape.slice(0, 2), ...x.shape.slice(2).map(() => 1)]);
  return [graph.emit("Add", [graph.emit("Mul", [channels, x], x.shape), y], x.shape)];
}

/** The largest entry in each part of a region. */
function roiPooling(layer: LayerParts): Value[] {
  const { settings, graph } = layer;
  const [bottom, regions] = [bottomAt(layer, 0), bottomAt(layer, 1)];
  const size = [settings.number("pooled_h", 0), settings.number("pooled_w", 0)];
  const rows = graph.reshape(regions, [regions.shape[0]!, 5]);
  const attributes = {
    pooled_shape: { kind: "ints" as const, value: size },
    spatial_scale: float(settings.number("spatial_scale", 1)),
  };
  return [graph.emit("MaxRoiPool", [bottom, rows], [regions.shape[0]!, bottom.shape[1]!, ...size], attributes)];
}

export const combinationLayers: Readonly<Record<string, LayerType>> = {
  eltwise: { settings: "eltwise_param", ignored: ["stable_prod_grad", "coeff"], write: eltwise },
  softmax: { settings: "softmax_param", ignored: ["engine"], write: softmax },
  reduction: { settings: "reduction_param", write: reduction },
  argmax: { settings: "argmax_param", write: argMax },
  axpy: { settings: "axpy_param", write: axpy },
  roipooling: { settings: "roi_pooling_param", write: roiPooling },
};
