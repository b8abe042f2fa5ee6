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
 * `converged`: residual and floor ≤ tol · norm. `at-floor`: not, but residual ≤ floor, as small as this backend can reach, or
 * all that can be said where J and Jᵀ disagree. `below-floor`: the residual is as of those two, and σ ≤ floor: all that is
 * known of it is that it cannot be told from zero. `unconverged`: the residual is larger.
 */
export type Status = "converged" | "at-floor" | "unconverged" | "below-floor";

/**
 * What is known of the largest σ that is not in the set. `exact`: the whole spectrum was computed. `probable`: it is at
 * most `bound`, a claim that fails with at most the given probability over the solver's own random vectors. `none`:
 * nothing (the solver was stopped before it could look).
 */
export type Bound =
  | { readonly kind: "exact" }
  | { readonly kind: "probable"; readonly bound: number; readonly failureProbability: number }
  | { readonly kind: "none" };

/**
 * What was measured of the triplets after the last step, and never read off the recurrence: on one side with fresh products,
 * on the other with products made before and combined as the vectors were. Random vectors check the sides against each other.
 */
export interface Certificate {
  /** [k], (‖Jv − σu‖² + ‖Jᵀu − σv‖²)^½, in units of σ. */
  readonly residual: Float64Array;
  readonly status: readonly Status[];
  /** Relative to `norm`. */
  readonly tol: number;
  /** Largest σ seen. */
  readonly norm: number;
  /** Residual that this backend can reach, from rounding and the measured adjoint gap. */
  readonly floor: number;
  /** max |UUᵀ − I| and max |VVᵀ − I|. */
  readonly orthogonality: { readonly u: number; readonly v: number };
  readonly missed: Bound;
  /** Vectors multiplied by J and by Jᵀ, those of the certificate included; wall time. */
  readonly cost: { readonly jvp: number; readonly vjp: number; readonly seconds: number };
  /**
   * `all-converged`: no triplet is unconverged. `budget`: some are not, and the products or the attempts
   * allowed are used up. `interrupted`: the signal was aborted.
   */
  readonly stopped: "all-converged" | "budget" | "interrupted";
}

/** Where a solve stands. */
export interface SvdProgress {
  readonly jvp: number;
  readonly vjp: number;
  /** Triplets that look converged at the last look, of `k`. */
  readonly converged: number;
  readonly k: number;
}

/** Orthonormal rows u and v that a method proposes as triplets, before anything is measured. */
export interface Candidates {
  /** [k, m] */
  readonly u: Float32Array;
  /** [k, n] */
  readonly v: Float32Array;
}
