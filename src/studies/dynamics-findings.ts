import type { Chart, ChartSeries, Sample } from "../results/index.ts";
import { claimsOf } from "./dynamics-claims.ts";
import { spectrumMap } from "./dynamics-map.ts";
import { type MeasureName, measures } from "./dynamics-measures.ts";
import {
  accuracyOf,
  change,
  isKnown,
  lagBehind,
  measureOf,
  ofNetwork,
  placesOf,
  rightOf,
  stepsOf,
  tapsOf,
  titleOf,
} from "./dynamics-numbers.ts";
import { BY_STEP } from "./dynamics-parting.ts";
import { spreadOver } from "./findings.ts";
import { halfChange } from "./half-change.ts";
import { fromCurves, meanAt, observationsIn } from "./over-training.ts";
import { type Estimate, FEWEST_FOR_INTERVAL, jackknife } from "./statistics.ts";
import { type Findings, type FindingTable, findingsOf, type StudyData } from "./study.ts";

/** How many taps have a line of their own. */
const MOST_LINES = 8;

/** The conclusions of the study of training. */
export function concludeDynamics(data: StudyData): Findings {
  const names = (Object.keys(measures) as MeasureName[]).filter((name) => data.values[name] !== undefined);
  return findingsOf({
    tables: [onsetTable(data), stepTable(data, names), progressTable(data)],
    maps: [spectrumMap(data, progressSeries(data))],
    charts: [...names.map((name) => measureChart(data, name)), progressChart(data)],
    claims: claimsOf(data, names),
  });
}

/** `means over 6 trainings of 40 images each, with 95 % intervals …` */
function means(data: StudyData): string {
  const { training, image } = data.axes;
  const unit = observationsIn(data);
  const over =
    unit === "image"
      ? `${image!.length} images of one training`
      : `${training!.length} trainings of ${image!.length} images each`;
  return `means over ${over}, with 95 % intervals by the jackknife over ${unit}s. There is no interval for fewer than ${FEWEST_FOR_INTERVAL} ${unit}s.`;
}

function onsetTable(data: StudyData): FindingTable {
  const places = placesOf(data);
  const memorises = isKnown(data, "memorised");
  const accuracy = isKnown(data, "held_out_accuracy") ? "held-out accuracy" : "accuracy of the images";
  return {
    id: "onset",
    caption:
      "The onset at each tap: where half of the whole change of ln effective rank is reached first, in log₂ steps, by linear interpolation between " +
      `checkpoints; and how much later that is than half of the gain of ${accuracy}${memorises ? ", and than half of the memorisation of wrong labels" : ""}. ` +
      `An onset says nothing where the interval of the change includes 0, and there is no lag where that of one of both does. Shown are ${means(data)}`,
    columns: [
      "tap",
      "change of ln effective rank",
      "onset, log₂ steps",
      "lag behind accuracy, log₂ steps",
      ...(memorises ? ["lag behind memorisation, log₂ steps"] : []),
    ],
    rows: tapsOf(data).map((tap, t) => {
      const rank = measureOf(data, "effective_rank", t);
      const samples = [
        fromCurves(data, [rank], (curve) => change(curve!)),
        fromCurves(data, [rank], (curve) => halfChange(places, curve!)),
        lagBehind(data, t, accuracyOf(data)),
        ...(memorises ? [lagBehind(data, t, ofNetwork(data, "memorised"))] : []),
      ];
      return [tap, ...samples.map(jackknife)];
    }),
  };
}

function stepTable(data: StudyData, names: readonly MeasureName[]): FindingTable {
  const steps = stepsOf(data);
  return {
    id: BY_STEP,
    caption: `Measures of J(input → tap) at each checkpoint: ${means(data)} A difference of logarithms is the logarithm of a ratio.`,
    columns: ["tap", "step", ...names.map(titleOf)],
    rows: tapsOf(data).flatMap((tap, t) =>
      steps.map((step, s) => [tap, step, ...names.map((name) => jackknife(meanAt(data, s, measureOf(data, name, t))))]),
    ),
  };
}

/** What is known of how well the networks classify, by its name: the share of examples at each checkpoint. */
const progressOf = (data: StudyData) =>
  [
    { name: "accuracy of the images", of: rightOf(data), known: isKnown(data, "right") },
    {
      name: "held-out accuracy",
      of: ofNetwork(data, "held_out_accuracy"),
      known: isKnown(data, "held_out_accuracy"),
    },
    { name: "memorised wrong labels", of: ofNetwork(data, "memorised"), known: isKnown(data, "memorised") },
  ]
    .filter(({ known }) => known)
    .map(({ name, of }) => ({ name, at: (step: number): Sample => ({ ...meanAt(data, step, of), scale: "share" }) }));

const SHARES = "The intervals of shares are taken on the scale of arcsin √p, so that they stay between 0 and 1.";

function progressTable(data: StudyData): FindingTable {
  const progress = progressOf(data);
  const losses = isKnown(data, "held_out_loss")
    ? [{ name: "held-out loss", at: (step: number) => meanAt(data, step, ofNetwork(data, "held_out_loss")) }]
    : [];
  const columns = [...progress, ...losses];
  return {
    id: "progress",
    caption: `What the networks have learned at each checkpoint, as far as it is known: ${means(data)} ${SHARES}`,
    columns: ["step", ...columns.map(({ name }) => name)],
    rows: stepsOf(data).map((step, s) => [step, ...columns.map(({ at }) => jackknife(at(s)))]),
  };
}

/** The steps on a logarithmic axis. */
const axisOf = (data: StudyData): number[] => placesOf(data).map((place) => 2 ** place);

function progressSeries(data: StudyData): ChartSeries[] {
  return progressOf(data).map(({ name, at }) => ({
    name,
    mark: "line",
    points: axisOf(data).map((x, s) => pointOf(x, jackknife(at(s)))),
  }));
}

function pointOf(x: number, { value, low, high, sample }: Estimate) {
  return { x, y: value, low, high, ...(sample === undefined ? {} : { sample }) };
}

const ZERO = "Step 0 stands at half of the first step.";

function progressChart(data: StudyData): Chart {
  return {
    id: "progress",
    title: "What the networks have learned",
    caption: `Shares of examples against the step of the training: ${means(data)} ${SHARES} ${ZERO}`,
    x: { label: "step", log: true },
    y: { label: "share" },
    panels: [{ title: "", series: progressSeries(data) }],
  };
}

function measureChart(data: StudyData, name: MeasureName): Chart {
  const { about, title, isRatio } = measures[name];
  const taps = tapsOf(data);
  const shown = spreadOver(taps.length, MOST_LINES);
  const few = shown.length < taps.length ? ` Of ${taps.length} taps, ${shown.length} are shown.` : "";
  return {
    id: name.replaceAll("_", "-"),
    title: `In training: ${title}`,
    caption: `${about[0]!.toUpperCase()}${about.slice(1)}, at each checkpoint: ${isRatio ? "geometric " : ""}${means(data)} ${ZERO}${few}`,
    x: { label: "step", log: true },
    y: { label: title, log: isRatio },
    ordered: true,
    panels: [
      {
        title: "",
        series: shown.map((t) => ({
          name: taps[t]!,
          mark: "line",
          points: axisOf(data).map((x, s) => {
            const sample = meanAt(data, s, measureOf(data, name, t));
            const shownAs = isRatio
              ? { ...sample, of: (chosen: readonly number[]) => Math.exp(sample.of(chosen)) }
              : sample;
            return pointOf(x, jackknife(shownAs));
          }),
        })),
      },
    ],
  };
}
