import type { Chart, ChartPoint, Sample } from "../results/index.ts";
import { VARIANTS } from "./features-measures.ts";
import {
  type Configuration,
  configurationsOf,
  controlMinusTrained,
  errorOf,
  FEWEST_IN_FAMILY,
  isKnown,
  meanOverImages,
  middleOfEach,
  type NumberOf,
  ofConfiguration,
  overConfigurations,
  pairedOverSeeds,
  withinFamilies,
} from "./features-numbers.ts";
import { tangentPictures } from "./features-pictures.ts";
import { curveOf, ENDS_AT_FLOOR } from "./findings.ts";
import { bootstrap, type Estimate, mean } from "./statistics.ts";
import { type Findings, type FindingTable, findingsOf, type Params, type StudyData, valueAt } from "./study.ts";
import { FEWEST_IMAGES, verdictOf } from "./verdict.ts";

/** The numbers that the rules are about. */
interface Numbers {
  readonly rank: NumberOf;
  readonly norm: NumberOf;
  readonly reconstruction: NumberOf;
  readonly errors: readonly { readonly name: string; readonly of: NumberOf }[];
}

/** The conclusions of the study of features. */
export function concludeFeatures(data: StudyData, params: Params): Findings {
  const all = configurationsOf(data, params);
  const numbers: Numbers = {
    rank: meanOverImages(data, "effective_rank", Math.log),
    norm: meanOverImages(data, "norm", Math.log),
    reconstruction: (training) => valueAt(data, "reconstruction", [training]),
    errors: [
      { name: "probe", of: errorOf(data, "probe_error") },
      ...(isKnown(data, "tuned_error") ? [{ name: "fine-tuned", of: errorOf(data, "tuned_error") }] : []),
    ],
  };
  const shown = middleOfEach(all, numbers.rank);
  return findingsOf({
    tables: [rulesTable(all, numbers), configurationTable(data, all, numbers)],
    charts: [
      ...numbers.errors.map(({ name, of }) => errorChart(all, numbers.rank, name, of)),
      spectraChart(data, all, shown),
      tangentChart(data, shown),
    ],
    pictures: tangentPictures(data, shown, params),
    claims: [],
  });
}

/** A rule, written before anything is measured: what a number must be for the claim, and how it follows. */
interface Rule {
  readonly id: string;
  readonly what: string;
  readonly sample: Sample;
  /** What the claim says of the number: that it is above 0, below 0, or nothing. */
  readonly sign: 1 | -1 | undefined;
}

const INTERVALS =
  "Intervals are 95 % intervals by the bootstrap, in which whole configurations are drawn with all of their seeds and images, or whole seeds where two " +
  "configurations are paired.";

function rulesTable(all: readonly Configuration[], numbers: Numbers): FindingTable {
  return {
    id: "rules",
    caption:
      "The rules that decide whether steeper encoders have better features. A1: the effective rank and the error rise together over configurations; " +
      "falsified if the interval includes 0, or if the control with permuted rows is as steep and worse. A2: the same with ln ‖J‖_F and the " +
      `reconstruction held fixed. A3: the same within families of at least ${FEWEST_IN_FAMILY} configurations. A4: a contractive auto-encoder has a smaller ` +
      "effective rank and a smaller error than one without a penalty, by seeds. R: Rifai's order of ‖J‖_F, contractive below denoising below plain. A " +
      `penalty that is too strong makes a spectrum steep and its features bad, so that a U is expected at its end. ${INTERVALS} A verdict needs ` +
      `at least ${FEWEST_IMAGES} configurations, or ${FEWEST_SEEDS} seeds.`,
    columns: ["rule", "number", "estimate", "verdict"],
    rows: rulesOf(all, numbers).map(({ id, what, sample, sign }) => {
      const estimate = bootstrap(sample, id);
      return [id, what, estimate, sign === undefined ? "" : verdictOn(estimate, sign)];
    }),
  };
}

const FEWEST_SEEDS = 5;

/** The verdict on a rule that an effect has this sign. */
function verdictOn({ low, high, n, sample }: Estimate, sign: 1 | -1): string {
  const towards = sign > 0 ? { low, high, n } : { low: -high, high: -low, n };
  return verdictOf(towards, sample?.unit === "seed" ? FEWEST_SEEDS : FEWEST_IMAGES);
}

function rulesOf(all: readonly Configuration[], { rank, norm, reconstruction, errors }: Numbers): Rule[] {
  const inFamily = (part: string) => all.filter(({ family }) => family.startsWith(part));
  const [plain] = inFamily("AE").filter(({ family }) => family === "AE");
  const contractive = inFamily("CAE");
  const denoising = inFamily("DAE");
  return [
    ...errors.flatMap(({ name, of }): Rule[] => [
      {
        id: `A1 ${name}`,
        what: `Spearman's correlation of effective rank and ${name} error`,
        sample: overConfigurations(all, rank, of),
        sign: 1,
      },
      {
        id: `A2 ${name}`,
        what: `the same, partial on ln ‖J‖_F and reconstruction`,
        sample: overConfigurations(all, rank, of, [norm, reconstruction]),
        sign: 1,
      },
      {
        id: `A3 ${name}`,
        what: `the same within families`,
        sample: withinFamilies(all, rank, of),
        sign: 1,
      },
    ]),
    ...(plain === undefined
      ? []
      : contractive.flatMap((own): Rule[] => [
          {
            id: `A4 ${own.name}`,
            what: `ln effective rank of ${own.name} minus ${plain.name}`,
            sample: pairedOverSeeds([own], [plain], rank),
            sign: -1,
          },
          ...errors.map(
            ({ name, of }): Rule => ({
              id: `A4 ${own.name} ${name}`,
              what: `${name} error of ${own.name} minus ${plain.name}`,
              sample: pairedOverSeeds([own], [plain], of),
              sign: -1,
            }),
          ),
        ])),
    ...(plain === undefined || contractive.length === 0 || denoising.length === 0
      ? []
      : [
          {
            id: "R contractive",
            what: "mean ln ‖J‖_F of contractive minus denoising auto-encoders",
            sample: pairedOverSeeds(contractive, denoising, norm),
            sign: -1 as const,
          },
          {
            id: "R denoising",
            what: "mean ln ‖J‖_F of denoising minus plain auto-encoders",
            sample: pairedOverSeeds(denoising, [plain], norm),
            sign: -1 as const,
          },
        ]),
    ...VARIANTS.slice(1).flatMap((control): Rule[] => [
      {
        id: `${control} rank`,
        what: `ln effective rank of ${control} weights minus trained`,
        sample: controlMinusTrained(all, rank, control),
        sign: undefined,
      },
      ...errors.map(
        ({ name, of }): Rule => ({
          id: `${control} ${name}`,
          what: `${name} error of ${control} weights minus trained`,
          sample: controlMinusTrained(all, of, control),
          sign: undefined,
        }),
      ),
    ]),
  ];
}

/** The mean of a number over the seeds of a configuration, with its interval. */
const estimateOf = (
  { name, trainings }: Configuration,
  number: NumberOf,
  shown = (value: number) => value,
): Estimate => {
  const each = [...trainings.values()];
  const of = (chosen: readonly number[]) => shown(mean(chosen.map((i) => number(each[i]!))));
  return bootstrap({ unit: "seed", images: [...each.keys()], of }, name);
};

function configurationTable(data: StudyData, all: readonly Configuration[], numbers: Numbers): FindingTable {
  const columns: readonly (readonly [string, NumberOf, ((value: number) => number)?])[] = [
    ["effective rank", numbers.rank, Math.exp],
    ["‖J‖_F", numbers.norm, Math.exp],
    ["share of Σσ² in the first 10 σ", meanOverImages(data, "first_ten")],
    ["saturated entries", meanOverImages(data, "saturation")],
    ["loss on held-out examples", numbers.reconstruction],
    ...numbers.errors.map(({ name, of }) => [`${name} error`, of] as const),
  ];
  return {
    id: "configurations",
    caption: `Each configuration: means over its seeds, with 95 % intervals by the bootstrap over seeds. Effective rank and ‖J‖_F are geometric means over ${data.axes.image!.length} held-out examples.`,
    columns: ["configuration", "family", "seeds", ...columns.map(([name]) => name)],
    rows: all.map((own) => [
      own.name,
      own.family,
      own.trainings.size,
      ...columns.map(([, number, shown]) => estimateOf(own, number, shown)),
    ]),
  };
}

function errorChart(all: readonly Configuration[], rank: NumberOf, name: string, error: NumberOf): Chart {
  const families = [...new Set(all.map(({ family }) => family))];
  const point = (own: Configuration): ChartPoint => {
    const { value: y, low, high } = estimateOf(own, error);
    return { x: Math.exp(ofConfiguration(own, rank)), y, ...(Number.isNaN(low) ? {} : { low, high }) };
  };
  return {
    id: `${name}-error`,
    title: `Effective rank and ${name} error`,
    caption: `Each mark is a configuration: the mean over its seeds, with its 95 % interval over seeds. Effective ranks are geometric means over held-out examples.`,
    x: { label: "effective rank of J(input → code)" },
    y: { label: `${name} error` },
    panels: [
      {
        title: "",
        series: families.map((family) => ({
          name: family,
          mark: "dots",
          points: all.filter((own) => own.family === family).map(point),
        })),
      },
    ],
  };
}

function spectraChart(data: StudyData, all: readonly Configuration[], shown: readonly Configuration[]): Chart {
  const { k, image } = data.axes;
  const sigma = data.values.sigma!.data;
  const spectraOf = (training: number, variant: number) =>
    image!.flatMap((_, i) => {
      const at = (training * VARIANTS.length + variant) * image!.length + i;
      const floor = data.values.floor!.data[at]!;
      return Number.isNaN(floor) ? [] : [{ sigma: sigma.slice(at * k!.length, (at + 1) * k!.length), floor }];
    });
  return {
    id: "spectra",
    title: "Spectra of J(input → code)",
    caption:
      "Medians over held-out examples and seeds against the index, with the band of the middle half. Of each family the configuration with the middle effective rank, and the controls of the first configuration. " +
      ENDS_AT_FLOOR,
    x: { label: "index", log: true },
    y: { label: "σ", log: true },
    panels: [
      {
        title: "",
        series: [
          ...shown.map((own) => ({
            name: own.name,
            mark: "line" as const,
            points: curveOf([...own.trainings.values()].flatMap((training) => spectraOf(training, 0))),
          })),
          ...VARIANTS.slice(1).map((control, i) => ({
            name: `${all[0]!.name}, ${control}`,
            control: true as const,
            mark: "line" as const,
            points: curveOf([...all[0]!.trainings.values()].flatMap((training) => spectraOf(training, i + 1))),
          })),
        ],
      },
    ],
  };
}

function tangentChart(data: StudyData, shown: readonly Configuration[]): Chart {
  const directions = data.axes.direction!;
  const shareAt =
    (direction: number): NumberOf =>
    (training, variant = "trained") =>
      data.axes.image!.reduce<number>(
        (sum, _, image) =>
          sum +
          valueAt(data, "tangents", [training, VARIANTS.indexOf(variant), image, direction]) / data.axes.image!.length,
        0,
      );
  return {
    id: "tangents",
    title: "Known transformations in the first directions",
    caption:
      "The mean share of the tangents of shifts, rotation, scale, contrast and stroke width in the span of so many first right singular vectors, divided by that of random " +
      "directions: means over held-out examples and seeds, with 95 % intervals over seeds. Of each family the configuration with the middle effective rank.",
    x: { label: "directions" },
    y: { label: "share, divided by chance", log: true },
    panels: [
      {
        title: "",
        rule: { y: 1, label: "chance" },
        series: shown.map((own) => ({
          name: own.name,
          mark: "line",
          points: directions.map((label, direction) => {
            const { value: y, low, high } = estimateOf(own, shareAt(direction));
            return { x: Number(label), y, ...(Number.isNaN(low) ? {} : { low, high }) };
          }),
        })),
      },
    ],
  };
}
