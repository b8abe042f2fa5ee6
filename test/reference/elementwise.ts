import type { DataType } from "../../src/onnx/index.ts";
import { type Array64, array, each, type ReferenceOp, type ReferenceOps, zip } from "./tensor.ts";

const unary =
  (f: (x: number) => number, type?: DataType): ReferenceOp =>
  ([x]) =>
    each(x!, f, type);

const binary =
  (f: (a: number, b: number) => number, type?: DataType): ReferenceOp =>
  ([a, b]) =>
    zip([a!, b!], f as (...values: readonly number[]) => number, type);

const variadic =
  (f: (values: readonly number[]) => number): ReferenceOp =>
  (inputs) =>
    zip(inputs as Array64[], (...values) => f(values));

const compare = (f: (a: number, b: number) => boolean): ReferenceOp => binary((a, b) => Number(f(a, b)), "bool");

/** 2/√π · e^(−x²) Σ 2ⁿ x^(2n+1) / (2n+1)!!: all terms of one sign, so no digits are lost. */
function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let total = x;
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(total); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    total += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * total;
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const softplus = (x: number) => Math.log1p(Math.exp(-Math.abs(x))) + Math.max(x, 0);
const halfToEven = (x: number) => {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest < 0.5 || (rest === 0.5 && floor % 2 === 0) ? floor : floor + 1;
};

const TYPE_CODES: Readonly<Record<number, DataType>> = {
  1: "float32",
  6: "int32",
  7: "int64",
  9: "bool",
  11: "float64",
};

function convert(x: Array64, type: DataType): Array64 {
  if (type === "bool") return each(x, (value) => Number(value !== 0), type);
  return each(x, type.startsWith("float") ? (value) => value : Math.trunc, type);
}

/** Entry by entry. */
export const elementwise: ReferenceOps = {
  Add: binary((a, b) => a + b),
  Sub: binary((a, b) => a - b),
  Mul: binary((a, b) => a * b),
  Div: binary((a, b) => a / b),
  Pow: binary((a, b) => a ** b),
  /** The sign is that of the divisor, and with `fmod` that of the dividend. */
  Mod: ([a, b], attributes) =>
    zip([a!, b!], (x, y) => (attributes.int("fmod", 0) !== 0 ? x! % y! : ((x! % y!) + y!) % y!)),
  Sum: variadic((values) => values.reduce((total, value) => total + value, 0)),
  Mean: variadic((values) => values.reduce((total, value) => total + value, 0) / values.length),
  Max: variadic((values) => Math.max(...values)),
  Min: variadic((values) => Math.min(...values)),
  Equal: compare((a, b) => a === b),
  Greater: compare((a, b) => a > b),
  GreaterOrEqual: compare((a, b) => a >= b),
  Less: compare((a, b) => a < b),
  LessOrEqual: compare((a, b) => a <= b),
  And: compare((a, b) => a !== 0 && b !== 0),
  Or: compare((a, b) => a !== 0 || b !== 0),
  Not: unary((x) => Number(x === 0)),
  IsNaN: unary((x) => Number(Number.isNaN(x)), "bool"),
  IsInf: unary((x) => Number(Math.abs(x) === Number.POSITIVE_INFINITY), "bool"),
  Where: ([condition, a, b]) => zip([condition!, a!, b!], (c, yes, no) => (c ? yes! : no!), a!.type),
  Cast: ([x], attributes) => convert(x!, TYPE_CODES[attributes.int("to", 1)]!),
  /** Between types that are the same. */
  BitCast: ([x]) => x!,
  CastLike: ([x, like]) => convert(x!, like!.type),
  Identity: ([x]) => x!,
  Clip: ([x, low, high]) =>
    zip(
      [x!, low ?? array([], [Number.NEGATIVE_INFINITY]), high ?? array([], [Number.POSITIVE_INFINITY])],
      (value, min, max) => Math.min(Math.max(value!, min!), max!),
    ),

  Neg: unary((x) => -x),
  Abs: unary(Math.abs),
  Sign: unary(Math.sign),
  Floor: unary(Math.floor),
  Ceil: unary(Math.ceil),
  Round: unary(halfToEven),
  Reciprocal: unary((x) => 1 / x),
  Sqrt: unary(Math.sqrt),
  Exp: unary(Math.exp),
  Log: unary(Math.log),
  Erf: unary(erf),
  Sin: unary(Math.sin),
  Cos: unary(Math.cos),
  Tan: unary(Math.tan),
  Asin: unary(Math.asin),
  Acos: unary(Math.acos),
  Atan: unary(Math.atan),
  Sinh: unary(Math.sinh),
  Cosh: unary(Math.cosh),
  Asinh: unary(Math.asinh),
  Acosh: unary(Math.acosh),
  Atanh: unary(Math.atanh),

  Relu: unary((x) => Math.max(x, 0)),
  LeakyRelu: ([x], a) => each(x!, (value) => (value < 0 ? a.float("alpha", 0.01) * value : value)),
  ThresholdedRelu: ([x], a) => each(x!, (value) => (value > a.float("alpha", 1) ? value : 0)),
  PRelu: binary((x, slope) => (x < 0 ? slope * x : x)),
  Elu: ([x], a) => each(x!, (value) => (value < 0 ? a.float("alpha", 1) * Math.expm1(value) : value)),
  Selu: ([x], a) => {
    const alpha = a.float("alpha", 1.6732631921768188);
    const gamma = a.float("gamma", 1.0507010221481323);
    return each(x!, (value) => gamma * (value > 0 ? value : alpha * Math.expm1(value)));
  },
  Celu: ([x], a) => {
    const alpha = a.float("alpha", 1);
    return each(x!, (value) => Math.max(value, 0) + Math.min(0, alpha * Math.expm1(value / alpha)));
  },
  Sigmoid: unary(sigmoid),
  HardSigmoid: ([x], a) =>
    each(x!, (value) => Math.max(0, Math.min(1, a.float("alpha", 0.2) * value + a.float("beta", 0.5)))),
  HardSwish: unary((x) => x * Math.max(0, Math.min(1, x / 6 + 0.5))),
  Mish: unary((x) => x * Math.tanh(softplus(x))),
  Softplus: unary(softplus),
  Softsign: unary((x) => x / (1 + Math.abs(x))),
  Tanh: unary(Math.tanh),
  Gelu: ([x], a) =>
    each(
      x!,
      a.text("approximate", "none") === "tanh"
        ? (v) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)))
        : (v) => 0.5 * v * (1 + erf(v / Math.SQRT2)),
    ),
  Shrink: ([x], a) => {
    const [lambd, bias] = [a.float("lambd", 0.5), a.float("bias", 0)];
    return each(x!, (value) => (value < -lambd ? value + bias : value > lambd ? value - bias : 0));
  },
};
