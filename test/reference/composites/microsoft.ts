import { elementwise } from "../elementwise.ts";
import { indexing } from "../indexing.ts";
import { matrix } from "../matrix.ts";
import { reduction } from "../reduction.ts";
import { shape } from "../shape.ts";
import { type Array64, array, at, build, each, type ReferenceOp, type ReferenceOps, zip } from "../tensor.ts";
import { window } from "../window.ts";

type Read = Parameters<ReferenceOp>[1];

const one = (result: ReturnType<ReferenceOp>): Array64 => (Array.isArray(result) ? result[0] : result) as Array64;
const transposed = (x: Array64, perm: readonly number[]): Array64 =>
  build(
    perm.map((axis) => x.shape[axis]!),
    (index) =>
      at(
        x,
        perm.map((_, axis) => index[perm.indexOf(axis)]!),
      ),
  );
const sum = (...parts: readonly (Array64 | undefined)[]): Array64 =>
  parts.filter((part) => part !== undefined).reduce((a, b) => zip([a, b], (x = 0, y = 0) => x + y));
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** The activation of a fused operator. */
function activated(x: Array64, name: string, [a, b, c]: readonly (number | undefined)[]): Array64 {
  const functions: Readonly<Record<string, (x: number) => number>> = {
    "": (value) => value,
    Relu: (value) => Math.max(0, value),
    Sigmoid: sigmoid,
    Tanh: Math.tanh,
    LeakyRelu: (value) => (value < 0 ? (a ?? 0.01) * value : value),
    HardSigmoid: (value) => Math.max(0, Math.min(1, (a ?? 0.2) * value + (b ?? 0.5))),
    Clip: (value) => Math.max(a!, Math.min(b!, value)),
    Celu: (value) => (value < 0 ? (a ?? 1) * Math.expm1(value / (a ?? 1)) : value),
    Elu: (value) => (value < 0 ? (a ?? 1) * Math.expm1(value) : value),
    HardSwish: (value) => value * Math.max(0, Math.min(1, value / 6 + 0.5)),
    Mish: (value) => value * Math.tanh(Math.log1p(Math.exp(value))),
    Selu: (value) => (c ?? 1.0507009873554805) * (value < 0 ? (a ?? 1.6732632423543772) * Math.expm1(value) : value),
    Softplus: (value) => Math.log1p(Math.exp(value)),
    Softsign: (value) => value / (1 + Math.abs(value)),
    ThresholdedRelu: (value) => (value > (a ?? 1) ? value : 0),
  };
  return each(x, functions[name]!);
}

const conv: ReferenceOp = ([x, w, bias, summand], read, outputs) =>
  activated(
    sum(one(window.Conv!([x, w, bias], read, outputs)), summand),
    read.text("activation", ""),
    read.floats("activation_params") ?? [],
  );

const nhwc: ReferenceOp = ([x, w, bias, summand], read, outputs) => {
  const y = transposed(one(window.Conv!([transposed(x!, [0, 3, 1, 2]), w, bias], read, outputs)), [0, 2, 3, 1]);
  return activated(sum(y, summand), read.text("activation", ""), read.floats("activation_params") ?? []);
};

const activationOf = (x: Array64, read: Read) =>
  activated(
    x,
    read.text("activation", ""),
    ["activation_alpha", "activation_beta", "activation_gamma"].map((name) =>
      read.has(name) ? read.float(name, 0) : undefined,
    ),
  );

/** A product of matrices whose rows may be the first axis, before the batch. */
const matMul: ReferenceOp = ([a, b], read, outputs) => {
  const operand = (x: Array64, side: string) => {
    const rank = x.shape.length;
    const axes = Array.from({ length: rank }, (_, axis) => axis);
    const order = read.int(`transBatch${side}`, 0) !== 0 ? [...axes.slice(1, -1), 0, rank - 1] : axes;
    return transposed(
      x,
      read.int(`trans${side}`, 0) !== 0 ? [...order.slice(0, -2), order[rank - 1]!, order[rank - 2]!] : order,
    );
  };
  const product = one(matrix.MatMul!([operand(a!, "A"), operand(b!, "B")], read, outputs));
  return each(product, (value) => value * read.float("alpha", 1));
};

/** Each fibre of the last axis in standard form. */
function standardized(x: Array64, epsilon: number, centre = true) {
  const width = x.shape.at(-1)!;
  const outer = [...x.shape.slice(0, -1), 1];
  const rows = Array.from({ length: x.data.length / width }, (_, i) => [
    ...x.data.subarray(i * width, (i + 1) * width),
  ]);
  const means = rows.map((row) => (centre ? row.reduce((a, b) => a + b, 0) / width : 0));
  const inverses = rows.map(
    (row, i) => 1 / Math.sqrt(row.reduce((a, value) => a + (value - means[i]!) ** 2, 0) / width + epsilon),
  );
  const normal = array(
    x.shape,
    x.data.map((value, place) => {
      const row = Math.floor(place / width);
      return (value - means[row]!) * inverses[row]!;
    }),
  );
  return { normal, mean: array(outer, means), inverse: array(outer, inverses) };
}

const times = (x: Array64, y: Array64) => zip([x, y], (a = 0, b = 0) => a * b);

const groupNorm: ReferenceOp = ([x, gamma, beta, skip, bias], read, outputs) => {
  const isLast = read.int("channels_last", 1) !== 0;
  const first = (one: Array64) => (isLast ? transposed(one, [0, 3, 1, 2]) : one);
  const wide = skip && (skip.shape.length === 2 ? array([...skip.shape, 1, 1], skip.data) : first(skip));
  const perChannel = (one: Array64) => array([one.shape[0]!, 1, 1], one.data);
  const whole = sum(first(x!), wide, bias && perChannel(bias));
  const [batch = 1] = whole.shape;
  const grouped = array([batch, read.int("groups", 1), whole.data.length / batch / read.int("groups", 1)], whole.data);
  const normal = array(whole.shape, standardized(grouped, read.float("epsilon", 1e-5)).normal.data);
  const y = sum(times(normal, perChannel(gamma!)), perChannel(beta!));
  const active = read.int("activation", 0) === 1 ? each(y, (value) => value * sigmoid(value)) : y;
  const back = (one: Array64) => (isLast ? transposed(one, [0, 2, 3, 1]) : one);
  return [back(active), back(whole)].slice(0, outputs);
};

const gelu = (x: Array64, read: Read) => {
  const erf = one(elementwise.Erf!([each(x, (value) => value * Math.SQRT1_2)], read, 1));
  return zip([x, erf], (value = 0, by = 0) => (value / 2) * (1 + by));
};

const fastGelu = (value: number) =>
  (value / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (value + 0.044715 * value ** 3)));

/** Fused operators of ONNX Runtime, by its description of them. */
export const microsoftOps: ReferenceOps = {
  "com.microsoft:BiasAdd": ([x, bias, skip]) => sum(x, bias, skip),
  "com.microsoft:BiasDropout": ([x, bias, residual]) => sum(x, bias, residual),
  "com.microsoft:BiasGelu": ([x, bias], read) => gelu(sum(x, bias), read),
  "com.microsoft:BiasSplitGelu": ([x, bias], read) => {
    const whole = sum(x, bias);
    const half = whole.shape.at(-1)! / 2;
    const shape = [...whole.shape.slice(0, -1), half];
    const active = gelu(whole, read);
    return build(shape, (index) => {
      const after = [...index.slice(0, -1), index.at(-1)! + half];
      return at(whole, index) * at(active, after);
    });
  },
  "com.microsoft:BiasSoftmax": ([x, bias], read) => {
    const scores = sum(x, bias);
    const axis = read.int("axis", 1);
    const first = axis < 0 ? axis + scores.shape.length : axis;
    const count = scores.shape.slice(first).reduce((a, b) => a * b, 1);
    const powers = each(scores, Math.exp);
    return array(
      scores.shape,
      powers.data.map((value, place) => {
        const start = place - (place % count);
        return value / powers.data.subarray(start, start + count).reduce((a, b) => a + b, 0);
      }),
    );
  },
  "com.microsoft:BitmaskBiasDropout": ([x, bias, residual]) => sum(x, bias, residual),
  "com.microsoft:BitmaskDropout": ([x]) => x!,
  "com.microsoft:CDist": ([a, b], read) =>
    build([a!.shape[0]!, b!.shape[0]!], ([i = 0, j = 0]) => {
      let squares = 0;
      for (let d = 0; d < a!.shape[1]!; d++) squares += (at(a!, [i, d]) - at(b!, [j, d])) ** 2;
      return read.text("metric", "sqeuclidean") === "euclidean" ? Math.sqrt(squares) : squares;
    }),
  "com.microsoft:ConvTransposeWithDynamicPads": ([x, w, pads, bias], read, outputs) =>
    one(
      window.ConvTranspose!(
        [x, w, bias],
        { ...read, ints: (name) => (name === "pads" && pads ? [...pads.data] : read.ints(name)) },
        outputs,
      ),
    ),
  "com.microsoft:EmbedLayerNormalization"(
    [ids, segments, words, places, kinds, gamma, beta, mask, order],
    read,
    outputs,
  ) {
    const [batch = 1, length = 1] = ids!.shape;
    const width = words!.shape[1]!;
    const whole = build([batch, length, width], ([b = 0, i = 0, e = 0]) => {
      const kind = segments && kinds ? at(kinds, [at(segments, [b, i]), e]) : 0;
      const place = order ? at(order, [order.shape[0] === 1 ? 0 : b, i]) : i;
      return at(words!, [at(ids!, [b, i]), e]) + at(places!, [place, e]) + kind;
    });
    const { normal } = standardized(whole, read.float("epsilon", 1e-12));
    const ones = (b: number) =>
      mask?.data.subarray(b * length, (b + 1) * length).filter((one) => one === 1).length ?? 0;
    const counts = build([batch], ([b = 0]) => ones(b), "int32");
    return [sum(times(normal, gamma!), beta), counts, whole].slice(0, outputs);
  },
  "com.microsoft:ExpandDims": ([x, axis]) => {
    const place = axis!.data[0]!;
    const at0 = place < 0 ? place + x!.shape.length + 1 : place;
    return array([...x!.shape.slice(0, at0), 1, ...x!.shape.slice(at0)], x!.data);
  },
  "com.microsoft:FastGelu": ([x, bias]) => each(sum(x, bias), fastGelu),
  "com.microsoft:FusedConv": conv,
  "com.microsoft:FusedGemm": (inputs, read, outputs) => activationOf(one(matrix.Gemm!(inputs, read, outputs)), read),
  "com.microsoft:FusedMatMul": matMul,
  "com.microsoft:FusedMatMulActivation": (inputs, read, outputs) => {
    const product = one(matMul(inputs, read, outputs));
    if (read.text("activation", "") !== "Softmax") return activationOf(product, read);
    const along = { ...read, int: (name: string, otherwise: number) => read.int(`activation_${name}`, otherwise) };
    return reduction.Softmax!([product], along, outputs);
  },
  "com.microsoft:GatherND": indexing.GatherND!,
  "com.microsoft:Gelu": ([x], read) => gelu(x!, read),
  "com.microsoft:GroupNorm": groupNorm,
  "com.microsoft:LayerNormalization": reduction.LayerNormalization!,
  "com.microsoft:NhwcConv": nhwc,
  "com.microsoft:NhwcFusedConv": nhwc,
  "com.microsoft:Pad": shape.Pad!,
  "com.microsoft:QuickGelu": ([x], read) => each(x!, (value) => value * sigmoid(read.float("alpha", 1.702) * value)),
  "com.microsoft:SkipGroupNorm": groupNorm,
  "com.microsoft:SkipLayerNormalization": ([x, skip, gamma, beta, bias], read, outputs) => {
    const whole = sum(x, skip, bias);
    const { normal, mean, inverse } = standardized(whole, read.float("epsilon", 1e-12));
    return [sum(times(normal, gamma!), beta), mean, inverse, whole].slice(0, outputs);
  },
  "com.microsoft:SkipSimplifiedLayerNormalization": ([x, skip, gamma, bias], read, outputs) => {
    const whole = sum(x, skip, bias);
    const { normal, mean, inverse } = standardized(whole, read.float("epsilon", 1e-12), false);
    return [times(normal, gamma!), mean, inverse, whole].slice(0, outputs);
  },
  "com.microsoft:TransposeMatMul": matMul,
  "com.microsoft:Trilu": indexing.Trilu!,
};
