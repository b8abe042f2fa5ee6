import { formatShape, PushforwardError } from "../base/index.ts";
import type { Tap } from "../jacobian/index.ts";
import { denseMatrix } from "../operator/index.ts";
import { type SingularTriplets, svd } from "../svd/index.ts";
import { spreadOver } from "./findings.ts";
import type { Lab } from "./lab.ts";
import { lensFindings } from "./lens-findings.ts";
import { differencesAt, meanAtTokens, readoutOf } from "./lens-products.ts";
import type { Params, Study } from "./study.ts";

/** How many tokens the mean Jacobian is compared with differences at. */
const CHECKED = 8;

/**
 * What a state in the middle of a language model does to its last state, at the same token and on average: the mean over tokens of
 * J(tap → last tap), its spectrum, and the tokens that its singular vectors make more and less likely.
 */
export const lens: Study = {
  id: "lens",
  question:
    "What does the state of a token at each layer contribute to its last state, and which tokens does it promote?",
  method:
    "At each tap, the Jacobian from the state of a token to its state at the last tap is averaged over tokens, evenly spaced over all inputs: " +
    "L = mean of J(tap[t] → last[t]). Its singular triplets are certified. The left singular vectors are multiplied by the mean " +
    "Jacobian from the last tap to the output; its largest and smallest entries are the tokens that a vector makes most and least likely. L is " +
    "compared with central differences of the network along a random direction.",
  params: {
    tokens: { about: "number of tokens over which the Jacobian is averaged", default: 200, quick: 16 },
    vectors: { about: "number of singular vectors that are read as tokens", default: 8, quick: 4 },
    top: { about: "number of tokens at each end", default: 5, quick: 5 },
  },

  design(lab, { vectors, top }) {
    const { taps } = lab;
    const [states, last] = statesOf(lab);
    const width = last.shape[1]!;
    return {
      axes: {
        tap: states.map(({ name }) => name),
        k: Array.from({ length: Math.min(lab.k, ...taps.slice(1).map(({ shape }) => shape[1]!)) }, (_, i) => i + 1),
        vector: Array.from({ length: Number(vectors) }, (_, i) => i + 1),
        place: [
          ...Array.from({ length: Number(top) }, (_, i) => i + 1),
          ...Array.from({ length: Number(top) }, (_, i) => i - Number(top)),
        ],
        row: Array.from({ length: width }, (_, i) => i),
        column: Array.from({ length: Math.max(...states.map(({ shape }) => shape[1]!)) }, (_, i) => i),
        ...(lab.names.length === 0 ? {} : { token: lab.names }),
      },
      cell: ["tap"],
      variables: {
        lens: {
          dims: ["row", "column"],
          about: "mean Jacobian from the state of a token to its last state",
          unit: "units of the last tap per unit of the tap",
        },
        sigma: {
          dims: ["k"],
          about: "singular value of the mean Jacobian",
          unit: "units of the last tap per unit of the tap",
        },
        residual: {
          dims: ["k"],
          about: "residual of the singular triplet",
          unit: "units of the last tap per unit of the tap",
        },
        token: {
          dims: ["vector", "place"],
          about:
            "output whose score the left singular vector changes most; places below 0 count from the most negative",
        },
        score: { dims: ["vector", "place"], about: "change of that score per unit along the left singular vector" },
        difference: {
          dims: [],
          about: "largest relative difference from central differences of the network, over tokens",
        },
        tokens: { dims: [], about: "number of tokens" },
      },
    };
  },

  work(lab, { tokens }) {
    const [states] = statesOf(lab);
    const points = states.map((to) => ({ to, count: (Number(tokens) * to.shape[1]!) / PRODUCTS_A_PASS }));
    return { spectra: false, solves: [], points, images: lab.inputs.length };
  },

  async measure(cell, lab, params) {
    const [states, last] = statesOf(lab);
    const tap = states[cell.tap!]!;
    const places = placesOf(lab, tap, params);
    const checked = new Set(spreadOver(places.length, CHECKED));
    const size = { source: [tap.shape[1]!], target: [last.shape[1]!] };
    const { mean, single } = await meanAtTokens(lab, tap, last, places, checked);
    const triplets = await svd(denseMatrix(mean, size, lab.algebra), {
      k: Math.min(lab.k, ...size.source, ...size.target),
      tol: lab.tol,
      seed: lab.seed,
    });
    const read = await tokensOf(lab, last, places, triplets, params);
    return {
      lens: padded(mean, size.target[0]!, size.source[0]!, Math.max(...states.map(({ shape }) => shape[1]!))),
      sigma: triplets.sigma,
      residual: triplets.certificate.residual,
      ...read,
      difference: await differencesAt(lab, tap, last, single),
      tokens: places.length,
    };
  },

  conclude: lensFindings,
};

/** About as many products take the time of a pass in float64 with a few products. */
const PRODUCTS_A_PASS = 10;

/** The taps whose states are read, and the last one. @throws PushforwardError `usage` unless each has one state for each token */
function statesOf({ taps }: Pick<Lab, "taps">): [Tap[], Tap] {
  const states = taps.slice(1);
  const last = states.at(-1)!;
  const other = states.find(({ shape }) => shape.length !== 2 || shape[0] !== last.shape[0]);
  if (other !== undefined || states.length < 2) {
    throw new PushforwardError("usage", {
      what:
        other === undefined
          ? "The study of the lens needs at least two taps: the states, and after them the last state."
          : `The study of the lens needs taps of the shape tokens × width, and "${other.name}" is ${formatShape(other.shape)}.`,
      where: { option: "--taps" },
      fix: "Name the states of a language model between its layers, the last one at the end: --taps block0.out,block1.out,block4.out.",
    });
  }
  return [states.slice(0, -1), last];
}

/** Where the mean is taken: tokens of inputs, evenly spaced. */
function placesOf({ inputs }: Lab, { shape }: Tap, { tokens }: Params) {
  const count = inputs.length * shape[0]!;
  return spreadOver(count, Math.min(count, Number(tokens))).map((at) => ({
    input: Math.floor(at / shape[0]!),
    token: at % shape[0]!,
  }));
}

/** A matrix whose rows have more columns, NaN where there are none. */
function padded(matrix: Float64Array, rows: number, columns: number, width: number): Float64Array {
  const all = new Float64Array(rows * width).fill(Number.NaN);
  for (let row = 0; row < rows; row++) all.set(matrix.subarray(row * columns, (row + 1) * columns), row * width);
  return all;
}

/** The outputs whose scores the left singular vectors change most, if the output has scores for each token. */
async function tokensOf(
  lab: Lab,
  last: Tap,
  places: ReturnType<typeof placesOf>,
  { sigma, u }: SingularTriplets,
  { vectors, top }: Params,
) {
  const [count, ends] = [Math.min(Number(vectors), sigma.length), Number(top)];
  const scores = await readoutOf(lab, last, places, u.subarray(0, count * last.shape[1]!));
  if (scores === undefined) return {};
  const [token, score] = [0, 1].map(() => new Float64Array(Number(vectors) * 2 * ends).fill(Number.NaN)) as [
    Float64Array,
    Float64Array,
  ];
  for (let vector = 0; vector < count; vector++) {
    const own = scores.subarray((vector * scores.length) / count, ((vector + 1) * scores.length) / count);
    const order = [...own.keys()].sort((a, b) => own[b]! - own[a]! || a - b);
    [...order.slice(0, ends), ...order.slice(-ends)].forEach((output, place) => {
      token[vector * 2 * ends + place] = output;
      score[vector * 2 * ends + place] = own[output]!;
    });
  }
  return { token, score };
}
