import type { Chart } from "../results/index.ts";
import { finiteWidthMean, jacobianSpectrum, meanField, normScatter, spectrumVariance } from "../theory/index.ts";
import { type ActivationName, activations } from "./activations.ts";
import { average, extrapolated, meanOf, single, varianceOf } from "./estimates.ts";
import { type Case, experiment, type Measured, type Result } from "./experiment.ts";
import { number, numbers, words } from "./option.ts";
import { growthsAndSpectra, relativeVariance, squaredGrowths, wholeSpectra } from "./random-jacobians.ts";
import type { RandomNet } from "./random-net.ts";
import type { Prediction } from "./row.ts";
import { distance, type Squares, spectrumCurves } from "./spectrum-curves.ts";

/** By how much the mean of σ², or the growth by layer, may differ. */
const MEAN = 0.1;
/** Half of the 95 % interval that the mean should have at most, and the fewest draws. */
const NARROW = { half: 0.9 * MEAN, fewest: 32 };
/** The relative variance of σ² is predicted where layers are few against the width. */
const FEW_LAYERS = 0.03;
/** Beyond this variance of ln ‖Jv‖² rare networks decide the mean of σ², which is then only reported. */
const LARGEST_SCATTER = 2;
/** By how much the shares of σ² up to x may differ where layers are few: by as much as corrections of order layers/width. */
const KOLMOGOROV = FEW_LAYERS;
/** Networks of many layers whose whole spectrum is computed. */
const SPECTRA_OF_MANY = 8;
/** Layers in which networks that are not critical are measured: deeper ones leave the range of float32. */
const SHALLOW = 20;

const PENNINGTON = "Pennington, Schoenholz & Ganguli 2017";
const HANIN = "Hanin & Nica 2020";
const MEAN_SQUARE = "mean σ²";
const VARIANCE = "Var σ² / mean², for infinite width";
const DISTANCE = "largest distance of the spectrum";

const studied = ["relu", "tanh", "sigmoid", "centred-sigmoid"] as const satisfies readonly ActivationName[];

/** Common gains that are not critical. */
const common = [
  { activation: "sigmoid", weight: 1 },
  { activation: "tanh", weight: 5 / 3 },
] as const;

/** `isometry`: how are the singular values of deep random networks distributed at criticality? */
export const isometry = experiment({
  name: "isometry",
  question:
    "Is the mean of σ² of deep random networks that of the theory at the critical point, and does σ² scatter as predicted?",
  falsifiedBy:
    "a mean of σ² that is off by more than 10 %, or, where layers are at most 0.03 of the width, a relative variance that is off by more " +
    "than 3 standard errors when it is extrapolated to infinite width, or (but for ReLU) shares of σ² up to x that are off by more than 0.03",
  options: {
    activation: words(studied, { about: "activations" }),
    weights: words(["gaussian", "orthogonal"], { about: "kind of the random weights" }),
    depth: numbers({ about: "layers", default: [8, 100], quick: [3, 33] }, { least: 1, whole: true }),
    width: number({ about: "neurons of a layer", default: 300, quick: 100 }, { least: 8, whole: true }),
    gain: numbers({ about: "σ_w of networks that are not critical", default: [] }, { least: 0.01 }),
    draws: number(
      {
        about: "random draws of each; for means of σ² at most so many",
        default: 2000,
        quick: 1200,
      },
      { least: 1, whole: true },
    ),
    spectra: number(
      { about: "networks of each whose whole spectrum is computed", default: 40 },
      { least: 1, whole: true },
    ),
  },
  cases: ({ activation, weights, depth, width, gain, draws, spectra }) => {
    if (gain.length > 0) {
      const named = activation.flatMap((name) => gain.map((weight) => ({ activation: name, weight })));
      return named.flatMap((one) => depth.map((layers) => growthCase({ ...one, depth: layers, width }, draws)));
    }
    const kinds = activation.flatMap((name) =>
      weights.flatMap((kind) => depth.map((layers) => ({ activation: name, weights: kind, depth: layers, width }))),
    );
    const named = common.filter((one) => activation.includes(one.activation));
    return [
      ...kinds.map((kind) => (kind.depth / width <= FEW_LAYERS ? varianceCase(kind, spectra) : meanCase(kind, draws))),
      ...named.map((one) => growthCase({ ...one, depth: SHALLOW, width }, Math.min(draws, spectra))),
    ];
  },
  charts: (results) => [
    ...chartOf(results, VARIANCE, "Relative variance of σ² at the critical point, for infinite width"),
    ...chartOf(results, MEAN_SQUARE, "Mean of σ² at the critical point"),
    ...spectraChart(results),
  ],
});

type Kind = Omit<RandomNet, "weight" | "bias">;

/** At the critical point χ = 1. */
function criticalNet(kind: Kind): { readonly net: RandomNet; readonly q: number } {
  const { q, weight, bias } = activations[kind.activation].critical();
  return { net: { ...kind, weight, bias }, q };
}

const settingOf = ({ activation, weights, depth, width, weight }: RandomNet) => {
  return { activation, weights, depth, width, σ_w: weight };
};

/** Roughly how many seconds so many draws take. */
const secondsFor = (draws: number, { weights, depth, width }: Kind): number =>
  draws * (0.02 + depth * width ** 2 * (6e-8 + (weights === "orthogonal" ? width * 1.6e-9 : 0)));

/** Few layers: the relative variance, from two widths because its deviation from that of infinite width is proportional to 1/width. */
function varianceCase(kind: Kind, spectra: number): Case {
  const { net, q } = criticalNet(kind);
  const { activation, weights, depth, width } = kind;
  return {
    setting: settingOf(net),
    seconds: secondsFor(spectra, kind) + spectra * width ** 3 * 2e-8,
    predict: () => ({
      [VARIANCE]: {
        predicted: spectrumVariance(activations[activation].theory, q, depth, weights),
        precision: { standardErrors: 3, within: 0.1 },
        source: `${PENNINGTON}, equation 22`,
      },
      ...distancePrediction(kind),
    }),
    async measure(apparatus) {
      const half = { ...net, width: Math.round(width / 2) };
      const wide = await wholeSpectra({ net, q, count: spectra }, apparatus);
      const narrow = await wholeSpectra({ net: half, q, count: spectra }, apparatus);
      const [ofWide, ofNarrow] = [wide, narrow].map((draws) => meanOf(draws.map(relativeVariance)));
      const compared = comparison(net, q, wide);
      return { ...compared, numbers: { ...compared.numbers, [VARIANCE]: extrapolated(ofWide!, ofNarrow!) } };
    },
  };
}

/**
 * The spectrum is that of infinite width where layers are few. It is only reported where they are many, and for ReLU: the rank of J is at
 * most the number of neurons that are active in the layer with the fewest, and that number scatters by √width.
 */
function distancePrediction(kind: Kind): Readonly<Record<string, Prediction>> {
  const { activation, depth, width } = kind;
  if (!hasDensity(kind)) return {};
  if (depth / width > FEW_LAYERS) {
    return { [DISTANCE]: { predicted: 0, source: `${PENNINGTON}; only reported, as there are many layers` } };
  }
  if (activation === "relu") {
    return { [DISTANCE]: { predicted: 0, source: `${PENNINGTON}; only reported, as ReLU has fewer σ > 0` } };
  }
  return { [DISTANCE]: { predicted: 0, precision: { absolute: KOLMOGOROV }, source: PENNINGTON } };
}

/** One orthogonal layer has no density of σ². */
const hasDensity = ({ weights, depth }: Kind): boolean => weights === "gaussian" || depth > 1;

/** The whole spectra of draws beside the prediction for infinite width. */
function comparison(net: RandomNet, q: number, draws: readonly Squares[]): Measured {
  if (!hasDensity(net)) return { numbers: {} };
  const { activation, weights, weight, depth } = net;
  const { theory } = activations[activation];
  const spectrum = jacobianSpectrum({ activation: theory, weightVariance: weight ** 2, q, depth, ensemble: weights });
  const all = draws.flat().sort((a, b) => a - b);
  return {
    numbers: { [DISTANCE]: single(distance(all, spectrum), draws.length) },
    curves: spectrumCurves(draws, spectrum, { log: true }),
  };
}

/** Many layers: the mean of σ², and for ReLU and Gaussian weights the logarithms, which rare networks do not dominate. */
function meanCase(kind: Kind, draws: number): Case {
  const { net, q } = criticalNet(kind);
  const { activation, weights, depth, width } = kind;
  const hasLogarithms = activation === "relu" && weights === "gaussian";
  const beta = normScatter(activations[activation].theory, q, depth, width, weights);
  const isJudged = beta <= LARGEST_SCATTER;
  return {
    setting: settingOf(net),
    seconds: secondsFor(draws / 3, kind),
    predict: (): Readonly<Record<string, Prediction>> => {
      const mean: Prediction = { ...meanOfSquares(net, q), ...(isJudged && { precision: { relative: MEAN } }) };
      const both = { [MEAN_SQUARE]: mean, ...distancePrediction(kind) };
      if (!hasLogarithms) return both;
      return {
        ...both,
        "mean ln ‖Jv‖²": { predicted: -beta / 2, precision: { absolute: MEAN }, source: HANIN },
        "Var ln ‖Jv‖²": { predicted: beta, precision: { standardErrors: 3, within: 0.1 }, source: HANIN },
      };
    },
    async measure(apparatus) {
      const count = Math.min(draws, isJudged ? drawsNeeded(beta) : NARROW.fewest);
      const { growths, spectra } = await growthsAndSpectra({ net, q, count }, SPECTRA_OF_MANY, apparatus);
      const logarithms = growths.map((own) => own.map(Math.log));
      const compared = comparison(net, q, spectra);
      return {
        ...compared,
        numbers: {
          ...compared.numbers,
          [MEAN_SQUARE]: meanOf(growths.map(average)),
          "mean ln ‖Jv‖²": meanOf(logarithms.map(average)),
          "Var ln ‖Jv‖²": varianceOf(logarithms.map(([first]) => first!)),
        },
      };
    },
  };
}

/**
 * How many draws make the interval of the mean narrow if ln ‖Jv‖² is normal with the variance β: that of ‖Jv‖² is then e^β − 1, and the mean
 * over tangents varies less. The number is set beforehand, because a mean that ends where its interval happens to be narrow is too small:
 * rare large draws widen it.
 */
const drawsNeeded = (beta: number): number =>
  Math.max(NARROW.fewest, Math.ceil(Math.expm1(beta) / (NARROW.half / 1.96) ** 2));

/** 1 for infinite width, with the corrections of first order in 1/width. */
function meanOfSquares({ activation, weights, weight, bias, depth, width }: RandomNet, q: number): Prediction {
  const layers = { activation: activations[activation].theory, weightVariance: weight ** 2, biasVariance: bias ** 2 };
  return {
    predicted: finiteWidthMean(layers, q, depth, width, weights),
    source: `${PENNINGTON}, with corrections of order 1/width`,
  };
}

/** Away from the critical point perturbations grow or shrink by ln χ in each layer. */
function growthCase(away: Omit<RandomNet, "weights" | "bias">, draws: number): Case {
  const net: RandomNet = { ...away, weights: "gaussian", bias: 0 };
  const { theory } = activations[net.activation];
  const { q, chi } = meanField({ activation: theory, weightVariance: net.weight ** 2 });
  const quantity = "ln of mean ‖Jv‖², by layer";
  return {
    setting: settingOf(net),
    seconds: secondsFor(draws, net),
    predict: () => ({
      [quantity]: {
        predicted: Math.log(chi),
        precision: { relative: MEAN },
        source: `${PENNINGTON}; not critical`,
      },
    }),
    async measure(apparatus) {
      const squares = await squaredGrowths({ net, q, count: draws }, apparatus);
      return { numbers: { [quantity]: meanOf(squares.map((own) => Math.log(average(own)) / net.depth)) } };
    },
  };
}

/** One quantity by activation, in a panel for each kind of weights and each depth. */
function chartOf(results: readonly Result[], quantity: string, title: string): Chart[] {
  const shown = results.flatMap(({ setting, rows }) => {
    const panel = `${setting.weights}, ${setting.depth} layers`;
    return rows
      .filter((row) => row.quantity === quantity)
      .map((row) => ({ panel, x: String(setting.activation), row }));
  });
  if (shown.length === 0) return [];
  return [
    {
      id: quantity === VARIANCE ? "variance" : "mean",
      title,
      caption: "Line: the prediction. Points: random networks, with the 95 % interval over draws.",
      x: { label: "activation", names: [...new Set(shown.map(({ x }) => x))] },
      y: { label: quantity, log: true },
      panels: [...new Set(shown.map(({ panel }) => panel))].map((panel) => {
        const own = shown.filter((each) => each.panel === panel);
        const line = own.map(({ x, row }) => ({ x, y: row.predicted }));
        const dots = own.map(({ x, row }) => ({ x, y: row.measured, low: row.low, high: row.high }));
        return {
          title: panel,
          series: [
            { name: "predicted", mark: "line", points: line },
            { name: "measured", mark: "dots", points: dots },
          ],
        };
      }),
    },
  ];
}

/** σ by the share of smaller ones, in a panel for each network. */
function spectraChart(results: readonly Result[]): Chart[] {
  const panels = results
    .filter(({ curves }) => curves.length > 0)
    .map(({ setting, curves }) => ({
      title: `${setting.activation}, ${setting.weights}, ${setting.depth} layers`,
      series: curves,
    }));
  if (panels.length === 0) return [];
  return [
    {
      id: "spectra",
      title: "Singular values at the critical point",
      caption:
        "Lines: the prediction for infinite width. Points: random networks, the mean of ln σ with the 95 % interval over draws, as far as float32 resolves them.",
      x: { label: "share of the singular values that are smaller" },
      y: { label: "σ", log: true },
      panels,
    },
  ];
}
