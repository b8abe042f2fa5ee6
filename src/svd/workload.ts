import type { BlockAlgebra } from "../runtime/index.ts";
import type { Operation, Rates } from "./rates.ts";

/** Records how long the work of a problem would take if its vectors were `scale` times longer, and `scale` times as many. */
export class Workload {
  readonly algebra: BlockAlgebra;
  /** The time of the larger problem, without products with J. */
  seconds = 0;
  /** The most vectors that were combined, or to which others were made orthogonal, in the larger problem: those of its basis. */
  mostVectors = 0;
  private readonly rates: Rates;
  private readonly scale: number;

  constructor(algebra: BlockAlgebra, rates: Rates, scale: number) {
    this.rates = rates;
    this.scale = scale;
    this.algebra = {
      ...algebra,
      gram: (a, b, options = {}) => {
        this.product(options.exact ? "exact gram" : "gram", a.rows, b.rows, a.length);
        if (options.exact) this.add("exact entry", a.rows * a.length * scale ** 2);
        else this.holds(b.rows);
        return algebra.gram(a, b, options);
      },
      combine: (c, q, options = {}) => {
        this.product(options.exact ? "exact combine" : "combine", c.rows, q.rows, q.length);
        if (!options.exact) this.holds(q.rows);
        return algebra.combine(c, q, options);
      },
      subtract: (w, c, q, placement) => {
        this.product("subtract", w.rows, q.rows, q.length);
        return algebra.subtract(w, c, q, placement);
      },
      multiply: (a, b) => {
        this.product("multiply", a.rows, a.columns, b.columns);
        return algebra.multiply(a, b);
      },
      mix: (terms, placement) => {
        this.add("mix", terms[0].block.rows * terms[0].block.length * scale ** 2);
        return algebra.mix(terms, placement);
      },
      select: (x, positions, placement) => {
        this.add("select", x.rows * positions.length * scale ** 2);
        return algebra.select(x, positions, placement);
      },
      scatter: (x, positions, length, placement) => {
        this.add("select", x.rows * positions.length * scale ** 2);
        return algebra.scatter(x, positions, length, placement);
      },
      dots: (a, b) => {
        this.add("difference", a.rows * a.length * scale ** 2);
        return algebra.dots(a, b);
      },
      squaredDifference: (a, s, b) => {
        this.add("difference", a.rows * a.length * scale ** 2);
        return algebra.squaredDifference(a, s, b);
      },
    };
  }

  /** Adds work of the larger problem that is not done here. */
  add(operation: Operation, work: number): void {
    this.seconds += this.rates[operation] * work;
  }

  private holds(vectors: number): void {
    this.mostVectors = Math.max(this.mostVectors, this.scale * vectors);
  }

  private product(operation: Operation, a: number, b: number, c: number): void {
    this.add(operation, a * b * c * this.scale ** 3);
  }
}
