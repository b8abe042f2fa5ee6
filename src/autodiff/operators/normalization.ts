import { type Shape, sizeOf } from "../../base/index.ts";
import { int, ints } from "../../onnx/index.ts";
import {
  groupNormalizationInFloat64,
  instanceNormalizationInFloat64,
  localResponseNormalizationInFloat64,
  meanVarianceNormalizationInFloat64,
} from "../float64/normalization.ts";
import { exceeds, sign } from "../kinks.ts";
import type { Operators } from "../operator.ts";
import type { PrimalBuilder, Value } from "../primal.ts";
import type { LinearBuilder, Operand, Tangent } from "../program.ts";
import { fromRight, type RuleNode } from "../rule.ts";

/** x̂ = (x − mean)/√(var + ε) over some axes, as the primal pass computes it. */
interface Standardized {
  readonly normal: Value;
  readonly inverse: Value;
}

function standardize(primal: PrimalBuilder, x: Value, axes: readonly number[], epsilon: number): Standardized {
  const centred = primal.sub(x, primal.reduce("ReduceMean", x, axes));
  const variance = primal.reduce("ReduceMean", primal.square(centred), axes);
  const inverse = primal.map("Reciprocal", primal.map("Sqrt", primal.affine(1, variance, epsilon)));
  return { normal: primal.mul(centred, inverse), inverse };
}

/** The mean over some axes of this shape, which remain with extent 1. */
function meanOf(l: LinearBuilder, t: Tangent, axes: readonly number[], shape: Shape): Tangent {
  const count = axes.reduce((product, axis) => product * shape.at(axis)!, 1);
  return l.multiply(1 / count, l.sum(t, axes));
}

/** dx̂ = (dx − mean(dx) − x̂ mean(x̂∘dx))/√(var + ε). */
function standardizedTangent(
  l: LinearBuilder,
  dx: Tangent,
  normal: Operand,
  inverse: Operand,
  axes: readonly number[],
): Tangent {
  const mean = (t: Tangent) => l.broadcast(meanOf(l, t, axes, normal.shape), normal.shape);
  const along = l.scale(normal, mean(l.scale(normal, dx)));
  return l.scale(inverse, l.sub(l.sub(dx, mean(dx)), along));
}

/** y = scale ∘ x̂ + bias, where x̂ is standardized over axes, and scale and bias get the shape in which they broadcast. */
function affineNormalization(
  node: RuleNode,
  primal: PrimalBuilder,
  { normal, inverse }: Standardized,
  axes: readonly number[],
  shapeOf: (affine: Value) => Shape,
) {
  const x = node.inputs[0]!;
  const [scale, bias] = [node.optional(1), node.optional(2)];
  const keptNormal = node.varies(0) || node.varies(1) ? primal.keep(normal) : undefined;
  const keptInverse = node.varies(0) ? primal.keep(inverse) : undefined;
  const keptScale = node.varies(0) && scale ? primal.keep(primal.reshape(scale, shapeOf(scale))) : undefined;
  return (...[l, dx, dScale, dBias]: [LinearBuilder, ...Tangent[]]) => {
    const normalized = keptNormal && keptInverse && standardizedTangent(l, dx, keptNormal, keptInverse, axes);
    const spread = (t: Tangent, of: Value | undefined) => of && l.broadcast(l.reshape(t, shapeOf(of)), x.shape);
    return l.add(
      keptScale ? l.scale(keptScale, normalized) : normalized,
      keptNormal && l.scale(keptNormal, spread(dScale, scale)),
      spread(dBias, bias),
    );
  };
}

const trailing = (shape: Shape, from: number) => shape.slice(from).map((_, i, rest) => i - rest.length);
const perChannel = (shape: Shape) => shape.map((extent, axis) => (axis === 1 ? extent : 1));

export const normalization = {
  /** An affine map of each channel in inference: y = scale ∘ (x − mean)/√(var + ε) + bias. */
  BatchNormalization: {
    tapName: "bn",
    attributes: ["epsilon", "momentum", "training_mode"],
    keeps: "normalizers",
    rule: (node, primal) => {
      if (node.attributes.int("training_mode", 0) !== 0) throw new Error("it is in training mode");
      const [x, scale, , mean, variance] = node.inputs as readonly [Value, Value, Value, Value, Value];
      const shape = perChannel(x.shape);
      const inverse = primal.map(
        "Reciprocal",
        primal.map("Sqrt", primal.affine(1, variance, node.attributes.float("epsilon", 1e-5))),
      );
      const slope = primal.mul(scale, inverse);
      const normal = primal.mul(primal.sub(x, primal.reshape(mean, shape)), primal.reshape(inverse, shape));
      const keptSlope = node.varies(0) || node.varies(3) ? primal.keep(primal.reshape(slope, shape)) : undefined;
      const keptNormal = node.varies(1) || node.varies(4) ? primal.keep(normal) : undefined;
      // ∂y/∂var = −½ x̂ · scale/(var + ε)
      const byVariance = node.varies(4)
        ? primal.keep(primal.reshape(primal.affine(-0.5, primal.mul(slope, inverse), 0), shape))
        : undefined;
      return (l, dx, dScale, dBias, dMean, dVariance) => {
        const spread = (t: Tangent) => l.broadcast(l.reshape(t, shape), x.shape);
        return l.add(
          keptSlope && l.scale(keptSlope, l.sub(dx, spread(dMean))),
          keptNormal && l.scale(keptNormal, spread(dScale)),
          keptNormal && byVariance && l.scale(keptNormal, l.scale(byVariance, spread(dVariance))),
          spread(dBias),
        );
      };
    },
  },

  InstanceNormalization: {
    tapName: "norm",
    attributes: ["epsilon"],
    float64: instanceNormalizationInFloat64,
    keeps: "normalizers",
    rule: (node, primal) => {
      const x = node.inputs[0]!;
      const axes = trailing(x.shape, 2);
      const standardized = standardize(primal, x, axes, node.attributes.float("epsilon", 1e-5));
      return affineNormalization(node, primal, standardized, axes, () => perChannel(x.shape));
    },
  },

  /** Its other outputs are the mean, and r = 1/√(var + ε), with dr = −r² mean(x̂∘dx). */
  LayerNormalization: {
    tapName: "norm",
    attributes: ["axis", "epsilon", "stash_type"],
    float64: "first output",
    keeps: "normalizers",
    rule: (node, primal) => {
      const x = node.inputs[0]!;
      const { shape } = x;
      const axes = trailing(shape, shape.length + fromRight(node.attributes.int("axis", -1), shape));
      const standardized = standardize(primal, x, axes, node.attributes.float("epsilon", 1e-5));
      const affine = affineNormalization(node, primal, standardized, axes, (affine) => affine.shape);
      if (node.outputs.length === 1 || !node.varies(0)) return affine;
      const normal = primal.keep(standardized.normal);
      const slope = primal.keep(primal.affine(-1, primal.square(standardized.inverse), 0));
      return (l, dx, dScale, dBias) => {
        const mean = (t: Tangent) => meanOf(l, t, axes, shape);
        return [affine(l, dx, dScale, dBias), mean(dx), l.scale(slope, mean(l.scale(normal, dx)))];
      };
    },
  },

  /** Standardized over groups of channels, then affine by channel (by group before opset 21). */
  GroupNormalization: {
    tapName: "norm",
    attributes: ["epsilon", "num_groups", "stash_type"],
    float64: groupNormalizationInFloat64,
    keeps: "normalizers",
    rule: (node, primal) => {
      const [x, scale] = node.inputs as readonly [Value, Value];
      const groups = node.attributes.int("num_groups", 1);
      const [batch, channels, ...spatial] = x.shape as [number, number, ...number[]];
      const grouped = [batch, groups, channels / groups, sizeOf(spatial)];
      const { normal, inverse } = standardize(
        primal,
        primal.reshape(x, grouped),
        [-2, -1],
        node.attributes.float("epsilon", 1e-5),
      );
      const affine = scale.shape[0] === channels ? [1, groups, channels / groups, 1] : [1, groups, 1, 1];
      const keptNormal = primal.keep(normal);
      const keptInverse = primal.keep(inverse);
      const keptScale = primal.keep(primal.reshape(scale, affine));
      return (l, dx, dScale, dBias) => {
        const standardized = standardizedTangent(l, l.reshape(dx, grouped), keptNormal, keptInverse, [-2, -1]);
        const spread = (t: Tangent) => l.broadcast(l.reshape(t, affine), grouped);
        const y = l.add(l.scale(keptScale, standardized), l.scale(keptNormal, spread(dScale)), spread(dBias));
        return l.reshape(y, x.shape);
      };
    },
  },

  MeanVarianceNormalization: {
    attributes: ["axes"],
    float64: meanVarianceNormalizationInFloat64,
    keeps: "normalizers",
    rule: (node, primal) => {
      const x = node.inputs[0]!;
      const axes = (node.attributes.ints("axes") ?? [0, 2, 3]).map((axis) => fromRight(axis, x.shape));
      // ONNX divides by the standard deviation plus 1e-9.
      const centred = primal.sub(x, primal.reduce("ReduceMean", x, axes));
      const deviation = primal.map("Sqrt", primal.reduce("ReduceMean", primal.square(centred), axes));
      const inverse = primal.map("Reciprocal", primal.affine(1, deviation, 1e-9));
      const normal = primal.keep(primal.mul(centred, inverse));
      const keptInverse = primal.keep(inverse);
      return (l, dx) => standardizedTangent(l, dx, normal, keptInverse, axes);
    },
  },

  /** y = x/‖x‖ₚ along an axis; dy = (dx − y Σ(∂‖x‖∘dx))/‖x‖. */
  LpNormalization: {
    attributes: ["axis", "p"],
    kinks: "neurons",
    keeps: "normalizers",
    rule: (node, primal) => {
      const x = node.inputs[0]!;
      const y = node.outputs[0]!;
      const axes = [fromRight(node.attributes.int("axis", -1), x.shape)];
      const euclidean = node.attributes.int("p", 2) === 2;
      const norm = euclidean
        ? primal.map("Sqrt", primal.reduce("ReduceSum", primal.square(x), axes))
        : primal.reduce("ReduceSum", primal.map("Abs", x), axes);
      // Where the norm is zero but for rounding, so is the derivative.
      const isPositive = exceeds(primal, norm, primal.scalar(0));
      const safe = primal.where(isPositive, norm, primal.scalar(1));
      const inverse = primal.keep(primal.where(isPositive, primal.map("Reciprocal", safe), primal.scalar(0)));
      const gradient = primal.keep(euclidean ? y : sign(primal, x));
      const kept = primal.keep(y);
      return (l, dx) => {
        const along = l.broadcast(l.sum(l.scale(gradient, dx), axes), x.shape);
        return l.scale(inverse, l.sub(dx, l.scale(kept, along)));
      };
    },
  },

  /**
   * y = x/sᵝ with s = bias + (α/size) Σ x² over neighbouring channels; dy = s^−β ∘ dx − (2αβ/size) x s^(−β−1) ∘ Σ(x∘dx).
   */
  LRN: {
    tapName: "norm",
    attributes: ["alpha", "beta", "bias", "size"],
    float64: localResponseNormalizationInFloat64,
    keeps: "normalizers",
    rule: (node, primal) => {
      const x = node.inputs[0]!;
      const { attributes } = node;
      const [batch, channels, ...spatial] = x.shape as [number, number, ...number[]];
      const size = attributes.int("size", 1);
      const alpha = attributes.float("alpha", 1e-4);
      const beta = attributes.float("beta", 0.75);
      const planes = [batch, 1, channels, sizeOf(spatial)];
      const pads = [Math.floor((size - 1) / 2), 0, Math.ceil((size - 1) / 2), 0];
      const mean = primal.op("AveragePool", [primal.reshape(primal.square(x), planes)], planes, {
        kernel_shape: ints([size, 1]),
        pads: ints(pads),
        count_include_pad: int(1),
      });
      const s = primal.reshape(primal.affine(alpha, mean, attributes.float("bias", 1)), x.shape);
      const power = primal.pow(s, primal.scalar(-beta));
      const direct = primal.keep(power);
      const kept = primal.keep(x);
      const cross = primal.keep(primal.affine((-2 * alpha * beta) / size, primal.mul(x, primal.div(power, s)), 0));
      const window = { kernel: [size, 1], strides: [1, 1], dilations: [1, 1], pads };
      return (l, dx) => {
        const neighbours = l.windowSum(l.reshape(l.scale(kept, dx), planes), window);
        return l.add(l.scale(direct, dx), l.scale(cross, l.reshape(neighbours, x.shape)));
      };
    },
  },
} satisfies Operators;
