import { measureSpectrum, missesTolerance, type UnitResult } from "../results/index.ts";
import type { Block, BlockAlgebra, Matrix } from "../runtime/index.ts";
import type { Lab } from "./lab.ts";
import { concludeSpectra, measures } from "./spectra-findings.ts";
import { firstStored, tripletsAt } from "./spectrum.ts";
import type { Study } from "./study.ts";

/**
 * The singular values along the layers: of the map from the input to each tap, and of each step between taps.
 *
 * @see Mototake & Ikegami 2015, figure 3
 */
export const spectra: Study = {
  id: "spectra",
  question:
    "How does the spectrum change along the layers, for the map from the input to each layer and for each single step?",
  method:
    "For every image, the largest singular values of J(input → tap), and of the steps J(t → t + 1) between taps that all paths pass " +
    "through, are computed with certificates. The first right singular vectors are multiplied by one step after the other and made orthogonal again by QR factorizations. Their diagonals state how much each step contributes to each σ (finite-time Lyapunov exponents).",
  params: {
    directions: { about: "number of singular vectors followed through the steps", default: 8, quick: 4 },
    steps: { about: "most triplets of J(t → t + 1); 0 leaves the steps out", default: 100, quick: 20 },
  },

  design(lab, { directions }) {
    const { inputs } = lab;
    const targets = lab.taps.slice(1);
    const number = { dims: [] };
    return {
      axes: {
        tap: targets.map(({ name }) => name),
        image: inputs.map(({ name }) => name),
        k: Array.from({ length: mostTriplets(lab) }, (_, i) => i + 1),
        step: targets.map(({ name }) => name),
        direction: Array.from({ length: Number(directions) }, (_, i) => i + 1),
      },
      cell: ["tap", "image"],
      variables: {
        sigma: { dims: ["k"], about: "singular value of J(input → tap)", unit: "tap units per source unit" },
        step_sigma: {
          dims: ["k"],
          about: "singular value of J(t → t + 1)",
          unit: "units of the tap per unit of the one before",
        },
        floor: {
          ...number,
          about: "floor of the residuals; a σ not larger than it cannot be told from zero",
          unit: "tap units per source unit",
        },
        step_floor: {
          ...number,
          about: "floor of the residuals of J(t → t + 1)",
          unit: "units of the tap per unit of the one before",
        },
        growth: { dims: ["step", "direction"], about: "what each step adds to the logarithm of a direction's length" },
        rows: { ...number, about: "number of entries of the tap" },
        columns: { ...number, about: "number of entries of the input" },
        active_share: { ...number, about: "share of active rows of J among the entries of the tap" },
        unconverged: { ...number, about: "triplets of either spectrum above the tolerance" },
        ...Object.fromEntries(Object.entries(measures).map(([name, { about }]) => [name, { ...number, about }])),
      },
    };
  },

  work(lab, params) {
    const { inputs, taps } = lab;
    const count = inputs.length;
    const most = Math.min(lab.k, Number(params.steps));
    const steps = taps.flatMap((to, tap) => {
      const from = tap === 0 ? to : lab.before(tap);
      return from === to || from === taps[0] || most === 0 ? [] : [{ from, to, k: tripletsAt(most, from, to), count }];
    });
    const points = taps.slice(1).map((to) => ({ to, count }));
    return { spectra: true, solves: steps, points, images: count };
  },

  async measure(cell, lab, params) {
    const [tap, image] = [cell.tap! + 1, cell.image!];
    const unit = await lab.spectrum(image, tap);
    const step = await stepOf(lab, image, tap, unit, Math.min(lab.k, Number(params.steps)));
    const most = mostTriplets(lab);
    const padded = (values: Float64Array) => {
      const all = new Float64Array(most).fill(Number.NaN);
      all.set(values.subarray(0, most));
      return all;
    };
    const measured = measureSpectrum(unit);
    return {
      sigma: padded(unit.sigma),
      step_sigma: padded(step.sigma),
      floor: unit.floor,
      step_floor: step.floor,
      growth: await growthOf(lab, image, tap, unit, Number(params.directions)),
      rows: unit.m,
      columns: unit.n,
      active_share: unit.activeRows / unit.m,
      unconverged: [...unit.status, ...step.status].filter(missesTolerance).length,
      ...Object.fromEntries(Object.entries(measures).map(([name, { of }]) => [name, measured[of]])),
    };
  },

  conclude: concludeSpectra,
};

type Step = Pick<UnitResult, "sigma" | "floor" | "status">;

/** The largest σ of the step J(t → t + 1) that leads to a tap. If t is the input, they are those of J(input → tap). */
async function stepOf(
  lab: Lab,
  image: number,
  tap: number,
  { sigma, floor, status }: Step,
  count: number,
): Promise<Step> {
  if (count === 0) return { sigma: new Float64Array(0), floor: Number.NaN, status: [] };
  if (lab.before(tap) === lab.taps[0]) return { sigma: sigma.slice(0, count), floor, status: status.slice(0, count) };
  const step = await lab.step(image, tap, count);
  return { sigma: step.sigma, floor: step.certificate.floor, status: step.certificate.status };
}

/** The largest number of triplets at any tap. */
const mostTriplets = ({ taps: [source, ...targets], k }: Lab): number =>
  Math.max(...targets.map((tap) => tripletsAt(k, source!, tap)));

/**
 * What each step adds to log σ_i. The first rows of V are multiplied by one step after the other. After each step they are made
 * orthonormal in their order, and the lengths removed are recorded. Since J·V = U·Σ, the product of these lengths is σ_i. The
 * result is NaN where there is no such step or direction, where its σ is below the floor, and at taps that some path bypasses.
 */
async function growthOf(lab: Lab, image: number, tap: number, unit: UnitResult, directions: number) {
  const { n, vectors } = unit;
  const steps = lab.taps.length - 1;
  const growth = new Float64Array(steps * directions).fill(Number.NaN);
  const count = Math.min(directions, firstStored(unit));
  if (!lab.taps[tap]!.cut || count === 0) return growth;
  const { algebra } = lab;
  let rows = algebra.upload(vectors.v.slice(0, count * n), count);
  let from = lab.taps[0]!;
  for (let to = 1; to <= tap; to++) {
    if (!lab.taps[to]!.cut) continue;
    using J = await lab.jacobian(lab.inputs[image]!.point, from, lab.taps[to]!);
    const { orthonormal, lengths } = await inOrder(await J.apply(rows), algebra);
    for (let i = 0; i < count; i++) growth[(to - 1) * directions + i] = Math.log(lengths[i]!);
    rows = orthonormal;
    from = lab.taps[to]!;
  }
  return growth;
}

/** A QR factorization of rows: orthonormal rows, and the diagonal of the triangular factor. By Cholesky of the Gram matrix, twice. */
async function inOrder(rows: Block, algebra: BlockAlgebra) {
  const lengths = new Float64Array(rows.rows).fill(1);
  let orthonormal = rows;
  for (let pass = 0; pass < 2; pass++) {
    const triangle = cholesky(await algebra.gram(orthonormal, orthonormal, { exact: true }));
    for (let i = 0; i < rows.rows; i++) lengths[i] = lengths[i]! * triangle.data[i * rows.rows + i]!;
    orthonormal = await algebra.combine(inverseOfLower(triangle), orthonormal);
  }
  return { orthonormal, lengths };
}

/** L with L·Lᵀ = A, for a positive definite A. */
function cholesky({ rows: n, data: a }: Matrix): Matrix {
  const data = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j]!;
      for (let c = 0; c < j; c++) sum -= data[i * n + c]! * data[j * n + c]!;
      data[i * n + j] = i === j ? Math.sqrt(Math.max(sum, 0)) : sum / data[j * n + j]!;
    }
  }
  return { rows: n, columns: n, data };
}

function inverseOfLower({ rows: n, data: l }: Matrix): Matrix {
  const data = new Float64Array(n * n);
  for (let j = 0; j < n; j++) {
    for (let i = j; i < n; i++) {
      let sum = i === j ? 1 : 0;
      for (let c = j; c < i; c++) sum -= l[i * n + c]! * data[c * n + j]!;
      data[i * n + j] = sum / l[i * n + i]!;
    }
  }
  return { rows: n, columns: n, data };
}
