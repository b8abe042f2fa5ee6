import { isBelowFloor } from "../base/index.ts";
import type { Block, BlockAlgebra, Matrix } from "../runtime/index.ts";
import { CERTAIN, type Witnesses } from "./adjoint-gap.ts";
import { checkedFinite, type Products } from "./products.ts";
import type { Candidates, Certificate, Status } from "./triplets.ts";

/** Triplets, and what was measured with their own products. */
export interface Measured extends Candidates {
  /** [k], descending. */
  readonly sigma: Float64Array;
  /** [k] */
  readonly residual: Float64Array;
  /** The residual that rounding can cause alone in any of them. */
  readonly rounding: number;
  /** [k], how far J and Jᵀ disagree at each of them, as measured. */
  readonly gap: Float64Array;
  readonly bounded?: Certificate["bounded"] | undefined;
}

/** How pairs are measured. */
export interface Measuring {
  readonly known?: KnownProducts | undefined;
  /** Random vectors that test whether J and Jᵀ agree at the pairs. */
  readonly witnesses?: Witnesses | undefined;
}

/** The products Jᵀu_i and Jv_i, for i in a range, as far as they are known from the search. */
interface KnownProducts {
  readonly u?: (from: number, to: number) => Promise<Block | undefined>;
  readonly v?: (from: number, to: number) => Promise<Block | undefined>;
}

/**
 * Rounding u and v to float32 changes Jv − σu and Jᵀu − σv by up to 2⁻²³·‖J‖ each. The rounding of the products is assumed to be
 * as large again, and so is the rounding of combinations of known products.
 */
const ROUNDING = 2 * Math.SQRT2 * 2 ** -23;
export const KNOWN_ROUNDING = 2 * ROUNDING;

/**
 * σ up to this part of the largest may be left to random vectors: their residual, at most √2 σ, is then within the floor, and
 * nothing is known of such σ anyway.
 */
export const NEGLIGIBLE = ROUNDING / Math.SQRT2;

/** With a tolerance below this, the rounding of known products would be too large, and all products are computed anew. */
export const FINE = 2 ** -20;

/**
 * Measures pairs (u_i, v_i) with the products Jv and Jᵀu. σ = ½(uᵀJv + vᵀJᵀu) is the value with the smallest residual. The gap of
 * a triplet is |uᵀJv − vᵀJᵀu|, or more if the witnesses show more. Sums are in float64. The triplets are sorted by σ, and
 * u changes its sign where σ would be negative.
 *
 * All products are computed anew, except those in `known`, which must also come from products with J or Jᵀ.
 *
 * @throws PushforwardError `not-finite` if a product is not finite
 */
export async function measure(
  products: Products,
  algebra: BlockAlgebra,
  { u, v }: Candidates,
  { known, witnesses }: Measuring = {},
): Promise<Measured> {
  const k = u.rows;
  const negative = new Set<number>();
  const sigma = new Float64Array(k);
  const residual = new Float64Array(k);
  const gap = new Float64Array(k);
  for (let from = 0; from < k; from += products.blockRows) {
    const to = Math.min(k, from + products.blockRows);
    const [us, vs] = [u.range(from, to), v.range(from, to)];
    using Jv = (await known?.v?.(from, to)) ?? (await products.apply(vs));
    using Jtu = (await known?.u?.(from, to)) ?? (await products.applyTranspose(us));
    const byJ = await algebra.dots(us, Jv);
    const byTranspose = await algebra.dots(vs, Jtu);
    const mean = byJ.map((value, i) => (value + byTranspose[i]!) / 2);
    const left = await algebra.squaredDifference(Jv, mean, us);
    const right = await algebra.squaredDifference(Jtu, mean, vs);
    const seen = await witnesses?.gaps({ u: us, v: vs, Jtu, Jv });
    mean.forEach((value, i) => {
      gap[from + i] = Math.max(Math.abs(byJ[i]! - byTranspose[i]!), seen?.[i] ?? 0);
      sigma[from + i] = Math.abs(value);
      residual[from + i] = Math.sqrt(left[i]! + right[i]!);
      if (value < 0) negative.add(from + i);
    });
  }
  checkedFinite({ data: residual });
  const rounding = ((known === undefined ? ROUNDING : KNOWN_ROUNDING) + algebra.rounding) * Math.max(0, ...sigma);
  return inOrder({ u, v, sigma, residual, rounding, gap }, algebra, negative);
}

/** Sorts triplets by σ; u changes its sign in the rows that are negative. */
export async function inOrder(
  { u, v, sigma, residual, gap, ...rest }: Measured,
  algebra: BlockAlgebra,
  negative?: ReadonlySet<number>,
): Promise<Measured> {
  const order = Array.from(sigma.keys()).sort((i, j) => sigma[j]! - sigma[i]!);
  const sorted = (values: Float64Array) => Float64Array.from(order, (i) => values[i]!);
  return {
    ...rest,
    u: await rowsIn(order, u, algebra, negative),
    v: await rowsIn(order, v, algebra),
    sigma: sorted(sigma),
    residual: sorted(residual),
    gap: sorted(gap),
  };
}

/** The k largest of two sets of triplets. */
export async function merged(a: Measured, b: Measured, k: number, algebra: BlockAlgebra): Promise<Measured> {
  const sigmas = [...a.sigma, ...b.sigma];
  const order = Array.from(sigmas.keys()).sort((i, j) => sigmas[j]! - sigmas[i]! || i - j);
  const chosen = order.slice(0, k);
  const picked = async (x: Block, y: Block): Promise<Block> => {
    const both = await algebra.stack([x, y]);
    const result = await rowsIn(chosen, both, algebra);
    if (result !== both) both.dispose();
    return result;
  };
  const numbers = (x: Float64Array, y: Float64Array): Float64Array => {
    const all = [...x, ...y];
    return Float64Array.from(chosen, (i) => all[i]!);
  };
  return {
    u: await picked(a.u, b.u),
    v: await picked(a.v, b.v),
    sigma: Float64Array.from(chosen, (i) => sigmas[i]!),
    residual: numbers(a.residual, b.residual),
    rounding: Math.max(a.rounding, b.rounding),
    gap: numbers(a.gap, b.gap),
  };
}

/**
 * Rounding makes J and Jᵀ disagree by up to this fraction of the largest σ. Up to 3.9e-7 was measured, at layers of SqueezeNet and
 * AlexNet.
 */
const NOISE = 2 ** -21;

/**
 * The floor of each triplet, [k]: the residual that rounding, or a disagreement between J and Jᵀ, can cause alone. A disagreement that
 * is larger than rounding explains may be larger than it was measured, by a factor that random vectors leave open.
 */
export function floorsOf({ sigma, rounding, gap }: Pick<Measured, "sigma" | "rounding" | "gap">): Float64Array {
  const explained = NOISE * sigma[0]!;
  return gap.map((value) => (value > explained ? Math.max(CERTAIN * value, rounding) : rounding));
}

/**
 * The floor of a set of triplets: the smallest of their floors, or the largest of those that their own σ does not exceed. So each σ
 * above it is also above the floor of its triplet, and one triplet with a high floor does not hide the others.
 */
export function commonFloor(sigma: Float64Array, floors: Float64Array): number {
  const lost = floors.filter((floor, i) => isBelowFloor(sigma[i]!, floor));
  return Math.max(Math.min(...floors), ...lost);
}

/**
 * The status of each triplet: what its residual, its floor and its σ mean, given the tolerance relative to the largest σ. σ is
 * compared with the floor of the set, as readers of a result compare it.
 */
export function statuses(
  { residual, sigma }: Pick<Measured, "residual" | "sigma">,
  floors: Float64Array,
  tol: number,
): Status[] {
  const goal = tol * sigma[0]!;
  const common = commonFloor(sigma, floors);
  return Array.from(residual, (value, i) => {
    if (value > Math.max(goal, floors[i]!)) return "unconverged";
    if (isBelowFloor(sigma[i]!, common)) return "below-floor";
    return floors[i]! <= goal ? "converged" : "at-floor";
  });
}

/** A bound on max |QQᵀ − I| over the rows of Q: what was measured, and the rounding of sums that are not in float64. */
export async function orthogonality(algebra: BlockAlgebra, q: Block): Promise<number> {
  return deviation(await algebra.gram(q, q, { exact: "in pieces" })) + algebra.rounding;
}

/** max |A − I| over the entries of a square matrix. */
export function deviation({ data, rows }: Matrix): number {
  return data.reduce((max, entry, at) => Math.max(max, Math.abs(entry - (at % (rows + 1) === 0 ? 1 : 0))), 0);
}

/** Rows of x in this order, with the opposite sign where the row is among the negative ones. x itself where nothing changes. */
async function rowsIn(
  order: readonly number[],
  x: Block,
  algebra: BlockAlgebra,
  negative: ReadonlySet<number> = new Set(),
): Promise<Block> {
  if (negative.size === 0 && order.length === x.rows && order.every((row, i) => row === i)) return x;
  const result = algebra.allocate(order.length, x.length);
  for (let to = 0, next = 0; to < order.length; to = next) {
    const first = order[to]!;
    next = to + 1;
    const into = (end: number) => ({ into: result.range(to, end) });
    if (negative.has(first)) {
      const row = x.range(first, first + 1);
      const nothing = { weight: 0, block: row };
      await algebra.mix([{ weight: -1, block: row }, nothing, nothing], into(next));
      continue;
    }
    while (next < order.length && order[next] === first + next - to && !negative.has(order[next]!)) next++;
    await algebra.copy(x.range(first, first + next - to), into(next).into);
  }
  return result;
}
