import type { Chart } from "../results/index.ts";
import { finiteWidthMean, meanField, normScatter, spectrumVariance } from "../theory/index.ts";
import { type ActivationName, activations } from "./activations.ts";
import { average, extrapolated, meanOf, varianceOf } from "./estimates.ts";
import { type Case, experiment, type Result } from "./experiment.ts";
import { number, numbers, words } from "./option.ts";
import { relativeVariances, squaredGrowths } from "./random-jacobians.ts";
import type { RandomNet } from "./random-net.ts";
import type { Prediction } from "./row.ts";

/** By how much the mean of σ², or the growth by layer, may differ. */
const MEAN = 0.1;
/** Half of the 95 % interval that the mean should have at most, and the fewest draws. */
const NARROW = { half: 0.9 * MEAN, fewest: 32 };
/** The relative variance of σ² is predicted where layers are few against the width. */
const FEW_LAYERS = 0.03;
/** Beyond this variance of ln ‖Jv‖² rare networks decide the mean of σ², which is then only reported. */
const LARGEST_SCATTER = 2;
/** Layers in which networks that are not critical are measured: deeper ones leave the range of float32. */
const SHALLOW = 20;

const PENNINGTON = "Pennington, Schoenholz & Ganguli 2017";
const HANIN = "Hanin & Nica 2020";
const MEAN_SQUARE = "mean σ²";
const VARIANCE = "Var σ² / mean², for infinite width";

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
    "than 3 standard errors when it is extrapolated to infinite width",
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
    }),
    async measure(apparatus) {
      const half = { ...net, width: Math.round(width / 2) };
      const wide = meanOf(await relativeVariances({ net, q, count: spectra }, apparatus));
      const narrow = meanOf(await relativeVariances({ net: half, q, count: spectra }, apparatus));
      return { numbers: { [VARIANCE]: extrapolated(wide, narrow) } };
    },
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
      if (!hasLogarithms) return { [MEAN_SQUARE]: mean };
      return {
        [MEAN_SQUARE]: mean,
        "mean ln ‖Jv‖²": { predicted: -beta / 2, precision: { absolute: MEAN }, source: HANIN },
        "Var ln ‖Jv‖²": { predicted: beta, precision: { standardErrors: 3, within: 0.1 }, source: HANIN },
      };
    },
    async measure(apparatus) {
      const count = Math.min(draws, isJudged ? drawsNeeded(beta) : NARROW.fewest);
      const squares = await squaredGrowths({ net, q, count }, apparatus);
      const logarithms = squares.map((own) => own.map(Math.log));
      return {
        numbers: {
          [MEAN_SQUARE]: meanOf(squares.map(average)),
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
