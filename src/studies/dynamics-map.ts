import { isBelowFloor } from "../base/index.ts";
import type { ChartSeries, ColourCell, ColourMap } from "../results/index.ts";
import { spreadOver } from "./findings.ts";
import { logSteps } from "./half-change.ts";
import { mean } from "./statistics.ts";
import { type StudyData, valueAt } from "./study.ts";

/** How many taps have a panel, and how many indices between 1 and 10 have a row. */
const MOST_PANELS = 4;
const ROWS_A_DECADE = 10;
/** The least and the most decades below σ₁ that colours cover. */
const DECADES = [1, 4] as const;

/** Spectra relative to their largest σ against the step of the training, with curves of what is learned. */
export function spectrumMap(data: StudyData, curves: readonly ChartSeries[]): ColourMap {
  const taps = data.axes.tap!;
  const shown = spreadOver(taps.length, MOST_PANELS);
  const panels = shown.map((tap) => ({ title: String(taps[tap]), cells: cellsOf(data, tap) }));
  const least = Math.min(...panels.flatMap(({ cells }) => cells.map(({ value }) => value)));
  const decades = Math.min(DECADES[1], Math.max(DECADES[0], Math.ceil(-least)));
  const below =
    curves.length === 0
      ? ""
      : " Below: shares of examples, with 95 % intervals on the scale of arcsin √p, which stay between 0 and 1.";
  const few = shown.length < taps.length ? ` Of ${taps.length} taps, ${shown.length} are shown.` : "";
  return {
    id: "spectra",
    title: "Spectra in training",
    caption:
      "Singular values of J(input → tap) relative to the largest, σ/σ₁, by index and by step of the training: geometric means over images and trainings. White is " +
      `where most σ lie below the floor, or there are none.${few} Step 0 stands at half of the first step.${below}`,
    x: "step",
    y: "index k",
    colour: { label: "log₁₀ of σ/σ₁", ends: [-decades, 0] },
    panels,
    curves,
  };
}

function cellsOf(data: StudyData, tap: number): ColourCell[] {
  const { training, step, image } = data.axes;
  const places = logSteps(step!.map(Number)).map((place) => 2 ** place);
  return places.flatMap((x, s) =>
    indices(data.axes.k!.length).flatMap((k): ColourCell[] => {
      const logs = training!.flatMap((_, t) => image!.map((_, i) => relative(data, [t, s, tap, i], k)));
      const known = logs.filter(Number.isFinite);
      return 2 * known.length > logs.length ? [{ x, y: k + 1, value: mean(known) }] : [];
    }),
  );
}

/** log₁₀ of σ/σ₁ at an index; NaN below the floor. */
function relative(data: StudyData, place: readonly number[], k: number): number {
  const [first, sigma] = [0, k].map((index) => valueAt(data, "sigma", [...place, index])) as [number, number];
  return isBelowFloor(sigma, valueAt(data, "floor", place)) ? Number.NaN : Math.log10(sigma / first);
}

/** Indices from 0 that are spread by their logarithm. */
function indices(count: number): number[] {
  const rows = Math.ceil(ROWS_A_DECADE * Math.log10(count)) + 1;
  const all = Array.from({ length: rows }, (_, i) => Math.min(count, Math.round(10 ** (i / ROWS_A_DECADE))) - 1);
  return [...new Set(all)];
}
