/**
 * By which factor the basis grows between two solutions of the projected problem: without a prediction (`usual`), if convergence
 * is far (`far`), as far as a prediction is trusted (`trusted`), and at most (`most`).
 */
const GROWTH = { usual: 1.1, far: 1.3, trusted: 1.15, most: 1.5 };

/** Decides at which sizes of the basis the projected problem is solved. */
export class Schedule {
  /** The size of the basis at which to solve the problem next. */
  next: number;
  /** The number of triplets that had converged at the last solution. */
  converged = 0;
  private readonly step: number;
  private last: { readonly size: number; readonly converged: number; readonly logResidual: number } | undefined;

  /** `first`: the size of the basis for the first solution; `step`: by how many vectors it grows at least between two. */
  constructor(first: number, step: number) {
    this.step = step;
    this.next = first;
  }

  /**
   * Counts the residuals below the limit and predicts at which size of the basis all of them will be. Triplets converge one after
   * the other, the largest first, so the rate of convergence is extrapolated, or else the rate at which the largest residual
   * falls.
   */
  look(size: number, residual: Float64Array, limit: number): number {
    const { last } = this;
    const converged = residual.filter((value) => value <= limit).length;
    const logResidual = Math.log(Math.max(...residual, Number.MIN_VALUE));
    let next = GROWTH.usual * size;
    if (last !== undefined) {
      const grown = size - last.size;
      const byCount = ((residual.length - converged) * grown) / Math.max(0, converged - last.converged);
      const byResidual = ((logResidual - Math.log(limit)) * grown) / Math.max(0, last.logResidual - logResidual);
      const ahead = Math.min(byCount, byResidual);
      const trusted = (GROWTH.trusted - 1) * size;
      // The rate of convergence increases, so the prediction for a far goal is too large.
      if (ahead <= (GROWTH.most - 1) * 2 * size)
        next = size + (ahead <= trusted ? ahead : Math.max(trusted, ahead / 2));
      else if (Number.isFinite(byCount)) next = GROWTH.far * size;
    }
    this.converged = converged;
    this.last = { size, converged, logResidual };
    this.next = Math.max(size + this.step, next);
    return converged;
  }
}
