import type { SingularTriplets } from "../../src/svd/index.ts";
import { dot } from "../support/spectra.ts";
import type { Measured } from "./measure.ts";
import type { Truth } from "./truth.ts";

/** A set with certified triplets may be this far from orthonormal, and any set from what its certificate says of it. */
const ORTHONORMAL = 1e-5;
const ORTHOGONALITY = 1e-6;
/** Products of a few float32 layers may be off by this part of ‖J‖: see the tolerance of chains in test/laws. */
const PRODUCTS = 32 * 2 ** -23;

/**
 * Whatever a certificate says of a solve that is not so; empty where all is true.
 *
 * Let ρ_i = residual_i + floor_i + the rounding of the operator's own products at triplet i, which is measured; w the
 * uncertainty of the true σ; Ω = max(‖UUᵀ − I‖, ‖VVᵀ − I‖) in the Frobenius norm. Checked against float64 products with the
 * true J:
 *
 * - *residual*: (‖Jv − σu‖² + ‖Jᵀu − σv‖²)^½ ≤ ρ_i for every triplet. `status` and `norm` follow from residuals and σ.
 * - *near*: a certified σ_i is within residual_i + floor_i + w of a true one (of zero too, where m ≠ n): what a reader takes
 *   the certificate to say. H = [0 J; Jᵀ 0] is symmetric, has the eigenvalues ±σ and |m − n| zeros, and
 *   ‖H(u; v) − σ(u; v)‖ / ‖(u; v)‖ = residual/√2; the rounding of products enters only by its part along u and v.
 * - *one to one*: for a set S of triplets, J = UΣVᵀ ⊕ A + E in orthonormal bases that begin with U and V, with
 *   ‖E‖ ≤ R = (Σ_S ρ_i²)^½ + 2Ω‖J‖. By Weyl's inequality the σ of S are, each within R + w, different ones among the true
 *   σ: so a duplicate shows. Checked for what is certified.
 * - *complete*: let b be `bound` where `missed` is probable, and σ_k + R where it is exact (S is the whole set now). True
 *   σ_i ≤ max(σ_i + R, b) + w for i ≤ k, so an omission shows.
 * - *orthonormal*: |UUᵀ − I| and |VVᵀ − I| are what `orthogonality` says, and small where anything is certified.
 * - *missed*: true σ_(k+1) ≤ b + floor + w.
 *
 * @see Parlett 1998, Thm 4.5.1; Horn & Johnson 2013, Cor. 7.3.5
 */
export function falseClaims(truth: Truth, result: SingularTriplets, { residual, rounding }: Measured): string[] {
  const { sigma, certificate } = result;
  const [k, norm] = [sigma.length, truth.sigma[0]!];
  const wrong: string[] = [];
  const say = (claim: string, what: string) => wrong.push(`${claim}: ${what}`);

  if (!isDescending(sigma)) say("order", `σ is not a descending list of finite numbers: ${Array.from(sigma)}`);
  if (certificate.norm !== sigma[0]) say("norm", `${certificate.norm}, but σ_1 is ${sigma[0]}`);
  certificate.status.forEach((status, i) => {
    const [residual, floor] = [certificate.residual[i]!, certificate.floors[i]!];
    const finished =
      Math.max(residual, floor) <= certificate.tol * certificate.norm
        ? "converged"
        : residual <= floor
          ? "at-floor"
          : "unconverged";
    const isLost = finished !== "unconverged" && certificate.floor > 0 && sigma[i]! <= certificate.floor;
    const expected = isLost ? "below-floor" : finished;
    if (status !== expected) say("status", `triplet ${i} is ${status}, with residual ${residual}`);
    if (sigma[i]! > certificate.floor && sigma[i]! <= floor)
      say("floor", `of triplet ${i} hides it, and that of all does not`);
  });

  const isCertified = certificate.status.some((status) => status !== "unconverged");
  const u = skew(result.u, truth.m);
  const v = skew(result.v, truth.n);
  for (const [side, { most }] of Object.entries({ u, v })) {
    const claimed = certificate.orthogonality[side as "u" | "v"];
    if (!(Math.abs(most - claimed) <= ORTHOGONALITY)) say("orthogonality", `of ${side} is ${most}, claimed ${claimed}`);
    if (isCertified && !(most <= ORTHONORMAL)) say("orthonormal", `${side} is off by ${most}`);
  }

  const allowed = certificate.residual.map((claimed, i) => claimed + certificate.floors[i]! + rounding[i]!);
  allowed.forEach((most, i) => {
    if (!(rounding[i]! <= PRODUCTS * norm))
      say("products", `at triplet ${i} are off by ${rounding[i]}, of ‖J‖ ${norm}`);
    if (!(residual[i]! <= most)) {
      say("residual", `of triplet ${i} is ${residual[i]}, claimed ${certificate.residual[i]}, allowed ${most}`);
    }
  });

  const tilt = 2 * norm * Math.max(u.frobenius, v.frobenius);
  const within = (indices: readonly number[]) =>
    Math.hypot(...indices.map((i) => allowed[i]!)) + tilt + truth.uncertainty;
  wrong.push(...falseValues(truth, result, within));

  const { missed } = certificate;
  if (missed.kind === "none") return wrong;
  const reach = within(Array.from(sigma.keys()));
  const outside = missed.kind === "exact" ? sigma[k - 1]! + reach : missed.bound + truth.uncertainty;
  for (let i = 0; i < k; i++) {
    const most = Math.max(sigma[i]! + reach, outside);
    if (truth.sigma[i]! > most) say("complete", `true σ_${i + 1} is ${truth.sigma[i]}, but σ says at most ${most}`);
  }
  const next = truth.sigma[k] ?? 0;
  if (next > outside + certificate.floor) say("missed", `true σ_${k + 1} is ${next}, above the bound ${outside}`);
  return wrong;
}

/**
 * The same where J's transpose belongs to another matrix, so that no triplet satisfies both equations: what is certified
 * must still be *near* and *one to one* with the true σ of J, within residual and the floor that the gap raised; and
 * *passed*: what is `converged` has a residual with J and its own transpose of at most tol · norm + floor.
 */
export function falsePasses(truth: Truth, result: SingularTriplets, { residual }: Measured): string[] {
  const { status, tol, norm, floors, residual: claimed } = result.certificate;
  const within = (indices: readonly number[]) =>
    Math.hypot(...indices.map((i) => claimed[i]! + floors[i]!)) + truth.uncertainty;
  const passed = Array.from(residual.keys()).filter((i) => status[i] === "converged");
  return [
    ...falseValues(truth, result, within),
    ...passed
      .filter((i) => residual[i]! > tol * norm + floors[i]!)
      .map(
        (i) => `passed: triplet ${i} is converged, with a true residual of ${residual[i]}, tol · norm ${tol * norm}`,
      ),
  ];
}

/** The claims *near* and *one to one*; `within` gives R + w of a set of triplets. */
function falseValues(
  { m, n, sigma: known, uncertainty }: Truth,
  { sigma, certificate }: SingularTriplets,
  within: (indices: readonly number[]) => number,
): string[] {
  const wrong: string[] = [];
  const certified = Array.from(sigma.keys()).filter((i) => certificate.status[i] !== "unconverged");
  for (const i of certified) {
    const distance = known.reduce(
      (least, value) => Math.min(least, Math.abs(value - sigma[i]!)),
      m === n ? Number.POSITIVE_INFINITY : sigma[i]!,
    );
    const allowed = certificate.residual[i]! + certificate.floors[i]! + uncertainty;
    if (!(distance <= allowed)) wrong.push(`near: σ_${i + 1} = ${sigma[i]} is off by ${distance}, allowed ${allowed}`);
  }
  // Both descending: each certified σ takes the largest true one still free that is near enough.
  const allowed = within(certified);
  let free = 0;
  for (const i of certified) {
    while (free < known.length && known[free]! > sigma[i]! + allowed) free++;
    if (free === known.length || known[free]! < sigma[i]! - allowed) {
      wrong.push(`one to one: no true σ is left for σ_${i + 1} = ${sigma[i]} within ${allowed}`);
      break;
    }
    free++;
  }
  return wrong;
}

/** |QQᵀ − I|: its largest entry, and its Frobenius norm. */
function skew(q: Float32Array, length: number): { readonly most: number; readonly frobenius: number } {
  const rows = Array.from({ length: q.length / length }, (_, i) => q.subarray(i * length, (i + 1) * length));
  let [most, square] = [0, 0];
  for (let i = 0; i < rows.length; i++) {
    for (let j = 0; j <= i; j++) {
      const off = Math.abs(dot(rows[i]!, rows[j]!) - (i === j ? 1 : 0));
      most = Math.max(most, off);
      square += (i === j ? 1 : 2) * off ** 2;
    }
  }
  return { most, frobenius: Math.sqrt(square) };
}

const isDescending = (sigma: Float64Array): boolean =>
  sigma.every((value, i) => Number.isFinite(value) && value >= 0 && (i === 0 || value <= sigma[i - 1]!));
