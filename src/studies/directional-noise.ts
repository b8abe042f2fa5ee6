import { gaussianArray, PushforwardError, type Rng, sizeOf } from "../base/index.ts";
import { type Chart, type ChartSeries, numericalRankOf } from "../results/index.ts";
import { blockOf } from "../runtime/index.ts";
import { energyOf, probesOf } from "./energy.ts";
import { lineOf, NO_INTERVAL } from "./findings.ts";
import type { Lab } from "./lab.ts";
import { tripletsAt } from "./spectrum.ts";
import { bootstrap, type Estimate, mean, meanOfKnown, meanSample, median, ofAll } from "./statistics.ts";
import { type FindingTable, findingsOf, numbersOf, type Params, type Study, type StudyData } from "./study.ts";
import { length } from "./vector.ts";
import type { TestedClaim } from "./verdict.ts";

/** The kinds of directions in which perturbations point. */
const DIRECTIONS = ["first", "middle", "last", "subspace", "isotropic", "data"] as const;
type Direction = (typeof DIRECTIONS)[number];
const named: Readonly<Record<Direction, string>> = {
  first: "first singular vectors",
  middle: "middle ones",
  last: "last ones",
  subspace: "a random subspace",
  isotropic: "any direction",
  data: "towards another image",
};

/** The kinds that are spans of singular vectors. */
const ALONG_VECTORS: ReadonlySet<Direction> = new Set(["first", "middle", "last"]);

/** A linear prediction counts as wrong where its error is at least this fraction of the shift. */
const PARTED = 0.5;
/** The number of random cotangents that estimate Σσ². The value is exact if the last tap has no more entries. */
const PROBES = 16;

/**
 * Perturbations of equal length in different directions: those with large σ, those with small σ, and random ones.
 *
 * @see Mototake & Ikegami 2015, §5 (planned there)
 */
export const directionalNoise: Study = {
  id: "directional-noise",
  question:
    "Does noise along singular vectors of large singular values change the output and the class more than noise of the same length along those of small ones?",
  method:
    "Each image is perturbed by vectors of equal length: in the span of the first, of the middle or of the last j right singular vectors of " +
    "J(input → last tap) (of those computed whose σ is above the floor), in random subspaces of dimension j, in random directions, and towards other images. " +
    "The actual shift of the last tap is compared with the one that J predicts, the class with the class before, and Σσ² at the perturbed image with Σσ² at the image.",
  params: {
    directions: {
      about: "dimension j of the spans; at most a third of the triplets above the floor",
      default: 8,
      quick: 4,
    },
    amplitudes: {
      about: "lengths of the perturbation, relative to the length of the image",
      default: [0.003, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 1],
      quick: [0.01, 0.1, 1],
    },
    draws: { about: "number of perturbations of each kind and length for an image", default: 5, quick: 2 },
  },

  design(lab, params) {
    const { inputs } = lab;
    const amplitudes = numbersOf(params.amplitudes);
    const rising = [...amplitudes].sort((a, b) => a - b);
    if (amplitudes.some((amplitude, i) => amplitude <= 0 || amplitude !== rising[i])) {
      throw new PushforwardError("usage", {
        what: "The amplitudes must be larger than 0 and in increasing order.",
        where: { option: "--set" },
        fix: `Use --set amplitudes=${rising.filter((amplitude) => amplitude > 0).join(",") || "0.01,0.1"}.`,
      });
    }
    if (inputs.length < 2) {
      throw new PushforwardError("usage", {
        what: "The study of directional noise needs at least two images, because one of its directions leads to another image.",
        fix: "Give more pictures.",
      });
    }
    if (spanOf(lab, params) < 1) {
      throw new PushforwardError("usage", {
        what: `The study compares the first, middle and last singular vectors, but there are only ${countOf(lab)} in all.`,
        where: { tap: lab.taps.at(-1)!.name },
        fix: "Choose a last tap with more entries, or ask for at least 3 triplets with -k.",
      });
    }
    return {
      axes: {
        image: inputs.map(({ name }) => name),
        direction: DIRECTIONS,
        amplitude: amplitudes,
        draw: Array.from({ length: Number(params.draws) }, (_, i) => i + 1),
      },
      cell: ["image"],
      variables: {
        span: { dims: [], about: "dimension j of the spans" },
        shift: { dims: ["direction", "amplitude", "draw"], about: "‖f(x + δ) − f(x)‖", unit: "units of the last tap" },
        predicted: { dims: ["direction", "amplitude", "draw"], about: "‖Jδ‖", unit: "units of the last tap" },
        error: { dims: ["direction", "amplitude", "draw"], about: "‖f(x + δ) − f(x) − Jδ‖ / ‖f(x + δ) − f(x)‖" },
        changed: {
          dims: ["direction", "amplitude", "draw"],
          about: "whether another entry of the last tap became the largest",
        },
        energy: {
          dims: ["direction", "amplitude"],
          about: "estimated Σσ² at x + δ divided by Σσ² at x, for the first draw",
        },
      },
    };
  },

  work(lab, params) {
    const { inputs, taps } = lab;
    const [from, to] = [taps[0]!, taps.at(-1)!];
    const perturbed = numbersOf(params.amplitudes).length * Number(params.draws) * DIRECTIONS.length;
    return {
      spectra: false,
      solves: [{ from, to, k: countOf(lab), count: inputs.length }],
      points: [{ to, count: inputs.length * perturbed }],
      images: inputs.length,
    };
  },

  async measure({ image }, lab, params) {
    const amplitudes = numbersOf(params.amplitudes);
    const [j, draws] = [spanOf(lab, params), Number(params.draws)];
    const [source, target] = [lab.taps[0]!, lab.taps.at(-1)!];
    const x = lab.inputs[image!]!.point;
    const k = countOf(lab);
    using J = await lab.jacobian(x, source, target);
    const { sigma, v, certificate } = await J.svd({ k, tol: lab.tol, seed: lab.seed });
    // Vectors whose σ is below the floor are arbitrary, so they do not count as the last ones.
    const known = numericalRankOf({ sigma, floor: certificate.floor });
    const span = Math.min(j, Math.floor(known / 3));
    const rng = lab.rng("directional-noise", lab.inputs[image!]!.name);
    const size = length(x);
    const probes = probesOf(lab.algebra, sizeOf(target.shape), PROBES, rng);
    const energyAt = async (point: Float32Array) => {
      using there = await lab.jacobian(point, source, target);
      return await energyOf(there, probes);
    };
    const before = await energyAt(x);
    const subspace = gaussianArray(rng, j * x.length);
    const isKnown = DIRECTIONS.map((direction) => span > 0 || !ALONG_VECTORS.has(direction));
    const units = DIRECTIONS.flatMap((direction) =>
      Array.from({ length: draws }, () => unitAlong(direction, { lab, image: image!, v, known, span, subspace, rng })),
    );
    // The largest entry is a class only if the tap holds class scores.
    const hasClasses = target.tensor === lab.network.output.tensor && lab.network.classCount > 0;
    const [clean] = await lab.network.forwardAll([x], target);
    using directions = blockOf(lab.algebra, units);
    using product = await J.apply(directions);
    const along = await product.read();
    const shape = [DIRECTIONS.length, amplitudes.length, draws] as const;
    const all = () => new Float64Array(shape[0] * shape[1] * shape[2]);
    const result = { shift: all(), predicted: all(), error: all(), changed: all() };
    const energy = new Float64Array(shape[0] * shape[1]);
    for (const [a, amplitude] of amplitudes.entries()) {
      const points = units.map((unit) => x.map((value, at) => value + amplitude * size * unit[at]!));
      const reached = await lab.network.forwardAll(points, target);
      for (const [u, point] of points.entries()) {
        const [d, draw] = [Math.floor(u / draws), u % draws];
        const at = (d * amplitudes.length + a) * draws + draw;
        const moved = reached[u]!.map((value, i) => value - clean![i]!);
        const linear = along
          .subarray(u * product.length, (u + 1) * product.length)
          .map((value) => amplitude * size * value);
        if (!isKnown[d]) {
          for (const values of Object.values(result)) values[at] = Number.NaN;
          energy[d * amplitudes.length + a] = Number.NaN;
          continue;
        }
        result.shift[at] = length(moved);
        result.predicted[at] = length(linear);
        result.error[at] = length(moved.map((value, i) => value - linear[i]!)) / length(moved);
        result.changed[at] = hasClasses ? Number(largest(reached[u]!) !== largest(clean!)) : Number.NaN;
        if (draw === 0) energy[d * amplitudes.length + a] = (await energyAt(point)) / before;
      }
    }
    return { span, ...result, energy };
  },

  conclude(data, params) {
    return findingsOf({
      tables: [tableOf(data, params), radiusTable(data)],
      charts: [shiftChart(data), errorChart(data), ...changedChart(data), energyChart(data)],
      claims: claimsOf(data, params),
    });
  },
};

const spanOf = (lab: Lab, { directions }: Params): number => Math.min(Number(directions), Math.floor(countOf(lab) / 3));
const countOf = ({ k, taps }: Lab): number => tripletsAt(k, taps[0]!, taps.at(-1)!);
const largest = (x: Float32Array): number => x.reduce((best, value, at) => (value > x[best]! ? at : best), 0);

interface Drawing {
  readonly lab: Lab;
  readonly image: number;
  /** [k, n] */
  readonly v: Float32Array;
  /** How many of these vectors belong to a σ above the floor. */
  readonly known: number;
  /** The dimension of the spans; 0 if there are too few vectors to have first, middle and last ones. */
  readonly span: number;
  /** [≥ span, n], the same for all draws. */
  readonly subspace: Float32Array;
  readonly rng: Rng;
}

/** A random unit vector in a direction of this kind; zero if a span of singular vectors is empty. */
function unitAlong(direction: Direction, { lab, image, v, known, span, subspace, rng }: Drawing): Float32Array {
  const x = lab.inputs[image]!.point;
  const n = x.length;
  const normalized = (vector: Float32Array) => {
    const scale = 1 / length(vector);
    return vector.map((value) => value * scale);
  };
  if (direction === "data") {
    const others = lab.inputs.filter((_, i) => i !== image);
    const { point } = others[rng.integer(others.length)]!;
    return normalized(point.map((value, at) => value - x[at]!));
  }
  if (direction === "isotropic") return normalized(gaussianArray(rng, n));
  const from = { first: 0, middle: Math.floor((known - span) / 2), last: known - span, subspace: 0 }[direction];
  const basis = direction === "subspace" ? subspace : v.subarray(from * n, (from + span) * n);
  const count = direction === "subspace" ? Math.max(1, span) : span;
  const mixed = new Float32Array(n);
  if (count === 0) return mixed;
  for (let i = 0; i < count; i++) {
    const weight = rng.gaussian();
    for (let at = 0; at < n; at++) mixed[at]! += weight * basis[i * n + at]!;
  }
  return normalized(mixed);
}

/** A variable for one direction and amplitude, averaged over the draws, [images]. */
function perImage({ axes, values }: StudyData, name: string, direction: number, amplitude: number): number[] {
  const { dims, data } = values[name]!;
  const draws = dims.includes("draw") ? axes.draw!.length : 1;
  const amplitudes = axes.amplitude!.length;
  return axes.image!.map((_, image) => {
    const from = ((image * DIRECTIONS.length + direction) * amplitudes + amplitude) * draws;
    return mean(data.subarray(from, from + draws));
  });
}

function estimate(data: StudyData, name: string, direction: number, amplitude: number): Estimate {
  return meanOfKnown(perImage(data, name, direction, amplitude), data.seed);
}

/** The dimension of the spans, `3`, or `2 to 3` if images differ; and a note if it is smaller than asked for. */
function spansOf({ values }: StudyData, { directions }: Params) {
  const spans = values.span!.data.filter((span) => span > 0);
  const [least, most] = [Math.min(...spans), Math.max(...spans)];
  return {
    span: spans.length === 0 ? "0" : least === most ? String(most) : `${least} to ${most}`,
    note:
      least < Number(directions)
        ? ` The spans have fewer than the ${directions} dimensions asked for, because a span may have at most a third of the vectors computed whose σ is above the floor.`
        : "",
  };
}

function tableOf(data: StudyData, params: Params): FindingTable {
  const n = data.axes.image!.length;
  const { span, note } = spansOf(data, params);
  const names = ["shift", "predicted", "error", "changed", "energy"];
  return {
    id: "by-amplitude",
    caption:
      `Perturbations by direction and length (relative to the length of the image): means over ${n} images with 95 % intervals by bootstrap ` +
      `over images. ${NO_INTERVAL} changed: share of perturbations that change the class; energy: Σσ² at the perturbed image divided by Σσ² at the image. ` +
      `The spans have dimension ${span}.${note}`,
    columns: ["direction", "amplitude", ...names],
    rows: DIRECTIONS.flatMap((direction, d) =>
      data.axes.amplitude!.map((amplitude, a) => [
        named[direction],
        amplitude,
        ...names.map((name) => estimate(data, name, d, a)),
      ]),
    ),
  };
}

/**
 * The amplitude from which a linear prediction counts as wrong, interpolated linearly in logarithms between the amplitudes at which its
 * error was measured. 0 if it is below all of them, Infinity if it is above.
 */
function radiusOf(amplitudes: readonly number[], errors: readonly number[]): number {
  const beyond = errors.findIndex((error) => error >= PARTED);
  if (beyond < 0) return Number.POSITIVE_INFINITY;
  if (beyond === 0) return 0;
  const [x0, x1] = [Math.log(amplitudes[beyond - 1]!), Math.log(amplitudes[beyond]!)];
  const [y0, y1] = [Math.log(errors[beyond - 1]!), Math.log(errors[beyond]!)];
  return Math.exp(x0 + ((Math.log(PARTED) - y0) / (y1 - y0)) * (x1 - x0));
}

function radiusTable(data: StudyData): FindingTable {
  const images = [...data.axes.image!.keys()];
  const amplitudes = data.axes.amplitude!.map(Number);
  const cell = (radius: number) => {
    if (radius === 0) return `< ${amplitudes[0]}`;
    return radius === Number.POSITIVE_INFINITY ? `> ${amplitudes.at(-1)}` : radius;
  };
  return {
    id: "radius",
    caption:
      `The length of the perturbation (relative to the length of the image) from which the error of the linear prediction is ${PARTED * 100} % of the ` +
      `shift: median over ${images.length} images with a 95 % interval by bootstrap over images. Where it is marked < or >, it lies below or above all lengths measured. ${NO_INTERVAL}`,
    columns: ["direction", "radius", "low", "high", "images below", "images above"],
    rows: DIRECTIONS.map((direction, d) => {
      const errors = amplitudes.map((_, a) => perImage(data, "error", d, a));
      const radii = images
        .map((image) => errors.map((each) => each[image]!))
        .filter((each) => each.every(Number.isFinite))
        .map((each) => radiusOf(amplitudes, each));
      const { value, low, high } = bootstrap(
        ofAll(radii.length, (chosen) => median(chosen.map((i) => radii[i]!))),
        data.seed,
      );
      const outside = [0, Number.POSITIVE_INFINITY].map((end) => radii.filter((radius) => radius === end).length);
      const ends = low === high ? ["", ""] : [cell(low), cell(high)];
      return [named[direction], cell(value), ...ends, ...outside];
    }),
  };
}

function seriesOf(data: StudyData, name: string): ChartSeries[] {
  const amplitudes = data.axes.amplitude!;
  return DIRECTIONS.map((direction, d) => lineOf(named[direction], amplitudes, (a) => estimate(data, name, d, a)));
}

const amplitudeAxis = { label: "length of the perturbation / length of the image", log: true } as const;
const interval = "Means over images, 95 % intervals by bootstrap over images.";

function shiftChart(data: StudyData): Chart {
  return {
    id: "shift",
    title: "Shift of the output by perturbations of equal length",
    caption: `‖f(x + δ) − f(x)‖ by the direction of δ. ${interval}`,
    x: amplitudeAxis,
    y: { label: "shift, units of the last tap", log: true },
    panels: [{ title: "", series: seriesOf(data, "shift") }],
  };
}

function errorChart(data: StudyData): Chart {
  return {
    id: "error",
    title: "Error of the linear prediction",
    caption: `‖f(x + δ) − f(x) − Jδ‖ divided by the shift ‖f(x + δ) − f(x)‖. At 0 the prediction by J is exact; at 1 it is no better than predicting no shift. ${interval}`,
    x: amplitudeAxis,
    y: { label: "error of J, share of the shift", log: true },
    panels: [{ title: "", rule: { y: PARTED, label: `${PARTED * 100} %` }, series: seriesOf(data, "error") }],
  };
}

/** Nothing if the last tap does not hold class scores. */
function changedChart(data: StudyData): Chart[] {
  if (data.values.changed!.data.every(Number.isNaN)) return [];
  return [
    {
      id: "changed",
      title: "How often the class changes",
      caption: `Share of perturbations after which the network predicts another class. ${interval}`,
      x: amplitudeAxis,
      y: { label: "share with another class" },
      panels: [{ title: "", series: seriesOf(data, "changed") }],
    },
  ];
}

function energyChart(data: StudyData): Chart {
  return {
    id: "energy",
    title: "Change of the spectrum by perturbations",
    caption: `Σσ² of J(input → last tap) at x + δ divided by Σσ² at x, estimated with the same ${PROBES} random cotangents at both (exact if the tap has fewer entries). ${interval}`,
    x: amplitudeAxis,
    y: { label: "Σσ², in units of the clean image's", log: true },
    panels: [{ title: "", rule: { y: 1, label: "unchanged" }, series: seriesOf(data, "energy") }],
  };
}

function claimsOf(data: StudyData, params: Params): TestedClaim[] {
  const { span, note } = spansOf(data, params);
  const amplitudes = data.axes.amplitude!.map(Number);
  const [first, last] = [DIRECTIONS.indexOf("first"), DIRECTIONS.indexOf("last")];
  const [strong, weak] = [perImage(data, "shift", first, 0), perImage(data, "shift", last, 0)];
  const differences = amplitudes.map((_, a) => {
    const [more, fewer] = [perImage(data, "changed", first, a), perImage(data, "changed", last, a)];
    return more.map((share, i) => share - fewer[i]!);
  });
  const flips = meanSample(data.axes.image!.map((_, i) => mean(differences.map((each) => each[i]!))));
  return [
    {
      id: "moves-more",
      on: "directions",
      claim: `Noise of length ${amplitudes[0]} (relative to the image) along the first ${span} singular vectors moves the output more than noise along the last ${span} computed.`,
      effect: {
        what: "Logarithm of the ratio of shifts",
        sign: 1,
        none: 0,
        measure: meanSample(strong.map((shift, i) => Math.log(shift / weak[i]!))),
      },
      ...(note === "" ? {} : { note: note.trim() }),
    },
    ...(flips.images.length === 0
      ? []
      : [
          {
            id: "changes-class",
            on: "directions" as const,
            claim:
              "Over all lengths, noise along the first singular vectors changes the class more often than noise along the last ones.",
            effect: {
              what: `Difference of the shares of changed classes, mean over lengths ${amplitudes.join(", ")}`,
              sign: 1 as const,
              none: 0,
              measure: flips,
            },
          },
        ]),
  ];
}
