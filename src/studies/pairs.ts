import { isBelowFloor, PushforwardError, type Rng } from "../base/index.ts";
import { type Block, block, blockOf } from "../operator/index.ts";
import type { Chart } from "../results/index.ts";
import { augmented } from "./augment.ts";
import { cellsOf, lineOf, NO_INTERVAL, told } from "./findings.ts";
import type { Lab } from "./lab.ts";
import { firstKept } from "./spectrum.ts";
import { bootstrap, type Estimate, mean, timesDrawn } from "./statistics.ts";
import {
  type FindingTable,
  numbersOf,
  type Params,
  type Study,
  type StudyData,
  type Verdict,
  valueAt,
  verdictOf,
} from "./study.ts";
import { dot, length } from "./vector.ts";

const KINDS = ["within", "between"] as const;
type Kind = (typeof KINDS)[number];
const named: Readonly<Record<Kind, string>> = { within: "within a class", between: "between classes" };
/** Where J is taken: at the one end of a pair, at the other, half way. */
const PLACES = ["first", "second", "middle"] as const;
type Place = (typeof PLACES)[number];

/**
 * Two images of one class differ a little: is that difference erased on the way, and the one between classes kept?
 *
 * @see Mototake & Ikegami 2015, §2 (the two handwritten ones)
 */
export const pairs: Study = {
  id: "pairs",
  question: "Are differences within a class erased on the way through the layers, and those between classes kept?",
  method:
    "Pairs of images, of one class and of two, are followed through the layers: how long their difference is at each tap in units of " +
    "its length at the input, and what J(input → tap) at either end and half way says of it. The energy of the difference in the span of the first j right singular vectors at the first image is held against j/n, that of a random direction.",
  params: {
    within: {
      about:
        "what stands for another image of a class: `classes`, such an image, or `augmentation`, the same one seen otherwise",
      default: "classes",
    },
    pairs: { about: "pairs of each kind for an image, at most", default: 8, quick: 2 },
    directions: { about: "sizes j of the spans", default: [1, 4, 16], quick: [1, 4] },
  },

  design(lab, params) {
    const { inputs, taps, vectors } = lab;
    const directions = numbersOf(params.directions);
    if (Math.max(...directions) > vectors) {
      throw new PushforwardError("usage", {
        what: `The span of ${Math.max(...directions)} singular vectors is asked for, and ${vectors} are kept.`,
        where: { option: "--vectors" },
        fix: `Keep more with --vectors ${Math.max(...directions)}, or ask for fewer with --set directions=1,4.`,
      });
    }
    const { within } = params;
    if (within !== "classes" && within !== "augmentation") {
      throw new PushforwardError("usage", {
        what: `Pairs within a class cannot come from "${within}".`,
        where: { option: "--set" },
        fix: "Set within=classes or within=augmentation.",
      });
    }
    if (within === "augmentation" && taps[0]!.shape.length !== 3) {
      throw new PushforwardError("usage", {
        what: `Only pictures can be seen otherwise; the network's input is ${taps[0]!.shape.join("×")}.`,
        where: { option: "--set" },
        fix: "Set within=classes, and give labels.",
      });
    }
    requirePartners(lab, within === "augmentation");
    return {
      axes: {
        image: inputs.map(({ name }) => name),
        kind: KINDS,
        pair: Array.from({ length: Number(params.pairs) }, (_, i) => i + 1),
        tap: taps.slice(1).map(({ name }) => name),
        place: PLACES,
        direction: directions,
      },
      cell: ["image"],
      variables: {
        partner: { dims: ["kind", "pair"], about: "the other image, counted from 0; the image itself, seen otherwise" },
        actual: { dims: ["kind", "pair", "tap"], about: "‖f(b) − f(a)‖ / ‖b − a‖" },
        linear: { dims: ["kind", "pair", "tap", "place"], about: "‖J(b − a)‖ / ‖b − a‖, J at a, at b, and half way" },
        energy: {
          dims: ["kind", "pair", "tap", "direction"],
          about: "share of ‖b − a‖² in the span of the first right singular vectors at a, of σ above the floor",
        },
      },
    };
  },

  async measure({ image }, lab, params) {
    const directions = numbersOf(params.directions);
    const count = Number(params.pairs);
    const rng = lab.rng("pairs", lab.inputs[image!]!.name);
    const isAugmented = params.within === "augmentation";
    const places = KINDS.flatMap((kind, k) => {
      const isOwn = isAugmented && kind === "within";
      const others = partnersOf(lab, image!, kind, isAugmented);
      const drawn = isOwn ? Array.from({ length: count }, () => image!) : drawnOf(others, count, rng);
      return drawn.map((other, p) => ({ other, at: k * count + p }));
    });
    const a = lab.inputs[image!]!.point;
    const ends = places.map(({ other }) =>
      other === image ? augmented(a, lab.taps[0]!.shape, rng) : lab.inputs[other]!.point,
    );
    const middles = ends.map((b) => b.map((value, at) => (value + a[at]!) / 2));
    const differences = ends.map((b) => b.map((value, at) => value - a[at]!));
    const steps = differences.map(length);
    const targets = lab.taps.slice(1);
    const unknown = (size: number) => new Float64Array(size).fill(Number.NaN);
    const partner = unknown(KINDS.length * count);
    for (const { other, at } of places) partner[at] = other;
    const actual = unknown(partner.length * targets.length);
    const linear = unknown(actual.length * PLACES.length);
    const energy = unknown(actual.length * directions.length);
    for (const [t, tap] of targets.entries()) {
      const reached = await lab.network.forwardAll([a, ...ends], tap);
      const atFirst = await lab.jacobian(a, lab.taps[0]!, tap);
      const fromFirst = await atFirst.apply(blockOf(differences));
      const unit = await lab.spectrum(image!, t + 1);
      const { vectors, n } = unit;
      const known = firstKept(unit);
      /** Of what J makes of a unit vector, as far as it can be told from nothing. */
      const growth = (value: number) => (isBelowFloor(value, unit.floor) ? Number.NaN : value);
      for (const [p, difference] of differences.entries()) {
        const at = places[p]!.at * targets.length + t;
        actual[at] = length(reached[p + 1]!.map((value, i) => value - reached[0]![i]!)) / steps[p]!;
        linear[at * 3] = growth(length(rowOf(fromFirst, p)) / steps[p]!);
        for (const [place, point] of [ends[p]!, middles[p]!].entries()) {
          const J = await lab.jacobian(point, lab.taps[0]!, tap);
          linear[at * 3 + place + 1] = growth(length((await J.apply(block(difference, 1))).data) / steps[p]!);
        }
        let share = 0;
        for (let i = 0; i < Math.max(...directions); i++) {
          if (i >= known) break;
          share += (dot(difference, vectors.v.subarray(i * n, (i + 1) * n)) / steps[p]!) ** 2;
          directions.forEach((j, d) => {
            if (i < j) energy[at * directions.length + d] = share;
          });
        }
      }
    }
    return { partner, actual, linear, energy };
  },

  conclude(data, params) {
    const taps = data.axes.tap!.map(String);
    return {
      tables: [tableOf(data, taps, params)],
      charts: [contractionChart(data, taps), linearChart(data, taps), energyChart(data, taps)],
      verdicts: verdictsOf(data, taps),
    };
  },
};

/** The other images of an image's class, or the image itself where it is to be seen otherwise; or those of other classes. */
function partnersOf({ inputs }: Lab, image: number, kind: Kind, isAugmented: boolean): number[] {
  const own = inputs[image]!.className;
  if (isAugmented && kind === "within") return [image];
  return inputs.flatMap(({ className }, i) => {
    const isAlike = className === own;
    const fits = own !== undefined && className !== undefined && i !== image && isAlike === (kind === "within");
    return fits ? [i] : [];
  });
}

/** @throws PushforwardError `usage` naming the first image without a partner, and the kind that it lacks */
function requirePartners(lab: Lab, isAugmented: boolean): void {
  for (const [image, { name, className }] of lab.inputs.entries()) {
    const lacking = KINDS.find((kind) => partnersOf(lab, image, kind, isAugmented).length === 0);
    if (lacking === undefined) continue;
    const lack =
      className === undefined ? "no class" : lacking === "within" ? "none of its class" : "none of another class";
    throw new PushforwardError("usage", {
      what: isAugmented
        ? `Every image needs one of another class; ${name} has ${lack}.`
        : `Every image needs another one of its class and one of another class; ${name} has ${lack}.`,
      fix: isAugmented
        ? "Give images of at least two classes, with --labels or in a folder for each class."
        : "Give at least two images of each of at least two classes, with --labels or in a folder for each class; or --set " +
          "within=augmentation.",
    });
  }
}

/** Some of them, at most so many, each once. */
function drawnOf(all: readonly number[], count: number, rng: Rng): number[] {
  const rest = [...all];
  return Array.from({ length: Math.min(count, all.length) }, () => rest.splice(rng.integer(rest.length), 1)[0]!);
}

const rowOf = ({ data, length: n }: Block, row: number): Float32Array => data.subarray(row * n, (row + 1) * n);

/** A number of a pair: the p-th of its kind that begins at an image. */
type PairNumber = (image: number, pair: number) => number;

/**
 * The mean of a number over the pairs of a kind, as a statistic of images: a pair counts as often as both of its images, so
 * that pairs that share one are not taken for independent.
 */
function meanOver(data: StudyData, kind: number, number: PairNumber): (images: readonly number[]) => number {
  const known = pairsOf(data, kind)
    .map(({ image, pair, partner }) => ({ image, partner, value: number(image, pair) }))
    .filter(({ value }) => Number.isFinite(value));
  return (images) => {
    const times = timesDrawn(images, data.axes.image!.length);
    let [weights, sum] = [0, 0];
    for (const { image, partner, value } of known) {
      const weight = times[image]! * (partner === image ? 1 : times[partner]!);
      weights += weight;
      sum += weight * value;
    }
    return sum / weights;
  };
}

/** A statistic of some means over pairs, with its interval. */
function estimate(data: StudyData, means: readonly ReturnType<typeof meanOver>[], of: (...means: number[]) => number) {
  return bootstrap(data.axes.image!.length, (images) => of(...means.map((each) => each(images))), data.seed);
}

/** e to the mean of logarithms, with its interval. */
const geometric = (data: StudyData, kind: number, number: PairNumber): Estimate =>
  estimate(data, [meanOver(data, kind, (image, pair) => Math.log(number(image, pair)))], Math.exp);

const actualAt = (data: StudyData, kind: number, tap: number): Estimate =>
  geometric(data, kind, (image, pair) => valueAt(data, "actual", [image, kind, pair, tap]));

const linearAt = (data: StudyData, kind: number, tap: number, place: Place): Estimate =>
  geometric(data, kind, (image, pair) => valueAt(data, "linear", [image, kind, pair, tap, PLACES.indexOf(place)]));

const energyAt = (data: StudyData, kind: number, tap: number, direction: number): Estimate =>
  estimate(
    data,
    [meanOver(data, kind, (image, pair) => valueAt(data, "energy", [image, kind, pair, tap, direction]))],
    (energy) => energy,
  );

/** The pairs of a kind: the image at which one begins, which of that image's it is, and the image at which it ends. */
function pairsOf(data: StudyData, kind: number) {
  const { image: images, pair: places } = data.axes;
  return [...images!.keys()]
    .flatMap((image) =>
      Array.from(places!.keys(), (pair) => ({ image, pair, partner: valueAt(data, "partner", [image, kind, pair]) })),
    )
    .filter(({ partner }) => !Number.isNaN(partner));
}

function tableOf(data: StudyData, taps: readonly string[], { within }: Params): FindingTable {
  return {
    id: "by-tap",
    caption:
      `Differences of ${pairsOf(data, 0).length} pairs within a class and ${pairsOf(data, 1).length} between classes, of ${data.axes.image!.length} images: their growth from the input to the ` +
      "tap, geometric means, and their energy in the first singular directions (those of σ above the floor), means; 95 % intervals by " +
      `bootstrap over images. ${NO_INTERVAL}` +
      (within === "augmentation"
        ? " Within a class: an image and the same one moved, mirrored or with other contrast."
        : ""),
    columns: [
      "tap",
      "kind",
      "actual growth",
      "low",
      "high",
      ...PLACES.map((place) => `growth by J, ${place}`),
      ...data.axes.direction!.flatMap((j) => [`energy in the first ${j}`, "low", "high"]),
    ],
    rows: taps.flatMap((tap, t) =>
      KINDS.map((kind, k) => [
        tap,
        kind,
        ...cellsOf(actualAt(data, k, t)),
        ...PLACES.map((place) => linearAt(data, k, t, place).value),
        ...data.axes.direction!.flatMap((_, d) => cellsOf(energyAt(data, k, t, d))),
      ]),
    ),
  };
}

function contractionChart(data: StudyData, taps: readonly string[]): Chart {
  return {
    id: "growth",
    title: "How far apart pairs are, in units of their distance at the input",
    caption:
      "‖f(b) − f(a)‖ / ‖b − a‖ at each tap, for pairs of one class and of two: geometric means, 95 % intervals by bootstrap over images.",
    x: { label: "tap, by depth", names: taps },
    y: { label: "growth of the difference", log: true },
    panels: [
      {
        title: "",
        rule: { y: 1, label: "distance kept" },
        series: KINDS.map((kind, k) => lineOf(named[kind], taps, (t) => actualAt(data, k, t))),
      },
    ],
  };
}

function linearChart(data: StudyData, taps: readonly string[]): Chart {
  return {
    id: "linear",
    title: "What J says of it",
    caption:
      "Growth of the difference by J at the first image, at the second and half way, over its actual growth: 1 where a linear map would " +
      "do. Pairs of both kinds; geometric means, 95 % intervals by bootstrap over images.",
    x: { label: "tap, by depth", names: taps },
    y: { label: "predicted / actual", log: true },
    panels: [
      {
        title: "",
        rule: { y: 1, label: "as J says" },
        series: PLACES.map((place, p) =>
          lineOf(`J at the ${place}`, taps, (t) =>
            estimate(
              data,
              KINDS.map((_, k) =>
                meanOver(data, k, (image, pair) =>
                  Math.log(
                    valueAt(data, "linear", [image, k, pair, t, p]) / valueAt(data, "actual", [image, k, pair, t]),
                  ),
                ),
              ),
              (...means) => Math.exp(mean(means)),
            ),
          ),
        ),
      },
    ],
  };
}

function energyChart(data: StudyData, taps: readonly string[]): Chart {
  const directions = data.axes.direction!;
  const last = directions.length - 1;
  return {
    id: "energy",
    title: `Energy of the difference in the first ${directions[last]} singular directions`,
    caption:
      `Share of ‖b − a‖² in the span of the first ${directions[last]} right singular vectors of J(input → tap) at a: means, 95 % ` +
      "intervals by bootstrap over images. A random direction would have j/n of it.",
    x: { label: "tap, by depth", names: taps },
    y: { label: "share of the energy", log: true },
    panels: [
      {
        title: "",
        series: KINDS.map((kind, k) => lineOf(named[kind], taps, (t) => energyAt(data, k, t, last))),
      },
    ],
  };
}

function verdictsOf(data: StudyData, taps: readonly string[]): Verdict[] {
  const [last, widest] = [taps.length - 1, data.axes.direction!.length - 1];
  const contrast = (number: (image: number, kind: number, pair: number) => number) =>
    estimate(
      data,
      KINDS.map((_, kind) => meanOver(data, kind, (image, pair) => Math.log(number(image, kind, pair)))),
      (within, between) => between! - within!,
    );
  const growth = contrast((image, kind, pair) => valueAt(data, "actual", [image, kind, pair, last]));
  const energy = contrast((image, kind, pair) => valueAt(data, "energy", [image, kind, pair, last, widest]));
  return [
    {
      on: "erased",
      claim: `Up to ${taps[last]}, differences between classes are kept better than those within a class.`,
      verdict: verdictOf(growth),
      because: `Growth between classes over growth within, mean logarithm: ${told(growth)}.`,
    },
    {
      on: "erased",
      claim: `Differences between classes lie more in the first ${data.axes.direction![widest]} singular directions (or all whose σ is above the floor) of ${taps[last]} than those within a class.`,
      verdict: verdictOf(energy),
      because: `Energy between classes over energy within, mean logarithm: ${told(energy)}.`,
    },
  ];
}
