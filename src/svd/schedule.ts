/** Growth of the basis between two looks at the projected problem, whose cost is cubic. */
const GROWTH = { usual: 1.1, most: 1.15 };

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
    let predicted = GROWTH.usual * size;
    if (last !== undefined) {
      const grown = size - last.size;
      const byCount = ((residual.length - converged) * grown) / Math.max(0, converged - last.converged);
      const byResidual = ((logResidual - Math.log(limit)) * grown) / Math.max(0, last.logResidual - logResidual);
      predicted = size + Math.min(byCount, byResidual);
    }
    this.converged = converged;
    this.last = { size, converged, logResidual };
    this.next = Math.max(size + this.step, Math.min(GROWTH.most * size, predicted));
    return converged;
  }
}
