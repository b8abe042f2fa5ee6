import { PushforwardError } from "../base/index.ts";
import type { Chart, ChartPanel, ChartSeries } from "../results/index.ts";
import { COMPONENTS, centred, cloudOf, turnedAlike } from "./cloud.ts";
import { lineOf, NO_INTERVAL, spreadOver } from "./findings.ts";
import { bootstrap, type Estimate, jackknife, mean, ofAll, timesDrawn } from "./statistics.ts";
import { type FindingTable, findingsOf, type Study, type StudyData } from "./study.ts";
import type { TestedClaim } from "./verdict.ts";

/** How many kinds the figure of the movement tells apart: classes, or the largest of them and one kind for the others. */
const KINDS = 10;
/** How many taps have a panel of their own. */
const MOST_PANELS = 8;

/**
 * Images as points that move from layer to layer, and how the shape of the cloud of points changes.
 *
 * @see Mototake & Ikegami 2015, figures 1 and 2
 */
export const trajectory: Study = {
  id: "trajectory",
  question:
    "How do images move through the layers: which come closer together, which move apart, and in how many directions do they spread?",
  method:
    "At each tap, the activations of all images are a cloud of points, and all distances between the points are measured. " +
    "The correlation of these distances compares two taps. The participation ratio (Σλ)²/Σλ² of the eigenvalues λ of the covariance measures in how many directions the cloud spreads.",
  params: {},

  design({ inputs, taps }) {
    if (inputs.length < 3) {
      throw new PushforwardError("usage", {
        what: `The study of trajectories needs at least 3 inputs, but there ${inputs.length === 1 ? "is only 1" : `are only ${inputs.length}`}.`,
        fix: "Give more pictures.",
      });
    }
    const names = inputs.map(({ name }) => name);
    return {
      axes: {
        tap: taps.map(({ name }) => name),
        image: names,
        other: names,
        component: [1, 2],
      },
      cell: ["tap"],
      variables: {
        distance: {
          dims: ["image", "other"],
          about: "distance between the activations of two images",
          unit: "units of the tap",
        },
        position: {
          dims: ["image", "component"],
          about: "coordinates along the directions of largest variance",
          unit: "units of the tap",
        },
      },
    };
  },

  work({ inputs, taps }) {
    const points = taps.map((to) => ({ to, count: inputs.length }));
    return { spectra: false, solves: [], points, images: inputs.length };
  },

  async measure({ tap }, lab) {
    const { algebra } = lab;
    const { distance, position } = await cloudOf(await lab.activations(lab.taps[tap!]!), algebra);
    return { distance, position };
  },

  conclude(data) {
    const clouds = cloudsOf(data);
    const measures = clouds.map((cloud, t) => measuresOf(cloud, clouds[t - 1], clouds[0]!, data.seed));
    return findingsOf({
      tables: [tableOf(clouds, measures)],
      charts: [picture(clouds), ...chartOfSeparation(clouds, measures), chartOfDepth(clouds, measures)],
      claims: claimsOf(clouds),
    });
  },
};

/** The images at one tap. */
interface Cloud {
  readonly tap: string;
  /** True classes; an empty text if one is not known. */
  readonly classes: readonly string[];
  /** The classes that determine the colours of the figure: the true classes, or else the predicted ones. */
  readonly colours: readonly string[];
  /** [images, images] */
  readonly distance: Float64Array;
  /** [images, COMPONENTS] */
  readonly position: Float64Array;
}

function cloudsOf({ axes, inputs, values }: StudyData): Cloud[] {
  const n = axes.image!.length;
  const classes = inputs.map(({ label }) => label ?? "");
  const colours = classes.includes("") ? inputs.map(({ predicted }) => predicted ?? "") : classes;
  const at = (name: string, tap: number, size: number) => values[name]!.data.subarray(tap * size, (tap + 1) * size);
  return axes.tap!.map((tap, t) => ({
    tap: String(tap),
    classes,
    colours,
    distance: at("distance", t, n * n),
    position: at("position", t, n * COMPONENTS),
  }));
}

/** The participation ratio (Σλ)²/Σλ² of the eigenvalues of the covariance: in how many directions the cloud spreads. */
function participationRatio({ distance, classes }: Cloud, chosen: readonly number[]): number {
  const { data, rows } = centred(distance, classes.length, chosen);
  let [trace, squares] = [0, 0];
  for (let i = 0; i < rows; i++) trace += data[i * rows + i]!;
  for (const entry of data) squares += entry * entry;
  return squares > 0 ? trace ** 2 / squares : Number.NaN;
}

/** Visits every pair of different images that were drawn, with its index among the distances and how often it was drawn. */
function forPairs(
  n: number,
  chosen: readonly number[],
  visit: (at: number, times: number, i: number, j: number) => void,
) {
  const times = timesDrawn(chosen, n);
  for (let i = 0; i < n; i++) {
    if (times[i] === 0) continue;
    for (let j = 0; j < i; j++) if (times[j]! > 0) visit(i * n + j, times[i]! * times[j]!, i, j);
  }
}

function meanDistance({ distance, classes }: Cloud, chosen: readonly number[]): number {
  let [count, sum] = [0, 0];
  forPairs(classes.length, chosen, (at, times) => {
    count += times;
    sum += times * distance[at]!;
  });
  return sum / count;
}

/** The mean distance between classes divided by the mean distance within classes; NaN if there are no such pairs. */
function separation({ distance, classes }: Cloud, chosen: readonly number[]): number {
  const counts = [0, 0];
  const sums = [0, 0];
  forPairs(classes.length, chosen, (at, times, i, j) => {
    if (classes[i] === "" || classes[j] === "") return;
    const kind = classes[i] === classes[j] ? 0 : 1;
    counts[kind]! += times;
    sums[kind]! += times * distance[at]!;
  });
  return sums[1]! / counts[1]! / (sums[0]! / counts[0]!);
}

/** Pearson's correlation of the distances at two taps, as a statistic of images. */
function together(a: Cloud, b: Cloud): (chosen: readonly number[]) => number {
  const n = a.classes.length;
  // Sums of squares lose fewer digits to rounding if distances are taken relative to their mean.
  const [middleOfA, middleOfB] = [mean(a.distance), mean(b.distance)];
  return (chosen) => {
    let [count, sumOfA, sumOfB, both, squaresOfA, squaresOfB] = [0, 0, 0, 0, 0, 0];
    forPairs(n, chosen, (at, times) => {
      const [x, y] = [a.distance[at]! - middleOfA, b.distance[at]! - middleOfB];
      count += times;
      sumOfA += times * x;
      sumOfB += times * y;
      both += times * x * y;
      squaresOfA += times * x * x;
      squaresOfB += times * y * y;
    });
    const [varianceOfA, varianceOfB] = [squaresOfA - sumOfA ** 2 / count, squaresOfB - sumOfB ** 2 / count];
    if (!(varianceOfA > 0 && varianceOfB > 0)) return Number.NaN;
    return (both - (sumOfA * sumOfB) / count) / Math.sqrt(varianceOfA * varianceOfB);
  };
}

interface Measures {
  readonly distance: Estimate;
  readonly directions: Estimate;
  readonly withPrevious: Estimate;
  readonly withFirst: Estimate;
  readonly separation: Estimate;
}

function measuresOf(cloud: Cloud, previous: Cloud | undefined, first: Cloud, seed: number): Measures {
  const n = cloud.classes.length;
  const estimate = (statistic: (chosen: readonly number[]) => number) => bootstrap(ofAll(n, statistic), seed);
  return {
    distance: estimate((chosen) => meanDistance(cloud, chosen)),
    directions: jackknife(ofAll(n, (chosen) => participationRatio(cloud, chosen))),
    withPrevious: estimate(previous ? together(cloud, previous) : () => Number.NaN),
    withFirst: estimate(together(cloud, first)),
    separation: estimate((chosen) => separation(cloud, chosen)),
  };
}

function tableOf(clouds: readonly Cloud[], measures: readonly Measures[]): FindingTable {
  const names = [
    "mean distance",
    "participation ratio",
    "correlation with the tap before",
    "correlation with the first tap",
    "separation",
  ];
  return {
    id: "by-tap",
    caption:
      `The cloud of ${clouds[0]!.classes.length} images at each tap, with 95 % intervals by bootstrap over images (for the ` +
      "participation ratio by jackknife, because an image that is drawn twice adds no direction). Separation is the mean distance between classes divided " +
      `by the mean distance within classes. ${NO_INTERVAL}`,
    columns: ["tap", ...names],
    rows: clouds.map(({ tap }, t) => {
      const { distance, directions, withPrevious, withFirst, separation } = measures[t]!;
      return [tap, distance, directions, withPrevious, withFirst, separation];
    }),
  };
}

const tapsOf = (clouds: readonly Cloud[]): string[] => clouds.map(({ tap }) => tap);

const tapAxis = (clouds: readonly Cloud[]) => ({ label: "tap, by depth", names: tapsOf(clouds) });

function chartOfDepth(clouds: readonly Cloud[], measures: readonly Measures[]): Chart {
  return {
    id: "correlation",
    title: "Correlation of distances between taps",
    caption:
      "Correlation of all pairwise distances with those at the first tap and with those at the tap before. 1 means that the shape of the cloud did not " +
      "change. Bands: 95 % intervals by bootstrap over images.",
    x: tapAxis(clouds),
    y: { label: "correlation of distances" },
    panels: [
      {
        title: "",
        series: [
          lineOf("with the tap before", tapsOf(clouds), (t) => measures[t]!.withPrevious),
          lineOf("with the first tap", tapsOf(clouds), (t) => measures[t]!.withFirst),
        ],
      },
    ],
  };
}

/** Nothing if the classes are not known. */
function chartOfSeparation(clouds: readonly Cloud[], measures: readonly Measures[]): Chart[] {
  if (measures.every(({ separation }) => Number.isNaN(separation.value))) return [];
  return [
    {
      id: "separation",
      title: "How classes part",
      caption:
        "Mean distance between images of different classes, divided by the mean distance between images of one class. Bands: 95 % intervals by " +
        "bootstrap over images. Above 1, classes are separated.",
      x: tapAxis(clouds),
      y: { label: "distance between / within classes" },
      panels: [
        {
          title: "",
          series: [lineOf("separation", tapsOf(clouds), (t) => measures[t]!.separation)],
          rule: { y: 1, label: "no separation" },
        },
      ],
    },
  ];
}

/** The images in the plane of the two main directions of each tap. Every plane is rotated to match the one before. */
function picture(clouds: readonly Cloud[]): Chart {
  const counts = new Map<string, number>();
  const { classes, colours } = clouds[0]!;
  for (const name of colours) counts.set(name, (counts.get(name) ?? 0) + 1);
  const largest = [...counts].sort((a, b) => b[1] - a[1]).map(([name]) => name);
  const coloured = new Set(
    largest.filter((name) => name !== "").slice(0, largest.length > KINDS || counts.has("") ? KINDS - 1 : KINDS),
  );
  const groupOf = (name: string) => (coloured.has(name) ? name : "other");
  const planes = turnedAlike(clouds.map(({ position }) => position));
  const panels = clouds.map(({ tap }, t): ChartPanel => {
    const turned = planes[t]!;
    const groups = [...new Set(colours.map(groupOf))].sort();
    const series = groups.map(
      (name): ChartSeries => ({
        name,
        mark: "dots",
        points: colours.flatMap((own, i) =>
          groupOf(own) === name ? [{ x: turned[2 * i]!, y: turned[2 * i + 1]!, image: i }] : [],
        ),
      }),
    );
    return { title: tap, series };
  });
  return {
    id: "movement",
    title: "Images moving through the layers",
    caption:
      "Each point is an image, in the plane of the two directions in which the images at that tap differ most. Each plane is scaled to a mean " +
      `square of 1 and rotated to match the tap before. Colours and markers: ${colours === classes ? "true classes" : "predicted classes"}.` +
      `${clouds.length > MOST_PANELS ? ` Of ${clouds.length} taps, ${MOST_PANELS} are shown, from the first to the last.` : ""}`,
    x: { label: "first direction", bare: true },
    y: { label: "second direction", bare: true },
    panels: spreadOver(panels.length, MOST_PANELS).map((tap) => panels[tap]!),
  };
}

function claimsOf(clouds: readonly Cloud[]): TestedClaim[] {
  const [first, last] = [clouds[0]!, clouds.at(-1)!];
  const n = first.classes.length;
  return [
    {
      id: "classes-part",
      on: "movement",
      claim:
        "From the first tap to the last, images of one class come closer together than images of different classes.",
      effect: {
        what: `Distance between classes divided by distance within classes, at ${last.tap} relative to ${first.tap}: logarithm of the ratio`,
        sign: 1,
        none: 0,
        measure: ofAll(n, (chosen) => Math.log(separation(last, chosen) / separation(first, chosen))),
      },
      otherwise: "There are no true classes, or no two images of one class.",
    },
    {
      id: "fewer-directions",
      on: "movement",
      claim: "The images spread in fewer directions at the last tap than at the first.",
      effect: {
        what: `Participation ratio at ${first.tap} divided by that at ${last.tap}, logarithm`,
        sign: 1,
        none: 0,
        measure: ofAll(n, (chosen) => Math.log(participationRatio(first, chosen) / participationRatio(last, chosen))),
      },
    },
  ];
}
