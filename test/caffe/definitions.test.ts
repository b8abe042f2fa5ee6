import { describe, expect, test } from "vitest";
import { type Shape, sizeOf, stridesOf } from "../../src/base/index.ts";
import { difference, drawNet, importNet, type NetParts, run } from "./nets.ts";

interface Blob {
  readonly shape: Shape;
  readonly data: ArrayLike<number>;
}

interface Case extends NetParts {
  readonly name: string;
  /** What Caffe computes, from its documentation, in float64: from the inputs, the weights of the layer y, and those of all layers. */
  readonly wanted: (
    inputs: Readonly<Record<string, Blob>>,
    weights: readonly Blob[],
    all: Readonly<Record<string, readonly Blob[]>>,
  ) => Blob;
}

const at = ({ shape, data }: Blob, ...index: readonly number[]): number => {
  const strides = stridesOf(shape);
  return data[index.reduce((sum, i, axis) => sum + i * strides[axis]!, 0)]!;
};

/** A blob from a function of its indices. */
function blobOf(shape: Shape, entry: (...index: number[]) => number): Blob {
  const strides = stridesOf(shape);
  const data = Float64Array.from({ length: sizeOf(shape) }, (_, flat) =>
    entry(...shape.map((extent, axis) => Math.floor(flat / strides[axis]!) % extent)),
  );
  return { shape, data };
}

const map = ({ shape, data }: Blob, f: (x: number) => number): Blob => ({ shape, data: Float64Array.from(data, f) });
const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
const total = (entries: readonly number[]): number => entries.reduce((sum, entry) => sum + entry, 0);

const layer = (type: string, settings = "", bottoms: readonly string[] = ["x"]): string =>
  `layer { name: "y" type: "${type}" ${bottoms.map((name) => `bottom: "${name}"`).join(" ")} top: "y" ${settings} }\n`;

/** A pool as Caffe's loops define it: a window may reach beyond the padding, and is cut there before it is counted. */
const pool = (kernel: number, stride: number, pad: number, of: (entries: number[], count: number) => number) => {
  const counted = (extent: number) => {
    const rounded = Math.ceil((extent + 2 * pad - kernel) / stride) + 1;
    return pad > 0 && (rounded - 1) * stride >= extent + pad ? rounded - 1 : rounded;
  };
  return ({ x }: Readonly<Record<string, Blob>>): Blob => {
    const [batch, channels, height, width] = x!.shape as [number, number, number, number];
    return blobOf([batch, channels, counted(height), counted(width)], (n, c, i, j) => {
      const [top, left] = [i! * stride - pad, j! * stride - pad];
      const [bottom, right] = [Math.min(top + kernel, height + pad), Math.min(left + kernel, width + pad)];
      const rows = range(Math.max(top, 0), Math.min(bottom, height));
      const columns = range(Math.max(left, 0), Math.min(right, width));
      const entries = rows.flatMap((row) => columns.map((column) => at(x!, n!, c!, row, column)));
      return of(entries, (bottom - top) * (right - left));
    });
  };
};

const mean = (entries: number[], count: number): number => total(entries) / count;
const x = { x: [2, 3, 5, 4] };
const unary = (name: string, type: string, settings: string, f: (x: number) => number, positive = false): Case => ({
  name,
  layers: layer(type, settings),
  inputs: x,
  positive,
  wanted: (inputs) => map(inputs.x!, f),
});

const cases: readonly Case[] = [
  unary("2 to a power", "Exp", "exp_param { base: 2 scale: 0.5 shift: 1 }", (x) => 2 ** (1 + 0.5 * x)),
  unary("e to a power", "Exp", "exp_param { shift: -1 }", (x) => Math.exp(x - 1)),
  unary(
    "a logarithm to the base 10",
    "Log",
    "log_param { base: 10 scale: 2 shift: 1 }",
    (x) => Math.log10(1 + 2 * x),
    true,
  ),
  unary("a natural logarithm", "Log", "", Math.log, true),
  unary("a threshold", "Threshold", "threshold_param { threshold: 0.3 }", (x) => (x > 0.3 ? 1 : 0)),
  unary("limits", "Clip", "clip_param { min: -0.5 max: 0.75 }", (x) => Math.min(Math.max(x, -0.5), 0.75)),
  unary("a rectifier up to 6", "ReLU6", "", (x) => Math.min(Math.max(x, 0), 6)),
  unary("swish", "Swish", "swish_param { beta: 1.5 }", (x) => x / (1 + Math.exp(-1.5 * x))),
  unary("mish", "Mish", "", (x) => x * Math.tanh(Math.log1p(Math.exp(x)))),
  unary("an exponential unit with a slope", "ELU", "elu_param { alpha: 0.5 }", (x) =>
    x > 0 ? x : 0.5 * Math.expm1(x),
  ),
  unary("a power of 1", "Power", "power_param { scale: -2 shift: 3 }", (x) => 3 - 2 * x),
  unary(
    "dropout of a fork that scales when it is tested",
    "Dropout",
    "dropout_param { dropout_ratio: 0.25 scale_train: false }",
    (x) => 0.75 * x,
  ),
  {
    name: "a pool of means whose last window reaches beyond the picture",
    layers: layer("Pooling", "pooling_param { pool: AVE kernel_size: 3 stride: 2 }"),
    inputs: { x: [1, 2, 8, 6] },
    wanted: pool(3, 2, 0, mean),
  },
  {
    name: "a pool of means with padding that counts",
    layers: layer("Pooling", "pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 }"),
    inputs: { x: [1, 2, 7, 5] },
    wanted: pool(3, 2, 1, mean),
  },
  {
    name: "a pool of means that reaches beyond its padding, which does not count",
    layers: layer("Pooling", "pooling_param { pool: AVE kernel_size: 4 stride: 3 pad: 1 }"),
    inputs: { x: [1, 2, 8, 6] },
    wanted: pool(4, 3, 1, mean),
  },
  {
    name: "a pool of maxima that reaches beyond its padding",
    layers: layer("Pooling", "pooling_param { pool: MAX kernel_size: 4 stride: 3 pad: 1 }"),
    inputs: { x: [1, 2, 8, 6] },
    wanted: pool(4, 3, 1, (entries) => Math.max(...entries)),
  },
  {
    name: "a stochastic pool, in its phase TEST",
    layers: layer("Pooling", "pooling_param { pool: STOCHASTIC kernel_size: 3 stride: 2 }"),
    inputs: { x: [1, 2, 8, 6] },
    positive: true,
    wanted: pool(3, 2, 0, (entries) => total(entries.map((entry) => entry * entry)) / total(entries)),
  },
  {
    name: "a pool that rounds down",
    layers: layer("Pooling", "pooling_param { pool: MAX kernel_size: 3 stride: 2 round_mode: FLOOR }"),
    inputs: { x: [1, 1, 6, 6] },
    wanted: ({ x }) =>
      blobOf([1, 1, 2, 2], (_n, _c, i, j) =>
        Math.max(...range(2 * i!, 2 * i! + 3).flatMap((r) => range(2 * j!, 2 * j! + 3).map((c) => at(x!, 0, 0, r, c)))),
      ),
  },
  {
    name: "a pyramid of pools",
    layers: layer("SPP", "spp_param { pyramid_height: 2 pool: MAX }"),
    inputs: { x: [1, 2, 4, 6] },
    wanted: ({ x }) => {
      const largest = (c: number, rows: number[], columns: number[]) =>
        Math.max(...rows.flatMap((row) => columns.map((column) => at(x!, 0, c, row, column))));
      const whole = [0, 1].map((c) => largest(c, range(0, 4), range(0, 6)));
      const parts = [0, 1].flatMap((c) =>
        [0, 2].flatMap((row) => [0, 3].map((column) => largest(c, range(row, row + 2), range(column, column + 3)))),
      );
      return { shape: [1, 10], data: [...whole, ...parts] };
    },
  },
  {
    name: "an inner product of the last axis alone",
    layers: layer("InnerProduct", "inner_product_param { num_output: 3 axis: 2 transpose: true }"),
    inputs: { x: [2, 3, 4] },
    weights: { y: [[4, 3], [3]] },
    wanted: ({ x }, [w, b]) =>
      blobOf([2, 3, 3], (n, t, o) => total(range(0, 4).map((k) => at(x!, n!, t!, k) * at(w!, k, o!))) + b!.data[o!]!),
  },
  {
    name: "an inner product with transposed weights",
    layers: layer("InnerProduct", "inner_product_param { num_output: 3 transpose: true bias_term: false }"),
    inputs: { x: [2, 4] },
    weights: { y: [[4, 3]] },
    wanted: ({ x }, [w]) => blobOf([2, 3], (n, o) => total(range(0, 4).map((k) => at(x!, n!, k) * at(w!, k, o!)))),
  },
  {
    name: "a convolution of three axes",
    layers: layer(
      "Convolution",
      "convolution_param { num_output: 2 kernel_size: 2 kernel_size: 1 kernel_size: 3 pad: 0 pad: 0 pad: 1 }",
    ),
    inputs: { x: [1, 1, 3, 2, 4] },
    weights: { y: [[2, 1, 2, 1, 3], [2]] },
    wanted: ({ x }, [w, b]) =>
      blobOf([1, 2, 2, 2, 4], (_n, o, d, h, c) => {
        let sum = b!.data[o!]!;
        for (const i of [0, 1]) {
          for (const j of [0, 1, 2]) {
            const column = c! + j - 1;
            if (column >= 0 && column < 4) sum += at(w!, o!, 0, i, 0, j) * at(x!, 0, 0, d! + i, h!, column);
          }
        }
        return sum;
      }),
  },
  {
    name: "batch normalization by the statistics of the batch",
    layers: layer("BatchNorm", "batch_norm_param { use_global_stats: false eps: 0.01 }"),
    inputs: x,
    wanted: ({ x }) => {
      const places = [0, 1].flatMap((n) => range(0, 5).flatMap((i) => range(0, 4).map((j) => [n, i, j] as const)));
      const of = (c: number) => places.map(([n, i, j]) => at(x!, n, c, i, j));
      return blobOf(x!.shape, (n, c, i, j) => {
        const average = total(of(c!)) / 40;
        const variance = total(of(c!).map((entry) => (entry - average) ** 2)) / 40;
        return (at(x!, n!, c!, i!, j!) - average) / Math.sqrt(variance + 0.01);
      });
    },
  },
  {
    name: "a bias from a second bottom",
    layers: layer("Bias", "bias_param { axis: 1 }", ["x", "z"]),
    inputs: { ...x, z: [3, 5] },
    wanted: ({ x, z }) => blobOf(x!.shape, (n, c, i, j) => at(x!, n!, c!, i!, j!) + at(z!, c!, i!)),
  },
  {
    name: "a bias of its own, over two axes from the end",
    layers: layer("Bias", "bias_param { axis: -2 num_axes: -1 }"),
    inputs: x,
    weights: { y: [[5, 4]] },
    wanted: ({ x }, [b]) => blobOf(x!.shape, (n, c, i, j) => at(x!, n!, c!, i!, j!) + at(b!, i!, j!)),
  },
  {
    name: "a scale from a second bottom, with a bias of its own",
    layers: layer("Scale", "scale_param { axis: 0 bias_term: true }", ["x", "z"]),
    inputs: { ...x, z: [2, 3] },
    weights: { y: [[2, 3]] },
    wanted: ({ x, z }, [b]) =>
      blobOf(x!.shape, (n, c, i, j) => at(x!, n!, c!, i!, j!) * at(z!, n!, c!) + at(b!, n!, c!)),
  },
  {
    name: "a scale of one number",
    layers: layer("Scale", "scale_param { num_axes: 0 }"),
    inputs: x,
    weights: { y: [[]] },
    wanted: ({ x }, [w]) => map(x!, (entry) => entry * w!.data[0]!),
  },
  {
    name: "normalization across channels with another constant",
    layers: layer("LRN", "lrn_param { local_size: 3 alpha: 0.5 beta: 0.75 k: 2 }"),
    inputs: { x: [2, 5, 2, 3] },
    wanted: ({ x }) =>
      blobOf(x!.shape, (n, c, i, j) => {
        const near = range(Math.max(0, c! - 1), Math.min(5, c! + 2)).map((channel) => at(x!, n!, channel, i!, j!) ** 2);
        return at(x!, n!, c!, i!, j!) / (2 + (0.5 / 3) * total(near)) ** 0.75;
      }),
  },
  {
    name: "the layer BN of forks",
    layers: layer("BN", "bn_param { frozen: true eps: 0.001 }"),
    inputs: x,
    weights: {
      y: [
        [1, 3, 1, 1],
        [1, 3, 1, 1],
        [1, 3, 1, 1],
        [1, 3, 1, 1],
      ],
    },
    positive: true,
    wanted: ({ x }, [scale, shift, average, variance]) =>
      blobOf(
        x!.shape,
        (n, c, i, j) =>
          ((at(x!, n!, c!, i!, j!) - average!.data[c!]!) / Math.sqrt(variance!.data[c!]! + 0.001)) * scale!.data[c!]! +
          shift!.data[c!]!,
      ),
  },
  {
    name: "the layer BN of SegNet, for inference",
    layers: layer("BN", "bn_param { bn_mode: INFERENCE }"),
    inputs: x,
    weights: {
      y: [
        [1, 3, 1, 1],
        [1, 3, 1, 1],
      ],
    },
    wanted: ({ x }, [scale, shift]) =>
      blobOf(x!.shape, (n, c, i, j) => at(x!, n!, c!, i!, j!) * scale!.data[c!]! + shift!.data[c!]!),
  },
  ...(
    [
      ["SUM", (entries: number[]) => total(entries)],
      ["ASUM", (entries: number[]) => total(entries.map(Math.abs))],
      ["SUMSQ", (entries: number[]) => total(entries.map((entry) => entry * entry))],
      ["MEAN", (entries: number[]) => total(entries) / 20],
    ] as const
  ).map(
    ([operation, of]): Case => ({
      name: `the reduction ${operation}`,
      layers: layer("Reduction", `reduction_param { operation: ${operation} axis: 2 coeff: 0.5 }`),
      inputs: x,
      wanted: ({ x }) =>
        blobOf([2, 3], (n, c) => 0.5 * of(range(0, 5).flatMap((i) => range(0, 4).map((j) => at(x!, n!, c!, i, j))))),
    }),
  ),
  {
    name: "a reduction of everything",
    layers: layer("Reduction"),
    inputs: x,
    positive: true,
    wanted: ({ x }) => ({ shape: [], data: [total([...(x!.data as Float32Array)])] }),
  },
  {
    name: "the place of the largest entry of each example",
    layers: layer("ArgMax"),
    inputs: { x: [2, 7, 1, 1] },
    wanted: ({ x }) => blobOf([2, 1, 1, 1], (n) => order(range(0, 7).map((c) => at(x!, n!, c, 0, 0)))[0]!),
  },
  {
    name: "the places and the values of the two largest entries",
    layers: layer("ArgMax", "argmax_param { top_k: 2 out_max_val: true }"),
    inputs: { x: [2, 7] },
    wanted: ({ x }) =>
      blobOf([2, 2, 2], (n, kind, k) => {
        const entries = range(0, 7).map((c) => at(x!, n!, c));
        const place = order(entries)[k!]!;
        return kind === 0 ? place : entries[place]!;
      }),
  },
  {
    name: "the places of the largest entries along an axis",
    layers: layer("ArgMax", "argmax_param { axis: 1 }"),
    inputs: x,
    wanted: ({ x }) => blobOf([2, 1, 5, 4], (n, _c, i, j) => order(range(0, 3).map((c) => at(x!, n!, c, i!, j!)))[0]!),
  },
  {
    name: "channels divided evenly",
    layers: 'layer { name: "y" type: "Slice" bottom: "x" top: "first" top: "y" }',
    inputs: { x: [2, 4, 3] },
    wanted: ({ x }) => blobOf([2, 2, 3], (n, c, i) => at(x!, n!, c! + 2, i!)),
  },
  {
    name: "copies along an axis",
    layers: layer("Tile", "tile_param { axis: 2 tiles: 3 }"),
    inputs: x,
    wanted: ({ x }) => blobOf([2, 3, 15, 4], (n, c, i, j) => at(x!, n!, c!, i! % 5, j!)),
  },
  {
    name: "a factor for each channel and a sum, as in SENet",
    layers: layer("Axpy", "", ["a", "x", "z"]),
    inputs: { a: [2, 3, 1, 1], ...x, z: [2, 3, 5, 4] },
    wanted: ({ a, x, z }) =>
      blobOf(x!.shape, (n, c, i, j) => at(a!, n!, c!, 0, 0) * at(x!, n!, c!, i!, j!) + at(z!, n!, c!, i!, j!)),
  },
  {
    name: "an enlargement by repetition, as in YOLO",
    layers: layer("Upsample", "upsample_param { scale: 2 }"),
    inputs: x,
    wanted: ({ x }) => blobOf([2, 3, 10, 8], (n, c, i, j) => at(x!, n!, c!, Math.floor(i! / 2), Math.floor(j! / 2))),
  },
  {
    name: "an enlargement that puts entries where a pool took them from, as in SegNet",
    layers:
      'layer { name: "p" type: "Pooling" bottom: "x" top: "p" top: "mask" pooling_param { pool: MAX kernel_size: 2 stride: 2 } }\n' +
      layer("Upsample", "upsample_param { scale: 2 upsample_h: 4 upsample_w: 6 }", ["p", "mask"]),
    inputs: { x: [1, 2, 4, 6] },
    wanted: ({ x }) =>
      blobOf(x!.shape, (n, c, i, j) => {
        const [top, left] = [i! - (i! % 2), j! - (j! % 2)];
        const window = [0, 1].flatMap((row) => [0, 1].map((column) => at(x!, n!, c!, top + row, left + column)));
        const own = at(x!, n!, c!, i!, j!);
        return own === Math.max(...window) ? own : 0;
      }),
  },
  {
    name: "the largest entries in parts of regions",
    layers: layer("ROIPooling", "roi_pooling_param { pooled_h: 2 pooled_w: 2 spatial_scale: 1 }", ["x", "r"]),
    inputs: { x: [1, 2, 6, 6], r: [1, 5] },
    fixed: { r: [0, 1, 0, 4, 5] },
    wanted: ({ x }) =>
      blobOf([1, 2, 2, 2], (_n, c, i, j) =>
        Math.max(
          ...range(3 * i!, 3 * i! + 3).flatMap((row) =>
            range(1 + 2 * j!, 3 + 2 * j!).map((column) => at(x!, 0, c!, row, column)),
          ),
        ),
      ),
  },
  {
    name: "rows in another order",
    layers: layer("BatchReindex", "", ["x", "r"]),
    inputs: { x: [3, 2], r: [4] },
    fixed: { r: [2, 0, 2, 1] },
    wanted: ({ x, r }) => blobOf([4, 2], (n, c) => at(x!, r!.data[n!]!, c!)),
  },
  {
    name: "rows of a table",
    layers: layer("Embed", "embed_param { num_output: 3 input_dim: 5 }", ["r"]),
    inputs: { r: [2, 2] },
    fixed: { r: [4, 0, 1, 3] },
    weights: { y: [[5, 3], [3]] },
    wanted: ({ r }, [w, b]) => blobOf([2, 2, 3], (n, t, c) => at(w!, at(r!, n!, t!), c!) + b!.data[c!]!),
  },
  {
    name: "learned numbers, and numbers that a filler gives",
    layers:
      'layer { name: "p" type: "Parameter" top: "p" parameter_param { shape { dim: 2 dim: 3 } } }\n' +
      'layer { name: "d" type: "DummyData" top: "d" dummy_data_param { shape { dim: 2 dim: 3 } data_filler { value: 2.5 } } }\n' +
      layer("Eltwise", "", ["x", "p", "d"]),
    inputs: { x: [2, 3] },
    weights: { p: [[2, 3]], y: [[1]] },
    wanted: ({ x }, _own, weights) => blobOf([2, 3], (n, c) => at(x!, n!, c!) + at(weights.p![0]!, n!, c!) + 2.5),
  },
  {
    name: "a reduction of the size, then an enlargement to that of another blob",
    layers:
      'layer { name: "s" type: "Interp" bottom: "x" top: "s" interp_param { shrink_factor: 2 } }\n' +
      layer("Interp", "", ["s", "x"]),
    inputs: { x: [1, 1, 5, 5] },
    wanted: ({ x }) =>
      blobOf([1, 1, 5, 5], (_n, _c, i, j) => {
        const small = (row: number, column: number) => at(x!, 0, 0, 2 * row, 2 * column);
        const [row, column] = [Math.min(1, Math.floor(i! / 2)), Math.min(1, Math.floor(j! / 2))];
        const [down, right] = [i! / 2 - row, j! / 2 - column];
        return (
          (1 - down) * ((1 - right) * small(row, column) + right * small(row, column + 1)) +
          down * ((1 - right) * small(row + 1, column) + right * small(row + 1, column + 1))
        );
      }),
  },
  {
    name: "a cut before the enlargement",
    layers: layer("Interp", "interp_param { height: 3 width: 2 pad_beg: -1 pad_end: -1 }"),
    inputs: x,
    wanted: ({ x }) => blobOf([2, 3, 3, 2], (n, c, i, j) => at(x!, n!, c!, i! + 1, j! + 1)),
  },
];

/** Places in descending order of their entries. */
const order = (entries: readonly number[]): number[] =>
  entries.map((_, place) => place).sort((a, b) => entries[b]! - entries[a]!);

describe("layers compute what Caffe defines", () => {
  test.each(cases.map((one) => [one.name, one] as const))("%s", async (name, one) => {
    const net = drawNet(name, one);
    const { model } = importNet(net);
    const found = (await run(model, net.inputs, ["y"])).get("y")!;
    const wanted = one.wanted(net.inputs, net.weights.y ?? [], net.weights);
    expect(found.shape).toEqual(wanted.shape);
    // Sums of up to 120 products in float32.
    expect(difference(found.data as Float32Array, wanted.data)).toBeLessThan(2e-6);
    const declared = model.graph.outputs.find((output) => output.name === "y")!.shape!;
    expect(declared.map((extent) => (extent === "N" ? wanted.shape[0] : extent))).toEqual(wanted.shape);
  });
});
