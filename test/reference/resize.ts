import type { readAttributes } from "../../src/onnx/index.ts";
import { type Array64, array, fibres, type ReferenceOps } from "./tensor.ts";

type Attributes = ReturnType<typeof readAttributes>;

/** Where output place i lies on the input's axis. */
function coordinate(mode: string, i: number, input: number, output: number, scale: number): number {
  switch (mode) {
    case "half_pixel":
      return (i + 0.5) / scale - 0.5;
    case "half_pixel_symmetric": {
      const adjustment = output / (scale * input);
      return (input / 2) * (1 - adjustment) + (i + 0.5) / scale - 0.5;
    }
    case "pytorch_half_pixel":
      return output > 1 ? (i + 0.5) / scale - 0.5 : 0;
    case "align_corners":
      return output === 1 ? 0 : (i * (input - 1)) / (output - 1);
    case "asymmetric":
      return i / scale;
    default:
      throw new Error(`coordinate_transformation_mode ${mode}`);
  }
}

function nearest(mode: string, place: number): number {
  switch (mode) {
    case "round_prefer_floor":
      return Math.ceil(place - 0.5);
    case "round_prefer_ceil":
      return Math.floor(place + 0.5);
    case "floor":
      return Math.floor(place);
    default:
      return Math.ceil(place);
  }
}

const triangle = (distance: number) => Math.max(0, 1 - Math.abs(distance));

/** Keys' cubic kernel. */
function cubic(distance: number, a: number): number {
  const d = Math.abs(distance);
  if (d <= 1) return (a + 2) * d ** 3 - (a + 3) * d ** 2 + 1;
  return d < 2 ? a * d ** 3 - 5 * a * d ** 2 + 8 * a * d - 4 * a : 0;
}

/** Weights of the input's places for one output place. */
function weights(attributes: Attributes, place: number, input: number, scale: number): Map<number, number> {
  const mode = attributes.text("mode", "nearest");
  const clamp = (i: number) => Math.min(Math.max(i, 0), input - 1);
  if (mode === "nearest") {
    return new Map([[clamp(nearest(attributes.text("nearest_mode", "round_prefer_floor"), place)), 1]]);
  }
  const antialias = attributes.int("antialias", 0) !== 0;
  const squeeze = antialias ? Math.min(scale, 1) : 1;
  const reach = (mode === "linear" ? 1 : 2) / squeeze;
  const kernel = mode === "linear" ? triangle : (d: number) => cubic(d, attributes.float("cubic_coeff_a", -0.75));
  const excluded = attributes.int("exclude_outside", 0) !== 0;
  const result = new Map<number, number>();
  let total = 0;
  for (let i = Math.floor(place - reach); i <= Math.ceil(place + reach); i++) {
    const weight = kernel((i - place) * squeeze);
    if (weight === 0 || (excluded && i !== clamp(i))) continue;
    result.set(clamp(i), (result.get(clamp(i)) ?? 0) + weight);
    total += weight;
  }
  return new Map([...result].map(([i, weight]) => [i, weight / total]));
}

/** One axis at a time: each output place is a weighted sum of the input's. */
function alongAxis(x: Array64, axis: number, output: number, scale: number, attributes: Attributes): Array64 {
  const input = x.shape[axis]!;
  const mode = attributes.text("coordinate_transformation_mode", "half_pixel");
  const rows = Array.from({ length: output }, (_, i) =>
    weights(attributes, coordinate(mode, i, input, output, scale), input, scale),
  );
  const shape = x.shape.map((extent, d) => (d === axis ? output : extent));
  const y = new Float64Array((x.data.length / input) * output);
  const targets = fibres(shape, [axis]);
  fibres(x.shape, [axis]).forEach((places, fibre) => {
    rows.forEach((row, i) => {
      for (const [from, weight] of row) y[targets[fibre]![i]!]! += weight * x.data[places[from]!]!;
    });
  });
  return array(shape, y);
}

export const resize: ReferenceOps = {
  Resize: ([x, , scales, sizes], attributes) => {
    const axes = attributes.ints("axes") ?? x!.shape.map((_, axis) => axis);
    const policy = attributes.text("keep_aspect_ratio_policy", "stretch");
    const ratios = scales?.data.length ? [] : axes.map((axis, i) => sizes!.data[i]! / x!.shape[axis]!);
    const common = policy === "not_larger" ? Math.min(...ratios) : Math.max(...ratios);
    return axes.reduce((y, axis, i) => {
      const input = x!.shape[axis]!;
      const stretched = scales?.data.length ? scales.data[i]! : ratios[i]!;
      const isCommon = policy !== "stretch" && ratios.length > 0;
      const scale = isCommon ? common : stretched;
      const output = isCommon
        ? Math.round(scale * input)
        : ratios.length > 0
          ? sizes!.data[i]!
          : Math.floor(scale * input);
      return scale === 1 ? y : alongAxis(y, axis, output, scale, attributes);
    }, x!);
  },
};
