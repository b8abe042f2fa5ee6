import { sizeOf } from "../../base/index.ts";
import { int, intTensor, readAttributes } from "../../onnx/index.ts";
import {
  celuInFloat64,
  eluInFloat64,
  hardSigmoidInFloat64,
  hardSwishInFloat64,
  leakyReluInFloat64,
  mishInFloat64,
  preluInFloat64,
  seluInFloat64,
  sigmoidInFloat64,
  softplusInFloat64,
  softsignInFloat64,
  thresholdedReluInFloat64,
} from "../float64/activation.ts";
import { above, exceeds, firstAlong, positive } from "../kinks.ts";
import type { Operators, SettledNode } from "../operator.ts";
import type { PrimalBuilder, Value } from "../primal.ts";
import { constant, diagonal, fromRight, type RuleNode } from "../rule.ts";

const softmaxAxis = ({ attributes, outputs: [y] }: RuleNode) => fromRight(attributes.int("axis", -1), y!.shape);

/** 1/√(2π) */
const GAUSSIAN = 1 / Math.sqrt(2 * Math.PI);

/** Activation functions. Each rule keeps values of the primal pass, then maps tangents by linear operations only. */
export const activation = {
  /** y = max(x, 0); ReLU′(0) = 0. */
  Relu: { kinks: "neurons", keeps: "active neurons", rule: diagonal(positive) },
  LeakyRelu: {
    float64: leakyReluInFloat64,
    tapName: "relu",
    attributes: ["alpha"],
    kinks: "neurons",
    keeps: "active neurons",
    rule: diagonal((p, x, _y, { attributes }) => {
      const alpha = attributes.float("alpha", 0.01);
      return p.affine(1 - alpha, positive(p, x), alpha);
    }),
  },
  ThresholdedRelu: {
    float64: thresholdedReluInFloat64,
    attributes: ["alpha"],
    kinks: "neurons",
    keeps: "active neurons",
    rule: diagonal((p, x, _y, { attributes }) => p.mask(above(p, x, p.scalar(attributes.float("alpha", 1))))),
  },
  /** y = x where x ≥ 0, and slope ∘ x elsewhere. The slope may have a tangent too. */
  PRelu: {
    float64: preluInFloat64,
    tapName: "relu",
    kinks: "neurons",
    keeps: "active neurons",
    rule: (node, primal) => {
      const [x, slope] = node.inputs as readonly [Value, Value];
      const right = primal.not(above(primal, primal.scalar(0), x));
      const dydx = node.varies(0) ? primal.keep(primal.where(right, primal.scalar(1), slope)) : undefined;
      const dyds = node.varies(1) ? primal.keep(primal.where(right, primal.scalar(0), x)) : undefined;
      return (l, dx, ds) =>
        l.add(dydx && l.scale(dydx, dx), dyds && l.scale(dyds, l.broadcast(ds, node.outputs[0]!.shape)));
    },
  },
  /** y = α(eˣ − 1) for x < 0, so y′ = y + α there: smooth for α = 1. */
  Elu: {
    float64: eluInFloat64,
    attributes: ["alpha"],
    kinks: "neurons",
    keeps: "active neurons",
    rule: diagonal((p, x, y, { attributes }) => {
      const alpha = attributes.float("alpha", 1);
      const isPositive = (alpha === 1 ? exceeds : above)(p, x, p.scalar(0));
      return p.where(isPositive, p.scalar(1), p.affine(1, y, alpha));
    }),
  },
  Selu: {
    float64: seluInFloat64,
    attributes: ["alpha", "gamma"],
    kinks: "neurons",
    keeps: "active neurons",
    rule: diagonal((p, x, y, { attributes }) => {
      const alpha = attributes.float("alpha", 1.6732632423543772);
      const gamma = attributes.float("gamma", 1.0507009873554805);
      return p.where(above(p, x, p.scalar(0)), p.scalar(gamma), p.affine(1, y, alpha * gamma));
    }),
  },
  /** y = α(e^{x/α} − 1) for x < 0, so y′ = y/α + 1 there: smooth. */
  Celu: {
    attributes: ["alpha"],
    float64: celuInFloat64,
    keeps: "active neurons",
    rule: diagonal((p, x, y, { attributes }) =>
      p.where(exceeds(p, x, p.scalar(0)), p.scalar(1), p.affine(1 / attributes.float("alpha", 1), y, 1)),
    ),
  },
  Sigmoid: {
    float64: sigmoidInFloat64,
    keeps: "active neurons",
    rule: diagonal((p, _x, y) => p.mul(y, p.affine(-1, y, 1))),
  },
  HardSigmoid: {
    float64: hardSigmoidInFloat64,
    attributes: ["alpha", "beta"],
    kinks: "neurons",
    keeps: "active neurons",
    rule: diagonal((p, x, _y, { attributes }) => {
      const alpha = attributes.float("alpha", 0.2);
      const linear = p.affine(alpha, x, attributes.float("beta", 0.5));
      const inside = p.and(above(p, linear, p.scalar(0), x), above(p, p.scalar(1), linear, x));
      return p.affine(alpha, p.mask(inside), 0);
    }),
  },
  /** y = x · clip(x/6 + 1/2, 0, 1). */
  HardSwish: {
    float64: hardSwishInFloat64,
    kinks: "neurons",
    keeps: "active neurons",
    rule: diagonal((p, x) => {
      const isBelow = above(p, p.scalar(3), x);
      const inside = p.and(above(p, x, p.scalar(-3)), isBelow);
      return p.where(inside, p.affine(1 / 3, x, 0.5), p.mask(p.not(isBelow)));
    }),
  },
  /** y = x · tanh(softplus x), so y′ = t + x(1 − t²)σ(x). */
  Mish: {
    float64: mishInFloat64,
    keeps: "active neurons",
    rule: diagonal((p, x) => {
      const t = p.map("Tanh", p.map("Softplus", x));
      return p.add(t, p.mul(p.mul(x, p.affine(-1, p.square(t), 1)), p.map("Sigmoid", x)));
    }),
  },
  Softplus: { float64: softplusInFloat64, keeps: "active neurons", rule: diagonal((p, x) => p.map("Sigmoid", x)) },
  Softsign: {
    float64: softsignInFloat64,
    keeps: "active neurons",
    rule: diagonal((p, x) => p.map("Reciprocal", p.square(p.affine(1, p.map("Abs", x), 1)))),
  },
  Tanh: { keeps: "active neurons", rule: diagonal((p, _x, y) => p.affine(-1, p.square(y), 1)) },
  /** y = x Φ(x), or its tanh approximation. */
  Gelu: {
    attributes: ["approximate"],
    float64: "none",
    keeps: "active neurons",
    rule: diagonal((p, x, _y, { attributes }) => {
      if (attributes.text("approximate", "none") === "tanh") {
        const c = Math.sqrt(2 / Math.PI);
        const cubic = p.affine(0.044715, p.mul(x, p.square(x)), 0);
        const t = p.map("Tanh", p.affine(c, p.add(x, cubic), 0));
        const inner = p.affine(3 * 0.044715 * c, p.square(x), c);
        const slope = p.mul(p.mul(x, p.affine(-1, p.square(t), 1)), inner);
        return p.affine(0.5, p.add(p.affine(1, t, 1), slope), 0);
      }
      const cdf = p.affine(0.5, p.map("Erf", p.affine(Math.SQRT1_2, x, 0)), 0.5);
      const pdf = p.affine(GAUSSIAN, p.map("Exp", p.affine(-0.5, p.square(x), 0)), 0);
      return p.add(cdf, p.mul(x, pdf));
    }),
  },
  /** Zero inside ±lambd, x ∓ bias outside. */
  Shrink: {
    attributes: ["bias", "lambd"],
    kinks: "neurons",
    keeps: "active neurons",
    rule: diagonal((p, x, _y, { attributes }) =>
      p.mask(above(p, p.map("Abs", x), p.scalar(attributes.float("lambd", 0.5)), x)),
    ),
  },
  /** y = softmax(x), dy = y∘dx − y∘Σ(y∘dx). */
  Softmax: {
    attributes: ["axis"],
    keeps: "others",
    rule: (node, primal) => {
      const axis = softmaxAxis(node);
      const y = primal.keep(node.outputs[0]!);
      return (l, dx) => {
        const ydx = l.scale(y, dx);
        return l.sub(ydx, l.scale(y, l.broadcast(l.sum(ydx, [axis]), y.shape)));
      };
    },
  },
  /** y = x − log Σ eˣ, dy = dx − Σ(eʸ∘dx). */
  LogSoftmax: {
    attributes: ["axis"],
    keeps: "others",
    rule: (node, primal) => {
      const axis = softmaxAxis(node);
      const p = primal.keep(primal.map("Exp", node.outputs[0]!));
      return (l, dx) => l.sub(dx, l.broadcast(l.sum(l.scale(p, dx), [axis]), p.shape));
    },
  },
  Hardmax: {
    attributes: ["axis"],
    float64: "none",
    kinks: "windows",
    settle: (p, [x], node) => settledHardmax(p, x!, node),
    rule: constant,
  },
} satisfies Operators;

/** 1 at the first of the entries along an axis that equal the largest, and 0 elsewhere. */
function settledHardmax(primal: PrimalBuilder, x: Value, { attributes }: SettledNode): Value {
  const axis = readAttributes(attributes).int("axis", -1);
  const along = x.shape.map((extent, i) => (i === (axis < 0 ? axis + x.shape.length : axis) ? extent : 1));
  const first = firstAlong(primal, "Max", x, { axis: int(axis), keepdims: int(1) });
  const places = primal.constant(intTensor([...new Array(sizeOf(along)).keys()], along));
  const shape = x.shape.map((extent, i) => (along[i] === 1 ? extent : 1));
  return primal.cast(primal.compare("Equal", places, { ...first, shape }), "float32");
}
