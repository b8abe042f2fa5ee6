import type { Tap } from "../jacobian/index.ts";
import { denseMatrix } from "../operator/index.ts";
import { type SingularTriplets, svd } from "../svd/index.ts";
import type { Lab } from "./lab.ts";
import { lensFindings } from "./lens-findings.ts";
import { contributions, differenceOf, meanJacobian, meanTimes } from "./lens-products.ts";
import { scoresOf, statesOf, type Text, textsOf, widthOf } from "./lens-texts.ts";
import type { Params, Study } from "./study.ts";

/**
 * What a state in the middle of a language model does to its last states, on average: the Jacobian lens, its spectrum, and the tokens that
 * its singular vectors make more and less likely.
 *
 * @see Gurnee et al. 2026, "Verbalizable Representations Form a Global Workspace in Language Models"
 */
export const lens: Study = {
  id: "lens",
  question:
    "What does the state of a token at each layer contribute to the last states, and which tokens does it promote?",
  method:
    "The Jacobian lens of a tap is L = mean over tokens t of Σₛ J(tap[t] → last[s]): the effect of the state of a token on the last states of all " +
    "tokens s of the text, of which a causal network moves only t and later ones. The tokens t are evenly spaced over all texts. The singular triplets of " +
    "L are certified. Each left singular vector is multiplied by the same mean of the Jacobian from the last tap to the output; its largest and " +
    "smallest entries are the tokens that the vector makes most and least likely. L is compared with central differences of the network along random directions.",
  inputs: "text",
  takesIds: true,
  params: {
    tokens: { about: "number of tokens over which the Jacobian is averaged", default: 200, quick: 16 },
    skip: {
      about:
        "number of first tokens of each text that are left out, because they often draw attention whatever the text is",
      default: 1,
    },
    vectors: { about: "number of singular vectors that are read as tokens", default: 8, quick: 4 },
    top: { about: "number of tokens at each end", default: 5, quick: 5 },
  },

  design(lab, params) {
    const [states, last] = statesOf(lab);
    const widths = [...states, last].map(widthOf);
    const [vectors, top] = [Number(params.vectors), Number(params.top)];
    scoresOf(lab, last); // Refuses names that do not fit before anything is measured.
    const from = (start: number, count: number) => Array.from({ length: count }, (_, i) => start + i);
    return {
      axes: {
        tap: states.map(({ name }) => name),
        k: from(1, Math.min(lab.k, ...widths)),
        sample: textsOf(lab, last, params).flatMap(({ input, tokens }) =>
          tokens.map((token) => `${lab.inputs[input]!.name}[${token}]`),
        ),
        vector: from(1, vectors),
        place: [...from(1, top), ...from(-top, top)],
        row: from(0, widthOf(last)),
        column: from(0, Math.max(...states.map(widthOf))),
        ...(lab.names.length === 0 ? {} : { output: lab.names }),
      },
      cell: ["tap"],
      variables: {
        lens: {
          dims: ["row", "column"],
          about: "mean over tokens of the Jacobian from the state of a token to the sum of the last states",
          unit: "units of the last tap per unit of the tap",
        },
        sigma: {
          dims: ["k"],
          about: "singular value of the lens",
          unit: "units of the last tap per unit of the tap",
        },
        residual: {
          dims: ["k"],
          about: "residual of the singular triplet",
          unit: "units of the last tap per unit of the tap",
        },
        contribution: {
          dims: ["k", "sample"],
          about: "what a token contributes to the singular value, which is the mean over tokens",
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
          about:
            "largest relative difference between the lens and central differences of the network, over random directions",
        },
      },
    };
  },

  work(lab, params) {
    const [states] = statesOf(lab);
    const products = (tap: Tap) => widthOf(tap) + lab.k + Number(params.vectors);
    const points = states.map((to) => ({ to, count: (lab.inputs.length * products(to)) / PRODUCTS_A_PASS }));
    return { spectra: false, solves: [], points, images: Number.POSITIVE_INFINITY };
  },

  async measure(cell, lab, params) {
    const [states, last] = statesOf(lab);
    const tap = states[cell.tap!]!;
    const texts = textsOf(lab, last, params);
    const size = { source: [widthOf(tap)], target: [widthOf(last)] };
    const mean = await meanJacobian(lab, tap, last, texts);
    const triplets = await svd(denseMatrix(mean, size, lab.algebra), {
      k: Math.min(lab.k, ...[...states, last].map(widthOf)),
      tol: lab.tol,
      seed: lab.seed,
    });
    return {
      lens: padded(mean, size.target[0]!, size.source[0]!, Math.max(...states.map(widthOf))),
      sigma: triplets.sigma,
      residual: triplets.certificate.residual,
      contribution: await contributions(lab, [tap, last], texts, triplets),
      ...(await tokensOf(lab, last, texts, triplets, params)),
      difference: await differenceOf(lab, [tap, last], texts, mean),
    };
  },

  conclude: lensFindings,
};

/** About as many products take the time of a pass in float64 with a few products. */
const PRODUCTS_A_PASS = 10;

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
  texts: readonly Text[],
  { sigma, u }: SingularTriplets,
  { vectors, top }: Params,
) {
  const output = scoresOf(lab, last);
  if (output === undefined) return {};
  const [count, ends] = [Math.min(Number(vectors), sigma.length), Math.min(Number(top), widthOf(output))];
  const all =
    output.tensor === last.tensor
      ? u
      : await meanTimes(lab, [last, output], texts, u.subarray(0, count * widthOf(last)));
  const places = 2 * Number(top);
  const token = new Float64Array(Number(vectors) * places).fill(Number.NaN);
  const score = token.slice();
  for (let vector = 0; vector < count; vector++) {
    const own = all.subarray(vector * widthOf(output), (vector + 1) * widthOf(output));
    const order = [...own.keys()].sort((a, b) => own[b]! - own[a]! || a - b);
    const start = vector * places;
    order.slice(0, ends).forEach((at, place) => {
      [token[start + place], score[start + place]] = [at, own[at]!];
    });
    order.slice(-ends).forEach((at, i) => {
      const place = places - ends + i;
      [token[start + place], score[start + place]] = [at, own[at]!];
    });
  }
  return { token, score };
}
