import { PushforwardError, type Shape, sameShape, sizeOf } from "../../base/index.ts";
import type { JacobianOperator } from "../../jacobian/index.ts";
import { type LinearOperator, toDense } from "../../operator/index.ts";
import type { Block, BlockAlgebra, Placement } from "../../runtime/index.ts";
import { type SingularTriplets, type SvdOptions, svd } from "../../svd/index.ts";

/** K vectors with their shape: [K, ...]. */
export interface Vectors {
  /** [K, ...source] or [K, ...target] */
  readonly shape: Shape;
  readonly data: Float32Array;
}

/**
 * J(from → to) of a network at one point: m×n, target×source, applied from the left and never formed.
 *
 * Shapes: `source` and `target` leave out a batch axis of 1; vectors come and go as [K, ...source] and [K, ...target].
 * Units: target units per source unit.
 */
export class Jacobian implements LinearOperator {
  readonly source: Shape;
  readonly target: Shape;
  readonly preferredRows: number;
  readonly productCost: number;
  readonly algebra: BlockAlgebra;
  readonly #operator: JacobianOperator;

  constructor(operator: JacobianOperator) {
    this.#operator = operator;
    this.source = operator.source;
    this.target = operator.target;
    this.preferredRows = operator.preferredRows;
    this.productCost = operator.productCost;
    this.algebra = operator.algebra;
  }

  apply = (v: Block, placement?: Placement): Promise<Block> => this.#operator.apply(v, placement);
  applyTranspose = (u: Block, placement?: Placement): Promise<Block> => this.#operator.applyTranspose(u, placement);
  activeRows = (): Promise<Uint32Array | undefined> => this.#operator.activeRows();

  /**
   * J·v for K tangents: [K, ...source] → [K, ...target].
   *
   * @throws PushforwardError `shape-mismatch` if they are not of that shape, or no whole number of vectors
   */
  async jvp(v: Float32Array | Vectors): Promise<Vectors> {
    using tangents = this.#block(v, this.source, "tangent");
    using product = await this.apply(tangents);
    return { shape: [product.rows, ...this.target], data: await product.read() };
  }

  /**
   * Jᵀ·u for K cotangents: [K, ...target] → [K, ...source].
   *
   * @throws PushforwardError `shape-mismatch` if they are not of that shape, or no whole number of vectors
   */
  async vjp(u: Float32Array | Vectors): Promise<Vectors> {
    using cotangents = this.#block(u, this.target, "cotangent");
    using product = await this.applyTranspose(cotangents);
    return { shape: [product.rows, ...this.source], data: await product.read() };
  }

  /** The k largest singular triplets, each with its residual: see `svd`. */
  svd(options: SvdOptions): Promise<SingularTriplets> {
    return svd(this, options);
  }

  /** The whole matrix, [m, n] row-major: for small shapes. */
  async dense(): Promise<Vectors> {
    return { shape: [sizeOf(this.target), sizeOf(this.source)], data: await toDense(this) };
  }

  #block(given: Float32Array | Vectors, side: Shape, kind: string): Block {
    const { data, rows } = checkedVectors(given, side, kind);
    return this.algebra.upload(data.slice(), rows);
  }
}

function checkedVectors(given: Float32Array | Vectors, side: Shape, kind: string) {
  const data = given instanceof Float32Array ? given : given.data;
  if (!(given instanceof Float32Array) && !sameShape(given.shape, [data.length / sizeOf(side), ...side])) {
    throw new PushforwardError("shape-mismatch", {
      what: `A ${kind} is [${given.shape.join(", ")}] with ${data.length} numbers; J takes [K, ${side.join(", ")}].`,
      fix: "Give K vectors of that shape, or their numbers alone.",
    });
  }
  const length = sizeOf(side);
  if (data.length === 0 || data.length % length !== 0) {
    throw new PushforwardError("shape-mismatch", {
      what: `A ${kind} has ${length} numbers; ${data.length} are no whole number of them.`,
      fix: `Give [K, ${side.join(", ")}].`,
    });
  }
  return { data, rows: data.length / length };
}
