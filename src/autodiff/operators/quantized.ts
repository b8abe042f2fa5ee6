import { atLeast } from "../kinks.ts";
import type { Operators } from "../operator.ts";
import type { PrimalBuilder, Value } from "../primal.ts";
import type { Tangent } from "../program.ts";
import type { Rule, RuleNode } from "../rule.ts";

/**
 * Rounding, as if it were the identity within the numbers that its result can be, and constant beyond them: the straight-through
 * estimator. A model whose rounding is to be refused gives the reason.
 *
 * @see Bengio, Léonard and Courville 2013, "Estimating or propagating gradients through stochastic neurons"
 */
const straightThrough =
  (rule: Rule): Rule =>
  (node, primal) => {
    if (node.attributes.text("derivative", "refuse") === "straight-through") return rule(node, primal);
    throw new Error(
      "it rounds to quantized numbers, which tangents pass only with --quantized straight-through (in the library: quantized)",
    );
  };

/** A value as wide as the output. */
const wide = (primal: PrimalBuilder, x: Value, { outputs: [y] }: RuleNode) => primal.expand(x, y!.shape);

export const quantized = {
  /** y = clip(round(x / scale) + zero, low, high): dy = dx / scale − x / scale² · dscale + dzero where x / scale + zero is in reach. */
  Quantize: {
    attributes: ["derivative"],
    kinks: "neurons",
    keeps: "active neurons",
    rule: straightThrough((node, primal) => {
      const [x, scale, zero, low, high] = node.inputs as readonly [Value, Value, Value, Value, Value];
      const [y] = node.outputs as readonly [Value];
      const level = primal.div(x, scale);
      const place = primal.add(level, zero);
      const isInReach = primal.and(
        atLeast(primal, place, primal.affine(1, low, -0.5)),
        atLeast(primal, primal.affine(1, high, 0.5), place),
      );
      const inReach = primal.keep(primal.mask(wide(primal, isInReach, node)));
      const inverse = primal.div(primal.scalar(1), scale);
      const byX = node.varies(0) ? primal.keep(inverse) : undefined;
      const byScale = node.varies(1) ? primal.keep(primal.map("Neg", primal.mul(level, inverse))) : undefined;
      return (l, dx, dscale, dzero) => {
        const spread = (tangent: Tangent) => l.broadcast(tangent, y.shape);
        const moved = l.add(
          byX && l.scale(byX, spread(dx)),
          byScale && l.scale(byScale, spread(dscale)),
          spread(dzero),
        );
        return l.scale(inReach, moved);
      };
    }),
  },

  /** y = x, rounded to a float of few bits: dy = dx up to the largest number. */
  QuantizeFloat: {
    attributes: ["derivative"],
    kinks: "neurons",
    keeps: "active neurons",
    rule: straightThrough((node, primal) => {
      const [x, , , , largest] = node.inputs as readonly [Value, Value, Value, Value, Value];
      const inReach = primal.keep(primal.mask(atLeast(primal, largest, primal.map("Abs", x))));
      return (l, dx) => l.scale(inReach, dx);
    }),
  },
} satisfies Operators;
