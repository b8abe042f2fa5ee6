import { formatShape, isBelowFloor, PushforwardError, type Rng } from "../base/index.ts";
import type { Chart } from "../results/index.ts";
import { blockOf } from "../runtime/index.ts";
import { augmented } from "./augment.ts";
import { lineOf, NO_INTERVAL } from "./findings.ts";
import type { Lab } from "./lab.ts";
import { firstStored } from "./spectrum.ts";
import { bootstrap, type Estimate, mean, ofAll, timesDrawn } from "./statistics.ts";
import { type FindingTable, findingsOf, numbersOf, type Params, type Study, type StudyData, valueAt } from "./study.ts";
import { dot, length } from "./vector.ts";
import type { TestedClaim } from "./verdict.ts";

const KINDS = ["within", "between"] as const;
type Kind = (typeof KINDS)[number];
const named: Readonly<Record<Kind, string>> = { within: "within a class", between: "between classes" };
/** The points at which J is taken: the first image of a pair, the second, and the middle between them. */
const PLACES = ["first", "second", "middle"] as const;
type Place = (typeof PLACES)[number];

/**
 * Is the difference between two images of one class erased along the layers, and is the difference between classes preserved?
 *
 * @see Mototake & Ikegami 2015, §2 (the two handwritten ones)
 */
export const pairs: Study = {
  id: "pairs",
  question: "Are differences within a class erased along the layers, and are differences between classes preserved?",
  method:
    "Pairs of images of one class, and pairs of images of two classes, are followed through the layers. The length of their difference at each tap, " +
    "divided by its length at the input, is compared with the prediction of J(input → tap) at the first image, at the second, and at the middle between them. The share of the difference in the span of the first j right singular vectors at the first image is compared with j/n, the share of a random direction.",
  params: {
    within: {
      about:
        "the second image of a pair within a class: `classes` takes another image of the class, `augmentation` a transformed copy of the first",
      default: "classes",
    },
    pairs: { about: "most pairs of each kind for an image", default: 8, quick: 2 },
    directions: { about: "dimensions j of the spans", default: [1, 4, 16], quick: [1, 4] },
  },

  design(lab, params) {
    const { inputs, taps, vectors } = lab;
    const directions = numbersOf(params.directions);
    if (Math.max(...directions) > vectors) {
      throw new PushforwardError("usage", {
        what: `The study needs the span of ${Math.max(...directions)} singular vectors, but only ${vectors} are stored.`,
        where: { option: "--vectors" },
        fix: `Store more with --vectors ${Math.max(...directions)}, or ask for fewer with --set directions=1,4.`,
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
        what: `Only pictures can be transformed, but the input of the network is ${formatShape(taps[0]!.shape)}.`,
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
        partner: {
          dims: ["kind", "pair"],
          about: "index of the second image, from 0; that of the image itself for a transformed copy",
        },
        actual: { dims: ["kind", "pair", "tap"], about: "‖f(b) − f(a)‖ / ‖b − a‖", unit: "tap units per source unit" },
        linear: {
          dims: ["kind", "pair", "tap", "place"],
          about: "‖J(b − a)‖ / ‖b − a‖, with J at a, at b, and at the middle",
          unit: "tap units per source unit",
        },
        energy: {
          dims: ["kind", "pair", "tap", "direction"],
          about: "share of ‖b − a‖² in the span of the first right singular vectors at a whose σ is above the floor",
        },
      },
    };
  },

  work({ inputs, taps }, params) {
    const count = inputs.length * KINDS.length * Number(params.pairs) * 2;
    const points = taps.slice(1).map((to) => ({ to, count }));
    return { spectra: true, solves: [], points, images: inputs.length };
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
      using atFirst = await lab.jacobian(a, lab.taps[0]!, tap);
      using between = blockOf(lab.algebra, differences);
      using products = await atFirst.apply(between);
      const [fromFirst, m] = [await products.read(), products.length];
      const unit = await lab.spectrum(image!, t + 1);
      const { vectors, n } = unit;
      const known = firstStored(unit);
      /** The smallest length of a product with a unit vector that can be told from zero. */
      const growth = (value: number) => (isBelowFloor(value, unit.floor) ? Number.NaN : value);
      for (const [p, difference] of differences.entries()) {
        const at = places[p]!.at * targets.length + t;
        actual[at] = length(reached[p + 1]!.map((value, i) => value - reached[0]![i]!)) / steps[p]!;
        linear[at * 3] = growth(length(fromFirst.subarray(p * m, (p + 1) * m)) / steps[p]!);
        for (const [place, point] of [ends[p]!, middles[p]!].entries()) {
          using J = await lab.jacobian(point, lab.taps[0]!, tap);
          using product = await J.apply(between.range(p, p + 1));
          linear[at * 3 + place + 1] = growth(length(await product.read()) / steps[p]!);
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
    return findingsOf({
      tables: [tableOf(data, taps, params)],
      charts: [contractionChart(data, taps), linearChart(data, taps), energyChart(data, taps)],
      claims: claimsOf(data, taps),
    });
  },
};

/** The other images of the same class, or the image itself if transformed copies are used; or the images of other classes. */
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

/** A random selection of at most `most` of them, each once. */
function drawnOf(all: readonly number[], count: number, rng: Rng): number[] {
  const rest = [...all];
  return Array.from({ length: Math.min(count, all.length) }, () => rest.splice(rng.integer(rest.length), 1)[0]!);
}

/** A number of a pair, given its first image and its index among the pairs of that image. */
type PairNumber = (image: number, pair: number) => number;

/**
 * The mean of a number over the pairs of a kind, as a statistic of images. In the bootstrap a pair is weighted by how often both of its
 * images were drawn, because pairs that share an image are not independent.
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

/** A statistic of means over pairs. */
const statistic = (
  data: StudyData,
  means: readonly ReturnType<typeof meanOver>[],
  of: (...means: number[]) => number,
) => ofAll(data.axes.image!.length, (images) => of(...means.map((each) => each(images))));

/** A statistic of means over pairs, with its interval. */
const estimate = (...given: Parameters<typeof statistic>): Estimate => bootstrap(statistic(...given), given[0].seed);

/** The geometric mean over pairs, with its interval. */
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

/** The pairs of a kind: the first image, the index of the pair among those of this image, and the second image. */
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
      `Differences of ${pairsOf(data, 0).length} pairs within a class and ${pairsOf(data, 1).length} pairs between classes, of ${data.axes.image!.length} images. Growth from the input to the ` +
      "tap (geometric means), and share of the squared length in the span of the first right singular vectors whose σ is above the floor (means). 95 % intervals by " +
      `bootstrap over images. ${NO_INTERVAL}` +
      (within === "augmentation"
        ? " Pairs within a class are an image and a copy of it that is shifted, mirrored or changed in contrast."
        : ""),
    columns: [
      "tap",
      "kind",
      "actual growth",
      ...PLACES.map((place) => `growth by J, ${place}`),
      ...data.axes.direction!.map((j) => `share in the first ${j}`),
    ],
    rows: taps.flatMap((tap, t) =>
      KINDS.map((kind, k) => [
        tap,
        kind,
        actualAt(data, k, t),
        ...PLACES.map((place) => linearAt(data, k, t, place).value),
        ...data.axes.direction!.map((_, d) => energyAt(data, k, t, d)),
      ]),
    ),
  };
}

function contractionChart(data: StudyData, taps: readonly string[]): Chart {
  return {
    id: "growth",
    title: "Distance of pairs, divided by their distance at the input",
    caption:
      "‖f(b) − f(a)‖ / ‖b − a‖ at each tap, for pairs within a class and between classes: geometric means, 95 % intervals by bootstrap over images.",
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
      "Growth of the difference as predicted by J at the first image, at the second and at the middle between them, divided by the actual growth. At 1 the linear " +
      "prediction is exact. Pairs of both kinds; geometric means, 95 % intervals by bootstrap over images.",
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
    title: `Share of the difference in the first ${directions[last]} singular directions`,
    caption:
      `Share of ‖b − a‖² in the span of the first ${directions[last]} right singular vectors of J(input → tap) at a: means, 95 % ` +
      "intervals by bootstrap over images. For a random direction the share is j/n.",
    x: { label: "tap, by depth", names: taps },
    y: { label: "share of the squared length", log: true },
    panels: [
      {
        title: "",
        series: KINDS.map((kind, k) => lineOf(named[kind], taps, (t) => energyAt(data, k, t, last))),
      },
    ],
  };
}

function claimsOf(data: StudyData, taps: readonly string[]): TestedClaim[] {
  const [last, widest] = [taps.length - 1, data.axes.direction!.length - 1];
  const contrastOf = (number: (image: number, kind: number, pair: number) => number) =>
    statistic(
      data,
      KINDS.map((_, kind) => meanOver(data, kind, (image, pair) => Math.log(number(image, kind, pair)))),
      (within, between) => between! - within!,
    );
  return [
    {
      id: "classes-grow-more",
      on: "erased",
      claim: `From the input to ${taps[last]}, differences between classes grow more (or shrink less) than differences within a class.`,
      effect: {
        what: "Growth between classes divided by growth within a class, mean logarithm",
        sign: 1,
        none: 0,
        measure: contrastOf((image, kind, pair) => valueAt(data, "actual", [image, kind, pair, last])),
      },
    },
    {
      id: "classes-in-span",
      on: "erased",
      claim: `A larger share of the differences between classes than of those within a class lies in the span of the first ${data.axes.direction![widest]} right singular vectors (or all whose σ is above the floor) of ${taps[last]}.`,
      effect: {
        what: "Share between classes divided by share within a class, mean logarithm",
        sign: 1,
        none: 0,
        measure: contrastOf((image, kind, pair) => valueAt(data, "energy", [image, kind, pair, last, widest])),
      },
    },
  ];
}
