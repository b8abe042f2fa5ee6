import { sizeOf } from "../../../src/base/index.ts";
import { at, build, indicesOf, type ReferenceOps } from "../tensor.ts";

const clamp = (x: number, low: number, high: number) => Math.min(Math.max(x, low), high);

/** Reflects a number at the ends of an interval until it lies between them. */
function reflect(x: number, low: number, high: number): number {
  if (high === low) return low;
  let inside = x;
  while (inside < low || inside > high) inside = inside < low ? 2 * low - inside : 2 * high - inside;
  return inside;
}

const halfToEven = (x: number) => {
  const below = Math.floor(x);
  if (x - below !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
};

/** Keys' cubic kernel. */
function cubicWeight(x: number, a = -0.75): number {
  const t = Math.abs(x);
  if (t <= 1) return (a + 2) * t ** 3 - (a + 3) * t ** 2 + 1;
  return t < 2 ? a * t ** 3 - 5 * a * t ** 2 + 8 * a * t - 4 * a : 0;
}

/** The value of one plane at a position: a sum over entries near it, each times one weight per axis. `entry` knows what lies beyond. */
function interpolated(position: readonly number[], mode: string, entry: (place: readonly number[]) => number): number {
  if (mode === "nearest") return entry(position);
  const offsets = mode === "cubic" ? [-1, 0, 1, 2] : [0, 1];
  const weight = mode === "cubic" ? cubicWeight : (x: number) => Math.max(0, 1 - Math.abs(x));
  const below = position.map(Math.floor);
  return indicesOf(position.map(() => offsets.length)).reduce((total, tap) => {
    const place = tap.map((k, d) => below[d]! + offsets[k]!);
    return total + entry(place) * place.reduce((product, i, d) => product * weight(position[d]! - i), 1);
  }, 0);
}

const NAMES: Readonly<Record<string, string>> = { bilinear: "linear", bicubic: "cubic" };

/** What RoiAlign samples along one axis: for each bin the positions, inside the picture or not at all. */
function samplesOf(start: number, size: number, bins: number, ratio: number, extent: number): (number | undefined)[][] {
  const bin = size / bins;
  const count = ratio > 0 ? ratio : Math.ceil(bin);
  return Array.from({ length: bins }, (_, i) =>
    Array.from({ length: count }, (_, s) => {
      const position = start + i * bin + ((s + 0.5) * bin) / count;
      return position < -1 || position > extent ? undefined : clamp(position, 0, extent - 1);
    }),
  );
}

/** Sampling at positions that are computed. */
export const sampling: ReferenceOps = {
  GridSample: ([x, grid], attributes) => {
    const spatial = x!.shape.slice(2);
    const aligned = attributes.int("align_corners", 0) !== 0;
    const padding = attributes.text("padding_mode", "zeros");
    const stated = attributes.text("mode", "linear");
    const mode = NAMES[stated] ?? stated;
    const ends = spatial.map((extent) => (aligned ? [0, extent - 1] : [-0.5, extent - 0.5]) as [number, number]);
    return build([...x!.shape.slice(0, 2), ...grid!.shape.slice(1, -1)], ([n, c, ...output]) => {
      const position = spatial.map((extent, d) => {
        const g = at(grid!, [n!, ...output, spatial.length - 1 - d]);
        const own = aligned ? ((g + 1) / 2) * (extent - 1) : ((g + 1) * extent - 1) / 2;
        const placed = mode === "nearest" ? halfToEven(own) : own;
        const [low, high] = ends[d]!;
        if (padding === "zeros" || (placed >= low && placed <= high)) return placed;
        return padding === "border" ? clamp(placed, 0, extent - 1) : reflect(placed, low, high);
      });
      return interpolated(position, mode, (place) => {
        const isBeyond = place.some((i, d) => i < 0 || i >= spatial[d]!);
        if (isBeyond && padding === "zeros") return 0;
        const inside = place.map((i, d) =>
          padding === "border" ? clamp(i, 0, spatial[d]! - 1) : Math.trunc(reflect(i, ...ends[d]!)),
        );
        return at(x!, [n!, c!, ...(isBeyond ? inside : place)]);
      });
    });
  },
  AffineGrid: ([theta, size], attributes) => {
    const [batch, , ...spatial] = [...size!.data] as [number, number, ...number[]];
    const aligned = attributes.int("align_corners", 0) !== 0;
    const rank = spatial.length;
    return build([batch, ...spatial, rank], (index) => {
      const [n, row] = [index[0]!, index.at(-1)!];
      const place = index.slice(1, -1).map((i, d) => {
        const extent = spatial[d]!;
        return aligned ? -1 + (2 * i) / (extent - 1) : -1 + (2 * i + 1) / extent;
      });
      const point = [...place.reverse(), 1];
      return point.reduce((sum, coordinate, column) => sum + at(theta!, [n, row, column]) * coordinate, 0);
    });
  },
  DeformConv: ([x, w, offset, bias, mask], attributes) => {
    const [, channels, ...spatial] = x!.shape as [number, number, ...number[]];
    const [filters, perGroup, ...kernel] = w!.shape as [number, number, ...number[]];
    const rank = spatial.length;
    const stride = attributes.ints("strides") ?? spatial.map(() => 1);
    const dilation = attributes.ints("dilations") ?? spatial.map(() => 1);
    const pads = attributes.ints("pads") ?? spatial.flatMap(() => [0, 0]);
    const parts = attributes.int("offset_group", 1);
    const group = attributes.int("group", 1);
    const taps = sizeOf(kernel);
    return build([x!.shape[0]!, filters, ...offset!.shape.slice(2)], ([n, o, ...output]) => {
      let total = bias?.data[o!] ?? 0;
      for (let i = 0; i < perGroup; i++) {
        const channel = Math.floor(o! / (filters / group)) * perGroup + i;
        const part = Math.floor(channel / (channels / parts));
        indicesOf(kernel).forEach((k, tap) => {
          const at0 = part * taps + tap;
          const position = k.map(
            (one, d) =>
              output[d]! * stride[d]! - pads[d]! + one * dilation[d]! + at(offset!, [n!, at0 * rank + d, ...output]),
          );
          const value = interpolated(position, "linear", (place) =>
            place.some((one, d) => one < 0 || one >= spatial[d]!) ? 0 : at(x!, [n!, channel, ...place]),
          );
          total += value * at(w!, [o!, i, ...k]) * (mask ? at(mask, [n!, at0, ...output]) : 1);
        });
      }
      return total;
    });
  },
  RoiAlign: ([x, rois, batches], attributes) => {
    const [, channels, height, width] = x!.shape as [number, number, number, number];
    const [rows, columns] = [attributes.int("output_height", 1), attributes.int("output_width", 1)];
    const scale = attributes.float("spatial_scale", 1);
    const half = attributes.text("coordinate_transformation_mode", "half_pixel") === "half_pixel";
    const ratio = attributes.int("sampling_ratio", 0);
    const isMax = attributes.text("mode", "avg") === "max";
    return build([rois!.shape[0]!, channels, rows, columns], ([r, c, i, j]) => {
      const [x1, y1, x2, y2] = [0, 1, 2, 3].map((k) => at(rois!, [r!, k]) * scale - (half ? 0.5 : 0)) as [
        number,
        number,
        number,
        number,
      ];
      const size = (from: number, to: number) => (half ? to - from : Math.max(to - from, 1));
      const down = samplesOf(y1, size(y1, y2), rows, ratio, height)[i!]!;
      const across = samplesOf(x1, size(x1, x2), columns, ratio, width)[j!]!;
      const values = down.flatMap((y) =>
        across.map((z): number[] => {
          if (y === undefined || z === undefined) return [0];
          const [top, left] = [Math.floor(y), Math.floor(z)];
          return [top, top + 1].flatMap((row) =>
            [left, left + 1].map((column) => {
              const weight = Math.max(0, 1 - Math.abs(y - row)) * Math.max(0, 1 - Math.abs(z - column));
              return weight === 0 ? 0 : weight * at(x!, [batches!.data[r!]!, c!, row, column]);
            }),
          );
        }),
      );
      const sums = values.map((corners) => corners.reduce((sum, value) => sum + value, 0));
      return isMax
        ? Math.max(...values.flat())
        : sums.reduce((sum, value) => sum + value, 0) / Math.max(1, sums.length);
    });
  },
  MaxRoiPool: ([x, rois], attributes) => {
    const [, channels, height, width] = x!.shape as [number, number, number, number];
    const [rows, columns] = attributes.ints("pooled_shape") as [number, number];
    const scale = attributes.float("spatial_scale", 1);
    const placesOf = (start: number, end: number, bins: number, bin: number, extent: number) => {
      const size = Math.max(end - start + 1, 1) / bins;
      const [from, to] = [Math.floor(bin * size) + start, Math.ceil((bin + 1) * size) + start];
      return Array.from({ length: extent }, (_, i) => i).filter((i) => i >= from && i < to);
    };
    return build([rois!.shape[0]!, channels, rows, columns], ([r, c, i, j]) => {
      const [batch, ...ends] = [0, 1, 2, 3, 4].map((k) => at(rois!, [r!, k])) as [number, ...number[]];
      const [x1, y1, x2, y2] = ends.map((end) => Math.floor(end * scale + 0.5)) as [number, number, number, number];
      const values = placesOf(y1, y2, rows, i!, height).flatMap((y) =>
        placesOf(x1, x2, columns, j!, width).map((z) => at(x!, [batch, c!, y, z])),
      );
      return values.length === 0 ? 0 : Math.max(...values);
    });
  },
};
