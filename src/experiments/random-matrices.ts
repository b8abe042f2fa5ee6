import { drawSeed } from "../base/index.ts";
import { openGraph } from "../jacobian/index.ts";
import type { Chart } from "../results/index.ts";
import { fussCatalan, marchenkoPastur, type Spectrum } from "../theory/index.ts";
import { type Architecture, inferenceModel, initialWeights, valuesOf } from "../training/index.ts";
import { convolutionCases } from "./convolution-cases.ts";
import { meanOf, single } from "./estimates.ts";
import { type Apparatus, type Case, experiment, type Result } from "./experiment.ts";
import { number, numbers } from "./option.ts";
import { relativeVariance } from "./random-jacobians.ts";
import { distance, type Squares, spectrumCurves } from "./spectrum-curves.ts";

/** The largest distance of the shares of σ² up to x from the predicted ones. */
const KOLMOGOROV = 0.01;
/** By how much the second moment may differ, relative to its prediction. */
const MOMENT = 0.02;

/** `random-matrices`: are the singular values of random layers those that random matrix theory gives? */
export const randomMatrices = experiment({
  name: "random-matrices",
  question: "Are the singular values of random linear layers and convolutions those of the closed forms?",
  falsifiedBy: `a distance of the spectra (Kolmogorov-Smirnov) above ${KOLMOGOROV} at width 1000; for convolutions, a σ that is off by more than 10⁻⁵·σ₁`,
  options: {
    width: number(
      { about: "neurons of a layer; of the shorter side of a matrix", default: 1000, quick: 500 },
      { least: 8, whole: true },
    ),
    depth: numbers(
      { about: "factors of the products of square Gaussian matrices", default: [1, 2, 4] },
      { least: 1, whole: true },
    ),
    aspect: numbers(
      { about: "sides of the single matrices, outputs by inputs", default: [0.25, 0.5, 1, 2] },
      { least: 0.01 },
    ),
    draws: number({ about: "draws of each", default: 8, quick: 4 }, { least: 1, whole: true }),
  },
  cases: ({ width, depth, aspect, draws }) => [
    ...aspect.map((ratio) =>
      marchenkoPasturCase(Math.round(width * Math.max(1, 1 / ratio)), Math.round(width * Math.max(1, ratio)), draws),
    ),
    ...depth.map((factors) => fussCatalanCase(width, factors, draws)),
    ...convolutionCases(),
  ],
  charts: (results) => [
    chartOf(results, "layers", {
      title: "Singular values of random layers and their products",
      caption: "Lines: the share of smaller singular values that theory predicts. Points: one draw, thinned out.",
    }),
    chartOf(results, "convolutions", {
      title: "Singular values of convolutions",
      caption:
        "Lines: the Fourier transform of the kernel, or the dense matrix in float64. Points: the engine, thinned out.",
    }),
  ],
});

function chartOf(
  results: readonly Result[],
  id: "layers" | "convolutions",
  { title, caption }: Pick<Chart, "title" | "caption">,
): Chart {
  const panels = results
    .map(({ setting, curves }) => ({ title: String(setting.matrix), series: curves }))
    .filter(({ title }) => title.includes("convolution") === (id === "convolutions"));
  return {
    id,
    title,
    caption,
    x: { label: "share of the singular values that are smaller" },
    y: { label: "σ" },
    panels,
  };
}

/** Entries of variance 1/inputs, as the initializer draws them. */
function marchenkoPasturCase(inputs: number, outputs: number, draws: number): Case {
  const spectrum = marchenkoPastur(outputs, inputs, Math.sqrt(1 / inputs));
  return spectrumCase(`${outputs} × ${inputs}`, [inputs, outputs], {
    spectrum,
    spread: Math.min(inputs, outputs) / Math.max(inputs, outputs),
    source: "Marchenko & Pastur 1967",
    draws,
  });
}

function fussCatalanCase(width: number, factors: number, draws: number): Case {
  return spectrumCase(`product of ${factors}, ${width} × ${width}`, new Array<number>(factors + 1).fill(width), {
    spectrum: fussCatalan(factors),
    spread: factors,
    source: "Penson & Życzkowski 2011",
    draws,
  });
}

interface Expected {
  readonly spectrum: Spectrum;
  /** Var σ² / mean² */
  readonly spread: number;
  readonly source: string;
  readonly draws: number;
}

/** The spectrum of a chain of linear layers of these widths. */
function spectrumCase(matrix: string, widths: readonly number[], expected: Expected): Case {
  const { spectrum, spread, source, draws } = expected;
  const [input = 1, ...units] = widths;
  const net: Architecture = {
    input: [input],
    layers: units.map((count) => ({ kind: "dense", units: count, bias: false })),
  };
  return {
    setting: { matrix },
    seconds: (draws * units.length * Math.min(...widths) ** 3) / 1e9,
    predict: () => ({
      "largest distance of the spectra": { predicted: 0, precision: { absolute: KOLMOGOROV }, source },
      "Var σ² / mean²": { predicted: spread, precision: { relative: MOMENT * units.length }, source },
    }),
    async measure(apparatus) {
      const spectra = await spectraOf(net, draws, apparatus);
      return {
        numbers: {
          "largest distance of the spectra": single(
            Math.max(...spectra.map((squares) => distance(squares, spectrum))),
            draws,
          ),
          "Var σ² / mean²": meanOf(spectra.map(relativeVariance)),
        },
        curves: spectrumCurves(spectra.slice(0, 1), spectrum),
      };
    },
  };
}

/** σ² of each draw, ascending. */
async function spectraOf(net: Architecture, draws: number, { backend, seed, proceed }: Apparatus): Promise<Squares[]> {
  const network = await openGraph(inferenceModel(net, new Map()), backend);
  const k = Math.min(...network.output.shape, ...network.source.shape);
  const spectra: Squares[] = [];
  for (let draw = 0; draw < draws; draw++) {
    proceed(`draw ${draw + 1} of ${draws}`);
    const weights = initialWeights(net, { kind: "gaussian" }, drawSeed(seed, "random-matrices", draw));
    const input = new Float32Array(network.source.shape[0]!);
    using J = await network.jacobian({ at: { input, ...valuesOf(weights) } });
    const { sigma } = await J.svd({ k, method: "dense" });
    spectra.push(Array.from(sigma, (one) => one ** 2).reverse());
  }
  await network.forget();
  return spectra;
}
