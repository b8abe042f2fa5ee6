import { sameShape } from "../../base/index.ts";
import type { Float64Form } from "../float64/form.ts";
import { above, atLeast, equal, firstInput, sign } from "../kinks.ts";
import type { Operators } from "../operator.ts";
import type { PrimalBuilder, Value } from "../primal.ts";
import type { LinearBuilder, Tangent } from "../program.ts";
import { constant, diagonal, type Rule, type RuleNode } from "../rule.ts";

/** A function of several inputs, broadcast to the output's shape: dy = Σ slopeᵢ ∘ dxᵢ, slopes computed where inputs vary. */
const elementwise =
  (slopes: (primal: PrimalBuilder, node: RuleNode) => readonly (() => Value)[]): Rule =>
  (node, primal) => {
    const { shape } = node.outputs[0]!;
    const kept = slopes(primal, node).map((slope, i) => (node.varies(i) ? primal.keep(slope()) : undefined));
    return (l, ...tangents) =>
      l.add(...kept.map((slope, i) => slope && l.scale(slope, l.broadcast(tangents[i], shape))));
  };

/** dy = Σ weight · dxᵢ, broadcast to the output's shape. */
const weightedSum =
  (weights: (count: number) => readonly number[]): Rule =>
  ({ inputs, outputs: [y] }) =>
  (l: LinearBuilder, ...tangents: readonly Tangent[]) => {
    const factors = weights(inputs.length);
    return l.add(...tangents.map((dx, i) => l.multiply(factors[i]!, l.broadcast(dx, y!.shape))));
  };

/** The rule of the largest (or smallest) input: the output follows that input, or the first one among equal inputs. */
const extremum = (extreme: "Max" | "Min"): Rule =>
  elementwise((p, { inputs, outputs: [y] }) =>
    firstInput(p, extreme, inputs, y!).map((isFirst) => () => p.mask(isFirst)),
  );

/** −q, where y = a − qb. */
function wholeQuotient(primal: PrimalBuilder, a: Value, b: Value, y: Value): Value {
  equal(primal, y, primal.scalar(0));
  return primal.map("Round", primal.div(primal.sub(y, a), b));
}

const identity: Rule = () => (_l, dx) => dx;

type Derivative = Parameters<typeof diagonal>[0];

/** A smooth function of each entry, by its derivative. */
const smooth = (derivative: Derivative) => ({ keeps: "others", rule: diagonal(derivative) }) as const;

/** The same, of a function that ONNX Runtime does not have in float64. */
const smoothInFloat32 = (derivative: Derivative) => ({ ...smooth(derivative), float64: "none" }) as const;

const mean: Float64Form = (write, { inputs }) => {
  const sum = write.node(
    "Sum",
    inputs.map((name) => write.wide(name)),
  );
  return write.node("Div", [sum, write.number(inputs.length)]);
};

/** Elementwise functions of one or more inputs, with broadcasting. */
export const arithmetic = {
  Add: { rule: weightedSum(() => [1, 1]) },
  Sub: { rule: weightedSum(() => [1, -1]) },
  Sum: { rule: weightedSum((count) => new Array<number>(count).fill(1)) },
  Mean: { float64: mean, rule: weightedSum((count) => new Array<number>(count).fill(1 / count)) },
  Mul: { keeps: "others", rule: elementwise((_p, { inputs: [a, b] }) => [() => b!, () => a!]) },
  /** d(a/b) = da/b − (y/b) db. */
  Div: {
    keeps: "others",
    rule: elementwise((p, { inputs: [, b], outputs: [y] }) => [
      () => p.map("Reciprocal", b!),
      () => p.map("Neg", p.div(y!, b!)),
    ]),
  },
  /** d(aᵇ) = b aᵇ⁻¹ da + y ln a db, where a⁰ does not move with a, nor 0ᵇ with b; the exponent may be an integer. */
  Pow: {
    keeps: "others",
    rule: elementwise((p, { inputs: [a, b], outputs: [y] }) => {
      const exponent = b!.type === "float32" ? b! : p.cast(b!, "float32");
      const unlessZero = (factor: Value, slope: Value) => p.where(p.isNonZero(factor), slope, p.scalar(0));
      return [
        () => unlessZero(exponent, p.mul(exponent, p.pow(a!, p.affine(1, exponent, -1)))),
        () => unlessZero(a!, p.mul(y!, p.map("Log", a!))),
      ];
    }),
  },
  /**
   * y = a − qb with a whole number q, which is a/b cut off at the point (the format takes no other modulus of floats). Where y is 0, q
   * jumps.
   */
  Mod: {
    attributes: ["fmod"],
    kinks: "neurons",
    keeps: "others",
    rule: (node, primal) => {
      const [a, b] = node.inputs as readonly [Value, Value];
      const y = node.outputs[0]!;
      const byB = node.varies(1) ? primal.keep(wholeQuotient(primal, a, b, y)) : undefined;
      return (l, da, db) => l.add(l.broadcast(da, y.shape), byB && l.scale(byB, l.broadcast(db, y.shape)));
    },
  },
  Max: { kinks: "windows", keeps: "pooling switches", rule: extremum("Max") },
  Min: { kinks: "windows", keeps: "pooling switches", rule: extremum("Min") },
  Neg: { rule: () => (l, dx) => l.multiply(-1, dx) },
  Identity: { rearranges: true, rule: identity },
  /** The identity between floats; what is cast to another type has no tangent. */
  Cast: {
    rearranges: true,
    attributes: ["round_mode", "saturate", "to"],
    kinks: "neurons",
    /** A cast to a truth value: whether entries are not 0. */
    settle: (p, [x], { outputs: [y] }) => (y!.type === "bool" ? p.not(equal(p, x!, p.scalar(0))) : undefined),
    rule: identity,
  },
  /** The same bits as another type; between floats of one type it is the identity. */
  BitCast: { attributes: ["to"], float64: "none", rearranges: true, rule: identity },
  CastLike: { rearranges: true, attributes: ["round_mode", "saturate"], rule: identity },
  /**
   * Where min < x < max, y follows x. At the limits and beyond, y follows the limit and not x; where min ≥ max, it follows max.
   */
  Clip: {
    kinks: "neurons",
    keeps: "active neurons",
    rule: (node, primal) => {
      const x = node.inputs[0]!;
      const y = node.outputs[0]!;
      const low = node.optional(1);
      const high = node.optional(2);
      const isAbove = low && above(primal, x, low);
      const isBelow = high && above(primal, high, x, x);
      const open = low && high && primal.compare("Greater", high, low);
      const inside = isAbove && isBelow ? primal.and(isAbove, isBelow) : (isAbove ?? isBelow);
      const isLow = isAbove && (open ? primal.and(primal.not(isAbove), open) : primal.not(isAbove));
      const isHigh = isBelow && primal.not(open ? primal.and(isBelow, open) : isBelow);
      const mask = inside && node.varies(0) ? primal.keep(primal.mask(inside)) : undefined;
      const atLow = isLow && node.varies(1) ? primal.keep(primal.mask(isLow)) : undefined;
      const atHigh = isHigh && node.varies(2) ? primal.keep(primal.mask(isHigh)) : undefined;
      return (l, dx, dLow, dHigh) =>
        l.add(
          mask ? l.scale(mask, dx) : dx,
          atLow && l.scale(atLow, l.broadcast(dLow, y.shape)),
          atHigh && l.scale(atHigh, l.broadcast(dHigh, y.shape)),
        );
    },
  },
  Where: {
    keeps: "others",
    rule: (node, primal) => {
      const condition = node.inputs[0]!;
      const { shape } = node.outputs[0]!;
      const full = sameShape(condition.shape, shape) ? condition : primal.expand(condition, shape);
      const yes = node.varies(1) ? primal.keep(primal.mask(full)) : undefined;
      const no = node.varies(2) ? primal.keep(primal.mask(primal.not(full))) : undefined;
      return (l, _dc, da, db) =>
        l.add(yes && l.scale(yes, l.broadcast(da, shape)), no && l.scale(no, l.broadcast(db, shape)));
    },
  },
  /** |x|′ = sign x, 0 at 0. */
  Abs: { kinks: "neurons", keeps: "others", rule: diagonal(sign) },
  Reciprocal: smooth((p, _x, y) => p.map("Neg", p.square(y))),
  Sqrt: smooth((p, _x, y) => p.map("Reciprocal", p.affine(2, y, 0))),
  Exp: smooth((_p, _x, y) => y),
  Log: smooth((p, x) => p.map("Reciprocal", x)),
  Erf: smoothInFloat32((p, x) => p.affine(2 / Math.sqrt(Math.PI), p.map("Exp", p.map("Neg", p.square(x))), 0)),
  Sin: smooth((p, x) => p.map("Cos", x)),
  Cos: smooth((p, x) => p.map("Neg", p.map("Sin", x))),
  Tan: smoothInFloat32((p, _x, y) => p.affine(1, p.square(y), 1)),
  Asin: smoothInFloat32((p, x) => p.map("Reciprocal", p.map("Sqrt", p.affine(-1, p.square(x), 1)))),
  Acos: smoothInFloat32((p, x) => p.map("Neg", p.map("Reciprocal", p.map("Sqrt", p.affine(-1, p.square(x), 1))))),
  Atan: smoothInFloat32((p, x) => p.map("Reciprocal", p.affine(1, p.square(x), 1))),
  Sinh: smoothInFloat32((p, x) => p.map("Cosh", x)),
  Cosh: smoothInFloat32((p, x) => p.map("Sinh", x)),
  Asinh: smoothInFloat32((p, x) => p.map("Reciprocal", p.map("Sqrt", p.affine(1, p.square(x), 1)))),
  Acosh: smoothInFloat32((p, x) => p.map("Reciprocal", p.map("Sqrt", p.affine(1, p.square(x), -1)))),
  Atanh: smoothInFloat32((p, x) => p.map("Reciprocal", p.affine(-1, p.square(x), 1))),
  Sign: { kinks: "neurons", settle: (p, [x]) => sign(p, x!), rule: constant },
  Floor: { rule: constant },
  Ceil: { rule: constant },
  Round: { rule: constant },
  IsNaN: { rule: constant },
  IsInf: { attributes: ["detect_negative", "detect_positive"], rule: constant },
  Equal: { kinks: "neurons", settle: (p, [a, b]) => equal(p, a!, b!), rule: constant },
  Greater: { kinks: "neurons", settle: (p, [a, b]) => above(p, a!, b!), rule: constant },
  GreaterOrEqual: { kinks: "neurons", settle: (p, [a, b]) => atLeast(p, a!, b!), rule: constant },
  Less: { kinks: "neurons", settle: (p, [a, b]) => above(p, b!, a!), rule: constant },
  LessOrEqual: { kinks: "neurons", settle: (p, [a, b]) => atLeast(p, b!, a!), rule: constant },
} satisfies Operators;
