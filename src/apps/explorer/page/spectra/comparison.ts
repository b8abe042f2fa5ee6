import type { TapUnits } from "../../../../figures/index.ts";
import { type Chart, type ChartSeries, knownBands, spectrumBands } from "../../../../results/index.ts";
import { indexScale, sigmaScale } from "./interest.ts";

/** The spectra of two with their names, at each tap, a panel for each; undefined if none is known. */
export function comparison(
  [nameA, nameB]: readonly [string, string],
  a: readonly TapUnits[],
  b: readonly TapUnits[],
): Chart | undefined {
  const panels = a.flatMap(({ tap }, i) => {
    const series = [seriesOf(`A: ${nameA}`, a[i]!), seriesOf(`B: ${nameB}`, b[i]!)].filter(
      ({ points }) => points.length > 0,
    );
    return series.length === 0 ? [] : [{ title: tap, series }];
  });
  if (panels.length === 0) return undefined;
  return {
    id: "side-by-side",
    title: "Singular values of A and B at each tap",
    caption:
      "Singular values σ of the Jacobian from the source to each tap, of A (put aside) and of B (shown), against their index (1 is the " +
      "largest). The axis of σ is the same for all taps. A curve ends where σ falls below the floor. Over several pictures, a line shows " +
      "the median, and a band reaches from the 10 % to the 90 % quantile.",
    x: { label: "index", log: indexScale.value === "log" },
    y: { label: "σ", log: sigmaScale.value === "log" },
    panels,
  };
}

function seriesOf(name: string, { units }: TapUnits): ChartSeries {
  const bands = knownBands(spectrumBands(units.map(({ unit }) => unit)));
  return {
    name,
    mark: "line",
    points: bands.map(({ index, median, low, high, n }) => ({
      x: index,
      y: median,
      ...(n > 1 && low > 0 && { low, high }),
    })),
  };
}
