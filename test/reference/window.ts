import { type Shape, sizeOf } from "../../src/base/index.ts";
import type { readAttributes } from "../../src/onnx/index.ts";
import { type Array64, array, flat, indicesOf, type ReferenceOp, type ReferenceOps } from "./tensor.ts";

type Attributes = ReturnType<typeof readAttributes>;

/** One spatial axis of a window: where output o starts (before the padding is taken off) and how far its taps lie apart. */
interface Axis {
  readonly extent: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly begin: number;
  readonly end: number;
  readonly outputs: number;
}

function axesOf(attributes: Attributes, spatial: Shape, kernel: Shape): Axis[] {
  const rank = spatial.length;
  const auto = attributes.text("auto_pad", "NOTSET");
  return spatial.map((extent, d) => {
    const stride = attributes.ints("strides")?.[d] ?? 1;
    const dilation = attributes.ints("dilations")?.[d] ?? 1;
    const reach = (kernel[d]! - 1) * dilation + 1;
    let begin = 0;
    let end = 0;
    if (auto === "NOTSET") {
      begin = attributes.ints("pads")?.[d] ?? 0;
      end = attributes.ints("pads")?.[rank + d] ?? 0;
    } else if (auto.startsWith("SAME")) {
      const missing = Math.max((Math.ceil(extent / stride) - 1) * stride + reach - extent, 0);
      const odd = missing % 2;
      begin = (missing - odd) / 2 + (auto === "SAME_LOWER" ? odd : 0);
      end = missing - begin;
    }
    const steps = (extent + begin + end - reach) / stride;
    const ceil = attributes.int("ceil_mode", 0) !== 0;
    let outputs = (ceil ? Math.ceil(steps) : Math.floor(steps)) + 1;
    // A window that starts beyond the input and its front padding is left out.
    if (ceil && (outputs - 1) * stride >= extent + begin) outputs--;
    return { extent, kernel: kernel[d]!, stride, dilation, begin, end, outputs };
  });
}

/** The places of each axis that output `o` looks at, in order, those in the padding included. */
const placesOf = (axes: readonly Axis[], output: readonly number[]): number[][] =>
  indicesOf(axes.map((axis) => axis.kernel)).map((tap) =>
    tap.map((k, d) => output[d]! * axes[d]!.stride - axes[d]!.begin + k * axes[d]!.dilation),
  );

const isInside = (axes: readonly Axis[], place: readonly number[]) =>
  place.every((i, d) => i >= 0 && i < axes[d]!.extent);

const conv: ReferenceOp = ([x, w, bias], attributes) => {
  const [batch, channels, ...spatial] = x!.shape as [number, number, ...number[]];
  const [out, perGroup, ...kernel] = w!.shape as [number, number, ...number[]];
  const axes = axesOf(attributes, spatial, kernel);
  const group = attributes.int("group", 1);
  if (channels !== group * perGroup) throw new Error(`${group} groups of ${perGroup} channels, of ${channels}`);
  const outPerGroup = out / group;
  const extents = axes.map((axis) => axis.outputs);
  const [area, outArea, taps] = [sizeOf(spatial), sizeOf(extents), sizeOf(kernel)];
  const y = new Float64Array(batch * out * outArea);
  indicesOf(extents).forEach((output, to) => {
    placesOf(axes, output).forEach((place, tap) => {
      if (!isInside(axes, place)) return;
      const from = flat(place, spatial);
      for (let n = 0; n < batch; n++) {
        for (let o = 0; o < out; o++) {
          for (let i = 0; i < perGroup; i++) {
            const channel = Math.floor(o / outPerGroup) * perGroup + i;
            y[(n * out + o) * outArea + to]! +=
              x!.data[(n * channels + channel) * area + from]! * w!.data[(o * perGroup + i) * taps + tap]!;
          }
        }
      }
    });
  });
  return array(
    [batch, out, ...extents],
    y.map((value, i) => value + (bias?.data[Math.floor(i / outArea) % out] ?? 0)),
  );
};

/** Every input entry spreads its kernel over the output; W [I, O/group, …]. */
const convTranspose: ReferenceOp = ([x, w, bias], attributes) => {
  const [batch, channels, ...spatial] = x!.shape as [number, number, ...number[]];
  const [, perGroup, ...kernel] = w!.shape as [number, number, ...number[]];
  const group = attributes.int("group", 1);
  const auto = attributes.text("auto_pad", "NOTSET");
  const axes = spatial.map((extent, d) => {
    const stride = attributes.ints("strides")?.[d] ?? 1;
    const dilation = attributes.ints("dilations")?.[d] ?? 1;
    const extra = attributes.ints("output_padding")?.[d] ?? 0;
    const whole = stride * (extent - 1) + extra + (kernel[d]! - 1) * dilation + 1;
    const stated = attributes.ints("output_shape")?.[d];
    if (stated !== undefined || auto.startsWith("SAME")) {
      const outputs = stated ?? extent * stride;
      const missing = Math.max(whole - outputs, 0);
      const half = Math.floor(missing / 2);
      return { stride, dilation, begin: auto === "SAME_UPPER" ? half : missing - half, outputs };
    }
    const [begin, end] =
      auto === "VALID" ? [0, 0] : [d, spatial.length + d].map((i) => attributes.ints("pads")?.[i] ?? 0);
    return { stride, dilation, begin: begin!, outputs: whole - begin! - end! };
  });
  const extents = axes.map((axis) => axis.outputs);
  const out = perGroup * group;
  const [area, outArea, taps] = [sizeOf(spatial), sizeOf(extents), sizeOf(kernel)];
  const y = new Float64Array(batch * out * outArea);
  indicesOf(spatial).forEach((place, from) => {
    indicesOf(kernel).forEach((k, tap) => {
      const to = place.map((i, d) => i * axes[d]!.stride + k[d]! * axes[d]!.dilation - axes[d]!.begin);
      if (to.some((i, d) => i < 0 || i >= extents[d]!)) return;
      const target = flat(to, extents);
      for (let n = 0; n < batch; n++) {
        for (let c = 0; c < channels; c++) {
          for (let o = 0; o < perGroup; o++) {
            const channel = Math.floor((c * group) / channels) * perGroup + o;
            y[(n * out + channel) * outArea + target]! +=
              x!.data[(n * channels + c) * area + from]! * w!.data[(c * perGroup + o) * taps + tap]!;
          }
        }
      }
    });
  });
  return array(
    [batch, out, ...extents],
    y.map((value, i) => value + (bias?.data[Math.floor(i / outArea) % out] ?? 0)),
  );
};

/** What a pool makes of one window: the values inside the input, their places in the plane, and how many places count. */
type Pool = (values: readonly number[], places: readonly number[], counted: number) => number;

function poolPlanes(x: Array64, axes: readonly Axis[], pool: Pool, paddingCounts = false): Array64 {
  const [batch, channels, ...spatial] = x.shape as [number, number, ...number[]];
  const area = sizeOf(spatial);
  const outputs = indicesOf(axes.map((axis) => axis.outputs)).map((output) => placesOf(axes, output));
  const windows = outputs.map((places) => ({
    inside: places.filter((place) => isInside(axes, place)).map((place) => flat(place, spatial)),
    padded: places.filter((place) => place.every((i, d) => i < axes[d]!.extent + axes[d]!.end)).length,
  }));
  const data = Array.from({ length: batch * channels }, (_, plane) =>
    windows.map(({ inside, padded }) => {
      const places = inside.map((place) => plane * area + place);
      return pool(
        places.map((place) => x.data[place]!),
        places,
        paddingCounts ? padded : inside.length,
      );
    }),
  );
  return array([batch, channels, ...axes.map((axis) => axis.outputs)], data.flat());
}

const pool =
  (f: (attributes: Attributes) => Pool, everywhere: boolean): ReferenceOp =>
  ([x], attributes) => {
    const spatial = x!.shape.slice(2);
    const axes = everywhere
      ? spatial.map((extent) => ({ extent, kernel: extent, stride: 1, dilation: 1, begin: 0, end: 0, outputs: 1 }))
      : axesOf(attributes, spatial, attributes.ints("kernel_shape")!);
    return poolPlanes(x!, axes, f(attributes), attributes.int("count_include_pad", 0) !== 0);
  };

const largest: Pool = (values) => Math.max(...values);
const average: Pool = (values, _places, counted) => values.reduce((sum, value) => sum + value, 0) / counted;
const lp = (attributes: Attributes): Pool => {
  const p = attributes.int("p", 2);
  return (values) => values.reduce((sum, value) => sum + Math.abs(value) ** p, 0) ** (1 / p);
};

/** Convolutions and pools. */
export const window: ReferenceOps = {
  Conv: conv,
  ConvTranspose: convTranspose,
  /** The indices count through the whole tensor; among equal entries the first is taken. */
  MaxPool: ([x], attributes, outputs) => {
    const axes = axesOf(attributes, x!.shape.slice(2), attributes.ints("kernel_shape")!);
    const y = poolPlanes(x!, axes, largest);
    if (outputs < 2) return y;
    const indices = poolPlanes(x!, axes, (values, places) => places[values.indexOf(Math.max(...values))]!);
    return [y, { ...indices, type: "int64" }];
  },
  GlobalMaxPool: pool(() => largest, true),
  AveragePool: pool(() => average, false),
  GlobalAveragePool: pool(() => average, true),
  LpPool: pool(lp, false),
  GlobalLpPool: pool(lp, true),
};
