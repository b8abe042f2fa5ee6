/** Growth of the basis between two looks at the projected problem, whose cost is cubic. */
const GROWTH = { least: 1.08, usual: 1.2, most: 1.4 };

/** When to look at the projected problem of a growing basis. */
export class Schedule {
  /** Size of the basis at which to look next. */
  next: number;
  /** Triplets below the goal at the last look. */
  converged = 0;
  private readonly step: number;
  private last: { readonly size: number; readonly logResidual: number } | undefined;

  /** `first`: the size that a first look needs; `step`: the least growth between looks. */
  constructor(first: number, step: number) {
    this.step = step;
    this.next = first;
  }

  /** Counts the residuals below the limit, and predicts when all will be. */
  look(size: number, residual: Float64Array, limit: number): number {
    this.converged = residual.filter((value) => value <= limit).length;
    const logResidual = Math.log(Math.max(...residual, Number.MIN_VALUE));
    let predicted = GROWTH.usual * size;
    if (this.last !== undefined && logResidual < this.last.logResidual) {
      const slope = (logResidual - this.last.logResidual) / (size - this.last.size);
      predicted = size + (Math.log(limit) - logResidual) / slope;
    }
    this.last = { size, logResidual };
    this.next = Math.max(size + this.step, Math.min(GROWTH.most * size, Math.max(GROWTH.least * size, predicted)));
    return this.converged;
  }
}
