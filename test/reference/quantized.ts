import { array, each, type ReferenceOps, zip } from "./tensor.ts";

const between = (low: number, x: number, high: number) => Math.min(high, Math.max(low, x));

/** What tangents see of rounding: the identity up to the ends of the range, without the steps. */
export const quantized: ReferenceOps = {
  "pushforward:Quantize": (inputs) =>
    zip(
      inputs.map((input) => input!),
      (x, scale, zero, low, high) => between(low! - 0.5, x! / scale! + zero!, high! + 0.5),
    ),
  "pushforward:QuantizeFloat": ([x, , , , largest]) =>
    zip([x!, largest!], (value, most) => between(-most!, value!, most!)),
  /** Without the steps, too; the parameters are those of the extremes. */
  DynamicQuantizeLinear([x]) {
    const [least, largest] = [Math.min(0, ...x!.data), Math.max(0, ...x!.data)];
    const scale = largest === least ? 1 : (largest - least) / 255;
    const zero = Math.round(-least / scale);
    return [each(x!, (value) => value / scale + zero, "uint8"), array([], [scale]), array([], [zero], "uint8")];
  },
};
