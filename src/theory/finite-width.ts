import { type Ensemble, type RandomLayers, slopeMoment } from "./mean-field.ts";
import { gaussianMean } from "./quadrature.ts";

/** Derivatives by q are differences over this share of q. */
const STEP = 1e-3;

/**
 * The mean of σ² after `layers` layers of independent random weights at a critical point, to first order in 1/width: the exponential of
 * the sum of its corrections. For infinite width it is 1, and for ReLU at every width. Elsewhere the variance q of W·x + b fluctuates by
 * Var(σ_w²·φ²)/N a layer and forgets this by a = d(σ_w²·E φ²)/dq a layer; with it χ fluctuates, and its product is not that of its means.
 * A tangent lies along the layer's value by about 1/N, where it grows less. At the first layer q is exact and the tangent random.
 *
 * Orthogonal weights keep lengths and angles: what W·x contributes to q is exact, so that its entries lie on a sphere, and they scatter less
 * by what entries of free length add, of variance 2·(q − σ_b²)²; a tangent lies along W·x exactly as much as along x before.
 *
 * The expansion is derived here. Its terms are those of 1/N alone: it holds for layers below the width.
 */
export function finiteWidthMean(
  { activation, weightVariance, biasVariance = 0 }: RandomLayers,
  q: number,
  layers: number,
  width: number,
  ensemble: Ensemble,
): number {
  const { value, slope, kinks } = activation;
  const mean = (f: (x: number) => number, at = q) => gaussianMean(f, at, kinks);
  const power = (at: number) => weightVariance * mean((x) => value(x) ** 2, at);
  const chi = (at: number) => weightVariance * slopeMoment(activation, at, 1);
  const step = STEP * q;
  const first = (f: (at: number) => number) => (f(q + step) - f(q - step)) / (2 * step);
  const second = (f: (at: number) => number) => (f(q + step) - 2 * f(q) + f(q - step)) / step ** 2;
  const [kept, keptChange, chiChange, chiBend] = [first(power), second(power), first(chi), second(chi)];

  const ofWeights = q - biasVariance;
  // The variance, in units of 1/width, that orthogonal weights take from the mean square of W·x; and of a tangent's share along it.
  const [fixed, fixedShare] = ensemble === "orthogonal" ? [2 * ofWeights ** 2, 1] : [0, 0];
  const noise = weightVariance ** 2 * mean((x) => value(x) ** 4) - power(q) ** 2 - fixed * kept ** 2;
  const both = weightVariance ** 2 * mean((x) => (value(x) * slope(x)) ** 2);
  const shared = both - power(q) * chi(q) - fixed * kept * chiChange;
  const byWeights = ofWeights / q;
  const alongValue =
    weightVariance *
    ((byWeights / q) * mean((x) => (slope(x) * x) ** 2) + (1 - byWeights) * mean((x) => slope(x) ** 2));
  const turned = both / ofWeights;

  // In units of 1/width: the variance and the mean of q − q*, its covariance with the growth so far, and the tangent's share along the value.
  let [variance, shift, covariance, share] = [0, 0, 0, 1];
  let sum = 0;
  for (let layer = 0; layer < layers; layer++) {
    const beyond = share - fixedShare;
    sum += (chiBend * (variance - fixed)) / 2 + chiChange * (shift + covariance) + (alongValue - 1) * beyond;
    [variance, shift, covariance, share] = [
      kept ** 2 * variance + noise,
      kept * shift + (keptChange * (variance - fixed)) / 2,
      kept * covariance + chiChange * kept * variance + shared,
      kept ** 2 * beyond + turned,
    ];
  }
  return Math.exp(sum / width);
}
