import type { Chart } from "../results/index.ts";
import { type Findings, type FindingTable, findingsOf, type StudyData, valueAt } from "./study.ts";

/** What follows from the mean Jacobians: their spectra, and the tokens of their singular vectors. It tests no claim of the paper. */
export function lensFindings(data: StudyData): Findings {
  return findingsOf({ tables: [spectraTable(data), ...tokensTable(data)], charts: [spectraChart(data)], claims: [] });
}

const sigmaAt = (data: StudyData, tap: number): number[] =>
  data.axes.k!.map((_, k) => valueAt(data, "sigma", [tap, k])).filter(Number.isFinite);

/** (Σσ²)²/Σσ⁴: how many directions the mean Jacobian passes on. */
function participation(sigma: readonly number[]): number {
  const squares = sigma.map((value) => value ** 2);
  const total = squares.reduce((sum, value) => sum + value, 0);
  return total ** 2 / squares.reduce((sum, value) => sum + value ** 2, 0);
}

function spectraTable(data: StudyData): FindingTable {
  return {
    id: "by-tap",
    caption:
      "The mean over tokens of the Jacobian from the state of a token at each tap to its last state. The participation ratio (Σσ²)²/Σσ⁴ " +
      "says how many directions pass. Differences are the largest relative distance between the Jacobian and central differences of the network, " +
      "at up to 8 tokens along a random direction.",
    columns: ["tap", "tokens", "largest σ", "smallest σ", "participation ratio", "differences"],
    rows: data.axes.tap!.map((name, tap) => {
      const sigma = sigmaAt(data, tap);
      const own = (variable: string) => valueAt(data, variable, [tap]);
      return [
        name,
        own("tokens"),
        sigma[0] ?? Number.NaN,
        sigma.at(-1) ?? Number.NaN,
        participation(sigma),
        own("difference"),
      ];
    }),
  };
}

/** Nothing if the output of the network has no scores for each token. */
function tokensTable(data: StudyData): FindingTable[] {
  const { tap: taps = [], vector: vectors = [], place: places = [], token: names } = data.axes;
  const nameOf = (output: number) => JSON.stringify(String(names?.[output] ?? output));
  const rows = taps.flatMap((name, tap) =>
    vectors.flatMap((vector, v) => {
      const tokens = places.map((_, p) => valueAt(data, "token", [tap, v, p]));
      if (!tokens.every(Number.isFinite)) return [];
      const ends = places.length / 2;
      const told = (some: readonly number[]) => some.map(nameOf).join(" ");
      const fewest = tokens.slice(ends).reverse();
      return [[name, vector, valueAt(data, "sigma", [tap, v]), told(tokens.slice(0, ends)), told(fewest)]];
    }),
  );
  if (rows.length === 0) return [];
  return [
    {
      id: "tokens",
      caption:
        "The tokens whose scores change most along the left singular vectors of the mean Jacobian, most first. The sign of a singular vector is " +
        "arbitrary, so that the two lists may be exchanged.",
      columns: ["tap", "vector", "σ", "scores that grow", "scores that shrink"],
      rows,
    },
  ];
}

function spectraChart(data: StudyData): Chart {
  return {
    id: "spectra",
    title: "Spectra of the mean Jacobian to the last state",
    caption: "Singular values of the mean over tokens of J(tap[t] → last[t]), by rank.",
    x: { label: "index k (1 is the largest σ)", log: true },
    y: { label: "σ", log: true },
    ordered: true,
    panels: [
      {
        title: "",
        series: data.axes.tap!.map((name, tap) => ({
          name: String(name),
          mark: "line",
          points: sigmaAt(data, tap).map((y, k) => ({ x: k + 1, y })),
        })),
      },
    ],
  };
}
