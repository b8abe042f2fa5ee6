import { createRng, type Rng, sizeOf } from "../base/index.ts";
import type { Network } from "../jacobian/index.ts";
import { measureSpectrum } from "../results/index.ts";
import type { Backend } from "../runtime/index.ts";
import {
  type Architecture,
  encoded,
  type LabelledSet,
  type Recipe,
  type Split,
  shuffled,
  Trainer,
  valuesOf,
  type Weights,
  weightsIn,
} from "../training/index.ts";
import type { EncoderTraining, Lab } from "./lab.ts";
import { firstStored, solveUnit, tripletsAt } from "./spectrum.ts";
import { mean } from "./statistics.ts";
import type { Params } from "./study.ts";
import { TRANSFORMATIONS, tangentsOf } from "./tangents.ts";

/** The weights at which an encoder is measured: its own, those that it began with, and its own with each row in another order. */
export const VARIANTS = ["trained", "untrained", "permuted"] as const;

/** The weights of an encoder, or of its control; which order rows have depends on the seed and the training. */
export function weightsOf(variant: (typeof VARIANTS)[number], encoder: EncoderTraining, seed: number): Weights {
  const { network, first, last, name } = encoder;
  if (variant === "untrained") return weightsIn(network, first);
  const own = weightsIn(network, last);
  if (variant === "trained") return own;
  const permuted = [...own].map(([weight, tensor]): [string, WeightTensor] => {
    const rng = createRng(seed, "permuted", name, weight);
    return [weight, tensor.shape.length === 1 ? tensor : withPermutedRows(tensor, rng)];
  });
  return new Map(permuted);
}

type WeightTensor = Weights extends ReadonlyMap<string, infer T> ? T : never;

/** A weight [outputs, …] whose entries stand in another order within each output. */
function withPermutedRows<T extends WeightTensor>(tensor: T, rng: Rng): T {
  const data = tensor.data as Float32Array;
  const size = sizeOf(tensor.shape.slice(1));
  const values = new Float32Array(data.length);
  for (let from = 0; from < values.length; from += size) {
    for (const [to, at] of shuffled(size, rng).entries()) values[from + to] = data[from + at]!;
  }
  return { ...tensor, data: values };
}

/** Below and above this an entry of a code is saturated. */
const SATURATED = 0.05;

/** What is measured of J(input → code) at one input; `vectors` are its first right singular vectors, [directions, input]. */
export async function measurePicture(
  network: Network,
  weights: Weights,
  point: Float32Array,
  { taps, tol, seed }: Lab,
  directions: number,
) {
  const [source, code] = taps;
  const at = { ...valuesOf(weights), [network.input.tensor]: point };
  const [from, to] = [network.input, network.output];
  using J = await network.jacobian({ at, from, to });
  const unit = await solveUnit(J, tripletsAt(Infinity, source!, code!), { tol, seed, vectors: directions });
  const [activation] = await network.forward(at, [to]);
  const squares = unit.sigma.reduce((sum, sigma) => sum + sigma ** 2, 0);
  const known = Math.min(directions, firstStored(unit));
  const vectors = new Float64Array(directions * unit.n).fill(Number.NaN);
  vectors.set(unit.vectors.v.subarray(0, known * unit.n));
  return {
    sigma: unit.sigma,
    floor: unit.floor,
    effective_rank: measureSpectrum(unit).effectiveRank,
    first_ten: unit.sigma.slice(0, 10).reduce((sum, sigma) => sum + sigma ** 2, 0) / squares,
    norm: Math.sqrt(squares),
    saturation: mean(activation!.map((value) => Number(value < SATURATED || value > 1 - SATURATED))),
    tangents: tangentShares(point, source!.shape, vectors, directions),
    vectors,
  };
}

/** For each number of first directions, the mean share of the tangents of transformations in their span, divided by chance. */
function tangentShares(point: Float32Array, shape: readonly number[], vectors: Float64Array, directions: number) {
  if (shape.length !== 3) return new Float64Array(directions).fill(Number.NaN);
  const size = point.length;
  const tangents = tangentsOf(point, shape);
  const shares = TRANSFORMATIONS.flatMap((name) => {
    const tangent = tangents[name];
    const length2 = tangent.reduce((sum, value) => sum + value ** 2, 0);
    if (length2 === 0) return [];
    let within = 0;
    return [
      Array.from({ length: directions }, (_, i) => {
        const v = vectors.subarray(i * size, (i + 1) * size);
        within += tangent.reduce((sum, value, at) => sum + value * v[at]!, 0) ** 2 / length2;
        return within;
      }),
    ];
  });
  return Float64Array.from({ length: directions }, (_, i) => (mean(shares.map((own) => own[i]!)) * size) / (i + 1));
}

/** How a probe and an encoder are trained with labels. */
const LABELLED = {
  initializer: { kind: "glorot" },
  loss: "softmaxCrossEntropy",
  optimizer: { kind: "adam", rate: 1e-3 },
  batch: 100,
} as const;

/** The errors on the held-out examples of a logistic probe of the code, and of the encoder that goes on to be trained with labels. */
export async function errorsOf(backend: Backend, encoder: EncoderTraining, weights: Weights, params: Params) {
  const { network, split, classes, seed } = encoder;
  const last = { kind: "dense", units: classes } as const;
  const batch = Math.min(LABELLED.batch, split.training.targets.labels.length);
  const common = { ...LABELLED, batch, seed };
  const codes = await encoded(backend, network, weights, split);
  const probe: Architecture = { input: codes.training.shape, layers: [last] };
  const tuned: Architecture = { input: network.input, layers: [...network.layers, last] };
  return {
    probe_error: await errorOf(backend, { ...common, network: probe, steps: Number(params.probe) }, codes, new Map()),
    tuned_error:
      Number(params.tuning) === 0
        ? Number.NaN
        : await errorOf(backend, { ...common, network: tuned, steps: Number(params.tuning) }, split, weights),
  };
}

async function errorOf(
  backend: Backend,
  recipe: Recipe,
  split: Split | Split<LabelledSet["targets"]>,
  weights: Weights,
): Promise<number> {
  const trainer = new Trainer(backend, recipe, split);
  try {
    trainer.state.begin(weights);
    while (trainer.state.step < trainer.steps) await trainer.advance();
    return 1 - (await trainer.score()).accuracy;
  } finally {
    await trainer.release();
  }
}
