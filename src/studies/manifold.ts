import { gaussianArray, PushforwardError, type Shape } from "../base/index.ts";
import type { Chart } from "../results/index.ts";
import { type Block, type BlockAlgebra, blockOf, type Matrix } from "../runtime/index.ts";
import { symmetricEigen } from "../svd/index.ts";
import { lineOf, NO_INTERVAL } from "./findings.ts";
import type { Lab } from "./lab.ts";
import { firstStored } from "./spectrum.ts";
import { type Estimate, mean, meanOfKnown, meanSample } from "./statistics.ts";
import { type FindingTable, findingsOf, numbersOf, type Study, type StudyData, valueAt } from "./study.ts";
import { TRANSFORMATIONS, tangentsOf } from "./tangents.ts";
import { rangeOf } from "./told.ts";
import { length } from "./vector.ts";
import type { TestedClaim } from "./verdict.ts";
import { sharedSpectra } from "./work.ts";

const TANGENTS = [...TRANSFORMATIONS, "neighbours"] as const;
const SPACES = ["transformations", "neighbours", "random"] as const;
const WHICH = ["smallest", "mean"] as const;

/** A direction with less than this fraction of the energy of the main direction may be a rounding error of float32. */
const DEPENDENT = 2 ** -20;

/**
 * Do the directions that J stretches most follow the data, that is the tangents of known transformations and the differences to the
 * nearest images?
 *
 * @see Björck & Golub 1973 (principal angles)
 */
export const manifold: Study = {
  id: "manifold",
  question: "Does the span of the first right singular vectors of J(input → tap) follow the manifold of the data?",
  method:
    "For each image, the tangents of known transformations are computed from central differences of its pixels, and the main directions of the " +
    "differences to its nearest neighbours are found. The share of their squared length in the span of the first j right singular vectors is compared with j/n, the share of a random direction. The principal angles between these spaces are compared with those of random subspaces.",
  params: {
    directions: { about: "dimensions j of the spans", default: [4, 16], quick: [4] },
    neighbours: { about: "number of nearest images for each image", default: 8, quick: 4 },
    local: { about: "number of main directions of the differences to them", default: 3, quick: 2 },
    draws: { about: "number of random subspaces for each image", default: 20, quick: 5 },
  },

  design({ inputs, taps, vectors }, params) {
    const directions = numbersOf(params.directions);
    const most = Math.max(...directions);
    if (taps[0]!.shape.length !== 3) {
      throw new PushforwardError("usage", {
        what: `The study of the manifold needs pictures, but the source has the shape [${taps[0]!.shape.join(", ")}].`,
        where: { tap: taps[0]!.name },
        fix: "Choose a network whose input has channels, rows and columns.",
      });
    }
    if (most > vectors) {
      throw new PushforwardError("usage", {
        what: `The study needs the span of ${most} singular vectors, but only ${vectors} are stored.`,
        where: { option: "--vectors" },
        fix: `Store more with --vectors ${most}, or ask for fewer with --set directions=${vectors}.`,
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
        chance: { dims: ["tap", "direction"], about: "share of the squared length of a random direction in the span" },
        energy: {
          dims: ["tap", "direction", "tangent"],
          about: "share of the squared length of a tangent in the span of the first right singular vectors",
        },
        angle: {
          dims: ["tap", "direction", "space", "which"],
          about: "principal angles between that span and a space: the smallest, and the mean",
          unit: "degrees",
        },
      },
    };
  },

  work: sharedSpectra,

  async measure({ image }, lab, params) {
    const { algebra } = lab;
    const directions = numbersOf(params.directions);
    const { point, name } = lab.inputs[image!]!;
    const { length: n } = point;
    const tangents = tangentBlock(algebra, point, lab.taps[0]!.shape);
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
      using drawn = algebra.upload(gaussianArray(rng, rows * n), rows);
      random.push(await basisOf(drawn, algebra));
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
    return findingsOf({
      tables: [energyTable(data, taps), angleTable(data, taps)],
      charts: [energyChart(data, taps), angleChart(data, taps)],
      claims: claimsOf(data, taps),
    });
  },
};

/**
 * The share of the squared length of each tangent in the span of the first j right singular vectors of J(input → tap), NaN for one that is
 * zero; and the share of a random direction. `tap` is an index of the lab.
 */
export async function tangentShares(lab: Lab, image: number, tap: number, j: number) {
  const { algebra } = lab;
  const { point } = lab.inputs[image]!;
  using tangents = tangentBlock(algebra, point, lab.taps[0]!.shape);
  using v = await firstVectors(lab, image, tap, j);
  const squares = await algebra.dots(tangents, tangents);
  const shares = sharesOf(await algebra.gram(tangents, v, { exact: true }), j);
  return { shares: shares.map((share, t) => share / squares[t]!), chance: v.rows / point.length };
}

/** The tangents, scaled to length 1; zero if a transformation does not change the image. */
function tangentBlock(algebra: BlockAlgebra, picture: Float32Array, shape: Shape): Block {
  const tangents = tangentsOf(picture, shape);
  return blockOf(
    algebra,
    TRANSFORMATIONS.map((name) => {
      const scale = 1 / (length(tangents[name]) || 1);
      return tangents[name].map((value) => value * scale);
    }),
  );
}

/** The differences from an image to its nearest neighbours, at most `most` of them. */
function differencesOf({ inputs, algebra }: Lab, image: number, count: number): Block {
  const x = inputs[image]!.point;
  const distance = inputs.map(({ point }) => point.reduce((sum, value, at) => sum + (value - x[at]!) ** 2, 0));
  const nearest = inputs
    .map((_, i) => i)
    .filter((i) => i !== image)
    .sort((a, b) => distance[a]! - distance[b]!)
    .slice(0, count);
  return blockOf(
    algebra,
    nearest.map((i) => inputs[i]!.point.map((value, at) => value - x[at]!)),
    x.length,
  );
}

/** The first right singular vectors of J(input → tap) whose σ is above the floor, at most `most` of them. */
async function firstVectors(lab: Lab, image: number, tap: number, most: number): Promise<Block> {
  const unit = await lab.spectrum(image, tap);
  const count = Math.min(most, firstStored(unit));
  return lab.algebra.upload(unit.vectors.v.subarray(0, count * unit.n), count, unit.n);
}

/** The orthonormal directions in which the rows have most of their energy, at most `most` of them and linearly independent. */
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

/** The energy of each row in the span of the first j orthonormal vectors, from its inner products with them. */
function sharesOf({ rows, columns, data }: Matrix, j: number): number[] {
  return Array.from({ length: rows }, (_, row) =>
    data.subarray(row * columns, row * columns + Math.min(j, columns)).reduce((sum, entry) => sum + entry ** 2, 0),
  );
}

/** The principal angles in degrees, from the inner products of two orthonormal bases (first j of the second); NaN if one is empty. */
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

/** The mean of one number per image, over the images for which it is known. */
function estimate(data: StudyData, number: (image: number) => number): Estimate {
  return meanOfKnown([...data.axes.image!.keys()].map(number), data.seed);
}

const meanKnown = (data: StudyData, number: (image: number) => number): number =>
  mean([...data.axes.image!.keys()].map(number).filter(Number.isFinite));

const energyAt = (data: StudyData, tap: number, direction: number, tangent: number): Estimate =>
  estimate(data, (image) => valueAt(data, "energy", [image, tap, direction, tangent]));

/** The energy divided by that of a random direction. */
const multipleAt = (data: StudyData, tap: number, direction: number, tangent: number): Estimate =>
  estimate(
    data,
    (image) =>
      valueAt(data, "energy", [image, tap, direction, tangent]) / valueAt(data, "chance", [image, tap, direction]),
  );

const angleAt = (data: StudyData, tap: number, direction: number, space: number, which: number): Estimate =>
  estimate(data, (image) => valueAt(data, "angle", [image, tap, direction, space, which]));

/** The mean over the images. Images differ if some σ of the span are below the floor. */
const chanceAt = (data: StudyData, tap: number, direction: number): number =>
  meanKnown(data, (image) => valueAt(data, "chance", [image, tap, direction]));

const bootstrapped = "95 % intervals by bootstrap over images";

function energyTable(data: StudyData, taps: readonly string[]): FindingTable {
  return {
    id: "energy",
    caption:
      "Share of the squared length of a tangent in the span of the first j right singular vectors of J(input → tap), or of all whose σ " +
      "is above the floor if there are fewer: " +
      `means over ${data.axes.image!.length} images, ${bootstrapped}. Chance is the share of a random direction. ${NO_INTERVAL}`,
    columns: ["tap", "j", "tangent", "energy", "chance", "energy / chance"],
    rows: taps.flatMap((tap, t) =>
      data.axes.direction!.flatMap((j, d) =>
        TANGENTS.map((tangent, which) => {
          return [tap, j, tangent, energyAt(data, t, d, which), chanceAt(data, t, d), multipleAt(data, t, d, which)];
        }),
      ),
    ),
  };
}

function angleTable(data: StudyData, taps: readonly string[]): FindingTable {
  return {
    id: "angles",
    caption:
      "Principal angles in degrees between the span of the first j right singular vectors of J(input → tap) and three spaces: that of all six " +
      "transformations, that of the main directions to neighbours, and random subspaces with the dimension of the first: means over " +
      `${data.axes.image!.length} images, ${bootstrapped}. ${NO_INTERVAL}`,
    columns: ["tap", "j", "space", ...WHICH.map((which) => `${which} angle`)],
    rows: taps.flatMap((tap, t) =>
      data.axes.direction!.flatMap((j, d) =>
        SPACES.map((space, s) => [tap, j, space, ...WHICH.map((_, w) => angleAt(data, t, d, s, w))]),
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
    title: `Share of tangents in the first ${j} singular directions`,
    caption:
      `Share of the squared length of each tangent in the span of the first ${j} right singular vectors of J(input → tap): means over images, ` +
      `${bootstrapped}. Chance is the share of a random direction.`,
    x: { label: "tap, by depth", names: taps },
    y: { label: "share of the squared length", log: true },
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
    title: `Angles between the first ${j} singular directions and directions of the data`,
    caption:
      `Principal angles between the span of the first ${j} right singular vectors of J(input → tap) and three spaces: that of all six ` +
      "transformations, that of the main directions to neighbours, and random subspaces with the dimension of the first. The " +
      `smallest angle and the mean of all angles are shown. Means over images, ${bootstrapped}.`,
    x: { label: "tap, by depth", names: taps },
    y: { label: "angle, degrees" },
    panels: WHICH.map((which, w) => ({
      title: `${which} angle`,
      series: SPACES.map((space, s) => lineOf(space, taps, (t) => angleAt(data, t, widest, s, w))),
    })),
  };
}

function claimsOf(data: StudyData, taps: readonly string[]): TestedClaim[] {
  const [last, widest] = [taps.length - 1, widestOf(data)];
  const j = data.axes.direction![widest];
  /** The share of tangents in the span, divided by the share of random directions. */
  const multiple = (image: number, tap: number, tangents: readonly number[]): number => {
    const shares = tangents.map((tangent) => valueAt(data, "energy", [image, tap, widest, tangent]));
    return mean(shares.filter((share) => !Number.isNaN(share))) / valueAt(data, "chance", [image, tap, widest]);
  };
  const each = (number: (image: number) => number) => meanSample([...data.axes.image!.keys()].map(number));
  const six = [...TRANSFORMATIONS.keys()];
  const grown = each((image) =>
    last === 0 ? Number.NaN : Math.log(multiple(image, last, six) / multiple(image, 0, six)),
  );
  const overTaps = taps.map((_, tap) => meanKnown(data, (image) => multiple(image, tap, six)));
  const span = `The first ${j} right singular vectors (or all whose σ is above the floor) of ${taps[last]}`;
  const unmoved = "No transformation changes these images.";
  return [
    {
      id: "tangents",
      on: "manifold",
      claim: `${span} contain a larger share of the tangents of transformations than a random subspace does.`,
      effect: {
        what: "Share of the six tangents divided by chance",
        sign: 1,
        none: 1,
        measure: each((image) => multiple(image, last, six)),
      },
      otherwise: unmoved,
    },
    {
      id: "neighbours",
      on: "manifold",
      claim: `${span} contain a larger share of the directions to neighbours than a random subspace does.`,
      effect: {
        what: "Share of these directions divided by chance",
        sign: 1,
        none: 1,
        measure: each((image) => multiple(image, last, [TANGENTS.indexOf("neighbours")])),
      },
      otherwise: "No image has a neighbour that differs from it.",
    },
    {
      id: "tangents-grow",
      on: "manifold",
      claim: "The share of the tangents of transformations in this span grows along the layers.",
      effect: {
        what: `Share divided by chance at ${taps[last]}, divided by the same at ${taps[0]}, mean logarithm`,
        sign: 1,
        none: 0,
        measure: grown,
      },
      otherwise: last === 0 ? "There is only one tap." : unmoved,
      note: `Over all taps, the share divided by chance lies ${rangeOf(taps, overTaps)}.`,
    },
  ];
}
