import type { Block } from "../runtime/index.ts";

/** The k largest singular triplets of an operator J, each Jv ≈ σu and Jᵀu ≈ σv. */
export interface SingularTriplets {
  /** [k], descending. */
  readonly sigma: Float64Array;
  /** [k, ...target], orthonormal rows. */
  readonly u: Float32Array;
  /** [k, ...source], orthonormal rows. */
  readonly v: Float32Array;
  readonly certificate: Certificate;
}

/**
 * `converged`: residual and floor of the triplet are ≤ tol · norm. `at-floor`: its floor is larger than tol · norm, and its residual is
 * ≤ its floor. A smaller residual would mean nothing, because of rounding or because J and Jᵀ disagree. `below-floor`: one of the
 * two holds, but σ ≤ `Certificate.floor`, so σ cannot be told from zero. `unconverged`: the residual is larger.
 */
export type Status = "converged" | "at-floor" | "unconverged" | "below-floor";

/**
 * What is known about the largest σ that is not in the set. `exact`: the whole spectrum was computed. `probable`: it is at most
 * `bound`; this fails with at most the given probability over the random vectors of the solver. `none`: nothing is known,
 * because the solver was stopped before it could test for it.
 */
export type Bound =
  | { readonly kind: "exact" }
  | { readonly kind: "probable"; readonly bound: number; readonly failureProbability: number }
  | { readonly kind: "none" };

/**
 * What was measured of the triplets after the last step. Nothing in it is a prediction of the recurrence. Products Jv and Jᵀu are
 * computed anew, or they are linear combinations of the products of the search, with the same weights as the
 * vectors, or be bounded all at once. Products with random vectors test whether the two sides agree.
 */
export interface Certificate {
  /** [k], (‖Jv − σu‖² + ‖Jᵀu − σv‖²)^½, in units of σ. If `bounded` is present, one of the two terms is its bound. */
  readonly residual: Float64Array;
  /**
   * Present if the whole matrix was read and is large. Then the products of one side were not computed for each triplet. Products with
   * random combinations of the vectors show that none of the residuals of this side exceeds `bound`, except with this probability.
   */
  readonly bounded?: { readonly bound: number; readonly failureProbability: number };
  readonly status: readonly Status[];
  /** The residual asked for, relative to `norm`. */
  readonly tol: number;
  /** The largest σ found. */
  readonly norm: number;
  /**
   * [k], the residual that rounding, or a measured disagreement between J and Jᵀ, can cause alone in each triplet, in units of σ. A
   * smaller one means nothing.
   */
  readonly floors: Float64Array;
  /**
   * The floor of the set, with which any σ can be compared: the smallest of `floors`, or the largest of those that their own σ does
   * not exceed. A σ that is not larger cannot be told from zero; each σ that is larger is also above the floor of its triplet.
   */
  readonly floor: number;
  /**
   * max |UUᵀ − I| and max |VVᵀ − I|. Where the whole matrix was read, one of the two is a bound that exceeds it by at most 2⁻²²: what
   * the Gram matrix of the rows gives, and what rounding to float32 can add.
   */
  readonly orthogonality: { readonly u: number; readonly v: number };
  readonly missed: Bound;
  /** The vectors multiplied by J and by Jᵀ, including those for the certificate, and the wall time. */
  readonly cost: { readonly jvp: number; readonly vjp: number; readonly seconds: number };
  /**
   * `all-converged`: no triplet is unconverged. `budget`: some triplets are unconverged, and the products or attempts allowed are
   * used up. `interrupted`: the signal was aborted.
   */
  readonly stopped: "all-converged" | "budget" | "interrupted";
}

/** The progress of a solve. */
export interface SvdProgress {
  readonly jvp: number;
  readonly vjp: number;
  /** How many of the `k` triplets had converged when the projected problem was last solved. */
  readonly converged: number;
  readonly k: number;
}

/** Singular values that a solve has found so far. None is measured yet: they are Ritz values, which can only grow. */
export interface Estimate {
  /** Descending; at most k of them. */
  readonly sigma: Float64Array;
  /** The residual that the recurrence predicts of each; NaN where the whole matrix is read and nothing is predicted. */
  readonly residual: Float64Array;
}

/** Orthonormal rows u and v that a method proposes as singular vectors, before they are measured. */
export interface Candidates {
  /** [k, m] */
  readonly u: Block;
  /** [k, n] */
  readonly v: Block;
}
