import { subscript } from "../base/index.ts";
import type { Chart, ChartPoint } from "../results/index.ts";
import { type Estimate, meanOf } from "./statistics.ts";
import { type Findings, type FindingTable, findingsOf, type StudyData, valueAt } from "./study.ts";

/** What follows from the lenses: their spectra, and the tokens of their singular vectors. It tests no claim of the paper. */
export function lensFindings(data: StudyData): Findings {
  const spectra = data.axes.tap!.map((_, tap) => data.axes.k!.map((_, k) => sigmaAt(data, tap, k)));
  return findingsOf({
    tables: [lensTable(data, spectra), ...tokensTable(data)],
    charts: [spectraChart(data, spectra), contributionChart(data)],
    claims: [],
  });
}

/** σ, which is the mean of what the tokens contribute to it, with its interval over tokens. */
function sigmaAt(data: StudyData, tap: number, k: number): Estimate {
  const own = data.axes.sample!.map((_, sample) => valueAt(data, "contribution", [tap, k, sample]));
  return { ...meanOf(own, data.seed), value: valueAt(data, "sigma", [tap, k]) };
}

/** (Σσ²)²/Σσ⁴: how many directions the lens passes on. */
function participation(sigma: readonly number[]): number {
  const squares = sigma.map((value) => value ** 2);
  const total = squares.reduce((sum, value) => sum + value, 0);
  return total ** 2 / squares.reduce((sum, value) => sum + value ** 2, 0);
}

const OVER_TOKENS = "Intervals are 95 %, by bootstrap over tokens, as if these were independent of each other.";

function lensTable(data: StudyData, spectra: readonly (readonly Estimate[])[]): FindingTable {
  const { k: ranks = [], sample: samples = [] } = data.axes;
  return {
    id: "by-tap",
    caption:
      `The lens L at each tap, a mean over ${samples.length} tokens. ${OVER_TOKENS} The participation ratio (Σσ²)²/Σσ⁴ of the ` +
      "computed σ says how many directions pass. Differences are the largest relative distance between L and central differences of the network, along " +
      "random directions.",
    columns: ["tap", "σ₁", `σ${subscript(ranks.length)}`, "participation ratio", "worst residual/σ₁", "differences"],
    rows: data.axes.tap!.map((name, tap) => {
      const spectrum = spectra[tap]!;
      const residuals = ranks.map((_, k) => valueAt(data, "residual", [tap, k]));
      return [
        name,
        spectrum[0]!,
        spectrum.at(-1)!,
        participation(spectrum.map(({ value }) => value)),
        Math.max(...residuals) / spectrum[0]!.value,
        valueAt(data, "difference", [tap]),
      ];
    }),
  };
}

/** Nothing if the output of the network has no scores for each token. */
function tokensTable(data: StudyData): FindingTable[] {
  const { tap: taps = [], vector: vectors = [], place: places = [], output: names } = data.axes;
  const nameOf = (output: number) => JSON.stringify(String(names?.[output] ?? output));
  const rows = taps.flatMap((name, tap) =>
    vectors.flatMap((vector, v) => {
      const tokens = places.map((_, p) => valueAt(data, "token", [tap, v, p]));
      if (!tokens.some(Number.isFinite)) return [];
      const ends = places.length / 2;
      const told = (some: readonly number[]) => some.filter(Number.isFinite).map(nameOf).join(" ");
      const fewest = tokens.slice(ends).reverse();
      return [[name, vector, valueAt(data, "sigma", [tap, v]), told(tokens.slice(0, ends)), told(fewest)]];
    }),
  );
  if (rows.length === 0) return [];
  return [
    {
      id: "tokens",
      caption:
        "The tokens whose scores change most along the left singular vectors of the lens, most first. The sign of a singular vector is " +
        "arbitrary, so that the two lists may be exchanged.",
      columns: ["tap", "vector", "σ", "scores that grow", "scores that shrink"],
      rows,
    },
  ];
}

function spectraChart(data: StudyData, spectra: readonly (readonly Estimate[])[]): Chart {
  return {
    id: "spectra",
    title: "Singular values of the lens",
    caption:
      `Singular values of the mean of J(tap[t] → all last states), by rank, with intervals over ${data.axes.sample!.length} tokens. ${OVER_TOKENS} ` +
      "The lens of the last tap itself would be the identity, with σ = 1.",
    x: { label: "index k (1 is the largest σ)", log: true },
    y: { label: "σ", log: true },
    ordered: true,
    panels: [
      {
        title: "",
        rule: { y: 1, label: "σ = 1" },
        series: data.axes.tap!.map((name, tap) => ({
          name: String(name),
          mark: "line",
          points: spectra[tap]!.filter(({ value }) => value > 0).map(
            ({ value: y, low, high }, k): ChartPoint => (low > 0 ? { x: k + 1, y, low, high } : { x: k + 1, y }),
          ),
        })),
      },
    ],
  };
}

/** What each token contributes to the largest σ. */
function contributionChart(data: StudyData): Chart {
  return {
    id: "contribution",
    title: "What each token contributes to the largest singular value",
    caption:
      "uᵀ·Σₛ J(tap[t] → last[s])·v for each token t, in the order of the texts, where u and v are the first singular vectors of the lens. The mean over tokens is σ₁. " +
      "A token that later ones read contributes more than its own state.",
    x: { label: "token, in the order of the texts" },
    y: { label: "contribution to σ₁" },
    ordered: true,
    panels: data.axes.tap!.map((name, tap) => ({
      title: String(name),
      rule: { y: valueAt(data, "sigma", [tap, 0]), label: "σ₁" },
      series: [
        {
          name: "token",
          mark: "line",
          points: data.axes.sample!.map((_, sample) => ({
            x: sample + 1,
            y: valueAt(data, "contribution", [tap, 0, sample]),
          })),
        },
      ],
    })),
  };
}
