import { formatShape, PushforwardError, type Shape } from "../base/index.ts";
import type { Chart, ChartPoint, ChartSeries, UnitResult } from "../results/index.ts";
import { floorAt, imagesAt, isLogKnown, lineOf, NO_INTERVAL, RESOLVED, sameFor, spreadOver } from "./findings.ts";
import { bootstrap, correlation, type Estimate, mean, meanOfKnown, meanSample, ranks } from "./statistics.ts";
import { type FindingTable, findingsOf, type Study, type StudyData } from "./study.ts";
import type { TestedClaim } from "./verdict.ts";
import { sharedSpectra } from "./work.ts";

/** How many taps have a line of their own. */
const MOST_LINES = 8;

/** The measures of a singular vector, seen as a picture. */
const measures = {
  area: {
    about: "share of the picture that the vector covers: participation ratio of |v|² over the pixels",
    unit: "share of pixels",
  },
  spread: { about: "root mean square distance of |v|² from its centre", unit: "share of the picture's diagonal" },
  frequency: { about: "root mean square spatial frequency", unit: "cycles per pixel" },
} as const;
type MeasureName = keyof typeof measures;
const names = Object.keys(measures) as MeasureName[];

/** Singular values that differ by less than this many residuals form a cluster, whose single vectors are arbitrary. */
const APART = 10;

/**
 * Are right singular vectors of large σ local, and are those of small σ spread over the picture?
 *
 * @see Mototake & Ikegami 2015, figure 4
 */
export const vectors: Study = {
  id: "vectors",
  question:
    "Are singular vectors of large singular values local structures, and are those of small ones spread over the picture?",
  method:
    "For the first and the last right singular vectors stored, |v|² summed over colours is a density over the pixels. Its area, spread " +
    "and spatial frequency are measured; for vectors with equal σ, the density of the space that they span is used. Spearman's rank correlation of each measure with σ is computed for each image and tap. Its mean over images is given with an interval.",
  params: {},

  design({ inputs, taps, vectors }) {
    if (taps[0]!.shape.length !== 3) {
      throw new PushforwardError("usage", {
        what: `The study of vectors needs pictures, but the source has the shape ${formatShape(taps[0]!.shape)}.`,
        where: { tap: taps[0]!.name },
        fix: "Choose a network whose input has channels, rows and columns.",
      });
    }
    return {
      axes: {
        tap: taps.slice(1).map(({ name }) => name),
        image: inputs.map(({ name }) => name),
        vector: Array.from({ length: 2 * vectors }, (_, i) => i + 1),
      },
      cell: ["tap", "image"],
      variables: {
        number: { dims: ["vector"], about: "index of the singular value; 1 is the largest" },
        sigma: { dims: ["vector"], about: "singular value", unit: "tap units per source unit" },
        floor: {
          dims: [],
          about: "residual that the backend can reach; σ up to it cannot be told from zero",
          unit: "tap units per source unit",
        },
        ...Object.fromEntries(names.map((name) => [name, { dims: ["vector"], ...measures[name] }])),
      },
    };
  },

  work: sharedSpectra,

  async measure(cell, lab) {
    const unit = await lab.spectrum(cell.image!, cell.tap! + 1);
    const { index } = unit.vectors;
    const all = (values: readonly number[]) => {
      return Float64Array.from({ length: 2 * lab.vectors }, (_, i) => values[i] ?? Number.NaN);
    };
    const measured = clustersOf(unit).flatMap((rows) => {
      const densities = rows.map((row) => unit.vectors.v.subarray(row * unit.n, (row + 1) * unit.n));
      const one = measureVectors(densities, lab.taps[0]!.shape);
      return rows.map(() => one);
    });
    return {
      number: all(index.map((i) => i + 1)),
      sigma: all(index.map((i) => unit.sigma[i]!)),
      floor: unit.floor,
      ...Object.fromEntries(names.map((name) => [name, all(measured.map((one) => one[name]))])),
    };
  },

  conclude(data) {
    const taps = data.axes.tap!.map(String);
    return findingsOf({
      tables: [tableOf(data, taps)],
      charts: [correlationChart(data, taps), ...names.map((name) => measureChart(data, taps, name))],
      claims: claimsOf(data, taps),
    });
  },
};

/** The rows of the stored vectors in groups: vectors whose σ cannot be told apart are in one group. */
function clustersOf({ sigma, residual, vectors: { index } }: UnitResult): number[][] {
  const clusters: number[][] = [];
  index.forEach((i, row) => {
    const before = index[row - 1];
    const isNear = before === i - 1 && sigma[before]! - sigma[i]! <= APART * Math.max(residual[before]!, residual[i]!);
    if (isNear) clusters.at(-1)!.push(row);
    else clusters.push([row]);
  });
  return clusters;
}

/** Measures the mean density of some vectors of a [channels, rows, columns] picture. It does not depend on signs or on rotations within their span. */
export function measureVectors(rows: readonly Float32Array[], shape: Shape): Record<MeasureName, number> {
  const [channels, height, width] = shape as [number, number, number];
  const density = new Float64Array(height * width);
  let steps = 0;
  for (const row of rows) {
    for (let c = 0; c < channels; c++) {
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const at = (c * height + y) * width + x;
          const value = row[at]!;
          density[y * width + x]! += value * value;
          const right = x + 1 < width ? row[at + 1]! : 0;
          const below = y + 1 < height ? row[at + width]! : 0;
          // The vector is zero outside of the picture, so the differences at the border count too.
          steps += (right - value) ** 2 + (below - value) ** 2;
          if (x === 0) steps += value * value;
          if (y === 0) steps += value * value;
        }
      }
    }
  }
  const total = density.reduce((sum, value) => sum + value, 0);
  let [squares, meanX, meanY] = [0, 0, 0];
  density.forEach((value, at) => {
    squares += (value / total) ** 2;
    meanX += (value / total) * (at % width);
    meanY += (value / total) * Math.floor(at / width);
  });
  const variance = density.reduce((sum, value, at) => {
    return sum + (value / total) * (((at % width) - meanX) ** 2 + (Math.floor(at / width) - meanY) ** 2);
  }, 0);
  // The difference of neighbours multiplies a wave of frequency f by |2·sin(πf)|. Both axes are assumed to have the same frequency.
  const frequency = (2 / Math.PI) * Math.asin(Math.sqrt(Math.min(1, steps / total / 8)));
  return {
    area: 1 / squares / (height * width),
    spread: Math.sqrt(variance) / Math.hypot(height, width),
    frequency: frequency * Math.SQRT1_2,
  };
}

/** A variable at one tap and image, for the vectors whose σ is large enough that they do not belong to the null space. */
function vectorsAt(data: StudyData, name: string, tap: number, image: number): Float64Array {
  const { axes, values } = data;
  const count = axes.vector!.length;
  const cell = tap * axes.image!.length + image;
  const own = (variable: string) => values[variable]!.data.subarray(cell * count, (cell + 1) * count);
  const sigma = own("sigma");
  const floor = floorAt(data, "floor", cell, sigma[0]!);
  return own(name).filter((_, i) => isLogKnown(sigma[i]!, sigma[0]!, floor));
}

/** Spearman's correlation of σ with a measure, averaged over images. */
const correlationAt = (data: StudyData, name: MeasureName, tap: number) =>
  meanSample(
    imagesAt(data, "sigma", tap).map((image) =>
      correlation(ranks(vectorsAt(data, "sigma", tap, image)), ranks(vectorsAt(data, name, tap, image))),
    ),
  );

function tableOf(data: StudyData, taps: readonly string[]): FindingTable {
  const n = data.axes.image!.length;
  // If J is zero at an image, it has no such vector.
  const of = (name: MeasureName, tap: number, at: number): Estimate =>
    meanOfKnown(
      imagesAt(data, "sigma", tap).map((image) => vectorsAt(data, name, tap, image).at(at) ?? Number.NaN),
      data.seed,
    );
  return {
    id: "by-tap",
    caption:
      `Right singular vectors of J(input → tap). The table has the means over ${n} images for the first vector and for the last one stored whose σ exceeds ${RESOLVED} σ₁ and the floor, ` +
      `and Spearman's rank correlation of each measure with σ over all such vectors, averaged over images, with 95 % intervals by bootstrap over images. ${NO_INTERVAL}`,
    columns: ["tap", ...names.flatMap((name) => [`${name}, first`, `${name}, last`, `correlation of ${name} with σ`])],
    rows: taps.map((tap, t) => [
      tap,
      ...names.flatMap((name) => [of(name, t, 0), of(name, t, -1), bootstrap(correlationAt(data, name, t), data.seed)]),
    ]),
  };
}

function measureChart(data: StudyData, taps: readonly string[], name: MeasureName): Chart {
  const { about, unit } = measures[name];
  const n = data.axes.image!.length;
  const shown = spreadOver(taps.length, MOST_LINES);
  const series = shown.map((t): ChartSeries => {
    const byNumber = new Map<number, Map<number, number>>();
    for (let image = 0; image < n; image++) {
      const values = vectorsAt(data, name, t, image);
      vectorsAt(data, "number", t, image).forEach((number, i) => {
        byNumber.set(number, (byNumber.get(number) ?? new Map<number, number>()).set(image, values[i]!));
      });
    }
    const points = [...byNumber]
      .sort(([a], [b]) => a - b)
      .map(([x, values]): ChartPoint => {
        const sample = meanSample(Array.from({ length: n }, (_, image) => values.get(image) ?? Number.NaN));
        return { x, y: mean([...values.values()]), sample };
      });
    return { name: taps[t]!, mark: "line", points };
  });
  const few =
    shown.length < taps.length ? ` Of ${taps.length} taps, ${shown.length} are shown, from the first to the last.` : "";
  return {
    id: name,
    title: `Singular vectors as pictures: ${name}`,
    caption: `${about[0]!.toUpperCase()}${about.slice(1)}, for the right singular vectors stored: mean over ${n} images, against the index of σ.${few}`,
    x: { label: "index k (1 is the largest σ)", log: true },
    y: { label: unit, log: name === "area" },
    ordered: true,
    panels: [{ title: "", series }],
  };
}

function correlationChart(data: StudyData, taps: readonly string[]): Chart {
  return {
    id: "correlation",
    title: "Correlation of the size of a vector with its singular value",
    caption:
      "Spearman's rank correlation of σ with the area, spread and frequency of its vector. Below 0, vectors with larger σ are smaller " +
      "(or smoother). Means over images, with 95 % intervals by bootstrap over images.",
    x: { label: "tap, by depth", names: taps },
    y: { label: "rank correlation with σ" },
    panels: [
      {
        title: "",
        rule: { y: 0, label: "no relation" },
        series: names.map((name) => lineOf(name, taps, (t) => bootstrap(correlationAt(data, name, t), data.seed))),
      },
    ],
  };
}

function claimsOf(data: StudyData, taps: readonly string[]): TestedClaim[] {
  const last = taps.length - 1;
  const standsFor = sameFor(data, "sigma", last);
  return (["area", "spread"] as const).map((name) => ({
    id: name,
    on: "local",
    claim: `At ${taps[last]}, right singular vectors with larger singular values have a smaller ${name}.`,
    effect: {
      what: `Rank correlation of σ with ${name}`,
      sign: -1,
      none: 0,
      measure: correlationAt(data, name, last),
      ...(standsFor === undefined ? {} : { standsFor }),
    },
  }));
}
