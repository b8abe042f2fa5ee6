import { createRng, gaussianArray } from "../base/index.ts";
import { iterate, type LyapunovExponent, lyapunovSpectrum } from "../dynamics/index.ts";
import type { ChartPoint } from "../results/index.ts";
import { type Exponent, gaussianExponents, meanField } from "../theory/index.ts";
import { type Architecture, type Initializer, inferenceModel, initialWeights } from "../training/index.ts";
import { type ActivationName, activations } from "./activations.ts";
import { drawSeed } from "./draw-seed.ts";
import { meanOf, single } from "./estimates.ts";
import { type Apparatus, type Case, experiment, type Measured } from "./experiment.ts";
import { openGraph } from "./open-graph.ts";
import { number, numbers } from "./option.ts";
import { squaredNorm, valuesOf } from "./random-net.ts";
import type { Prediction } from "./row.ts";

/** Sides of the products of matrices, all of whose exponents are measured. */
const MATRIX = 64;
const BURN_IN = 100;
/** At most so many neurons where the sign of the exponent is what counts. */
const NARROW = 300;
/** A standard normal number is further from zero in one case of a hundred. */
const NORMAL_99 = 2.576;
const MOST_DEVIATION = 4.5;
const ORTHOGONAL = 1e-6;
const TANH = 0.005;
/** Below the critical gain λ₁ is a straight line in ln g. */
const BELOW = [0.7, 0.8, 0.9];
const ABOVE = 1.2;
const SIGMOID = [9, 10, 11.5];

/** `lyapunov`: do directions grow and shrink from layer to layer at the rates of theory? */
export const lyapunov = experiment({
  name: "lyapunov",
  question: "Do directions grow and shrink from layer to layer at the rates of theory, and where does chaos begin?",
  falsifiedBy:
    "an exponent of Gaussian products more than 4.5 standard errors off, or all of them together outside of the 99 % range of χ²; " +
    "an orthogonal network with an exponent other than zero; a λ₁ of tanh layers that is off by more than 0.005; a change of sign elsewhere",
  options: {
    gain: numbers({ about: "gains of tanh layers", default: [1.5, 2, 3] }),
    width: numbers(
      { about: "neurons of a layer", default: [250, 500, 1000], quick: [1000] },
      { least: 8, whole: true },
    ),
    steps: number({ about: "steps that are measured", default: 2000, quick: 500 }, { least: 40, whole: true }),
    draws: number({ about: "networks of each", default: 16, quick: 8 }, { least: 4, whole: true }),
  },
  cases: ({ gain, width, steps, draws }) => [
    gaussianCase(steps),
    orthogonalCase(steps),
    ...gain.map((g) => tanhCase(g, width, steps, draws)),
    tanhSign({ steps, draws, width: Math.min(NARROW, ...width) }),
    sigmoidSign({ steps, draws, width: Math.min(NARROW, ...width) }),
  ],
  charts: (results) => {
    const curves = (network: string) =>
      results.filter(({ setting }) => setting.network === network).flatMap((one) => one.curves);
    const tanh = results.filter(({ setting }) => setting.network === "tied tanh");
    const points = (of: "predicted" | "measured"): ChartPoint[] =>
      tanh.map(({ setting, rows }) => {
        const row = rows.at(-1)!;
        return { x: Number(setting.g), y: row[of], ...(of === "measured" && { low: row.low, high: row.high }) };
      });
    return [
      {
        id: "exponents",
        title: `Lyapunov exponents of products of Gaussian matrices, ${MATRIX}×${MATRIX}`,
        caption: "Line: Newman's formula. Points: measured, with 95 % intervals.",
        x: { label: "i" },
        y: { label: "λ_i, nats a layer" },
        panels: [{ title: "Gaussian products", series: curves("Gaussian products") }],
      },
      {
        id: "chaos",
        title: "The largest Lyapunov exponent of tanh layers",
        caption:
          "Line: ½·ln χ of mean-field theory. Points: networks with one weight matrix for all steps, mean with 95 % interval.",
        x: { label: "gain g" },
        y: { label: "λ_1, nats a step" },
        panels: [
          {
            title: "one matrix for all steps",
            rule: { y: 0, label: "chaos begins" },
            series: [
              { name: "predicted", mark: "line", points: points("predicted") },
              { name: "measured", mark: "dots", points: points("measured") },
            ],
          },
        ],
      },
    ];
  },
});

/** Layers of one width, one a step. */
interface Steps {
  readonly activation: ActivationName | "linear";
  readonly width: number;
  readonly initializer: Initializer;
  /** Whether all steps have the same weights. */
  readonly tied: boolean;
  readonly steps: number;
  /** Exponents that are measured; all unless given. */
  readonly count?: number;
  /** The variance of the first state. */
  readonly variance?: number;
}

async function exponentsOf(
  { activation, width, initializer, tied, steps, count = width, variance = 1 }: Steps,
  { backend, seed, proceed }: Apparatus,
  draw: string,
): Promise<readonly LyapunovExponent[]> {
  const layer = activation === "linear" ? ({ kind: "linear" } as const) : activations[activation].layer;
  const architecture: Architecture = { input: [width], layers: [{ kind: "dense", units: width, bias: false }, layer] };
  const weightsOf = (step: number) =>
    valuesOf(initialWeights(architecture, initializer, drawSeed(seed, "lyapunov", draw, step)));
  const first = weightsOf(0);
  const network = await openGraph(inferenceModel(architecture, new Map()), backend);
  const start = gaussianArray(createRng(seed, "state", draw), width);
  const length = Math.sqrt((variance * width) / squaredNorm(start));
  const dynamics = iterate(network, {
    start: start.map((entry) => entry * length),
    inputsAt: (step) => (tied || step === 0 ? first : weightsOf(step)),
  });
  const onStep = (step: number) => proceed(`${draw}, step ${step + 1} of ${steps + BURN_IN}`);
  const { exponents } = await lyapunovSpectrum(dynamics, { count, steps, burnIn: BURN_IN, seed, onStep });
  await network.forget();
  return exponents;
}

/** λ₁ of several networks. */
async function largestOf(steps: Steps, draws: number, apparatus: Apparatus): Promise<number[]> {
  const found: number[] = [];
  for (let draw = 0; draw < draws; draw++) {
    const [first] = await exponentsOf({ ...steps, count: 1 }, apparatus, `draw ${draw + 1} of ${draws}`);
    found.push(first!.value);
  }
  return found;
}

/** Each step has a matrix of its own, so that a product of T matrices rests on T draws. */
function gaussianCase(steps: number): Case {
  const expected = gaussianExponents(MATRIX, 1, steps);
  const source = "Newman 1986";
  return {
    setting: { network: "Gaussian products", N: MATRIX },
    seconds: steps * 4e-3,
    predict: () => ({
      λ_1: { predicted: expected[0]!.value, precision: { standardErrors: 3, within: 1 }, source },
      [`λ_${MATRIX}`]: { predicted: expected.at(-1)!.value, precision: { standardErrors: 3, within: 1 }, source },
      "largest deviation, standard errors": { predicted: 0, precision: { atMost: MOST_DEVIATION }, source },
      "χ² of all exponents, as a standard normal": { predicted: 0, precision: { absolute: NORMAL_99 }, source },
    }),
    async measure(apparatus) {
      const initializer = { kind: "gaussian", weightVariance: 1 } as const;
      const linear: Steps = { activation: "linear", width: MATRIX, initializer, tied: false, steps };
      return comparedWith(expected, await exponentsOf(linear, apparatus, "product"), steps);
    },
  };
}

function comparedWith(expected: readonly Exponent[], exponents: readonly LyapunovExponent[], n: number): Measured {
  const deviations = exponents.map(({ value }, i) => (value - expected[i]!.value) / expected[i]!.deviation);
  const reduced = deviations.reduce((sum, one) => sum + one ** 2, 0) / deviations.length;
  const measurement = (i: number) => {
    const { value, low, high } = exponents[i]!;
    return { measured: value, low, high, n, error: expected[i]!.deviation };
  };
  const points = (all: readonly ChartPoint[]) => all.map((point, i) => ({ ...point, x: i + 1 }));
  return {
    numbers: {
      λ_1: measurement(0),
      [`λ_${MATRIX}`]: measurement(exponents.length - 1),
      "largest deviation, standard errors": single(Math.max(...deviations.map(Math.abs)), n),
      "χ² of all exponents, as a standard normal": single(asNormal(reduced, deviations.length), n),
    },
    curves: [
      { name: "predicted", mark: "line", points: points(expected.map(({ value }) => ({ x: 0, y: value }))) },
      {
        name: "measured",
        mark: "dots",
        points: points(exponents.map(({ value, low, high }) => ({ x: 0, y: value, low, high }))),
      },
    ],
  };
}

/** χ²/n with n degrees of freedom as a number that is nearly standard normal. @see Wilson & Hilferty 1931 */
function asNormal(reduced: number, n: number): number {
  return (Math.cbrt(reduced) - (1 - 2 / (9 * n))) / Math.sqrt(2 / (9 * n));
}

function orthogonalCase(steps: number): Case {
  const quantity = "largest |λ_i|";
  return {
    setting: { network: "orthogonal products", N: MATRIX },
    seconds: steps * 5e-3,
    predict: () => ({
      [quantity]: { predicted: 0, precision: { atMost: ORTHOGONAL }, source: "orthogonal matrices keep lengths" },
    }),
    async measure(apparatus) {
      const initializer = { kind: "orthogonal", gain: 1 } as const;
      const linear: Steps = { activation: "linear", width: MATRIX, initializer, tied: false, steps };
      const exponents = await exponentsOf(linear, apparatus, "product");
      return { numbers: { [quantity]: single(Math.max(...exponents.map(({ value }) => Math.abs(value))), steps) } };
    },
  };
}

const SOMPOLINSKY = "Sompolinsky, Crisanti & Sommers 1988; Poole et al. 2016";

/** ½·ln χ and q* of tanh layers without bias. */
function tanhTheory(gain: number): { readonly exponent: number; readonly variance: number } {
  const { q, chi } = meanField({ activation: activations.tanh.theory, weightVariance: gain ** 2, biasVariance: 0 });
  return { exponent: Math.log(chi) / 2, variance: q };
}

function tanhCase(gain: number, widths: readonly number[], steps: number, draws: number): Case {
  const quantityAt = (width: number) => `λ_1, N = ${width}`;
  const limit = "λ_1, N → ∞";
  const { exponent, variance } = tanhTheory(gain);
  const predicted = { predicted: exponent, source: SOMPOLINSKY };
  const precise = { ...predicted, precision: { absolute: TANH } };
  return {
    setting: { network: "tied tanh", g: gain },
    seconds: draws * (steps + BURN_IN) * widths.reduce((sum, width) => sum + 2e-3 + width ** 2 * 5e-9, 0),
    predict: () => ({
      // Networks that are less wide have smaller exponents, by about 3/N.
      ...Object.fromEntries(widths.map((width) => [quantityAt(width), width < 1000 ? predicted : precise])),
      ...(widths.length > 1 && { [limit]: precise }),
    }),
    async measure(apparatus) {
      const initializer = { kind: "gaussian", weightVariance: gain ** 2 } as const;
      const layers = { activation: "tanh", initializer, tied: true, steps, variance } as const;
      const all: number[][] = [];
      for (const width of widths) all.push(await largestOf({ ...layers, width }, draws, apparatus));
      const limits = all[0]!.map((_, draw) => {
        const { value, slope, centre } = lineThrough(widths.map((width, i) => [1 / width, all[i]![draw]!] as const));
        return value - slope * centre;
      });
      return {
        numbers: {
          ...Object.fromEntries(widths.map((width, i) => [quantityAt(width), meanOf(all[i]!)])),
          ...(widths.length > 1 && { [limit]: meanOf(limits) }),
        },
      };
    },
  };
}

interface Size {
  readonly steps: number;
  readonly draws: number;
  readonly width: number;
}

/** From below, λ₁ reaches zero at g = 1; above it is positive. */
function tanhSign({ steps, draws, width }: Size): Case {
  const [crossing, above] = ["g at which λ_1 is zero, from below", `λ_1 at g = ${ABOVE}`];
  return {
    setting: { network: "tanh, a matrix for each step", N: width },
    seconds: draws * (BELOW.length + 1) * steps * 6e-3,
    predict: () => ({
      [crossing]: { predicted: 1, precision: { relative: 0.01 }, source: SOMPOLINSKY },
      [above]: { predicted: tanhTheory(ABOVE).exponent, precision: { atLeast: 0 }, source: SOMPOLINSKY },
    }),
    async measure(apparatus) {
      const at = (gain: number) => largestAt("tanh", gain, { steps, draws, width, variance: 0.1 }, apparatus);
      const crossings = await crossingsOf(BELOW, at);
      return { numbers: { [crossing]: meanOf(crossings), [above]: meanOf(await at(ABOVE)) } };
    },
  };
}

function sigmoidSign({ steps, draws, width }: Size): Case {
  const quantity = "g·σ_w at which λ_1 is zero";
  const { weight } = activations.sigmoid.critical();
  const prediction: Prediction = {
    predicted: weight,
    precision: { relative: 0.01 },
    source: "mean-field theory of f(x) = 1/(1 + e^(−gx)) with B = 0",
  };
  return {
    setting: { network: "the paper's sigmoid, a matrix for each step", N: width },
    seconds: draws * SIGMOID.length * steps * 6e-3,
    predict: () => ({ [quantity]: prediction }),
    async measure(apparatus) {
      const at = (gain: number) => largestAt("sigmoid", gain, { steps, draws, width, variance: 0.3 }, apparatus);
      return { numbers: { [quantity]: meanOf(await crossingsOf(SIGMOID, at)) } };
    },
  };
}

/** λ₁ of several networks with a Gaussian matrix for each step. */
function largestAt(
  activation: ActivationName,
  weight: number,
  { draws, ...size }: Size & { readonly variance: number },
  apparatus: Apparatus,
): Promise<number[]> {
  const initializer = { kind: "gaussian", weightVariance: weight ** 2 } as const;
  return largestOf({ activation, initializer, tied: false, ...size }, draws, apparatus);
}

/** For each draw, the gain at which the straight line through λ₁ against ln gain is zero. */
async function crossingsOf(gains: readonly number[], at: (gain: number) => Promise<number[]>): Promise<number[]> {
  const all: number[][] = [];
  for (const gain of gains) all.push(await at(gain));
  return all[0]!.map((_, draw) => {
    const { value, slope, centre } = lineThrough(gains.map((gain, i) => [Math.log(gain), all[i]![draw]!] as const));
    return Math.exp(centre - value / slope);
  });
}

/** The straight line of least squares, by its value at the centre of the points. */
function lineThrough(points: readonly (readonly [x: number, y: number])[]) {
  const centre = points.reduce((sum, [x]) => sum + x, 0) / points.length;
  const value = points.reduce((sum, [, y]) => sum + y, 0) / points.length;
  const slope =
    points.reduce((sum, [x, y]) => sum + (x - centre) * (y - value), 0) /
    points.reduce((sum, [x]) => sum + (x - centre) ** 2, 0);
  return { value, slope, centre };
}
