import type { Linearization } from "../autodiff/index.ts";
import { PushforwardError, type Shape, sameShape, sizeOf } from "../base/index.ts";
import { type LinearOperator, toDense } from "../operator/index.ts";
import type { Block, BlockAlgebra, DeviceTensor, Placement } from "../runtime/index.ts";
import { type SingularTriplets, type SvdOptions, svd } from "../svd/index.ts";
import { activeRows } from "./active-rows.ts";
import type { KinkCount } from "./kinks.ts";
import { type CompiledProducts, PREFERRED_ROWS, type Product, type Products } from "./products.ts";

/** K vectors with their shape: [K, ...]. */
export interface Vectors {
  /** [K, ...source] or [K, ...target] */
  readonly shape: Shape;
  readonly data: Float32Array;
}

interface Parts {
  readonly source: Shape;
  readonly target: Shape;
  readonly productCost: number;
  readonly algebra: BlockAlgebra;
  readonly linearization: Linearization;
  /** Works with the compiled graphs. */
  readonly use: <R>(work: (compiled: CompiledProducts) => Promise<R>) => Promise<R>;
  /** What the pass kept, on the device. */
  readonly kept: Readonly<Record<string, DeviceTensor>>;
  readonly value: Float32Array;
  readonly kinks: readonly KinkCount[];
  /** Why a product is not finite: the error `not-finite` that names the first node which is not. */
  readonly whereNotFinite: () => Promise<PushforwardError>;
  /** Awaited before each run of a product. */
  readonly beforeRun: (() => Promise<void>) | undefined;
}

/**
 * J(from → to) of a network at one point: m×n, target×source, applied from the left and never formed. Two compiled graphs compute its
 * products with blocks; they are compiled again if the network has released them. What the pass at the point kept stays on the device
 * until `dispose`.
 *
 * Shapes: `source` and `target` leave out a batch axis of 1; vectors come and go as [K, ...source] and [K, ...target].
 * Units: target units per source unit.
 */
export class Jacobian implements LinearOperator, Disposable {
  readonly source: Shape;
  readonly target: Shape;
  readonly preferredRows = PREFERRED_ROWS;
  readonly productCost: number;
  readonly algebra: BlockAlgebra;
  /** The value of the target tap at the point. */
  readonly value: Float32Array;
  /** The nodes between source and target that are at a kink here; numbers within rounding of each other count as equal. */
  readonly kinks: readonly KinkCount[];
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.source = parts.source;
    this.target = parts.target;
    this.productCost = parts.productCost;
    this.algebra = parts.algebra;
    this.value = parts.value;
    this.kinks = parts.kinks;
  }

  /** Whether J is the same at every point, as for a network of linear layers. */
  get isConstant(): boolean {
    return this.#parts.linearization.kept.length === 0;
  }

  /** The first outputs of the nodes whose derivative depends on the point, in graph order. All are listed only with `apart`. */
  get factors(): readonly string[] {
    return [...new Set(this.#parts.linearization.kept.flatMap(({ of }) => of ?? []))];
  }

  apply = (v: Block, placement?: Placement): Promise<Block> =>
    this.#multiply(({ jvp }) => jvp, v, [this.source, this.target], placement);

  applyTranspose = (u: Block, placement?: Placement): Promise<Block> =>
    this.#multiply(({ vjp }) => vjp, u, [this.target, this.source], placement);

  #multiply(
    choose: (products: Products) => Product,
    x: Block,
    sides: readonly [Shape, Shape],
    placement: Placement | undefined,
  ): Promise<Block> {
    return this.#parts.use(async ({ products }) => choose(await products()).of(x, sides, this.#parts, placement));
  }

  activeRows = (): Promise<Uint32Array | undefined> => activeRows(this.#parts.linearization, this.#parts.kept);

  /**
   * J·v for K tangents: [K, ...source] → [K, ...target].
   *
   * @throws PushforwardError `shape-mismatch` if they are not of that shape, or no whole number of vectors
   */
  async jvp(v: Float32Array | Vectors): Promise<Vectors> {
    using block = asBlock(this.algebra, v, this.source, "tangent");
    using product = await this.apply(block);
    return { shape: [product.rows, ...this.target], data: await product.read() };
  }

  /**
   * Jᵀ·u for K cotangents: [K, ...target] → [K, ...source].
   *
   * @throws PushforwardError `shape-mismatch` if they are not of that shape, or no whole number of vectors
   */
  async vjp(u: Float32Array | Vectors): Promise<Vectors> {
    using block = asBlock(this.algebra, u, this.target, "cotangent");
    using product = await this.applyTranspose(block);
    return { shape: [product.rows, ...this.source], data: await product.read() };
  }

  /**
   * The k largest singular triplets, each with its residual: see `svd`.
   *
   * @throws PushforwardError `not-finite` that names the first node which is not finite, and what `svd` throws
   */
  svd(options: SvdOptions): Promise<SingularTriplets> {
    return svd(this, options).catch(async (cause: unknown) => {
      const isNotFinite = cause instanceof PushforwardError && cause.code === "not-finite";
      throw isNotFinite ? await this.#parts.whereNotFinite() : cause;
    });
  }

  /** The whole matrix, [m, n] row-major: for small shapes. */
  async dense(): Promise<Vectors> {
    return { shape: [sizeOf(this.target), sizeOf(this.source)], data: await toDense(this) };
  }

  /**
   * J with the kept values of these nodes taken from another point. With no nodes it is this J; with all nodes it is the J of the
   * other point. Both must be of the same taps and `apart`, and must not be disposed of while it is used.
   *
   * `nodes` are named by their first outputs.
   *
   * @throws PushforwardError `op-unsupported` if the network has another structure at the other point
   */
  exchanged(other: Jacobian, nodes: ReadonlySet<string>): Jacobian {
    const foreign = this.#parts.linearization.kept.filter(({ of }) => of !== undefined && nodes.has(of));
    if (foreign.some(({ name, shape }) => !sameShape(shape, other.#parts.kept[name]?.shape ?? []))) {
      throw new PushforwardError("op-unsupported", {
        what: "The layers of two points cannot be exchanged: the input decides the structure of the network, and it differs.",
        fix: "Choose inputs at which the network has the same structure, or a network whose input does not decide it.",
      });
    }
    const taken = Object.fromEntries(foreign.map(({ name }) => [name, other.#parts.kept[name]!]));
    return new Jacobian({ ...this.#parts, kept: { ...this.#parts.kept, ...taken } });
  }

  /** Frees what the pass kept on the device; J cannot be used afterwards. A second time does nothing. */
  dispose(): void {
    for (const tensor of Object.values(this.#parts.kept)) tensor.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function asBlock(algebra: BlockAlgebra, given: Float32Array | Vectors, side: Shape, kind: string): Block {
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
  return algebra.upload(data.slice(), data.length / length);
}
