import { PushforwardError } from "../base/index.ts";
import { type Complex, exponential, logarithm, minus, plus, quotient, scaled, times } from "./complex.ts";
import type { Ensemble, RandomLayers } from "./mean-field.ts";
import { type Atom, gaussianAtoms, integral, root } from "./quadrature.ts";
import type { Spectrum } from "./random-matrices.ts";

/** Layers φ(W·x + b) of great width, one after another. */
export interface LayerChain extends RandomLayers {
  /** q: the variance of W·x + b in every layer. */
  readonly q: number;
  /** L: how many layers; from 2 on for orthogonal weights. */
  readonly depth: number;
  readonly ensemble: Ensemble;
}

/** A point of the curve on which x is real. */
interface Point {
  readonly w: Complex;
  /** ln x. */
  readonly logarithm: number;
  /** The density of ln σ² there. */
  readonly density: number;
  /** The share of σ² between the point before and this one. */
  readonly share: number;
}

/** The largest share of the singular values between two points of the curve. */
const SHARE = 2e-3;
/** The largest distance of ln x between two points. */
const DISTANCE = 0.5;
/** By how much the first point lies beyond the edge, as a share of |w|. */
const FINEST = 1e-4;
/** The curve ends where no smaller x is found with steps of ln x down to this one. */
const LEAST_STEP = 1e-12;
/** The curve ends where the density of ln x is below this. */
const LEAST_DENSITY = 1e-9;
/** Below this angle w counts as real. */
const REAL = 1e-7;

/**
 * The squared singular values of J of a chain of layers D·W, where W is random and D holds the slopes. W and D are free of one another, so
 * that their S-transforms multiply. With d = φ′² and z = E[w·d/(1 − w·d)], the point w of the complex plane belongs to
 * ln x = ln((1 + z)/z) − L·ln(w·(1 + z)^o/(z·σ_w²)), where o is 1 for orthogonal weights and 0 for Gaussian ones. Where x is real and w is
 * not, |Im z|/π is the density of ln x. ReLU and hard-tanh have σ that are zero: their share is `cumulative(0)`. With orthogonal weights
 * and few layers, hard-tanh has many equal σ at the upper edge: directions that no layer cuts off.
 *
 * It holds for layers ≪ width. Shares are precise to about 1e-5; to 1e-3 at the lower edge of narrow spectra of few orthogonal layers.
 *
 * @throws PushforwardError `usage` for a single layer with orthogonal weights, whose σ are the slopes times σ_w
 * @see Pennington, Schoenholz & Ganguli 2017 and 2018
 */
export function jacobianSpectrum(chain: LayerChain): Spectrum {
  const { activation, weightVariance, q, depth, ensemble } = chain;
  if (ensemble === "orthogonal" && depth < 2) {
    throw new PushforwardError("usage", {
      what: "The singular values of one orthogonal layer are its slopes times σ_w: there is no density to compute.",
      fix: "Give at least two layers.",
    });
  }
  const slopes = gaussianAtoms((x) => activation.slope(x) ** 2, q, activation.kinks);
  const zeros = slopes.find(({ value }) => value === 0)?.probability ?? 0;
  const steepest = slopes.reduce((best, one) => (one.value > best.value ? one : best));
  const uncut = ensemble === "orthogonal" ? Math.max(0, 1 - depth * (1 - steepest.probability)) : 0;
  const at = placeOf(slopes, chain);
  const curve = curveOf(at, steepest.value);
  let sum = 0;
  const above = curve.map(({ share }) => {
    sum += share;
    return sum;
  });
  const [high, low] = [curve[0]!.logarithm, curve.at(-1)!.logarithm];
  // Where the curve comes nearer to the axis than the slopes lie to one another it ends, and what is left counts as being there.
  const left = 1 - zeros - uncut - above.at(-1)!;
  const top = uncut > 0 ? depth * Math.log(weightVariance * steepest.value) : high;
  return {
    edges: [Math.exp(low), Math.exp(top)],
    cumulative(x) {
      const wanted = Math.log(x);
      if (wanted >= top) return 1;
      if (wanted >= high) return 1 - uncut;
      if (!(wanted > low)) return x < 0 ? 0 : zeros;
      let [before, after] = [0, curve.length - 1];
      while (after - before > 1) {
        const middle = (before + after) >> 1;
        if (curve[middle]!.logarithm > wanted) before = middle;
        else after = middle;
      }
      return 1 - uncut - above[before]! - shareTo(wanted, curve[before]!, curve[after]!);
    },
    moment: (k) =>
      curve.reduce(
        (all, { w }, i) => all + (i === 0 ? 0 : momentBetween(at, curve[i - 1]!.w, w, k)),
        uncut * Math.exp(k * top) + left * Math.exp(k * low),
      ),
  };
}

/** The share of σ² from the first of two points down to a place between them, where the density is taken to be straight. */
function shareTo(logarithm: number, from: Point, to: Point): number {
  const whole = from.logarithm - to.logarithm;
  const length = from.logarithm - logarithm;
  const area = length * (from.density + ((to.density - from.density) * length) / (2 * whole));
  return (to.share * area) / ((whole * (from.density + to.density)) / 2);
}

interface Place {
  readonly z: Complex;
  /** ln x. */
  readonly logarithm: Complex;
  /** Its derivative by w. */
  readonly slope: Complex;
}

function placeOf(slopes: readonly Atom[], { weightVariance, depth, ensemble }: LayerChain) {
  const o = ensemble === "orthogonal" ? 1 : 0;
  return (w: Complex): Place => {
    // z = E[w·d/(1 − w·d)], 1 + z = E[1/(1 − w·d)], so that no digits cancel, and dz/dw = E[d/(1 − w·d)²].
    const [u, v] = w;
    let [real, imaginary, rest, slopeReal, slopeImaginary] = [0, 0, 0, 0, 0];
    for (const { value: d, probability } of slopes) {
      const [c, s] = [1 - u * d, v * d];
      const norm = c * c + s * s;
      const share = probability / norm;
      real += share * (u * d * c - v * d * s);
      imaginary += share * s;
      rest += share * c;
      slopeReal += (share * d * (c * c - s * s)) / norm;
      slopeImaginary += (share * d * 2 * c * s) / norm;
    }
    const z: Complex = [real, imaginary];
    const more: Complex = [rest, imaginary];
    const dz: Complex = [slopeReal, slopeImaginary];
    const [lnZ, lnMore] = [logarithm(z), logarithm(more)];
    const [byZ, byMore] = [quotient(dz, z), quotient(dz, more)];
    const layer = minus(plus(logarithm(w), scaled(o, lnMore)), plus(lnZ, [Math.log(weightVariance), 0]));
    const layerSlope = minus(plus(quotient([1, 0], w), scaled(o, byMore)), byZ);
    return {
      z,
      logarithm: minus(minus(lnMore, lnZ), scaled(depth, layer)),
      slope: minus(minus(byMore, byZ), scaled(depth, layerSlope)),
    };
  };
}

type At = ReturnType<typeof placeOf>;

/** The integral of x^k·density between two points: along the chord, which an analytic function allows. */
function momentBetween(at: At, from: Complex, to: Complex, k: number): number {
  const chord = minus(to, from);
  const integrand = (t: number): number => {
    const { z, logarithm: lnX, slope } = at(plus(from, scaled(t, chord)));
    return times(times(z, exponential(scaled(k, lnX))), times(slope, chord))[1];
  };
  return -integral(integrand, 0, 1, 1) / Math.PI;
}

/**
 * The points where x is real, from the largest x down. The first is the real w from which the curve leaves the axis; each of the others
 * follows from the one before by Newton's method.
 */
function curveOf(at: At, steepest: number): Point[] {
  const onAxis = (radius: number): Complex => [radius, radius * REAL];
  const isBeyondEdge = (radius: number) => at(onAxis(radius)).logarithm[1] > 0;
  let beyond = 1 / steepest;
  while (!isBeyondEdge(beyond)) beyond *= 1.5;
  const edge = root((radius) => (isBeyondEdge(radius) ? 1 : -1), 0, beyond);
  const first = firstPoint(at, edge);
  const points: Point[] = [{ w: [edge, 0], logarithm: at([edge, 0]).logarithm[0], density: 0, share: 0 }];
  let [last, step] = [first, points[0]!.logarithm - first.place.logarithm[0]];
  points.push({ ...pointOf(first), share: momentBetween(at, [edge, 0], first.w, 0) });
  for (;;) {
    const next = solved(at, last.place.logarithm[0] - step, minus(last.w, quotient([step, 0], last.place.slope)));
    const share = next && momentBetween(at, last.w, next.w, 0);
    if (next === undefined || share === undefined || step > DISTANCE || share > SHARE) {
      // The lower edge, where there is one, is approached step by step.
      step /= 2;
      if (step < LEAST_STEP) return points;
      continue;
    }
    const point = pointOf(next);
    if (point.density < LEAST_DENSITY) return points;
    points.push({ ...point, share });
    last = next;
    if (step < DISTANCE / 2 && share < SHARE / 2) step *= 1.5;
  }
}

interface Solution {
  readonly w: Complex;
  readonly place: Place;
}

const pointOf = ({ w, place }: Solution): Omit<Point, "share"> => ({
  w,
  logarithm: place.logarithm[0],
  density: place.z[1] / Math.PI,
});

/** The point of the curve at a |w| just beyond the edge. */
function firstPoint(at: At, edge: number): Solution {
  const radius = edge * (1 + FINEST);
  const on = (angle: number): Complex => [radius * Math.cos(angle), radius * Math.sin(angle)];
  const w = on(root((angle) => at(on(angle)).logarithm[1], REAL, Math.PI - REAL));
  return { w, place: at(w) };
}

/** The w in the upper half-plane at which ln x has a real value, by Newton's method; undefined where it leads elsewhere. */
function solved(at: At, logarithm: number, start: Complex): Solution | undefined {
  let w = start;
  for (let i = 0; i < 30; i++) {
    if (!(w[1] > 0)) return undefined;
    const place = at(w);
    const change = quotient(minus(place.logarithm, [logarithm, 0]), place.slope);
    const share = Math.hypot(...change) / Math.hypot(...w);
    if (!(share < 0.5)) return undefined;
    if (share < 1e-12) return { w, place };
    w = minus(w, change);
  }
  return undefined;
}
