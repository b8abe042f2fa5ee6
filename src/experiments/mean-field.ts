import { createRng, gaussianArray, PushforwardError } from "../base/index.ts";
import type { ChartPanel, ChartSeries } from "../results/index.ts";
import { meanField as fixedPoint, type MeanField, slopeMoment } from "../theory/index.ts";
import { type ActivationName, activationNames, activations } from "./activations.ts";
import { meanOf } from "./estimates.ts";
import { type Apparatus, type Case, experiment, type Result } from "./experiment.ts";
import { number, numbers, words } from "./option.ts";
import { openRandomNet, pointOf, type RandomNet, squaredNorm } from "./random-net.ts";

/** By how much q* and χ may differ. Near to criticality q forgets its fluctuations slowly. */
const PRECISION = { q: 0.05, chi: 0.03 };
/** The variance q at which a function is nearly linear. */
const SMALL = 1e-3;
/** σ_b of networks that are not critical. */
const AWAY_BIAS = 0.3;
/** Layers before the first that counts. */
const BURN_IN = 4;
/** Tangents for each draw. */
const TANGENTS = 8;

/** `mean-field`: do wide random networks have the variance and the growth that mean-field theory predicts? */
export const meanField = experiment({
  name: "mean-field",
  question: "Do wide random networks have the q* and χ of mean-field theory, and is χ = 1 at the critical points?",
  falsifiedBy:
    "a q* that is off by more than 5 %, or a χ that is off by more than 3 %, as at the critical points, where it is 1",
  options: {
    activation: words(activationNames, { about: "activations" }),
    gain: numbers({
      about: "σ_w of networks that are not critical, for functions with slope 1",
      default: [0.8, 1.5, 2.5],
      quick: [1.5],
    }),
    width: number({ about: "neurons of a layer", default: 1000, quick: 500 }, { least: 8, whole: true }),
    depth: number({ about: "layers", default: 12, quick: 10 }, { least: BURN_IN + 2, whole: true }),
    draws: number({ about: "networks of each", default: 32, quick: 22 }, { least: 1, whole: true }),
  },
  cases: ({ activation, gain, ...size }) =>
    activation.flatMap((name) => {
      const critical = activations[name].critical();
      const net: RandomNet = { activation: name, weights: "gaussian", ...critical, ...size };
      return [
        criticalCase(net, critical.q, size.draws),
        ...smallCase(net, size.draws),
        ...gain.flatMap((one) => awayCase({ ...net, weight: one / slopeAtOrigin(name), bias: AWAY_BIAS }, size.draws)),
      ];
    }),
  charts: (results) => [
    {
      id: "chi",
      title: "χ: the growth of the squared norm of a perturbation in one layer",
      caption:
        `Lines: mean-field theory for σ_b = ${AWAY_BIAS}. Points: random networks, mean over draws with its 95 % interval; at critical ` +
        "points, with their own biases, χ should be 1.",
      x: { label: "σ_w, times the slope at the origin" },
      y: { label: "χ" },
      panels: activationNames.flatMap((name) => panelOf(name, results)),
    },
  ],
});

/** χ of one activation, if it was measured. */
function panelOf(name: ActivationName, results: readonly Result[]): ChartPanel[] {
  const measured = results
    .filter(({ setting }) => setting.activation === name)
    .map(({ setting, rows }) => {
      const { measured: y, low, high } = rows.find(({ quantity }) => quantity === "χ")!;
      return { isOther: setting.point === "other", x: Number(setting.σ_w) * slopeAtOrigin(name), y, low, high };
    });
  if (measured.length === 0) return [];
  const range = measured.map(({ x }) => x);
  const [low, high] = [0.8 * Math.min(...range), 1.1 * Math.max(...range)];
  const line = Array.from({ length: 61 }, (_, i) => low + ((high - low) * i) / 60).flatMap((x) => {
    const found = fixedPointOf(name, x / slopeAtOrigin(name), AWAY_BIAS);
    return found === undefined ? [] : [{ x, y: found.chi }];
  });
  const series: ChartSeries[] = [
    { name: "predicted", mark: "line", points: line },
    { name: "measured", mark: "dots", points: measured.filter(({ isOther }) => isOther) },
    { name: "measured at critical points", mark: "dots", points: measured.filter(({ isOther }) => !isOther) },
  ];
  return [{ title: name, rule: { y: 1, label: "critical" }, series: series.filter(({ points }) => points.length > 0) }];
}

/** The slope at the origin; for ReLU, that of a function through the origin with as much growth. */
const slopeAtOrigin = (name: ActivationName): number =>
  name === "relu" ? Math.SQRT1_2 : activations[name].theory.slope(0);

/** At the critical point χ = 1. */
function criticalCase(net: RandomNet, q: number, draws: number): Case {
  const chi = net.weight ** 2 * slopeMoment(activations[net.activation].theory, q, 1);
  return caseOf(net, { q, chi, draws, point: "critical" });
}

/** Functions through the origin are critical for small q where σ_w times their slope there is 1; q then stays nearly what it is. */
function smallCase(net: RandomNet, draws: number): Case[] {
  const { value, slope, kinks } = activations[net.activation].theory;
  if (value(0) !== 0 || kinks.includes(0)) return [];
  const weight = 1 / slope(0);
  return [caseOf({ ...net, weight, bias: 0 }, { q: SMALL, chi: 1, draws, point: "critical, q → 0" })];
}

/** Networks for which the variance grows without bound have no q* and are left out. */
function awayCase(net: RandomNet, draws: number): Case[] {
  const found = fixedPointOf(net.activation, net.weight, net.bias);
  return found === undefined ? [] : [caseOf(net, { ...found, draws, point: "other" })];
}

/** The fixed point of theory; `undefined` where the variance grows without bound. */
function fixedPointOf(name: ActivationName, weight: number, bias: number): MeanField | undefined {
  const { theory: activation } = activations[name];
  try {
    return fixedPoint({ activation, weightVariance: weight ** 2, biasVariance: bias ** 2 });
  } catch (cause) {
    if (cause instanceof PushforwardError && cause.code === "usage") return undefined;
    throw cause;
  }
}

interface Expected {
  readonly q: number;
  readonly chi: number;
  readonly draws: number;
  /** Whether χ = 1 there. */
  readonly point: "critical" | "critical, q → 0" | "other";
}

function caseOf(net: RandomNet, { q, chi, draws, point }: Expected): Case {
  const { activation, weight, bias, depth, width } = net;
  const isFree = point === "critical, q → 0" || (point === "critical" && activation === "relu");
  const source = point === "other" ? "Poole et al. 2016" : "Schoenholz et al. 2017";
  return {
    setting: { activation, σ_w: weight, σ_b: bias, point },
    seconds: draws * depth * width ** 2 * 1e-7,
    predict: () => ({
      // For ReLU at its critical point every q is a fixed point, and functions that are nearly linear keep q for long.
      ...(!isFree && { "q*": { predicted: q, precision: { relative: PRECISION.q }, source } }),
      χ: { predicted: chi, precision: { relative: PRECISION.chi }, source },
    }),
    async measure(apparatus) {
      const all = await networksOf(net, q, draws, apparatus);
      return { numbers: { "q*": meanOf(all.map((one) => one.q)), χ: meanOf(all.map((one) => one.chi)) } };
    },
  };
}

/** q and χ of each draw, over the layers after the burn-in. */
async function networksOf(net: RandomNet, q: number, draws: number, { backend, seed, proceed }: Apparatus) {
  const { depth, width } = net;
  const network = await openRandomNet(net, backend);
  const taps = Array.from({ length: depth }, (_, l) => network.tap(`fc${l + 1}`));
  const counted = taps.slice(BURN_IN);
  const found: { readonly q: number; readonly chi: number }[] = [];
  for (let draw = 0; draw < draws; draw++) {
    proceed(`draw ${draw + 1} of ${draws}`);
    const at = pointOf(net, q, seed, "mean-field", draw);
    const values = await network.forward(at, counted);
    using J = await network.jacobian({ at, from: counted[0]!, to: counted.at(-1)! });
    const tangents = gaussianArray(createRng(seed, "tangents", draw), TANGENTS * width);
    const { data } = await J.jvp(tangents);
    found.push({
      q: meanSquare(values),
      chi: (squaredNorm(data) / squaredNorm(tangents)) ** (1 / (counted.length - 1)),
    });
  }
  await network.forget();
  return found;
}

function meanSquare(values: readonly Float32Array[]): number {
  const sum = values.reduce((total, one) => total + squaredNorm(one), 0);
  return sum / values.reduce((total, { length }) => total + length, 0);
}
