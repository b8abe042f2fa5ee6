import { PushforwardError } from "../base/index.ts";
import { type OptimizerSettings, type Recipe, tensorsOf } from "../training/index.ts";
import type { SpectrumMeasures } from "./measure.ts";
import { expectedGrowth, weightVarianceOf } from "./theory-growth.ts";

/** What is known of a candidate when filters judge it. */
export interface Facts {
  readonly recipe: Recipe;
  /** Measured, where the filter asks for it. */
  readonly spectrum?: SpectrumMeasures;
  /** ln of the ratio of the gradients by the first and the last weights. */
  readonly gradient?: number;
  /** The mean square of the entries of the inputs. */
  readonly power: number;
}

/** Below which multiple of 1/λ steps are slow, and above which they are unstable, for plain gradient descent. */
export const RATES = { slow: 0.1, unstable: 1.5 };

/** η·λ of an optimizer, as it counts for how fast it goes and for whether it is stable. */
export interface RateTimesCurvature {
  readonly speed: number;
  readonly stability: number;
}

/**
 * η·λ with momentum folded in. Gradient descent is unstable from η·λ = 2 on. With momentum μ it goes 1/(1 − μ) times as far for each gradient,
 * and is unstable from 2·(1 + μ) on, with Nesterov's from 2·(1 + μ)/(1 + 2μ) on.
 *
 * @returns `undefined` for Adam, whose steps do not grow with the gradient
 * @see Cohen et al. 2021, "Gradient descent on neural networks typically occurs at the edge of stability", appendix B
 */
export function rateTimesCurvature(optimizer: OptimizerSettings, curvature: number): RateTimesCurvature | undefined {
  const product = optimizer.rate * curvature;
  switch (optimizer.kind) {
    case "sgd":
      return { speed: product, stability: product };
    case "momentum": {
      const { momentum: mu = 0.9, nesterov = false } = optimizer;
      return { speed: product / (1 - mu), stability: (product * (nesterov ? 1 + 2 * mu : 1)) / (1 + mu) };
    }
    default:
      return undefined;
  }
}

/** How far expected or measured singular values are from 1, as theory has it: |½ Σ ln χ|. @throws PushforwardError as `expectedGrowth` */
export const theorySpread = ({ recipe, power }: Facts): number => {
  const { logSigma } = expectedGrowth(recipe, power);
  return Number.isNaN(logSigma) ? Number.POSITIVE_INFINITY : Math.abs(logSigma);
};

/** Hidden layers with weights. */
export const depthOf = ({ network }: Recipe): number =>
  network.layers.filter(({ kind }) => kind === "dense" || kind === "conv").length - 1;

/**
 * |ln(σ_w/σ)| with σ the one that is usual for the activation: √2 for ReLU (He et al. 2015), and 1 for others (LeCun et al. 1998; Glorot &
 * Bengio 2010 for layers of equal width). Of layers in the middle, all of one width.
 */
export function awayFromUsual({ network, initializer }: Recipe): number {
  const isRelu = network.layers.some(({ kind }) => kind === "relu");
  const first = tensorsOf(network).find(({ number }) => number === 1);
  if (first === undefined) throw new PushforwardError("usage", { what: "The network has no layer with weights." });
  const width = first.shape.at(-1)!;
  return Math.abs(Math.log(weightVarianceOf(initializer, width, width) / (isRelu ? 2 : 1)) / 2);
}
