import type { Rng } from "../base/index.ts";
import type { Block, BlockAlgebra } from "../operator/index.ts";
import { Basis } from "./basis.ts";
import type { Products } from "./products.ts";
import { Projection, type Ritz } from "./projected.ts";
import { rowRange, zeros } from "./small/matrix.ts";

/**
 * Block Golub-Kahan-Lanczos: orthonormal U and V with J·V = T·U, T known in float64, grown by alternating products with J
 * and Jᵀ. Both bases are fully reorthogonalized, so T is taken from the coefficients themselves: a restart or a block of
 * fresh vectors needs no formula of its own.
 *
 * Rows of V that J was not yet applied to wait at its end: first those that Jᵀ led to, then random or injected ones. Where
 * Jᵀ leads to fewer directions than a block has (an invariant subspace, a rank below the block), random ones take their
 * place; so multiplicities beyond the block size and disconnected parts of the spectrum are found in time.
 *
 * @see Baglama & Reichel 2006, "Restarted block Lanczos bidiagonalization methods"
 */
export class Bidiagonalization {
  private readonly U: Basis;
  private readonly V: Basis;
  private readonly projection = new Projection();
  private readonly products: Products;
  private readonly blockRows: number;
  private readonly rng: Rng;
  private readonly algebra: BlockAlgebra;
  /** A lower bound on ‖J‖: the largest image of a unit vector so far. */
  private scale = 0;
  /** J vanishes on everything but the span of V, as far as random vectors tell. */
  private exhausted = false;

  constructor(
    products: Products,
    algebra: BlockAlgebra,
    { blockRows, maxBasis, rng }: { readonly blockRows: number; readonly maxBasis: number; readonly rng: Rng },
  ) {
    this.products = products;
    this.blockRows = blockRows;
    this.rng = rng;
    this.algebra = algebra;
    this.U = new Basis(algebra, products.m, maxBasis);
    this.V = new Basis(algebra, products.n, maxBasis);
  }

  /** Rows of V that J was applied to, and rows of U. */
  get size() {
    return this.projection.size;
  }

  /** U and V hold the whole of J: its Ritz values are its singular values. */
  get whole(): boolean {
    const { u, v } = this.size;
    return v === this.products.n || (u === this.products.m && this.projection.coupled === 0);
  }

  /** There is nothing more to find by going on. */
  get complete(): boolean {
    return this.whole || this.exhausted;
  }

  /** Another step would not fit. */
  get full(): boolean {
    const next = Math.max(this.waiting, this.blockRows);
    return lacksRoom(this.V, next) || lacksRoom(this.U, next);
  }

  private get waiting(): number {
    return this.V.rows - this.size.v;
  }

  /** Applies J to the waiting rows of V, and Jᵀ to the rows of U that come of it. */
  async step(): Promise<void> {
    if (this.waiting === 0) await this.V.extendRandom(this.blockRows, this.rng);
    const allRandom = this.projection.coupled === 0;
    const before = this.U.rows;
    const { coefficients, factor, largest } = await this.U.extend(
      await this.products.apply(this.V.range(this.size.v)),
      this.scale,
    );
    this.scale = Math.max(this.scale, largest);
    let coupling = zeros(0, 0);
    if (this.U.rows > before) {
      const images = await this.V.extend(await this.products.applyTranspose(this.U.range(before)), this.scale);
      this.scale = Math.max(this.scale, images.largest);
      coupling = images.factor;
    }
    this.exhausted = allRandom && this.U.rows === before;
    this.projection.grow(coefficients, factor, coupling);
    const short = this.blockRows - this.waiting;
    if (!this.complete && short > 0) await this.V.extendRandom(short, this.rng);
  }

  /** The `count` largest Ritz triplets; predicted residuals are zero where nothing is left to find. */
  ritz(count: number): Promise<Ritz> {
    return this.projection.ritz(count, this.algebra);
  }

  /** Shrinks the bases to these Ritz vectors and the waiting rows. */
  async restart(ritz: Ritz): Promise<void> {
    this.projection.restart(ritz);
    await this.V.restart(ritz.v);
    await this.U.restart(ritz.u);
  }

  /**
   * Keeps only these Ritz triplets, which should be converged, and goes on from the given directions and random ones. What
   * the triplets' own residuals led to is dropped: they stay as good as they are, and the block as small.
   */
  async reseed(ritz: Ritz, directions: Block): Promise<void> {
    await this.restart(ritz);
    this.projection.decouple();
    this.V.truncate(this.size.v);
    await this.V.extend(directions, 0);
    await this.V.extendRandom(this.blockRows - this.waiting, this.rng);
    this.exhausted = false;
  }

  /** The first `count` Ritz vectors as rows. */
  async vectors({ u, v }: Ritz, count: number): Promise<{ readonly u: Block; readonly v: Block }> {
    return { u: await this.U.combine(rowRange(u, 0, count)), v: await this.V.combine(rowRange(v, 0, count)) };
  }
}

/** Whether `next` more rows are too many; a basis of the whole space takes what fits. */
function lacksRoom(basis: Basis, next: number): boolean {
  return basis.capacity < basis.length && basis.rows + next > basis.capacity;
}
