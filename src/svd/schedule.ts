/**
 * Growth of the basis between two looks at the projected problem: where nothing is predicted, where the goal is far, how far
 * a prediction is trusted, and at most.
 */
const GROWTH = { usual: 1.1, far: 1.3, trusted: 1.15, most: 1.5 };

/** When to look at the projected problem of a growing basis. */
export class Schedule {
  /** Size of the basis at which to look next. */
  next: number;
  /** Triplets below the goal at the last look. */
  converged = 0;
  private readonly step: number;
  private last: { readonly size: number; readonly converged: number; readonly logResidual: number } | undefined;

  /** `first`: the size that a first look needs; `step`: the least growth between looks. */
  constructor(first: number, step: number) {
    this.step = step;
    this.next = first;
  }

  /**
   * Counts the residuals below the limit, and predicts when all will be: by the rate at which triplets converge, one after
   * the other from the largest on, or, where few do, by the rate at which the worst residual falls.
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
      // Triplets converge ever faster: a far goal is nearer than it seems.
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
