import { gaussianArray, PushforwardError, type Shape } from "../base/index.ts";
import { type Block, type BlockAlgebra, block, blockOf, type Matrix } from "../operator/index.ts";
import type { Chart } from "../results/index.ts";
import { symmetricEigen } from "../svd/index.ts";
import { cellsOf, lineOf, NO_INTERVAL, rangeOf, told } from "./findings.ts";
import type { Lab } from "./lab.ts";
import { firstKept } from "./spectrum.ts";
import { type Estimate, mean, meanOfKnown } from "./statistics.ts";
import { type FindingTable, numbersOf, type Study, type StudyData, type Verdict, valueAt, verdictOf } from "./study.ts";
import { TRANSFORMATIONS, tangentsOf } from "./tangents.ts";
import { length } from "./vector.ts";

const TANGENTS = [...TRANSFORMATIONS, "neighbours"] as const;
const SPACES = ["transformations", "neighbours", "random"] as const;
const WHICH = ["smallest", "mean"] as const;

/** A direction with less than this part of the energy that the rows have in their main one may come of float32 rounding. */
const DEPENDENT = 2 ** -20;

/**
 * Does what J enlarges most follow the data: the tangents of known transformations, and the way to the nearest images?
 *
 * @see Björck & Golub 1973 (principal angles)
 */
export const manifold: Study = {
  id: "manifold",
  question: "Does the subspace of the first right singular vectors of J(input → tap) follow the data's manifold?",
  method:
    "At each image, tangents of known transformations are taken from central differences of its pixels, and the main directions of the " +
    "differences to its nearest neighbours. Their energy in the span of the first j right singular vectors is held against j/n, that of a random direction, and the principal angles of the spans against those of random subspaces.",
  params: {
    directions: { about: "sizes j of the spans", default: [4, 16], quick: [4] },
    neighbours: { about: "nearest images of an image", default: 8, quick: 4 },
    local: { about: "main directions of the differences to them", default: 3, quick: 2 },
    draws: { about: "random subspaces for an image", default: 20, quick: 5 },
  },

  design({ inputs, taps, vectors }, params) {
    const directions = numbersOf(params.directions);
    const most = Math.max(...directions);
    if (taps[0]!.shape.length !== 3) {
      throw new PushforwardError("usage", {
        what: `The study of the manifold needs pictures; the source is [${taps[0]!.shape.join(", ")}].`,
        where: { tap: taps[0]!.name },
        fix: "Choose a network whose input has channels, rows and columns.",
      });
    }
    if (most > vectors) {
      throw new PushforwardError("usage", {
        what: `The span of ${most} singular vectors is asked for, and ${vectors} are kept.`,
        where: { option: "--vectors" },
        fix: `Keep more with --vectors ${most}, or ask for fewer with --set directions=${vectors}.`,
      });
    }
    return {
      axes: {
        image: inputs.map(({ name }) => name),
        tap: taps.slice(1).map(({ name }) => name),
        direction: directions,
        tangent: TANGENTS,
        space: SPACES,
        which: WHICH,
      },
      cell: ["image"],
      variables: {
        chance: { dims: ["tap", "direction"], about: "share of a random direction's energy in the span" },
        energy: {
          dims: ["tap", "direction", "tangent"],
          about: "share of a tangent's energy in the span of the first right singular vectors",
        },
        angle: {
          dims: ["tap", "direction", "space", "which"],
          about: "principal angles of that span and a space, the smallest and their mean",
          unit: "degrees",
        },
      },
    };
  },

  async measure({ image }, lab, params) {
    const { algebra } = lab.network.backend;
    const directions = numbersOf(params.directions);
    const { point, name } = lab.inputs[image!]!;
    const { length: n } = point;
    const tangents = tangentBlock(point, lab.taps[0]!.shape);
    const squares = await algebra.dots(tangents, tangents);
    const transformations = await basisOf(tangents, algebra);
    const neighbours = await basisOf(
      differencesOf(lab, image!, Number(params.neighbours)),
      algebra,
      Number(params.local),
    );
    const rng = lab.rng("manifold", name);
    const random: Block[] = [];
    for (let draw = 0; draw < Number(params.draws); draw++) {
      const { rows } = transformations;
      random.push(await basisOf(block(gaussianArray(rng, rows * n), rows), algebra));
    }
    const chance: number[] = [];
    const energy: number[] = [];
    const angle: number[] = [];
    for (let tap = 1; tap < lab.taps.length; tap++) {
      const v = await firstVectors(lab, image!, tap, Math.max(...directions));
      const inner = (rows: Block) => algebra.gram(rows, v, { exact: true });
      const ofTangents = await inner(tangents);
      const ofSpaces = await Promise.all(
        [[transformations], [neighbours], random].map((bases) => Promise.all(bases.map(inner))),
      );
      for (const j of directions) {
        chance.push(Math.min(j, v.rows) / n);
        energy.push(...sharesOf(ofTangents, j).map((share, t) => share / squares[t]!));
        energy.push(mean(sharesOf(ofSpaces[1]![0]!, j)));
        for (const bases of ofSpaces) {
          const angles = await Promise.all(bases.map((one) => anglesOf(one, j, algebra)));
          angle.push(...WHICH.map((which) => mean(angles.map((one) => one[which]))));
        }
      }
    }
    return { chance, energy, angle };
  },

  conclude(data) {
    const taps = data.axes.tap!.map(String);
    return {
      tables: [energyTable(data, taps), angleTable(data, taps)],
      charts: [energyChart(data, taps), angleChart(data, taps)],
      verdicts: verdictsOf(data, taps),
    };
  },
};

/** The tangents at unit length; zero where a transformation changes nothing. */
function tangentBlock(picture: Float32Array, shape: Shape): Block {
  const tangents = tangentsOf(picture, shape);
  return blockOf(
    TRANSFORMATIONS.map((name) => {
      const scale = 1 / (length(tangents[name]) || 1);
      return tangents[name].map((value) => value * scale);
    }),
  );
}

/** From an image to the nearest others, at most so many. */
function differencesOf({ inputs }: Lab, image: number, count: number): Block {
  const x = inputs[image]!.point;
  const distance = inputs.map(({ point }) => point.reduce((sum, value, at) => sum + (value - x[at]!) ** 2, 0));
  const nearest = inputs
    .map((_, i) => i)
    .filter((i) => i !== image)
    .sort((a, b) => distance[a]! - distance[b]!)
    .slice(0, count);
  if (nearest.length === 0) return block(new Float32Array(0), 0);
  return blockOf(nearest.map((i) => inputs[i]!.point.map((value, at) => value - x[at]!)));
}

/** The first right singular vectors of J(input → tap), at most so many and of σ above the floor. */
async function firstVectors(lab: Lab, image: number, tap: number, most: number): Promise<Block> {
  const unit = await lab.spectrum(image, tap);
  const count = Math.min(most, firstKept(unit));
  return block(unit.vectors.v.subarray(0, count * unit.n), count);
}

/** Orthonormal directions in which rows have most of their energy, at most so many; none that depends on those before. */
async function basisOf(rows: Block, algebra: BlockAlgebra, most: number = rows.rows): Promise<Block> {
  if (rows.rows === 0) return rows;
  const gram = await algebra.gram(rows, rows, { exact: true });
  const { values, vectors } = await symmetricEigen(gram, algebra.multiply);
  const count = values.filter((value, i) => i < most && value > DEPENDENT * values[0]!).length;
  const { columns } = vectors;
  const weighted = vectors.data
    .subarray(0, count * columns)
    .map((entry, at) => entry / Math.sqrt(values[Math.floor(at / columns)]!));
  return algebra.combine({ rows: count, columns, data: weighted }, rows, { exact: true });
}

/** Energy of each row in the first j of the orthonormal vectors with which these are its inner products. */
function sharesOf({ rows, columns, data }: Matrix, j: number): number[] {
  return Array.from({ length: rows }, (_, row) =>
    data.subarray(row * columns, row * columns + Math.min(j, columns)).reduce((sum, entry) => sum + entry ** 2, 0),
  );
}

/** Principal angles in degrees, from the inner products of two orthonormal bases, of the second its first j; NaN of an empty one. */
async function anglesOf({ rows, columns, data }: Matrix, j: number, { multiply }: BlockAlgebra) {
  const count = Math.min(rows, columns, j);
  if (count === 0) return { smallest: Number.NaN, mean: Number.NaN };
  const gram = Float64Array.from({ length: rows * rows }, (_, at) => {
    const [a, b] = [Math.floor(at / rows) * columns, (at % rows) * columns];
    let sum = 0;
    for (let i = 0; i < Math.min(j, columns); i++) sum += data[a + i]! * data[b + i]!;
    return sum;
  });
  const { values } = await symmetricEigen({ rows, columns: rows, data: gram }, multiply);
  const angles = values
    .subarray(0, count)
    .map((square) => (Math.acos(Math.sqrt(Math.min(1, Math.max(0, square)))) * 180) / Math.PI);
  return { smallest: angles[0]!, mean: mean(angles) };
}

/** Mean of one number an image, over those of which it is known. */
function estimate(data: StudyData, number: (image: number) => number): Estimate {
  return meanOfKnown([...data.axes.image!.keys()].map(number), data.seed);
}

const meanKnown = (data: StudyData, number: (image: number) => number): number =>
  mean([...data.axes.image!.keys()].map(number).filter(Number.isFinite));

const energyAt = (data: StudyData, tap: number, direction: number, tangent: number): Estimate =>
  estimate(data, (image) => valueAt(data, "energy", [image, tap, direction, tangent]));

const angleAt = (data: StudyData, tap: number, direction: number, space: number, which: number): Estimate =>
  estimate(data, (image) => valueAt(data, "angle", [image, tap, direction, space, which]));

/** Mean over the images, which differ in it where σ of the span are below the floor. */
const chanceAt = (data: StudyData, tap: number, direction: number): number =>
  meanKnown(data, (image) => valueAt(data, "chance", [image, tap, direction]));

const bootstrapped = "95 % intervals by bootstrap over images";

function energyTable(data: StudyData, taps: readonly string[]): FindingTable {
  return {
    id: "energy",
    caption:
      "Share of a tangent's energy in the span of the first j right singular vectors of J(input → tap), of all where a tap has fewer whose σ " +
      "is above the floor: " +
      `means over ${data.axes.image!.length} images, ${bootstrapped}. Chance is the share of a random direction. ${NO_INTERVAL}`,
    columns: ["tap", "j", "tangent", "energy", "low", "high", "chance", "energy / chance"],
    rows: taps.flatMap((tap, t) =>
      data.axes.direction!.flatMap((j, d) =>
        TANGENTS.map((tangent, which) => {
          const found = energyAt(data, t, d, which);
          const chance = chanceAt(data, t, d);
          return [tap, j, tangent, ...cellsOf(found), chance, found.value / chance];
        }),
      ),
    ),
  };
}

function angleTable(data: StudyData, taps: readonly string[]): FindingTable {
  return {
    id: "angles",
    caption:
      "Principal angles in degrees of the span of the first j right singular vectors of J(input → tap) and the space of all six " +
      "transformations, of the main directions to neighbours, and of random subspaces of the transformations' dimension: means over " +
      `${data.axes.image!.length} images, ${bootstrapped}. ${NO_INTERVAL}`,
    columns: ["tap", "j", "space", ...WHICH.flatMap((which) => [`${which} angle`, `${which}, low`, `${which}, high`])],
    rows: taps.flatMap((tap, t) =>
      data.axes.direction!.flatMap((j, d) =>
        SPACES.map((space, s) => [tap, j, space, ...WHICH.flatMap((_, w) => cellsOf(angleAt(data, t, d, s, w)))]),
      ),
    ),
  };
}

const widestOf = ({ axes }: StudyData): number =>
  axes.direction!.reduce<number>((widest, j, d) => (Number(j) > Number(axes.direction![widest]) ? d : widest), 0);

function energyChart(data: StudyData, taps: readonly string[]): Chart {
  const widest = widestOf(data);
  const j = data.axes.direction![widest];
  return {
    id: "energy",
    title: `Energy of tangents in the first ${j} singular directions`,
    caption:
      `Share of each tangent's energy in the span of the first ${j} right singular vectors of J(input → tap): means over images, ` +
      `${bootstrapped}. Chance is the share of a random direction.`,
    x: { label: "tap, by depth", names: taps },
    y: { label: "share of the energy", log: true },
    panels: [
      {
        title: "",
        rule: { y: chanceAt(data, taps.length - 1, widest), label: `chance at ${taps.at(-1)}` },
        series: TANGENTS.map((name, which) => lineOf(name, taps, (t) => energyAt(data, t, widest, which))),
      },
    ],
  };
}

function angleChart(data: StudyData, taps: readonly string[]): Chart {
  const widest = widestOf(data);
  const j = data.axes.direction![widest];
  return {
    id: "angles",
    title: `Angles between the first ${j} singular directions and the data's`,
    caption:
      `Principal angles of the span of the first ${j} right singular vectors of J(input → tap) with the space of all six ` +
      "transformations, with the main directions to neighbours, and with random subspaces of the transformations' dimension: the " +
      `smallest angle, and the mean of all. Means over images, ${bootstrapped}.`,
    x: { label: "tap, by depth", names: taps },
    y: { label: "angle, degrees" },
    panels: WHICH.map((which, w) => ({
      title: `${which} angle`,
      series: SPACES.map((space, s) => lineOf(space, taps, (t) => angleAt(data, t, widest, s, w))),
    })),
  };
}

function verdictsOf(data: StudyData, taps: readonly string[]): Verdict[] {
  const [last, widest] = [taps.length - 1, widestOf(data)];
  const j = data.axes.direction![widest];
  /** What tangents have in the span, as a multiple of what random directions have. */
  const multiple = (image: number, tap: number, tangents: readonly number[]): number => {
    const shares = tangents.map((tangent) => valueAt(data, "energy", [image, tap, widest, tangent]));
    return mean(shares.filter((share) => !Number.isNaN(share))) / valueAt(data, "chance", [image, tap, widest]);
  };
  const six = [...TRANSFORMATIONS.keys()];
  const moved = estimate(data, (image) => multiple(image, last, six));
  const near = estimate(data, (image) => multiple(image, last, [TANGENTS.indexOf("neighbours")]));
  const grown = estimate(data, (image) =>
    last === 0 ? Number.NaN : Math.log(multiple(image, last, six) / multiple(image, 0, six)),
  );
  const overTaps = taps.map((_, tap) => meanKnown(data, (image) => multiple(image, tap, six)));
  const beyondOne = ({ low, high, n }: Estimate) => verdictOf({ low: low - 1, high: high - 1, n });
  const because = (found: Estimate, what: string, otherwise: string) =>
    Number.isNaN(found.value) ? otherwise : `${what}: ${told(found)}.`;
  return [
    {
      on: "manifold",
      claim: `The first ${j} right singular vectors (or all whose σ is above the floor) of ${taps[last]} hold more of the tangents of transformations than a random subspace does.`,
      verdict: beyondOne(moved),
      because: because(
        moved,
        "Share of the six tangents' energy over chance",
        "No transformation changes these images.",
      ),
    },
    {
      on: "manifold",
      claim: `The first ${j} right singular vectors (or all whose σ is above the floor) of ${taps[last]} hold more of the directions to neighbours than a random subspace does.`,
      verdict: beyondOne(near),
      because: because(near, "Share of their energy over chance", "No image has another one near it that differs."),
    },
    {
      on: "manifold",
      claim: "The share of the tangents of transformations grows along the layers.",
      verdict: verdictOf(grown),
      because:
        because(
          grown,
          `Share over chance at ${taps[last]} over that at ${taps[0]}, mean logarithm`,
          last === 0 ? "There is only one tap." : "No transformation changes these images.",
        ) + (Number.isNaN(grown.value) ? "" : ` Over all taps it lies ${rangeOf(taps, overTaps)}.`),
    },
  ];
}
