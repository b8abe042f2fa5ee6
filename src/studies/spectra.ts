import { type Block, type BlockAlgebra, block, type Matrix } from "../operator/index.ts";
import {
  type Chart,
  type ChartPoint,
  type ChartSeries,
  measureSpectrum,
  missesTolerance,
  type UnitResult,
} from "../results/index.ts";
import { cellsOf, imagesAt, lineOf, RESOLVED, told } from "./findings.ts";
import type { Lab } from "./lab.ts";
import { tripletsAt } from "./spectrum.ts";
import { type Estimate, mean, meanOf, standardDeviation } from "./statistics.ts";
import { type FindingTable, type Study, type StudyData, type Verdict, verdictOf } from "./study.ts";

/** Numbers of one spectrum, by the names of their variables. */
const measures = {
  effective_rank: { about: "effective rank of the computed σ", of: "effectiveRank" },
  participation_ratio: { about: "participation ratio of the computed σ", of: "participationRatio" },
  numerical_rank: { about: "σ above the rounding of float32", of: "numericalRank" },
  above_one: { about: "share of the computed σ above 1", of: "aboveOne" },
  isometry_mean: { about: "mean of σ²", of: "isometryMean" },
  isometry_spread: { about: "standard deviation of σ²", of: "isometrySpread" },
  log_slope: { about: "slope of log σ against log index", of: "logSlope" },
} as const;
type MeasureName = keyof typeof measures;

/**
 * The singular values along the layers, of the whole way from the input and of each step.
 *
 * @see Mototake & Ikegami 2015, figure 3
 */
export const spectra: Study = {
  id: "spectra",
  question: "How does the spectrum change along the layers: of the way from the input, and of each step?",
  method:
    "The largest singular values of J(input → tap), and of J(t → t + 1) between taps that all paths pass, certified, for every " +
    "image. The first right singular vectors are pushed through the steps by QR factorizations, whose diagonals tell how much of each σ every step contributes (finite-time Lyapunov exponents).",
  params: {
    directions: { about: "singular vectors followed through the steps", default: 8, quick: 4 },
    steps: { about: "triplets of J(t → t + 1), at most; 0 leaves them out", default: 100, quick: 20 },
  },

  design(lab, { directions }) {
    const { inputs } = lab;
    const targets = lab.taps.slice(1);
    const number = { dims: [] };
    return {
      axes: {
        tap: targets.map(({ name }) => name),
        image: inputs.map(({ name }) => name),
        k: Array.from({ length: mostTriplets(lab) }, (_, i) => i + 1),
        step: targets.map(({ name }) => name),
        direction: Array.from({ length: Number(directions) }, (_, i) => i + 1),
      },
      cell: ["tap", "image"],
      variables: {
        sigma: { dims: ["k"], about: "singular value of J(input → tap)", unit: "tap units per source unit" },
        step_sigma: {
          dims: ["k"],
          about: "singular value of J(t → t + 1)",
          unit: "units of the tap per unit of the one before",
        },
        growth: { dims: ["step", "direction"], about: "what each step adds to the logarithm of a direction's length" },
        rows: { ...number, about: "entries of the tap" },
        columns: { ...number, about: "entries of the input" },
        active_share: { ...number, about: "share of the tap's units that can move" },
        unconverged: { ...number, about: "triplets of either spectrum above the tolerance" },
        ...Object.fromEntries(Object.entries(measures).map(([name, { about }]) => [name, { ...number, about }])),
      },
    };
  },

  async measure(cell, lab, params) {
    const [tap, image] = [cell.tap! + 1, cell.image!];
    const unit = await lab.spectrum(image, tap);
    const step = await stepOf(lab, image, tap, unit, Math.min(lab.k, Number(params.steps)));
    const most = mostTriplets(lab);
    const padded = (values: Float64Array) => {
      const all = new Float64Array(most).fill(Number.NaN);
      all.set(values.subarray(0, most));
      return all;
    };
    const measured = measureSpectrum(unit);
    return {
      sigma: padded(unit.sigma),
      step_sigma: padded(step.sigma),
      growth: await growthOf(lab, image, tap, unit, Number(params.directions)),
      rows: unit.m,
      columns: unit.n,
      active_share: unit.activeUnits / unit.m,
      unconverged: [...unit.status, ...step.status].filter(missesTolerance).length,
      ...Object.fromEntries(Object.entries(measures).map(([name, { of }]) => [name, measured[of]])),
    };
  },

  conclude(data, params) {
    const taps = data.axes.tap!.map(String);
    return {
      tables: [tableOf(data, taps)],
      charts: [
        spectrumChart(data, taps, "sigma"),
        ...(Number(params.steps) === 0 ? [] : [spectrumChart(data, taps, "step_sigma")]),
        rankChart(data, taps),
        growthChart(data, taps),
      ],
      verdicts: verdictsOf(data, taps),
    };
  },
};

/** σ of the J(t → t + 1) that leads to a tap, the largest ones; from the input itself they are those of J(input → tap). */
async function stepOf(
  lab: Lab,
  image: number,
  tap: number,
  { sigma, status }: Pick<UnitResult, "sigma" | "status">,
  count: number,
): Promise<Pick<UnitResult, "sigma" | "status">> {
  if (count === 0) return { sigma: new Float64Array(0), status: [] };
  if (lab.before(tap) === lab.taps[0]) return { sigma: sigma.slice(0, count), status: status.slice(0, count) };
  const step = await lab.step(image, tap, count);
  return { sigma: step.sigma, status: step.certificate.status };
}

/** Triplets that the tap with most of them has. */
const mostTriplets = ({ taps: [source, ...targets], k }: Lab): number =>
  Math.max(...targets.map((tap) => tripletsAt(k, source!, tap)));

/**
 * What each step adds to log σ_i: V's first rows are pushed from tap to tap and made orthonormal in their order at each, and
 * the lengths taken out are noted. Since J·V = U·Σ, they multiply up to σ_i. NaN where there is no such step or direction, and
 * at taps that some path bypasses.
 */
async function growthOf(lab: Lab, image: number, tap: number, { n, vectors }: UnitResult, directions: number) {
  const steps = lab.taps.length - 1;
  const growth = new Float64Array(steps * directions).fill(Number.NaN);
  const count = Math.min(directions, vectors.index.filter((index, i) => index === i).length);
  if (!lab.taps[tap]!.cut || count === 0) return growth;
  const { algebra } = lab.network.backend;
  let rows: Block = block(vectors.v.slice(0, count * n), count);
  let from = lab.taps[0]!;
  for (let to = 1; to <= tap; to++) {
    if (!lab.taps[to]!.cut) continue;
    const J = await lab.jacobian(lab.inputs[image]!.point, from, lab.taps[to]!);
    const { orthonormal, lengths } = await inOrder(await J.apply(rows), algebra);
    for (let i = 0; i < count; i++) growth[(to - 1) * directions + i] = Math.log(lengths[i]!);
    rows = orthonormal;
    from = lab.taps[to]!;
  }
  return growth;
}

/** Orthonormal rows that span the same in the same order, and the diagonal of what leads back to the rows given: QR, by Cholesky of the Gram matrix, twice. */
async function inOrder(rows: Block, algebra: BlockAlgebra) {
  const lengths = new Float64Array(rows.rows).fill(1);
  let orthonormal = rows;
  for (let pass = 0; pass < 2; pass++) {
    const triangle = cholesky(await algebra.gram(orthonormal, orthonormal, { exact: true }));
    for (let i = 0; i < rows.rows; i++) lengths[i] = lengths[i]! * triangle.data[i * rows.rows + i]!;
    orthonormal = await algebra.combine(inverseOfLower(triangle), orthonormal);
  }
  return { orthonormal, lengths };
}

/** L with L·Lᵀ = A, for a positive definite A. */
function cholesky({ rows: n, data: a }: Matrix): Matrix {
  const data = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j]!;
      for (let c = 0; c < j; c++) sum -= data[i * n + c]! * data[j * n + c]!;
      data[i * n + j] = i === j ? Math.sqrt(Math.max(sum, 0)) : sum / data[j * n + j]!;
    }
  }
  return { rows: n, columns: n, data };
}

function inverseOfLower({ rows: n, data: l }: Matrix): Matrix {
  const data = new Float64Array(n * n);
  for (let j = 0; j < n; j++) {
    for (let i = j; i < n; i++) {
      let sum = i === j ? 1 : 0;
      for (let c = j; c < i; c++) sum -= l[i * n + c]! * data[c * n + j]!;
      data[i * n + j] = sum / l[i * n + i]!;
    }
  }
  return { rows: n, columns: n, data };
}

/** A number of every image at a tap whose spectrum is its own. */
function numbersAt(data: StudyData, name: string, tap: number): number[] {
  const n = data.axes.image!.length;
  return imagesAt(data, "sigma", tap).map((image) => data.values[name]!.data[tap * n + image]!);
}

function estimateAt(data: StudyData, name: string, tap: number): Estimate {
  return meanOf(numbersAt(data, name, tap), data.seed);
}

/** σ_i of every image at a tap whose spectrum is its own; NaN where there is none. */
function sigmaAt(data: StudyData, name: string, tap: number, i: number): number[] {
  const [n, most] = [data.axes.image!.length, data.axes.k!.length];
  return imagesAt(data, name, tap).map((image) => data.values[name]!.data[(tap * n + image) * most + i]!);
}

function tableOf(data: StudyData, taps: readonly string[]): FindingTable {
  const names = [...Object.keys(measures), "active_share"] as (MeasureName | "active_share")[];
  return {
    id: "by-tap",
    caption: `J(input → tap): means over ${data.axes.image!.length} images with 95 % intervals by bootstrap over images.`,
    columns: [
      "tap",
      "σ_1",
      "σ_1, low",
      "σ_1, high",
      ...names.flatMap((name) => [name, `${name}, low`, `${name}, high`]),
      "not converged",
    ],
    rows: taps.map((tap, t) => {
      const largest = meanOf(sigmaAt(data, "sigma", t, 0), data.seed);
      const cells = [largest, ...names.map((name) => estimateAt(data, name, t))];
      const open = numbersAt(data, "unconverged", t).reduce((sum, count) => sum + count, 0);
      return [tap, ...cells.flatMap(cellsOf), open];
    }),
  };
}

function spectrumChart(data: StudyData, taps: readonly string[], name: "sigma" | "step_sigma"): Chart {
  const n = data.axes.image!.length;
  const series = taps.map((tap, t): ChartSeries => {
    const largest = mean(sigmaAt(data, name, t, 0));
    const points = data.axes.k!.flatMap((_, i): ChartPoint[] => {
      const values = sigmaAt(data, name, t, i).filter((value) => !Number.isNaN(value));
      if (values.length === 0 || mean(values) < RESOLVED * largest) return [];
      const [middle, spread] = [mean(values), standardDeviation(values)];
      return [{ x: i + 1, y: middle, low: Math.max(middle - spread, middle / 1e3), high: middle + spread }];
    });
    return { name: tap, mark: "line", points };
  });
  const what = name === "sigma" ? "J(input → tap)" : "J(t → t + 1), from the last tap before it that all paths pass";
  return {
    id: name === "sigma" ? "spectra" : "steps",
    title: `Singular values of ${what}`,
    caption: `Singular values of ${what} against their index: mean over ${n} images, bands ± 1 standard deviation over images (none where J is the same at all). Means below ${RESOLVED} σ_1 are left out.`,
    x: { label: "index k" },
    y: { label: "σ", log: true },
    panels: [{ title: "", series, rule: { y: 1, label: "σ = 1" } }],
  };
}

function rankChart(data: StudyData, taps: readonly string[]): Chart {
  const named = { effective_rank: "effective rank", participation_ratio: "participation ratio" } as const;
  return {
    id: "ranks",
    title: "How many directions survive",
    caption:
      "Effective rank and participation ratio of the computed σ of J(input → tap): means over images, 95 % intervals by bootstrap.",
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

/** Mean over images of what each step adds, on the way to the last tap that all paths pass. */
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
              const values = Array.from({ length: n }, (_, image) => at(image, step, direction));
              if (values.some(Number.isNaN)) return [];
              const { value, low, high } = meanOf(values, data.seed);
              return [{ x: tap, y: value, low, high }];
            }),
          }),
        );
  return {
    id: "growth",
    title: `What each step adds to log σ on the way to ${taps[last] ?? "the end"}`,
    caption:
      "Right singular vectors of J(input → last tap) pushed through the steps: logarithm of the length that each gains (above 0) or " +
      "loses (below). The sum over the steps is log σ. Means over images, 95 % intervals by bootstrap.",
    x: { label: "step, by the tap that it leads to", names: taps },
    y: { label: "log of the growth" },
    panels: [{ title: "", series, rule: { y: 0, label: "length kept" } }],
  };
}

/** Share of the first σ that counts as large, and of all that counts as many. */
const LARGE = 0.1;
const HALF = 0.5;

function verdictsOf(data: StudyData, taps: readonly string[]): Verdict[] {
  return [steeperVerdict(data, taps), fewVerdict(data, taps)];
}

/** The σ of an image at a tap that are known to be more than rounding. */
function resolvedAt(data: StudyData, tap: number, image: number): Float64Array {
  const all = computedAt(data, tap, image);
  return all.filter((value) => value > RESOLVED * all[0]!);
}

function computedAt({ axes, values }: StudyData, tap: number, image: number): Float64Array {
  const [n, most] = [axes.image!.length, axes.k!.length];
  const own = values.sigma!.data.subarray((tap * n + image) * most, (tap * n + image + 1) * most);
  return own.filter((value) => !Number.isNaN(value));
}

function steeperVerdict(data: StudyData, taps: readonly string[]): Verdict {
  const last = taps.length - 1;
  const [ofFirst, ofLast] = [0, last].map((tap) => imagesAt(data, "sigma", tap));
  const images = ofFirst!.length > ofLast!.length ? ofFirst! : ofLast!;
  // As many σ of either, so that a small tap is not steep for its size.
  const common = Math.min(...images.flatMap((image) => [0, last].map((tap) => resolvedAt(data, tap, image).length)));
  const rank = (tap: number, image: number) =>
    measureSpectrum({ sigma: resolvedAt(data, tap, image).slice(0, common), floor: 0, m: common, n: common })
      .effectiveRank;
  const isTold = last > 0 && common > 1;
  const steeper = meanOf(
    images.map((image) => (isTold ? Math.log(rank(0, image) / rank(last, image)) : Number.NaN)),
    data.seed,
  );
  return {
    on: "steep",
    claim: `Spectra grow steeper along the layers: from the first tap to the last the effective rank of the first ${common} σ falls.`,
    verdict: verdictOf(steeper),
    because: isTold
      ? `Effective rank at ${taps[0]} over that at ${taps[last]}, mean logarithm: ${told(steeper)}.`
      : "There is only one tap, or one singular value.",
  };
}

/** The share of all σ at the last tap that are large: exact, or bounded where the computed ones do not reach down to the small. */
function fewVerdict(data: StudyData, taps: readonly string[]): Verdict {
  const last = taps.length - 1;
  const n = data.axes.image!.length;
  const shares = imagesAt(data, "sigma", last).map((image) => {
    const own = computedAt(data, last, image);
    const [rows, columns, active] = ["rows", "columns", "active_share"].map(
      (name) => data.values[name]!.data[last * n + image]!,
    ) as [number, number, number];
    const all = Math.min(rows, columns);
    const large = own.filter((value) => value > LARGE * own[0]!).length;
    // Rows of units at rest are zero: of the σ beyond those computed, no more than the others can be large.
    const most = large < own.length ? large : Math.max(large, Math.min(Math.round(active * rows), all));
    return own[0]! > 0 ? { least: large / all, most: most / all } : { least: Number.NaN, most: Number.NaN };
  });
  const [least, most] = (["least", "most"] as const).map((bound) =>
    meanOf(
      shares.map((share) => share[bound]),
      data.seed,
    ),
  ) as [Estimate, Estimate];
  const isOpen = least.value < HALF && HALF < most.value;
  return {
    on: "steep",
    claim: `In the last layer few singular values are large: less than half of all exceed σ_1/${1 / LARGE}.`,
    verdict: isOpen ? "undecided" : verdictOf({ low: HALF - most.high, high: HALF - least.low, n: least.n }),
    because:
      `Share of all σ at ${taps[last]} that exceed σ_1/${1 / LARGE}: ` +
      (least.value === most.value
        ? `${told(least)}.`
        : `at least ${told(least)}, by those computed; at most ${told(most)}, by the units that are not at rest.`),
  };
}
