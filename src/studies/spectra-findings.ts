import { type Chart, type ChartPoint, type ChartSeries, measureSpectrum, resolvedSigma } from "../results/index.ts";
import { curveOf, ENDS_AT_FLOOR, floorAt, imagesAt, lineOf, NO_INTERVAL, sameFor } from "./findings.ts";
import { type Estimate, meanOf, meanOfKnown, meanSample } from "./statistics.ts";
import { type Findings, type FindingTable, findingsOf, type Params, type StudyData } from "./study.ts";
import { rangeOf } from "./told.ts";
import type { TestedClaim } from "./verdict.ts";

/** The measures of a spectrum, by the names of their variables. */
export const measures = {
  effective_rank: { about: "effective rank of the computed σ above the floor", of: "effectiveRank" },
  participation_ratio: { about: "participation ratio of the computed σ above the floor", of: "participationRatio" },
  numerical_rank: { about: "number of computed σ above the floor", of: "numericalRank" },
  above_one: { about: "share of the computed σ above 1", of: "aboveOne" },
  isometry_mean: { about: "mean of σ² above the floor", of: "isometryMean" },
  isometry_spread: { about: "standard deviation of σ² above the floor", of: "isometrySpread" },
  log_slope: { about: "slope of log σ against log index, of the σ above the floor", of: "logSlope" },
} as const;
type MeasureName = keyof typeof measures;

/** The conclusions of the study of spectra. */
export function concludeSpectra(data: StudyData, params: Params): Findings {
  const taps = data.axes.tap!.map(String);
  return findingsOf({
    tables: [tableOf(data, taps)],
    charts: [
      spectrumChart(data, taps, "sigma"),
      ...(Number(params.steps) === 0 ? [] : [spectrumChart(data, taps, "step_sigma")]),
      rankChart(data, taps),
      growthChart(data, taps),
    ],
    claims: [steeperClaim(data, taps), fewClaim(data, taps)],
  });
}

/** The index of a cell among those of the study. */
const cellAt = ({ axes }: StudyData, tap: number, image: number): number => tap * axes.image!.length + image;

/** A stored number at a tap, for every image that has its own spectrum. */
function numbersAt(data: StudyData, name: string, tap: number): number[] {
  return imagesAt(data, "sigma", tap).map((image) => data.values[name]!.data[cellAt(data, tap, image)]!);
}

/** One spectrum as it is stored: the σ that were computed, and the floor. */
function spectrumAt(data: StudyData, name: "sigma" | "step_sigma", tap: number, image: number) {
  const { length: most } = data.axes.k!;
  const at = cellAt(data, tap, image);
  const own = data.values[name]!.data.subarray(at * most, (at + 1) * most).filter((value) => !Number.isNaN(value));
  return { sigma: own, floor: floorAt(data, name === "sigma" ? "floor" : "step_floor", at, own[0] ?? 0) };
}

/** The spectra at a tap, of every image that has its own spectrum. */
const spectraAt = (data: StudyData, name: "sigma" | "step_sigma", tap: number) =>
  imagesAt(data, name, tap).map((image) => spectrumAt(data, name, tap, image));

/**
 * A measure of the spectrum of an image at a tap, computed from its σ. The measures stored by earlier versions include rounding. NaN
 * if the cell is not measured yet.
 */
function measureAt(data: StudyData, name: MeasureName, tap: number, image: number): number {
  const [m, n] = ["rows", "columns"].map((side) => data.values[side]!.data[cellAt(data, tap, image)]!) as [
    number,
    number,
  ];
  const spectrum = spectrumAt(data, "sigma", tap, image);
  return spectrum.sigma.length === 0 ? Number.NaN : measureSpectrum({ ...spectrum, m, n })[measures[name].of];
}

const estimateAt = (data: StudyData, name: MeasureName, tap: number): Estimate =>
  meanOfKnown(
    imagesAt(data, "sigma", tap).map((image) => measureAt(data, name, tap, image)),
    data.seed,
  );

/** The mean of σ₁ over the images for which it can be told from zero. */
const largestAt = (data: StudyData, tap: number): Estimate =>
  meanOfKnown(
    spectraAt(data, "sigma", tap).map((spectrum) => resolvedSigma(spectrum)[0] ?? Number.NaN),
    data.seed,
  );

function tableOf(data: StudyData, taps: readonly string[]): FindingTable {
  const names = Object.keys(measures) as MeasureName[];
  const sum = (numbers: readonly number[]) => numbers.reduce((total, count) => total + count, 0);
  return {
    id: "by-tap",
    caption:
      `J(input → tap): means over ${data.axes.image!.length} images with 95 % intervals by bootstrap over images. ${NO_INTERVAL} Ranks, slope ` +
      `and the mean of σ² use the σ above the floor, ${capOf(data)}; numerical_rank is their number. The column "below the floor" counts σ that cannot be told from zero.`,
    columns: ["tap", "σ₁", ...names, "active_share", "below the floor", "not converged"],
    rows: taps.map((tap, t) => {
      const active = meanOf(numbersAt(data, "active_share", t), data.seed);
      const cells = [largestAt(data, t), ...names.map((name) => estimateAt(data, name, t)), active];
      const below = spectraAt(data, "sigma", t).map(
        (spectrum) => spectrum.sigma.length - resolvedSigma(spectrum).length,
      );
      return [tap, ...cells, sum(below), sum(numbersAt(data, "unconverged", t))];
    }),
  };
}

/** Which σ of a tap the measures use. */
const capOf = ({ axes }: StudyData): string => `of the first ${axes.k!.length} where a tap has more`;

function spectrumChart(data: StudyData, taps: readonly string[], name: "sigma" | "step_sigma"): Chart {
  const n = data.axes.image!.length;
  const series = taps.map((tap, t): ChartSeries => {
    return { name: tap, mark: "line", points: curveOf(spectraAt(data, name, t)) };
  });
  const what =
    name === "sigma" ? "J(input → tap)" : "J(t → t + 1), from the last tap before it that all paths pass through";
  return {
    id: name === "sigma" ? "spectra" : "steps",
    title: `Singular values of ${what}`,
    caption: `Singular values of ${what} against their index: the median over ${n} images, and a band from the 10 % to the 90 % quantile (none where J is the same for all). ${ENDS_AT_FLOOR}`,
    x: { label: "index k" },
    y: { label: "σ", log: true },
    ordered: true,
    panels: [{ title: "", series, rule: { y: 1, label: "σ = 1" } }],
  };
}

function rankChart(data: StudyData, taps: readonly string[]): Chart {
  const named = { effective_rank: "effective rank", participation_ratio: "participation ratio" } as const;
  return {
    id: "ranks",
    title: "Effective number of directions",
    caption:
      `Effective rank and participation ratio of the σ of J(input → tap) above the floor, ${capOf(data)}: means over images, 95 % ` +
      "intervals by bootstrap.",
    x: { label: "tap, by depth", names: taps },
    y: { label: "directions", log: true },
    panels: [
      {
        title: "",
        series: (Object.keys(named) as (keyof typeof named)[]).map((name) =>
          lineOf(named[name], taps, (t) => estimateAt(data, name, t)),
        ),
      },
    ],
  };
}

/** What each step adds on the path to the last tap that all paths pass through, averaged over images. */
function growthChart(data: StudyData, taps: readonly string[]): Chart {
  const { shape, data: growth } = data.values.growth!;
  const [, n, steps, directions] = shape as [number, number, number, number];
  const last = taps.findLastIndex((_, t) => Number.isFinite(growth[t * n * steps * directions + t * directions]!));
  const at = (image: number, step: number, direction: number) =>
    growth[((last * n + image) * steps + step) * directions + direction]!;
  const shown = [...new Set([0, Math.floor(directions / 2), directions - 1])];
  const series =
    last < 0
      ? []
      : shown.map(
          (direction): ChartSeries => ({
            name: `direction ${direction + 1}`,
            mark: "line",
            points: taps.flatMap((tap, step): ChartPoint[] => {
              const found = meanOfKnown(
                Array.from({ length: n }, (_, image) => at(image, step, direction)),
                data.seed,
              );
              if (2 * found.n < n) return [];
              const { value, low, high, sample } = found;
              return [{ x: tap, y: value, low, high, ...(sample && { sample }) }];
            }),
          }),
        );
  return {
    id: "growth",
    title: `What each step adds to log σ of J(input → ${taps[last] ?? "last tap"})`,
    caption:
      "Right singular vectors of J(input → last tap) are multiplied by one step after the other. The logarithm of the factor by which each step lengthens (above 0) or " +
      "shortens (below 0) them is shown. The sum over the steps is log σ. Means over the images whose σ is above the floor, where these are at least " +
      "half; 95 % intervals by bootstrap.",
    x: { label: "step, by the tap that it leads to", names: taps },
    y: { label: "log of the growth" },
    panels: [{ title: "", series, rule: { y: 0, label: "length unchanged" } }],
  };
}

/** A σ counts as large above this fraction of σ₁; and "few" means less than this fraction of all σ. */
const LARGE = 0.1;
const HALF = 0.5;

function steeperClaim(data: StudyData, taps: readonly string[]): TestedClaim {
  const last = taps.length - 1;
  const [ofFirst, ofLast] = [0, last].map((tap) => imagesAt(data, "sigma", tap));
  const images = ofFirst!.length > ofLast!.length ? ofFirst! : ofLast!;
  // The same number of σ is used at both taps, so that a small tap does not look steep only because of its size. Those below the
  // floor count as zero.
  const counts = [0, last].map((tap) =>
    Math.max(...images.map((image) => spectrumAt(data, "sigma", tap, image).sigma.length)),
  );
  const common = Math.min(...counts);
  const rank = (tap: number, image: number) =>
    measureSpectrum({
      sigma: resolvedSigma(spectrumAt(data, "sigma", tap, image)).slice(0, common),
      floor: 0,
      m: common,
      n: common,
    }).effectiveRank;
  const isTold = last > 0 && common > 1;
  const standsFor = sameFor(data, "sigma", 0) && sameFor(data, "sigma", last);
  return {
    id: "steeper",
    on: "steep",
    claim: `Spectra become steeper along the layers: the effective rank of the first ${common} σ is lower at the last tap than at the first.`,
    effect: {
      what: `Effective rank at ${taps[0]} divided by that at ${taps[last]}, mean logarithm`,
      sign: 1,
      none: 0,
      measure: meanSample(images.map((image) => (isTold ? Math.log(rank(0, image) / rank(last, image)) : Number.NaN))),
      ...(standsFor === undefined ? {} : { standsFor }),
    },
    otherwise: "There is only one tap, or one singular value.",
    note: isTold ? betweenOf(data, taps) : "",
  };
}

/** The range of the mean effective rank over all taps, which the first and the last tap alone do not show. */
function betweenOf(data: StudyData, taps: readonly string[]): string {
  const ranks = taps.map((_, tap) => estimateAt(data, "effective_rank", tap).value);
  return `Over all taps, the effective rank lies ${rangeOf(taps, ranks)}, ${capOf(data)}.`;
}

/** The share of all σ at the last tap that are large. It is exact, or only bounded if the computed σ do not include small ones. */
function fewClaim(data: StudyData, taps: readonly string[]): TestedClaim {
  const last = taps.length - 1;
  const standsFor = sameFor(data, "sigma", last);
  const shares = imagesAt(data, "sigma", last).map((image) => {
    const { sigma: own, floor } = spectrumAt(data, "sigma", last, image);
    const [rows, columns, active] = ["rows", "columns", "active_share"].map(
      (name) => data.values[name]!.data[cellAt(data, last, image)]!,
    ) as [number, number, number];
    const many = Math.min(rows, columns);
    const isLarge = (value: number) => value > LARGE * own[0]! && value > floor;
    const large = own.filter(isLarge).length;
    // Rows of inactive neurons are zero, so the number of large σ is at most the number of active rows.
    const reachesSmall = large < own.length && floor <= LARGE * own[0]!;
    const most = reachesSmall ? large : Math.max(large, Math.min(Math.round(active * rows), many));
    return own[0]! > floor ? { least: large / many, most: most / many } : { least: Number.NaN, most: Number.NaN };
  });
  return {
    id: "few",
    on: "steep",
    claim: `In the last layer few singular values are large: fewer than half of all exceed σ₁/${1 / LARGE}.`,
    effect: {
      what: `Share of all σ at ${taps[last]} that exceed σ₁/${1 / LARGE}`,
      sign: -1,
      none: HALF,
      measure: meanSample(shares.map(({ least }) => least)),
      atMost: meanSample(shares.map(({ most }) => most)),
      ...(standsFor === undefined ? {} : { standsFor }),
    },
  };
}
