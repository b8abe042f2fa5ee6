import type { LyapunovExponent } from "../dynamics/index.ts";
import type { ChartPoint } from "../results/index.ts";
import { type Exponent, gaussianExponents, meanField, typicalExponent } from "../theory/index.ts";
import { type ActivationName, activations } from "./activations.ts";
import { lineThrough, meanOf, single } from "./estimates.ts";
import { type Apparatus, type Case, experiment, type Measured } from "./experiment.ts";
import { BURN_IN, crossing, crossingsOf, exponentsOf, largestOf, type Steps } from "./measured-exponents.ts";
import { number, numbers } from "./option.ts";

/** Sides of the products of matrices, all of whose exponents are measured. */
const MATRIX = 64;
/** At most so many neurons where the sign of the exponent is what counts. */
const NARROW = 300;
/** A standard normal number is further from zero in one case of a hundred. */
const NORMAL_99 = 2.576;
const MOST_DEVIATION = 4.5;
const ORTHOGONAL = 1e-6;
const TANH = 0.005;
/** Of the gain at which λ₁ changes its sign. */
const SIGN = 0.02;
/** Below the critical gain λ₁ is a straight line in ln g. */
const BELOW = [0.75, 0.9];
const ABOVE = 1.2;
const SIGMOID = [9.5, 11];

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
    steps: number({ about: "steps that are measured", default: 2000, quick: 400 }, { least: 40, whole: true }),
    draws: number({ about: "networks of each", default: 16, quick: 5 }, { least: 4, whole: true }),
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
        x: { label: "index i" },
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
  const [below, above] = ["g at which λ_1 is zero, from below", `λ_1 at g = ${ABOVE}`];
  return {
    setting: { network: "tanh, a matrix for each step", N: width },
    seconds: draws * (BELOW.length + 1) * steps * 6e-3,
    predict: () => ({
      [below]: { predicted: 1, precision: { relative: SIGN }, source: SOMPOLINSKY },
      [above]: { predicted: tanhTheory(ABOVE).exponent, precision: { atLeast: 0 }, source: SOMPOLINSKY },
    }),
    async measure(apparatus) {
      const at = (gain: number) => largestAt("tanh", gain, { steps, draws, width, variance: 0.1 }, apparatus);
      const all: number[][] = [];
      for (const gain of BELOW) all.push(await at(gain));
      return { numbers: { [below]: meanOf(crossingsOf(BELOW, all)), [above]: meanOf(await at(ABOVE)) } };
    },
  };
}

/** Networks of finite width become chaotic at a larger gain, because a typical direction grows less than the mean. */
function sigmoidSign({ steps, draws, width }: Size): Case {
  const [here, limit] = [`g·σ_w at which λ_1 is zero, N = ${width}`, "g·σ_w at which λ_1 is zero, N → ∞"];
  const typical = (gain: number, neurons: number) =>
    typicalExponent({ activation: activations.sigmoid.theory, weightVariance: gain ** 2, biasVariance: 0 }, neurons);
  const precision = { relative: SIGN } as const;
  const source = "mean-field theory of f(x) = 1/(1 + e^(−gx)) with B = 0";
  return {
    setting: { network: "the paper's sigmoid, a matrix for each step", N: width },
    seconds: draws * SIGMOID.length * steps * 6e-3,
    predict: () => ({
      [here]: {
        predicted: crossing(SIGMOID.map((gain) => [gain, typical(gain, width)])),
        precision,
        source: `${source}, with its first correction for the width`,
      },
      [limit]: { predicted: activations.sigmoid.critical().weight, precision, source },
    }),
    async measure(apparatus) {
      const all: number[][] = [];
      for (const gain of SIGMOID) {
        all.push(await largestAt("sigmoid", gain, { steps, draws, width, variance: 0.3 }, apparatus));
      }
      const correction = SIGMOID.map((gain) => typical(gain, Number.POSITIVE_INFINITY) - typical(gain, width));
      return {
        numbers: {
          [here]: meanOf(crossingsOf(SIGMOID, all)),
          [limit]: meanOf(
            crossingsOf(
              SIGMOID,
              all.map((values, i) => values.map((value) => value + correction[i]!)),
            ),
          ),
        },
      };
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
