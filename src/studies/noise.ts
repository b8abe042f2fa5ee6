import { keptFamilies } from "../autodiff/index.ts";
import { formatShape, PushforwardError, sizeOf } from "../base/index.ts";
import { type NoiseKind, noises, noisyInput } from "../images/index.ts";
import type { Tap } from "../jacobian/index.ts";
import { missesTolerance } from "../results/index.ts";
import type { Block } from "../runtime/index.ts";
import { energyOf, probesOf } from "./energy.ts";
import { factorsOf, ORDERS, partsAt } from "./factors.ts";
import type { Lab } from "./lab.ts";
import { concludeNoise } from "./noise-findings.ts";
import { tripletsAt } from "./spectrum.ts";
import { ranked } from "./statistics.ts";
import { numbersOf, type Params, type Study } from "./study.ts";
import { length } from "./vector.ts";

/**
 * Noise on the pictures: how the class and the spectrum change, and the kept values of which layers cause the change.
 *
 * @see Mototake & Ikegami 2015, figure 5, and its open question
 */
export const noise: Study = {
  id: "noise",
  question: "How do the class and the spectrum change with noise, and which layers cause the change of the spectrum?",
  method:
    "Noise of several kinds and strengths is added to the levels of the pictures, which are then clipped to the range from black to white. All strengths use the same random draw. J " +
    "depends on the picture only through what each layer keeps of it (which neurons are active, what a normalization divides by, which entries a pool takes). These values are exchanged between the clean and the noisy picture, layer by layer and in both orders. The change of log Σσ² at each exchange is the part of that layer.",
  params: {
    kinds: { about: "kinds of noise", default: Object.keys(noises), quick: ["gaussian", "jpeg"] },
    images: {
      about: "number of images, evenly chosen, whose spectra are computed and whose changes are attributed to layers",
      default: 6,
      quick: 2,
    },
    probes: {
      about:
        "number of random cotangents, drawn anew for each image, that estimate Σσ² at the last tap; the value is exact if the tap has no more entries",
      default: 16,
    },
    ...strengthParams({
      gaussian: [
        [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8],
        [0.02, 0.1, 0.4],
      ],
      uniform: [
        [0.01, 0.02, 0.04, 0.08, 0.16, 0.35, 0.7, 1],
        [0.04, 0.16, 0.7],
      ],
      "salt-and-pepper": [
        [0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.4, 0.8],
        [0.01, 0.1, 0.4],
      ],
      blur: [
        [0.3, 0.5, 0.75, 1, 1.5, 2.5, 5, 10],
        [0.5, 1, 2.5],
      ],
      jpeg: [
        [90, 70, 50, 30, 20, 10, 5, 1],
        [50, 20, 5],
      ],
    }),
  },

  async design(lab, params) {
    const kinds = kindsOf(params);
    checkPictures(lab);
    const levels = levelsOf(kinds, params);
    const { inputs, taps } = lab;
    const targets = taps.slice(1);
    const factors = await factorsOf(lab);
    const most = Math.max(...targets.map((tap) => tripletsAt(lab.k, taps[0]!, tap)));
    const number = { dims: ["level"] };
    return {
      axes: {
        image: inputs.map(({ name }) => name),
        kind: kinds,
        level: Array.from({ length: levels + 1 }, (_, i) => i),
        tap: targets.map(({ name }) => name),
        k: Array.from({ length: most }, (_, i) => i + 1),
        order: ORDERS,
        factor: factors.length === 0 ? ["none"] : factors.map(({ name }) => name),
      },
      cell: ["image", "kind"],
      variables: {
        distance: { ...number, about: "root mean square change of the levels", unit: "full scale" },
        same: { ...number, about: "whether the predicted class is the one without noise" },
        top1: { ...number, about: "whether the predicted class is the true class" },
        top5: { ...number, about: "whether the true class is among the first five" },
        margin: {
          ...number,
          about: "score of the class predicted without noise, minus the largest other score",
          unit: "score",
        },
        energy: { ...number, about: "estimated Σσ² at the last tap, divided by Σσ² without noise" },
        sigma: {
          dims: ["tap", "level", "k"],
          about: "singular value of J(input → tap)",
          unit: "tap units per source unit",
        },
        floor: {
          dims: ["tap", "level"],
          about: "residual that the backend can reach; σ up to it cannot be told from zero",
          unit: "tap units per source unit",
        },
        unconverged: { dims: ["tap", "level"], about: "triplets above the tolerance" },
        part: {
          dims: ["level", "order", "factor"],
          about: "what the exchange of a factor adds to log Σσ² at the last tap",
        },
        group: { dims: ["factor"], about: keptFamilies.map((name, i) => `${i} ${name}`).join(", ") },
      },
    };
  },

  work(lab, params) {
    const { inputs, taps } = lab;
    const [source, ...targets] = taps;
    const noisy = kindsOf(params).length * levelsOf(kindsOf(params), params);
    const chosen = chosenImages(lab, params).length;
    const solves = targets.map((to) => ({
      from: source!,
      to,
      k: tripletsAt(lab.k, source!, to),
      count: chosen * (noisy + 1),
    }));
    // Every layer's kept values are exchanged in both orders; each exchange is about one more product.
    return { spectra: false, solves, points: [{ to: taps.at(-1)!, count: 2 * inputs.length * noisy }], images: chosen };
  },

  async measure({ image, kind }, lab, params) {
    const name = kindsOf(params)[kind!]!;
    const { points, distance } = await noisyPoints(lab, image!, name, numbersOf(params[name]));
    const factors = await factorsOf(lab);
    const target = lab.taps.at(-1)!;
    const probes = probesOf(
      lab.algebra,
      sizeOf(target.shape),
      Number(params.probes),
      lab.rng("noise", "probes", lab.inputs[image!]!.name),
    );
    const energies = await energiesAt(lab, points, target, probes);
    const isChosen = chosenImages(lab, params).includes(image!);
    return {
      distance,
      ...(await classesAt(lab, image!, points)),
      energy: energies.map((energy) => energy / energies[0]!),
      ...(isChosen ? await spectraAt(lab, image!, points) : {}),
      ...(isChosen && factors.length > 0 ? { part: await partsAt(lab, points, factors, probes) } : {}),
      group: factors.length === 0 ? [keptFamilies.indexOf("others")] : factors.map(({ group }) => group),
    };
  },

  conclude: concludeNoise,
};

function strengthParams(defaults: Readonly<Record<NoiseKind, readonly [readonly number[], readonly number[]]>>) {
  return Object.fromEntries(
    Object.entries(defaults).map(([kind, [all, quick]]) => [
      kind,
      { about: `${noises[kind as NoiseKind].strength}, level by level`, default: all, quick },
    ]),
  );
}

/** @throws PushforwardError `usage` for a kind that there is not */
function kindsOf({ kinds }: Params): NoiseKind[] {
  return [kinds].flat().map((name) => {
    if (Object.hasOwn(noises, name!)) return name as NoiseKind;
    throw new PushforwardError("usage", {
      what: `There is no noise of the kind "${name}".`,
      where: { option: "--set" },
      fix: `There are ${Object.keys(noises).join(", ")}.`,
    });
  });
}

/** How many strengths each kind has. @throws PushforwardError `usage` where they differ or cannot be */
function levelsOf(kinds: readonly NoiseKind[], params: Params): number {
  const counts = kinds.map((kind) => numbersOf(params[kind]).length);
  if (new Set(counts).size > 1) {
    throw new PushforwardError("usage", {
      what: `Every kind of noise needs the same number of strengths, but there are ${kinds.map((kind, i) => `${counts[i]} of ${kind}`).join(", ")}.`,
      where: { option: "--set" },
      fix: "Set the strengths of every kind, or choose kinds with --set kinds=…",
    });
  }
  for (const kind of kinds) {
    const strengths = numbersOf(params[kind]);
    const wrong = strengths.find((value) => (kind === "jpeg" ? value < 1 || value > 100 : value < 0));
    if (wrong !== undefined) {
      throw new PushforwardError("usage", {
        what: `Noise of the kind ${kind} cannot have the strength ${wrong}.`,
        where: { option: "--set" },
        fix: kind === "jpeg" ? "Give a quality from 1 to 100." : "Give 0 or more.",
      });
    }
    const rising = [...strengths].sort((a, b) => (kind === "jpeg" ? b - a : a - b));
    if (strengths.some((value, i) => value !== rising[i])) {
      throw new PushforwardError("usage", {
        what: `The strengths of ${kind} noise must be in order, from weak to strong noise.`,
        where: { option: "--set" },
        fix: `Use --set ${kind}=${rising.join(",")}.`,
      });
    }
  }
  return counts[0] ?? 0;
}

/** @throws PushforwardError `usage` where inputs have no levels to add noise to */
function checkPictures({ taps }: Lab): void {
  const [channels, ...size] = taps[0]!.shape;
  if (size.length === 2 && (channels === 1 || channels === 3)) return;
  throw new PushforwardError("usage", {
    what: `The study of noise needs pictures, but the input of the network is ${formatShape(taps[0]!.shape)}.`,
    fix: "Use a network whose input is a picture with 1 or 3 channels.",
  });
}

function chosenImages({ inputs }: Lab, { images }: Params): number[] {
  const count = Math.min(Number(images), inputs.length);
  return Array.from({ length: count }, (_, i) => Math.floor((i * inputs.length) / count));
}

/** The picture without noise, then with each strength of it. */
export async function noisyPoints(lab: Lab, image: number, kind: NoiseKind, strengths: readonly number[]) {
  const { point: x, name } = lab.inputs[image]!;
  const { scale, throughJpeg } = lab.pictures;
  const points = [x];
  const distance = [0];
  for (const strength of strengths) {
    const means = { rng: lab.rng("noise", name, kind), scale, throughJpeg };
    const { point, shift } = await noisyInput(x, lab.taps[0]!.shape, { kind, strength }, means);
    points.push(point);
    distance.push(length(shift) / Math.sqrt(shift.length));
  }
  return { points, distance };
}

/** Measures how the predicted class changes, if the network has class scores. */
async function classesAt(lab: Lab, image: number, points: readonly Float32Array[]) {
  const { output, classCount } = lab.network;
  if (classCount === 0) return {};
  const scores = await lab.network.forwardAll(points, output);
  const orders = scores.map(ranked);
  const own = orders[0]![0]!;
  const { className } = lab.inputs[image]!;
  const truth = className === undefined ? -1 : lab.classes.indexOf(className);
  const share = (is: boolean) => (truth < 0 ? Number.NaN : Number(is));
  return {
    same: orders.map(([first]) => Number(first === own)),
    top1: orders.map(([first]) => share(first === truth)),
    top5: orders.map((order) => share(order.slice(0, 5).includes(truth))),
    margin: scores.map((all, i) => all[own]! - all[orders[i]!.find((place) => place !== own)!]!),
  };
}

async function energiesAt(lab: Lab, points: readonly Float32Array[], target: Tap, probes: Block): Promise<number[]> {
  const energies: number[] = [];
  for (const point of points) {
    using J = await lab.jacobian(point, lab.taps[0]!, target);
    energies.push(await energyOf(J, probes));
  }
  return energies;
}

/** The spectra at every tap. Without noise, this is the spectrum that all studies share. */
async function spectraAt(lab: Lab, image: number, points: readonly Float32Array[]) {
  const [source, ...targets] = lab.taps;
  const most = Math.max(...targets.map((tap) => tripletsAt(lab.k, source!, tap)));
  const sigma = new Float64Array(targets.length * points.length * most).fill(Number.NaN);
  const floor = new Float64Array(targets.length * points.length);
  const unconverged = new Float64Array(floor.length);
  for (const [t, tap] of targets.entries()) {
    const clean = await lab.spectrum(image, t + 1);
    const solvedAt = async (point: Float32Array) => {
      using J = await lab.jacobian(point, source!, tap);
      return J.isConstant ? clean : await J.svd({ k: clean.k, tol: lab.tol, seed: lab.seed });
    };
    for (const [level, point] of points.entries()) {
      const at = t * points.length + level;
      const solved = level === 0 ? clean : await solvedAt(point);
      const certificate = "certificate" in solved ? solved.certificate : solved;
      sigma.set(solved.sigma, at * most);
      floor[at] = certificate.floor;
      unconverged[at] = certificate.status.filter(missesTolerance).length;
    }
  }
  return { sigma, floor, unconverged };
}
