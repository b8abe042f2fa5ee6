import { PushforwardError, sizeOf } from "../base/index.ts";
import { openGraph } from "../jacobian/index.ts";
import { inferenceModel } from "../training/index.ts";
import { concludeFeatures } from "./features-findings.ts";
import { errorsOf, measurePicture, VARIANTS, weightsOf } from "./features-measures.ts";
import type { EncoderTrainings, Lab } from "./lab.ts";
import { tripletsAt } from "./spectrum.ts";
import type { Study } from "./study.ts";

/**
 * Do encoders whose Jacobians have steep spectra have better features?
 *
 * @see Mototake & Ikegami 2015, §3; Rifai et al. 2011
 */
export const features: Study = {
  id: "features",
  question: "Are the features of an encoder better where the spectrum of its Jacobian is steeper?",
  method:
    "Each training is an encoder that was trained without labels. At held-out examples, all singular values of J(input → code) are computed with " +
    "certificates, for its trained weights, for the weights it began with, and for the trained weights with the entries of each row in another " +
    "order; the two controls at a quarter of the examples. A logistic probe is trained on the codes of the training examples, and the encoder with one more layer is trained with labels; " +
    "their errors are those on the held-out examples. Trainings that differ in nothing but their seed are one configuration, which is one observation.",
  ofEncoders: true,
  params: {
    code: {
      about: "the tensor that is the code; `auto` is that before the decoder, or the last",
      default: "auto",
    },
    images: { about: "number of held-out examples at which spectra are measured", default: 64, quick: 16 },
    probe: { about: "steps of the logistic probe, of 100 examples each", default: 3000, quick: 1000 },
    tuning: { about: "steps of the training with labels; 0 for none", default: 1000, quick: 0 },
    directions: { about: "number of first directions that tangents of transformations are compared with", default: 16 },
  },

  design(lab, params) {
    const { names } = encodersOf(lab);
    const [source, code] = lab.taps;
    const each = { dims: ["variant", "image"] };
    const ofVariant = { dims: ["variant"] };
    const { directions } = params;
    return {
      axes: {
        training: names,
        variant: VARIANTS,
        image: lab.inputs.map(({ name }) => name),
        k: Array.from({ length: tripletsAt(Infinity, source!, code!) }, (_, i) => i + 1),
        direction: Array.from({ length: Number(directions) }, (_, i) => i + 1),
        entry: Array.from({ length: sizeOf(source!.shape) }, (_, i) => i),
      },
      cell: ["training"],
      variables: {
        sigma: {
          dims: ["variant", "image", "k"],
          about: "singular value of J(input → code)",
          unit: "code units per source unit",
        },
        floor: { ...each, about: "floor of the residuals; a σ not larger than it cannot be told from zero" },
        effective_rank: { ...each, about: "effective rank of the σ above the floor" },
        first_ten: { ...each, about: "share of Σσ² in the first ten σ" },
        norm: { ...each, about: "‖J‖_F, the root of Σσ²", unit: "code units per source unit" },
        saturation: { ...each, about: "share of the entries of the code below 0.05 or above 0.95" },
        tangents: {
          dims: ["variant", "image", "direction"],
          about: "mean share of the tangents of known transformations in so many first directions, divided by chance",
        },
        vector: {
          dims: ["direction", "entry"],
          about: "right singular vector of the trained weights at the first image",
        },
        picture: { dims: ["entry"], about: "the first image, as the encoder takes it" },
        probe_error: {
          ...ofVariant,
          about: "share of the held-out examples that a logistic probe of the code gets wrong",
        },
        tuned_error: {
          ...ofVariant,
          about: "share of the held-out examples that the encoder trained with labels gets wrong",
        },
        reconstruction: { dims: [], about: "loss of the training on held-out examples" },
      },
    };
  },

  work(lab) {
    const { names } = encodersOf(lab);
    const [from, to] = lab.taps;
    const count = names.length * lab.inputs.length * VARIANTS.length;
    return {
      spectra: false,
      solves: [{ from: from!, to: to!, k: tripletsAt(Infinity, from!, to!), count }],
      points: [],
      images: names.length,
      unit: "training",
    };
  },

  async measure({ training }, lab, params) {
    const encoder = await encodersOf(lab).open(training!);
    const { backend } = lab.network;
    const network = await openGraph(inferenceModel(encoder.network, new Map()), backend);
    try {
      const measured: Record<string, number[]> = {};
      const add = (numbers: Readonly<Record<string, number | ArrayLike<number>>>) => {
        for (const [name, value] of Object.entries(numbers)) {
          measured[name] ??= [];
          measured[name].push(...(typeof value === "number" ? [value] : Array.from(value)));
        }
      };
      let vector: Float64Array | undefined;
      for (const variant of VARIANTS) {
        const weights = weightsOf(variant, encoder, lab.seed);
        const most = variant === "trained" ? lab.inputs.length : Math.ceil(lab.inputs.length / 4);
        let found: Omit<Awaited<ReturnType<typeof measurePicture>>, "vectors"> | undefined;
        for (const [i, { point }] of lab.inputs.entries()) {
          if (i < most) {
            const { vectors, ...numbers } = await measurePicture(
              network,
              weights,
              point,
              lab,
              Number(params.directions),
            );
            found = numbers;
            vector ??= vectors;
          }
          add(i < most ? found! : unknownOf(found!));
        }
        add(await errorsOf(backend, encoder, weights, params));
      }
      const picture = lab.inputs[0]!.point;
      return { ...measured, vector: vector!, picture, reconstruction: encoder.reconstruction };
    } finally {
      await network.forget();
    }
  },

  conclude: concludeFeatures,
};

/** Numbers that are not measured, of the form of others. */
const unknownOf = (numbers: Readonly<Record<string, number | Float64Array>>) =>
  Object.fromEntries(
    Object.entries(numbers).map(([name, value]) => [
      name,
      typeof value === "number" ? Number.NaN : value.map(() => Number.NaN),
    ]),
  );

/** @throws PushforwardError `usage` for a lab of one network */
function encodersOf({ encoders, network }: Lab): EncoderTrainings {
  if (encoders !== undefined) return encoders;
  throw new PushforwardError("usage", {
    what: "The study of features needs the trainings of encoders, but one network is given.",
    where: { file: network.file },
    fix: "Use `pushforward study features FOLDER`, with a folder of trainings of `pushforward train`.",
  });
}
