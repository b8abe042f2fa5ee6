import type { Rng } from "../../src/base/index.ts";
import { gaussianMatrix, kahan, lauchli } from "./matrices.ts";

/** What J is made of. A spectrum is dressed as a matrix or as a network of matrix products; see `build.ts`. */
type Content =
  | { readonly kind: "spectrum"; readonly sigma: Float64Array }
  | { readonly kind: "matrix"; readonly matrix: Float64Array }
  | { readonly kind: "network" };

/** How an operator misbehaves. */
type Fault =
  /** From its `call`-th product on, one entry of each is NaN or infinite. */
  | { readonly kind: "not-finite"; readonly call: number; readonly value: number }
  /** Its transpose is that of J + D, with random D of this size relative to ‖J‖. */
  | { readonly kind: "transpose"; readonly size: number }
  /** J vanishes on the solver's own first block. */
  | { readonly kind: "null-start" };

/** An operator to be, with what its family has to say on the solve. */
export interface Drawn {
  readonly m: number;
  readonly n: number;
  readonly content: Content;
  readonly fault?: Fault;
  readonly k?: number;
}

interface Family {
  /** Cases of this family, relative to others. */
  readonly weight: number;
  draw(rng: Rng): Drawn;
}

const LARGEST = 250;
const LONG = 90;

/** The kinds of operator that a campaign draws from. */
export const families = {
  /** A few exactly equal or very close σ, many times over. */
  clusters: {
    weight: 3,
    draw(rng) {
      const { m, n, r } = sides(rng);
      const width = pick(rng, [0, 1e-7, 1e-5, 1e-3]);
      const centres = Array.from({ length: 1 + rng.integer(5) }, () => 2 ** -rng.integer(6));
      return spectrum(m, n, r, () => centres[rng.integer(centres.length)]! * (1 + width * rng.uniform()));
    },
  },
  /** The largest σ up to 200 times, then a decay; k on either side of the multiplicity. */
  multiplicity: {
    weight: 2,
    draw(rng) {
      const { m, n, r } = rng.uniform() < 0.15 ? sides(rng, 200) : sides(rng, 8);
      const times = 1 + rng.integer(Math.min(200, r));
      const drawn = spectrum(m, n, r, (i) => (i < times ? 1 : 0.5 * 0.9 ** (i - times)));
      return { ...drawn, k: within(times + pick(rng, [-2, -1, 0, 1, 3]), r) };
    },
  },
  /** σ_k = σ_(k+1): which vectors belong to the set is open, which values is not. */
  tie: {
    weight: 2,
    draw(rng) {
      const { m, n, r } = sides(rng, 3);
      const k = 1 + rng.integer(r - 1);
      const [from, to] = [rng.integer(k), k + 1 + rng.integer(r - k)];
      return { ...spectrum(m, n, r, (i) => (i < from ? 2 - i / r : i < to ? 1 : 0.5 ** (1 + i - to))), k };
    },
  },
  /** Eight decades, evenly. */
  graded: {
    weight: 2,
    draw(rng) {
      const { m, n, r } = sides(rng);
      return spectrum(m, n, r, (i) => 10 ** ((-8 * i) / Math.max(r - 1, 1)));
    },
  },
  /** 1/i, 1/√i, geometric: what trained networks look like. */
  decay: {
    weight: 2,
    draw(rng) {
      const { m, n, r } = sides(rng);
      const ratio = 0.5 + 0.49 * rng.uniform();
      const shape = pick<(i: number) => number>(rng, [
        (i) => 1 / (i + 1),
        (i) => 1 / Math.sqrt(i + 1),
        (i) => ratio ** i,
        (i) => 1 - i / (4 * r),
      ]);
      return spectrum(m, n, r, shape);
    },
  },
  /** A level, and a lower one far or near. */
  step: {
    weight: 2,
    draw(rng) {
      const { m, n, r } = sides(rng, 2);
      const [edge, low] = [1 + rng.integer(r - 1), pick(rng, [1e-9, 1e-6, 1e-3, 0.5, 0.99, 0.9999])];
      const drawn = spectrum(m, n, r, (i) => (i < edge ? 1 : low));
      return { ...drawn, k: within(edge + pick(rng, [-1, 0, 1, 5]), r) };
    },
  },
  lauchli: {
    weight: 1,
    draw(rng) {
      const n = 1 + rng.integer(60);
      return { m: n + 1, n, content: { kind: "matrix", matrix: lauchli(n, 2 ** -rng.integer(24)) } };
    },
  },
  kahan: {
    weight: 1,
    draw(rng) {
      const n = 1 + rng.integer(80);
      return { m: n, n, content: { kind: "matrix", matrix: kahan(n, 0.2 + 1.3 * rng.uniform()) } };
    },
  },
  marchenkoPastur: {
    weight: 2,
    draw(rng) {
      const { m, n } = sides(rng, 1, 160);
      return { m, n, content: { kind: "matrix", matrix: gaussianMatrix(rng, m, n) } };
    },
  },
  /** Zero, rank 1, or a few; k beyond the rank too. */
  rankDeficient: {
    weight: 2,
    draw(rng) {
      const { m, n, r } = sides(rng);
      const rank = pick(rng, [0, 1, 2, rng.integer(r), Math.max(0, r - 1)]);
      return spectrum(m, n, r, (i) => (i < rank ? 0.8 ** i : 0));
    },
  },
  /** Every triplet there is. */
  whole: {
    weight: 1,
    draw(rng) {
      const { m, n, r } = sides(rng, 1, 120);
      const power = 2 * rng.uniform();
      return { ...spectrum(m, n, r, (i) => (i + 1) ** -power), k: r };
    },
  },
  /** Near the ends of float32. */
  scaled: {
    weight: 1,
    draw(rng) {
      const { m, n, r } = sides(rng);
      const scale = 2 ** pick(rng, [-70, -40, 40, 60]);
      return spectrum(m, n, r, (i) => scale * 0.9 ** i);
    },
  },
  nullStart: {
    weight: 1,
    draw(rng) {
      const { m, n } = sides(rng, 4, 130);
      return { m, n, content: { kind: "matrix", matrix: gaussianMatrix(rng, m, n) }, fault: { kind: "null-start" } };
    },
  },
  notFinite: {
    weight: 1,
    draw(rng) {
      const { m, n, r } = sides(rng);
      const value = pick(rng, [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
      return { ...spectrum(m, n, r, (i) => 1 / (i + 1)), fault: { kind: "not-finite", call: rng.integer(8), value } };
    },
  },
  wrongTranspose: {
    weight: 1,
    draw(rng) {
      const { m, n, r } = sides(rng, 4);
      const size = 10 ** (-1 - 4 * rng.uniform());
      return { ...spectrum(m, n, r, (i) => 0.9 ** i), fault: { kind: "transpose", size } };
    },
  },
  /** Convolutions, ReLUs, a residual connection: J at a random point; see `networks.ts`. Sides follow from the layers. */
  network: { weight: 2, draw: () => ({ m: 0, n: 0, content: { kind: "network" } }) },
} satisfies Readonly<Record<string, Family>>;

export type FamilyName = keyof typeof families;

/** A family at random, by weight. */
export function drawFamily(rng: Rng): FamilyName {
  const names = Object.keys(families) as FamilyName[];
  let rest = rng.integer(names.reduce((total, name) => total + families[name].weight, 0));
  return names.find((name) => {
    rest -= families[name].weight;
    return rest < 0;
  })!;
}

export const pick = <T>(rng: Rng, from: readonly T[]): T => from[rng.integer(from.length)]!;

/** Two sides from `least` to `most`: half of them small, half too long for a Krylov basis that is restarted early. */
function sides(rng: Rng, least = 1, most = LARGEST) {
  const from = rng.uniform() < 0.5 ? least : Math.max(least, LONG);
  const side = () => Math.min(most, Math.floor(from * ((most + 1) / from) ** rng.uniform()));
  const [m, n] = [side(), side()];
  return { m, n, r: Math.min(m, n) };
}

const within = (k: number, r: number): number => Math.min(r, Math.max(1, k));

function spectrum(m: number, n: number, r: number, at: (i: number) => number) {
  const sigma = Float64Array.from({ length: r }, (_, i) => at(i))
    .sort()
    .reverse();
  return { m, n, content: { kind: "spectrum", sigma } as const };
}
