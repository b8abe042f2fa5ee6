import type { EmittedProgram, Linearization } from "../autodiff/index.ts";
import { PushforwardError, type Shape, sizeOf } from "../base/index.ts";
import type { Tensor } from "../onnx/index.ts";
import type { LinearOperator } from "../operator/index.ts";
import type { Block, BlockAlgebra, Executable, Placement } from "../runtime/index.ts";
import { activeRows } from "./active-rows.ts";
import type { KinkCount } from "./kinks.ts";

/** A compiled program of products, and the names of its inputs and outputs. */
export interface Product {
  readonly emitted: EmittedProgram;
  readonly executable: Executable;
}

interface Parts {
  readonly source: Shape;
  readonly target: Shape;
  readonly preferredRows: number;
  readonly productCost: number;
  /** How many rows of a block are computed in one run. */
  readonly rowsPerRun: number;
  readonly algebra: BlockAlgebra;
  readonly linearization: Linearization;
  readonly kept: Readonly<Record<string, Tensor>>;
  readonly jvp: Product;
  readonly vjp: Product;
  readonly value: Float32Array;
  readonly kinks: readonly KinkCount[];
}

/**
 * J(a → b) of a network at one point. Two compiled graphs compute its products with blocks.
 *
 * Shapes: source and target have no batch axis of 1. Entries of J are in units of the target per unit of the source.
 */
export class JacobianOperator implements LinearOperator {
  readonly source: Shape;
  readonly target: Shape;
  readonly preferredRows: number;
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
    this.preferredRows = parts.preferredRows;
    this.productCost = parts.productCost;
    this.algebra = parts.algebra;
    this.value = parts.value;
    this.kinks = parts.kinks;
  }

  apply(v: Block, placement?: Placement): Promise<Block> {
    return this.#run(this.#parts.jvp, v, this.source, this.target, placement);
  }

  applyTranspose(u: Block, placement?: Placement): Promise<Block> {
    return this.#run(this.#parts.vjp, u, this.target, this.source, placement);
  }

  async activeRows(): Promise<Uint32Array | undefined> {
    return activeRows(this.#parts.linearization, this.#parts.kept);
  }

  /**
   * J with the kept values of these nodes taken from another point. With no nodes it is this J; with all nodes it is the J of the
   * other point. Both operators must come from one Jacobian that was compiled `apart`.
   *
   * `nodes` are named by their first outputs.
   */
  exchanged(other: JacobianOperator, nodes: ReadonlySet<string>): JacobianOperator {
    const foreign = this.#parts.linearization.kept.filter(({ of }) => of !== undefined && nodes.has(of));
    const taken = Object.fromEntries(foreign.map(({ name }) => [name, other.#parts.kept[name]!]));
    return new JacobianOperator({ ...this.#parts, kept: { ...this.#parts.kept, ...taken } });
  }

  /** Computes a block in pieces that fit into the cache. Each piece is written directly to its part of the result. */
  async #run(
    { emitted, executable }: Product,
    x: Block,
    from: Shape,
    to: Shape,
    placement: Placement = {},
  ): Promise<Block> {
    if (x.length !== sizeOf(from)) {
      throw new PushforwardError("shape-mismatch", {
        what: `The vectors of the block have ${x.length} entries, but J needs ${sizeOf(from)} entries here.`,
      });
    }
    const result = placement.into ?? this.algebra.allocate(x.rows, sizeOf(to));
    const kept = Object.fromEntries(emitted.kept.map((name) => [name, this.#parts.kept[name]!]));
    const [input, output] = [emitted.inputs[0]!, emitted.outputs[0]!];
    const { rowsPerRun } = this.#parts;
    for (let row = 0; row < x.rows; row += rowsPerRun) {
      const end = Math.min(x.rows, row + rowsPerRun);
      const vectors = x.range(row, end).tensor([end - row, ...from]);
      const products = result.range(row, end).tensor([end - row, ...to]);
      await executable.compute({ ...kept, [input]: vectors }, [output], { [output]: products });
    }
    return result;
  }
}
