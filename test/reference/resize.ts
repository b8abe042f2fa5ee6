import type { readAttributes } from "../../src/onnx/index.ts";
import { type Array64, array, fibres, type ReferenceOps } from "./tensor.ts";

type Attributes = ReturnType<typeof readAttributes>;

/** Where output place i lies on the input's axis, of which a part may be cut out. */
function coordinate(
  mode: string,
  i: number,
  input: number,
  output: number,
  scale: number,
  [start, end]: readonly [number, number],
): number {
  switch (mode) {
    case "tf_crop_and_resize":
      if (output === 1) return 0.5 * (start + end) * (input - 1);
      return start * (input - 1) + (i * (end - start) * (input - 1)) / (output - 1);
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
    case "tf_half_pixel_for_nn":
      return (i + 0.5) / scale;
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
function alongAxis(
  x: Array64,
  axis: number,
  output: number,
  scale: number,
  attributes: Attributes,
  cut: readonly [number, number],
): Array64 {
  const input = x.shape[axis]!;
  const mode = attributes.text("coordinate_transformation_mode", "half_pixel");
  const places = Array.from({ length: output }, (_, i) => coordinate(mode, i, input, output, scale, cut));
  const isBeyond = (place: number) => mode === "tf_crop_and_resize" && (place < 0 || place > input - 1);
  const rows = places.map((place) =>
    isBeyond(place) ? new Map<number, number>() : weights(attributes, place, input, scale),
  );
  const shape = x.shape.map((extent, d) => (d === axis ? output : extent));
  const y = new Float64Array((x.data.length / input) * output);
  const targets = fibres(shape, [axis]);
  fibres(x.shape, [axis]).forEach((sources, fibre) => {
    rows.forEach((row, i) => {
      const to = targets[fibre]![i]!;
      if (isBeyond(places[i]!)) y[to] = attributes.float("extrapolation_value", 0);
      for (const [from, weight] of row) y[to]! += weight * x.data[sources[from]!]!;
    });
  });
  return array(shape, y);
}

export const resize: ReferenceOps = {
  Resize: ([x, roi, scales, sizes], attributes) => {
    const axes = attributes.ints("axes") ?? x!.shape.map((_, axis) => axis);
    const policy = attributes.text("keep_aspect_ratio_policy", "stretch");
    const ratios = scales?.data.length ? [] : axes.map((axis, i) => sizes!.data[i]! / x!.shape[axis]!);
    const common = policy === "not_larger" ? Math.min(...ratios) : Math.max(...ratios);
    return axes.reduce((y, axis, i) => {
      const input = x!.shape[axis]!;
      const stretched = scales?.data.length ? scales.data[i]! : ratios[i]!;
      const isCommon = policy !== "stretch" && ratios.length > 0;
      const scale = isCommon ? common : stretched;
      const crops = attributes.text("coordinate_transformation_mode", "") === "tf_crop_and_resize";
      const cut: [number, number] = crops ? [roi!.data[i]!, roi!.data[axes.length + i]!] : [0, 1];
      const output = isCommon
        ? Math.round(scale * input)
        : ratios.length > 0
          ? sizes!.data[i]!
          : Math.floor(scale * input * (cut[1] - cut[0]));
      const isSame = scale === 1 && cut[0] === 0 && cut[1] === 1;
      return isSame ? y : alongAxis(y, axis, output, scale, attributes, cut);
    }, x!);
  },
};
