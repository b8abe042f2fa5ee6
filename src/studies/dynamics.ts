import { PushforwardError } from "../base/index.ts";
import { concludeDynamics } from "./dynamics-findings.ts";
import { arePictures, measures, measureTap } from "./dynamics-measures.ts";
import { compareTraining } from "./dynamics-parting.ts";
import { reasonOf } from "./failure.ts";
import type { Checkpoints, Lab } from "./lab.ts";
import { tripletsAt } from "./spectrum.ts";
import { ranked } from "./statistics.ts";
import type { Study } from "./study.ts";

/**
 * When in training do spectra become steep and vectors local, before or after the network learns, and does it differ from what depth
 * alone does?
 *
 * @see Mototake & Ikegami 2015, §2, which names the dynamics of the weights and leaves it aside
 */
export const dynamics: Study = {
  id: "dynamics",
  question:
    "When in training do spectra become steep: before or after the network learns, and when do they part from those of random weights?",
  method:
    "At each checkpoint of a training, the largest singular values of J(input → tap) are computed with certificates. Measures that do not depend on " +
    "the scale of the weights follow from each spectrum: its ranks and slope, the rank correlation of σ with the area and the frequency of its vector, the " +
    "share of tangents of transformations in the first vectors, and what noise on the picture does to Σσ². The onset of a change is the step at " +
    "which half of the total change is reached first; steps are compared by their logarithm to base 2, and step 0 stands one such unit before the first. " +
    "Of several trainings, each is one observation: intervals are then over trainings, and over images if there is one training.",
  ofTraining: true,
  params: {
    directions: { about: "dimension of the span of first vectors that tangents are compared with", default: 4 },
    noise: { about: "standard deviation of the noise on the pictures, as a fraction of full scale", default: 0.2 },
    probes: { about: "number of random cotangents that estimate Σσ² with noise and without it", default: 16, quick: 4 },
  },

  design(lab, params) {
    const { trainings, steps } = checkpointsOf(lab);
    const targets = lab.taps.slice(1);
    if (Number(params.directions) > lab.vectors) {
      throw new PushforwardError("usage", {
        what: `The study needs the span of ${params.directions} singular vectors, but only ${lab.vectors} are stored.`,
        where: { option: "--vectors" },
        fix: `Store more with --vectors ${params.directions}, or ask for fewer with --set directions=${lab.vectors}.`,
      });
    }
    const each = { dims: ["tap", "image"] };
    const number = { dims: [] };
    const known = Object.entries(measures).filter(([, { ofPictures }]) => !ofPictures || arePictures(lab));
    return {
      axes: {
        training: trainings,
        step: steps,
        tap: targets.map(({ name }) => name),
        image: lab.inputs.map(({ name }) => name),
        k: Array.from({ length: mostTriplets(lab) }, (_, i) => i + 1),
      },
      cell: ["training", "step"],
      variables: {
        sigma: {
          dims: ["tap", "image", "k"],
          about: "singular value of J(input → tap)",
          unit: "tap units per source unit",
        },
        floor: {
          ...each,
          about: "floor of the residuals; a σ not larger than it cannot be told from zero",
          unit: "tap units per source unit",
        },
        ...Object.fromEntries(known.map(([name, { about }]) => [name, { ...each, about }])),
        right: { dims: ["image"], about: "whether the predicted class is the true class" },
        held_out_accuracy: { ...number, about: "share of the held-out examples of the training classified correctly" },
        held_out_loss: { ...number, about: "loss on the held-out examples of the training" },
        memorised: {
          ...number,
          about: "share of the training examples with a wrong label for which the network gives that label",
        },
      },
    };
  },

  work(lab) {
    const { trainings, steps } = checkpointsOf(lab);
    const networks = trainings.length * steps.length;
    const [source, ...targets] = lab.taps;
    const count = networks * lab.inputs.length;
    return {
      spectra: false,
      solves: targets.map((to) => ({ from: source!, to, k: tripletsAt(lab.k, source!, to), count })),
      points: targets.map((to) => ({ to, count: arePictures(lab) ? 3 * count : count })),
      ...(trainings.length === 1 ? { images: lab.inputs.length } : { images: trainings.length, unit: "training" }),
    };
  },

  async measure({ training, step }, lab, params, miss) {
    const checkpoint = await checkpointsOf(lab).open(training!, step!);
    try {
      const images = lab.inputs.length;
      const [taps, most] = [lab.taps.length - 1, mostTriplets(lab)];
      const sigma = new Float64Array(taps * images * most).fill(Number.NaN);
      const measured: Record<string, Float64Array> = {};
      const refused = new Refusals(lab, taps * images);
      for (let image = 0; image < images; image++) {
        const own = checkpoint.lab();
        for (let tap = 0; tap < taps; tap++) {
          const found = await orNotFinite(async () => {
            const unit = await own.spectrum(image, tap + 1);
            return { unit, numbers: { floor: unit.floor, ...(await measureTap(own, image, tap, params)) } };
          });
          if (found instanceof PushforwardError) {
            refused.add(image, tap, found);
            continue;
          }
          sigma.set(found.unit.sigma, (tap * images + image) * most);
          for (const [name, number] of Object.entries(found.numbers)) {
            measured[name] ??= new Float64Array(taps * images).fill(Number.NaN);
            measured[name][tap * images + image] = number;
          }
        }
      }
      refused.told().forEach(miss);
      const { accuracy, loss } = checkpoint.heldOut;
      return {
        ...{ sigma, ...measured, right: await rightOf(checkpoint.lab()) },
        ...{ held_out_accuracy: accuracy, held_out_loss: loss, memorised: checkpoint.memorised },
      };
    } finally {
      await checkpoint.close();
    }
  },

  conclude: concludeDynamics,
  compare: compareTraining,
};

/** What is measured, or the error that says where a value or J is not finite. */
async function orNotFinite<T>(measure: () => Promise<T>): Promise<T | PushforwardError> {
  try {
    return await measure();
  } catch (cause) {
    if (cause instanceof PushforwardError && cause.code === "not-finite") return cause;
    throw cause;
  }
}

/** The images and taps of a checkpoint at which J is not finite, both counted from 0. */
class Refusals {
  readonly #lab: Lab;
  readonly #all: number;
  readonly #found = new Map<number, { readonly taps: number[]; readonly first: PushforwardError }>();

  /** @param all the number of images times that of taps */
  constructor(lab: Lab, all: number) {
    this.#lab = lab;
    this.#all = all;
  }

  add(image: number, tap: number, cause: PushforwardError): void {
    const { taps, first } = this.#found.get(image) ?? { taps: [], first: cause };
    this.#found.set(image, { taps: [...taps, tap], first });
  }

  /** A sentence or two for each image. @throws PushforwardError the first of them if nothing at all is finite */
  told(): string[] {
    const found = [...this.#found.entries()];
    const count = found.reduce((sum, [, { taps }]) => sum + taps.length, 0);
    if (count === this.#all) throw found[0]![1].first;
    const { inputs, taps: known } = this.#lab;
    return found.map(([image, { taps, first }]) => {
      const names = taps.map((tap) => known[tap + 1]!.name).join(", ");
      return `At ${inputs[image]!.name} nothing is known of ${names}: ${reasonOf(first)}`;
    });
  }
}

/** @throws PushforwardError `usage` for a lab of one network */
function checkpointsOf({ checkpoints, network }: Lab): Checkpoints {
  if (checkpoints !== undefined) return checkpoints;
  throw new PushforwardError("usage", {
    what: "The study of training needs networks at several steps, but one network is given.",
    where: { file: network.file },
    fix: "Use `pushforward study dynamics FOLDER IMAGES...`, with a folder of ONNX files whose names end in the number of the step.",
  });
}

/** The largest number of triplets at any tap. */
const mostTriplets = ({ taps: [source, ...targets], k }: Lab): number =>
  Math.max(...targets.map((tap) => tripletsAt(k, source!, tap)));

/** For each image, whether the class with the largest score is the true class; NaN where that is not known. */
async function rightOf({ network, inputs, classes }: Lab): Promise<number[]> {
  if (network.classCount === 0) return inputs.map(() => Number.NaN);
  const scores = await network.forwardAll(
    inputs.map(({ point }) => point),
    network.output,
  );
  return inputs.map(({ className }, i) => {
    const isKnown = className !== undefined && classes.includes(className) && scores[i]!.every(Number.isFinite);
    return isKnown ? Number(classes[ranked(scores[i]!)[0]!] === className) : Number.NaN;
  });
}
