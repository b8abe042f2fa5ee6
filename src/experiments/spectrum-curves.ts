import type { ChartSeries } from "../results/index.ts";
import type { Spectrum } from "../theory/index.ts";
import { meanOf } from "./estimates.ts";

/** Singular values below this share of the largest one are rounding errors of float32. */
const FLOOR = 1e-6;
/** Points of a curve. */
const LINE = 80;
const DOTS = 25;

/** σ² of one draw, ascending. */
export type Squares = readonly number[];

/**
 * The statistic of Kolmogorov and Smirnov: the largest distance of the share of σ² up to x from the predicted one, over the x that float32
 * resolves.
 */
export function distance(squares: Squares, { cumulative }: Spectrum): number {
  const n = squares.length;
  const least = FLOOR ** 2 * squares.at(-1)!;
  return squares.reduce((largest, x, i) => {
    if (x < least) return largest;
    const share = cumulative(x);
    return Math.max(largest, (i + 1) / n - share, share - i / n);
  }, 0);
}

/**
 * σ over the share of smaller ones: the prediction as a line, the mean over draws as points with its interval. On a logarithmic axis the
 * mean is that of ln σ, and the curves end at what float32 resolves.
 */
export function spectrumCurves(draws: readonly Squares[], spectrum: Spectrum, { log = false } = {}): ChartSeries[] {
  const { edges, cumulative } = spectrum;
  const n = draws[0]!.length;
  const largest = Math.sqrt(edges[1]);
  const least = log ? Math.max(Math.sqrt(edges[0]), FLOOR * largest) : Math.sqrt(edges[0]);
  const [to, from] = log ? [Math.log, Math.exp] : [(x: number) => x, (x: number) => x];
  const line = Array.from({ length: LINE + 1 }, (_, i) => {
    const y = from(to(least) + ((to(largest) - to(least)) * i) / LINE);
    return { x: cumulative(y * y), y };
  });
  const dots = Array.from({ length: DOTS }, (_, i) => {
    const at = Math.floor(((i + 0.5) / DOTS) * n);
    const { measured, low, high } = meanOf(draws.map((squares) => to(Math.sqrt(squares[at]!))));
    return { x: (at + 0.5) / n, y: from(measured), low: from(low), high: from(high) };
  });
  return [
    { name: "predicted", mark: "line", points: line },
    { name: "measured", mark: "dots", points: dots.filter(({ y }) => y >= least) },
  ];
}
