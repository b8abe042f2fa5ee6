import { keptFamilies } from "../autodiff/index.ts";
import type { Chart, ChartPanel, ChartSeries } from "../results/index.ts";
import { ORDERS } from "./factors.ts";
import { curveOf, ENDS_AT_FLOOR, floorAt, isLogKnown, NO_INTERVAL, RESOLVED, spreadOver } from "./findings.ts";
import { correlation, type Estimate, mean, meanOfKnown, meanSample, ranks } from "./statistics.ts";
import {
  type Findings,
  type FindingTable,
  findingsOf,
  numbersOf,
  type Params,
  type StudyData,
  valueAt,
} from "./study.ts";
import type { TestedClaim } from "./verdict.ts";

/** Taps that have a panel of their own. */
const MOST_PANELS = 6;
const INTERVALS = "means over images, 95 % intervals by bootstrap over images";
const DISTANCE = { label: "root mean square change of a pixel, of full scale", log: true } as const;
/** The level at which layers are compared, as a part of all. */
const COMPARED = 0.75;

/** What the noise study says. */
export function concludeNoise(data: StudyData, params: Params): Findings {
  const found = new NoiseData(data);
  const charts = [
    ...(found.hasSpectra ? [found.shrinkChart(), found.spectraChart(params)] : []),
    found.energyChart(),
    ...found.classCharts(),
    ...(found.hasSpectra ? [found.groupChart(), found.layerChart()] : []),
  ];
  return findingsOf({
    tables: [found.levelTable(params), ...(found.hasSpectra ? [found.partTable()] : [])],
    charts,
    claims: found.claims(),
  });
}

class NoiseData {
  readonly #data: StudyData;
  readonly #kinds: readonly string[];
  readonly #taps: readonly string[];
  readonly #levels: number;
  /** The levels that are noise: all but the first. */
  readonly #noisy: readonly number[];
  readonly #all: readonly number[];
  /** Images whose spectra were computed. */
  readonly #chosen: readonly number[];

  constructor(data: StudyData) {
    this.#data = data;
    const { axes } = data;
    this.#kinds = axes.kind!.map(String);
    this.#taps = axes.tap!.map(String);
    this.#levels = axes.level!.length;
    this.#noisy = [...axes.level!.keys()].slice(1);
    this.#all = [...axes.image!.keys()];
    this.#chosen = this.#all.filter((image) => !Number.isNaN(this.#at("sigma", [image, 0, 0, 0, 0])));
  }

  get hasSpectra(): boolean {
    return this.#chosen.length > 0;
  }

  #at(name: string, places: readonly number[]): number {
    return valueAt(this.#data, name, places);
  }

  /** The mean over some images (all unless given), as far as there is a number. */
  #estimate(number: (image: number) => number, images: readonly number[] = this.#all): Estimate {
    return meanOfKnown(this.#numbers(number, images), this.#data.seed);
  }

  /** A number for every image, NaN for those that are not chosen. Each stays at its place, by which networks are compared. */
  #numbers(number: (image: number) => number, images: readonly number[] = this.#chosen): number[] {
    return this.#all.map((image) => (images.includes(image) ? number(image) : Number.NaN));
  }

  #mean(name: string, kind: number, level: number): Estimate {
    return this.#estimate((image) => this.#at(name, [image, kind, level]));
  }

  /** Logarithm of Σσ² at the last tap over that without noise. */
  #energy(image: number, kind: number, level: number): number {
    return Math.log(this.#at("energy", [image, kind, level]));
  }

  #spectrumOf(image: number, kind: number, tap: number, level: number) {
    const { axes, values } = this.#data;
    const place = [axes.kind!, axes.tap!, axes.level!].reduce(
      (at, axis, i) => at * axis.length + [kind, tap, level][i]!,
      image,
    );
    const { length: most } = axes.k!;
    const sigma = values.sigma!.data.subarray(place * most, (place + 1) * most).filter((value) => !Number.isNaN(value));
    return { sigma, floor: floorAt(this.#data, "floor", place, sigma[0] ?? 0) };
  }

  /** Logarithms of σ_i over those without noise, for all i at which both are known. */
  #shifts(image: number, kind: number, tap: number, level: number): number[] {
    const [clean, noisy] = [0, level].map((at) => this.#spectrumOf(image, kind, tap, at));
    const isKnown = ({ sigma, floor }: { sigma: Float64Array; floor: number }, i: number) =>
      i < sigma.length && isLogKnown(sigma[i]!, sigma[0]!, floor);
    return Array.from(clean!.sigma, (value, i) =>
      isKnown(clean!, i) && isKnown(noisy!, i) ? [Math.log(noisy!.sigma[i]! / value)] : [],
    ).flat();
  }

  /** What a factor adds to log Σσ², mean of both orders. */
  #part(image: number, kind: number, level: number, factor: number): number {
    return mean(ORDERS.map((_, order) => this.#at("part", [image, kind, level, order, factor])));
  }

  #groupPart(image: number, kind: number, level: number, group: number): number {
    const own = this.#data.axes.factor!.flatMap((_, f) => (this.#groupOf(f) === group ? [f] : []));
    return own.reduce((sum, factor) => sum + this.#part(image, kind, level, factor), 0);
  }

  #groupOf = (factor: number): number => this.#at("group", [0, 0, factor]);

  /** Groups that the network has. */
  get #groups(): number[] {
    const present = new Set(this.#data.axes.factor!.map((_, factor) => this.#groupOf(factor)));
    return [...keptFamilies.keys()].filter((group) => present.has(group));
  }

  /** One line for each kind of noise, against the change of a pixel. */
  #lines(of: (kind: number, level: number) => Estimate): ChartSeries[] {
    return this.#kinds.map((name, kind) => this.#line(name, kind, (level) => of(kind, level)));
  }

  #line(name: string, kind: number, of: (level: number) => Estimate): ChartSeries {
    const points = this.#noisy.map((level) => {
      const { value, low, high, sample } = of(level);
      return { x: this.#mean("distance", kind, level).value, y: value, low, high, ...(sample && { sample }) };
    });
    return { name, mark: "line", points: points.filter(({ x }) => x > 0).sort((a, b) => a.x - b.x) };
  }

  classCharts(): Chart[] {
    const shares = {
      same: "same class as without noise",
      top1: "true class is first",
      top5: "true class is among five",
    };
    const has = (name: string) => !Number.isNaN(this.#mean(name, 0, 0).value);
    const panels = Object.entries(shares)
      .filter(([name]) => has(name))
      .map(
        ([name, title]): ChartPanel => ({ title, series: this.#lines((kind, level) => this.#mean(name, kind, level)) }),
      );
    if (panels.length === 0) return [];
    return [
      {
        id: "classes",
        title: "Change of the class by noise",
        caption: `Share of images by the strength of the noise: ${INTERVALS}.`,
        x: DISTANCE,
        y: { label: "share of images" },
        panels,
      },
      {
        id: "margin",
        title: "Margin of the class",
        caption: `Score of the class that the network predicts without noise, minus the largest other score: ${INTERVALS}.`,
        x: DISTANCE,
        y: { label: "margin, score" },
        panels: [
          {
            title: "",
            rule: { y: 0, label: "another class" },
            series: this.#lines((kind, level) => this.#mean("margin", kind, level)),
          },
        ],
      },
    ];
  }

  energyChart(): Chart {
    const last = this.#taps.at(-1);
    return {
      id: "energy",
      title: `Change of Σσ² at ${last} by noise`,
      caption: `Logarithm of Σσ² of J(input → ${last}) divided by Σσ² without noise, estimated with random cotangents (exact if the tap has no more entries), for all images: ${INTERVALS}. If a picture has flat parts, J lies on kinks of ReLU and max-pool, and even the weakest noise makes it jump.`,
      x: DISTANCE,
      y: { label: "log Σσ², minus that without noise" },
      panels: [
        {
          title: "",
          rule: { y: 0, label: "unchanged" },
          series: this.#lines((kind, level) => this.#estimate((image) => this.#energy(image, kind, level))),
        },
      ],
    };
  }

  /** Figure 5 of the paper, for the first kind of noise. */
  spectraChart(params: Params): Chart {
    const kind = this.#kinds[0]!;
    const strengths = numbersOf(params[kind]);
    const panels = spreadOver(this.#taps.length, MOST_PANELS).map(
      (tap): ChartPanel => ({
        title: `σ at ${this.#taps[tap]}`,
        series: Array.from({ length: this.#levels }, (_, level) => ({
          name: level === 0 ? "no noise" : `${kind} ${strengths[level - 1]}`,
          mark: "line" as const,
          points: curveOf(this.#chosen.map((image) => this.#spectrumOf(image, 0, tap, level))).map(({ x, y }) => ({
            x,
            y,
          })),
        })),
      }),
    );
    return {
      id: "spectra",
      title: `Singular values with ${kind} noise`,
      caption: `Singular values of J(input → tap) against their index k, by the strength of ${kind} noise: medians over ${this.#chosen.length} images. ${ENDS_AT_FLOOR} ${this.#shownTaps()}`,
      x: { label: "index k" },
      y: { label: "σ", log: true },
      ordered: true,
      panels,
    };
  }

  /** What a caption says of taps that have no panel. */
  #shownTaps(): string {
    const { length } = this.#taps;
    return length > MOST_PANELS ? `Of ${length} taps, ${MOST_PANELS} are shown, from the first to the last.` : "";
  }

  shrinkChart(): Chart {
    return {
      id: "shrink",
      title: "Does the whole spectrum shrink?",
      caption: `Logarithm of σₖ divided by σₖ without noise, averaged over all k at which both exceed ${RESOLVED} σ₁ and the floor, ${this.#chosen.length} images: ${INTERVALS}. ${this.#shownTaps()}`,
      x: DISTANCE,
      y: { label: "log σ, minus that without noise" },
      panels: spreadOver(this.#taps.length, MOST_PANELS).map((t) => ({
        title: this.#taps.length === 1 ? "" : this.#taps[t]!,
        rule: { y: 0, label: "unchanged" },
        series: this.#lines((kind, level) =>
          this.#estimate((image) => mean(this.#shifts(image, kind, t, level)), this.#chosen),
        ),
      })),
    };
  }

  groupChart(): Chart {
    const last = this.#taps.at(-1);
    return {
      id: "factors",
      title: `Causes of the change of Σσ² at ${last}`,
      caption:
        "The parts of the change of log Σσ² that come from the active neurons, the normalizers and the pooling switches of the noisy picture. They are exchanged " +
        `layer by layer; the mean of both orders is shown, for ${this.#chosen.length} images: ${INTERVALS}.`,
      x: DISTANCE,
      y: { label: "part of the change of log Σσ²" },
      panels: this.#kinds.map((name, kind) => ({
        title: name,
        rule: { y: 0, label: "" },
        series: [
          ...this.#groups.map((group) =>
            this.#line(keptFamilies[group]!, kind, (level) =>
              this.#estimate((image) => this.#groupPart(image, kind, level, group), this.#chosen),
            ),
          ),
          this.#line("all together", kind, (level) =>
            this.#estimate((image) => this.#energy(image, kind, level), this.#chosen),
          ),
        ],
      })),
    };
  }

  layerChart(): Chart {
    const level = Math.max(1, Math.round(COMPARED * (this.#levels - 1)));
    const names = this.#data.axes.factor!.map(String);
    return {
      id: "layers",
      title: "Which layers cause the change",
      caption: `The part of each layer in the change of log Σσ² at ${this.#taps.at(-1)}, at level ${level} of ${this.#levels - 1} of each kind of noise: ${INTERVALS}.`,
      x: { label: "layer whose kept values are exchanged, by depth", names },
      y: { label: "part of the change of log Σσ²" },
      panels: [
        {
          title: "",
          rule: { y: 0, label: "" },
          series: this.#kinds.map((name, kind) => ({
            name,
            mark: "line" as const,
            points: names.map((x, factor) => {
              const { value, low, high, sample } = this.#estimate(
                (image) => this.#part(image, kind, level, factor),
                this.#chosen,
              );
              return { x, y: value, low, high, ...(sample && { sample }) };
            }),
          })),
        },
      ],
    };
  }

  levelTable(params: Params): FindingTable {
    const names = ["same", "top1", "top5", "margin"];
    const n = this.#data.axes.image!.length;
    return {
      id: "by-level",
      caption:
        `Noise by kind and strength: ${INTERVALS} (${n} images; ${this.#chosen.length} for log σ, mean over all k at which both exceed ${RESOLVED} σ₁ and the floor). distance: root mean square change of a ` +
        "pixel, relative to full scale; same: same class as without noise; log Σσ² and log σ at the last tap, minus those without noise. " +
        NO_INTERVAL,
      columns: ["kind", "level", "strength", "distance", ...names, "log Σσ²", "log σ", "not converged"],
      rows: this.#kinds.flatMap((kind, k) =>
        Array.from({ length: this.#levels }, (_, level) => [
          kind,
          level,
          level === 0 ? "" : numbersOf(params[kind])[level - 1]!,
          this.#mean("distance", k, level).value,
          ...names.map((name) => this.#mean(name, k, level)),
          this.#estimate((image) => this.#energy(image, k, level)),
          this.#estimate((image) => mean(this.#shifts(image, k, this.#taps.length - 1, level)), this.#chosen),
          this.#unconverged(k, level),
        ]),
      ),
    };
  }

  #unconverged(kind: number, level: number): number {
    return this.#chosen.reduce(
      (sum, image) =>
        sum + this.#taps.reduce((all, _, tap) => all + this.#at("unconverged", [image, kind, tap, level]), 0),
      0,
    );
  }

  partTable(): FindingTable {
    return {
      id: "by-layer",
      caption: `Part of each layer in the change of log Σσ² at ${this.#taps.at(-1)}, mean of both orders of exchange, ${this.#chosen.length} images: ${INTERVALS}. ${NO_INTERVAL}`,
      columns: ["kind", "level", "layer", "group", "part", ...ORDERS],
      rows: this.#kinds.flatMap((kind, k) =>
        this.#noisy.flatMap((level) =>
          this.#data.axes.factor!.map((factor, f) => [
            kind,
            level,
            factor,
            keptFamilies[this.#groupOf(f)]!,
            this.#estimate((image) => this.#part(image, k, level, f), this.#chosen),
            ...ORDERS.map(
              (_, order) =>
                this.#estimate((image) => this.#at("part", [image, k, level, order, f]), this.#chosen).value,
            ),
          ]),
        ),
      ),
    };
  }

  claims(): TestedClaim[] {
    const [last, strongest] = [this.#taps.length - 1, this.#levels - 1];
    const tap = this.#taps[last];
    const shrinking = this.#kinds.flatMap((kind, k): TestedClaim[] => {
      if (!this.hasSpectra) return [];
      const ofAll = (of: (shifts: readonly number[]) => number) =>
        meanSample(this.#numbers((image) => -of(this.#shifts(image, k, last, strongest))));
      return [
        {
          id: `shrinks-${kind}`,
          on: "shrinks",
          claim: `With the strongest ${kind} noise, all singular values at ${tap} are smaller than without noise.`,
          // Supported if they are smaller at every index, contradicted if they are larger on average.
          effect: {
            what: "Logarithm of σ without noise divided by σ with noise, mean over all indices at which both are known",
            sign: 1,
            none: 0,
            measure: ofAll(mean),
            weakest: {
              what: "at the index where it is smallest",
              measure: ofAll((shifts) => Math.max(...shifts)),
            },
          },
        },
      ];
    });
    return [...shrinking, ...this.#togetherClaim(), ...this.#causeClaim()];
  }

  /** Whether the margin and Σσ² fall together, over all kinds and levels of noise. */
  #togetherClaim(): TestedClaim[] {
    // The picture without noise, and each kind's levels of it.
    const places = [
      [0, 0] as const,
      ...this.#kinds.flatMap((_, kind) => this.#noisy.map((level) => [kind, level] as const)),
    ];
    const together = meanSample(
      this.#all.map((image) =>
        correlation(
          ranks(places.map(([kind, level]) => this.#at("margin", [image, kind, level]))),
          ranks(places.map(([kind, level]) => this.#energy(image, kind, level))),
        ),
      ),
    );
    if (together.images.length === 0) return [];
    return [
      {
        id: "with-the-class",
        on: "with the class",
        claim: `The smaller the margin of the class, the smaller Σσ² at ${this.#taps.at(-1)}.`,
        effect: {
          what: "Rank correlation of the margin with Σσ² over all kinds and levels of noise, for each image",
          sign: 1,
          none: 0,
          measure: together,
        },
      },
    ];
  }

  #causeClaim(): TestedClaim[] {
    const strongest = this.#levels - 1;
    const neurons = keptFamilies.indexOf("active neurons");
    if (!this.hasSpectra || this.#groups.length < 2 || !this.#groups.includes(neurons)) return [];
    const excess = this.#numbers((image) =>
      mean(
        this.#kinds.map((_, kind) => {
          const sizes = this.#groups.map((group) => Math.abs(this.#groupPart(image, kind, strongest, group)));
          return (
            sizes[this.#groups.indexOf(neurons)]! - Math.max(...sizes.filter((_, i) => this.#groups[i] !== neurons))
          );
        }),
      ),
    );
    return [
      {
        id: "cause",
        on: "cause",
        claim: "The change comes from which neurons are active, more than from normalizers or pooling switches.",
        effect: {
          what: "Absolute part of the active neurons in the change of log Σσ² at the strongest noise, minus the largest other part, mean over kinds",
          sign: 1,
          none: 0,
          measure: meanSample(excess),
        },
      },
    ];
  }
}
