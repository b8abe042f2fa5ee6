import {
  type EmittedProgram,
  emit,
  inFloat64,
  type Linearization,
  type LinearProgram,
  type LinearVar,
  transpose,
} from "../autodiff/index.ts";
import { PushforwardError, type Shape, sizeOf } from "../base/index.ts";
import type { OnnxModel, Tensor } from "../onnx/index.ts";
import type {
  Backend,
  Block,
  BlockAlgebra,
  Compiled,
  CompileOptions,
  DeviceTensor,
  Executable,
  Feeds,
  Placement,
} from "../runtime/index.ts";
import { packing, packsOf, unpacked, unpacking } from "./pack-kept.ts";

/** How many rows a solver should multiply at a time. The matrix products of the solver are faster with larger blocks. */
export const PREFERRED_ROWS = 32;

/** The most bytes of the largest tangent of a run, so that it fits into the last cache of a CPU. */
const CACHED_BYTES = 2 ** 24;

/** The same with a recurrence: each of its rounds takes some time however many rows it computes. */
const BYTES_OF_ROUNDS = 2 ** 26;

/** The same for the tangents of products with batches of matrices, which are read and written more often than they are computed with. */
const NEAR_BYTES = 2 ** 22;

/** The graphs of J between two taps. */
export interface CompiledProducts extends Compiled {
  readonly linearization: Linearization;
  /** The pass at a point: the value of the target, what J keeps, and the counts of kinks, by name. */
  readonly pass: (feeds: Feeds) => Promise<Readonly<Record<string, DeviceTensor>>>;
  /**
   * The products with J and with Jᵀ, compiled the first time that they are asked for. After a pass the runtime does not hold the weights of
   * a large one any more.
   */
  readonly products: () => Promise<Products>;
}

export interface Products {
  readonly jvp: Product;
  readonly vjp: Product;
}

/**
 * Compiles the primal pass of a linearization, and the products when they are asked for. Where one does not compile, the others are
 * released.
 *
 * @param ends the names of its source and target, for messages
 * @param apart whether kept values are exchanged with those of other points, one by one
 */
export async function compileProducts(
  backend: Backend,
  linearization: Linearization,
  ends: string,
  apart: boolean,
): Promise<CompiledProducts> {
  const { program, constants, primal, typeOf } = linearization;
  // Kernels of GPUs take few tensors at a time.
  const packs = apart || backend.device !== "cpu" ? [] : packsOf(linearization);
  const packTypes = new Map(packs.map((pack) => [pack.name, pack]));
  const compiled: Executable[] = [];
  const compile = async (model: OnnxModel, options: CompileOptions = {}) => {
    const executable = await backend.compile(model, options);
    compiled.push(executable);
    return executable;
  };
  const rows = backend.device === "cpu" ? rowsPerRun(program) : PREFERRED_ROWS;
  const product = async (direction: LinearProgram, name: string): Promise<Product> => {
    const emitted = unpacking(emit(direction, constants), packs);
    const graph = { ...emitted.model.graph, name: `${name}(${ends})` };
    return new Product(emitted, await compile({ ...emitted.model, graph }), rows);
  };
  const release = async () => {
    for (const executable of compiled) await executable.release();
  };
  const orRelease = async <T>(make: () => Promise<T>): Promise<T> => {
    try {
      return await make();
    } catch (cause) {
      await release();
      throw cause;
    }
  };
  const whole = packing(primal, packs);
  const inDoubles = inFloat64(whole, (name) => packTypes.get(name) ?? typeOf(name));
  const primalPass = await orRelease(() => compile(inDoubles, { runs: "seldom" }));
  const fetches = whole.graph.outputs.map(({ name }) => name);
  const both = async () => ({ jvp: await product(program, "J"), vjp: await product(transpose(program), "Jᵀ") });
  let products: Promise<Products> | undefined;
  return {
    linearization,
    pass: async (feeds) => unpacked(await primalPass.compute(feeds, fetches), packs),
    products: () => {
      products ??= orRelease(both);
      return products;
    },
    bytes: bytesOf(linearization),
    release,
  };
}

/** The bytes of weights in the graphs of a linearization: J, Jᵀ, and the primal pass, which has them in float64. */
export function bytesOf({ constants, primal }: Linearization): number {
  const total = (tensors: ReadonlyMap<string, Tensor>) =>
    [...tensors.values()].reduce((sum, { data }) => sum + ("byteLength" in data ? data.byteLength : 0), 0);
  return 2 * total(constants) + 2 * total(primal.graph.initializers);
}

/**
 * The largest power of two, up to the preferred rows, with which the largest tangent of the program fits into the cache, and that of a
 * product with a batch of matrices, as the heads of an attention are, into the part of the cache that is near. The rounds of a recurrence have
 * more rows.
 */
function rowsPerRun({ sources, steps }: LinearProgram): number {
  const isBatched = ({ op, operands: [w] }: LinearProgram["steps"][number]) =>
    (op === "matmul" || op === "matmulLeft") && sizeOf(w!.shape.slice(0, -2)) > 1;
  const all = [...sources, ...steps.map(({ output }) => output)];
  const inBatches = steps.filter(isBatched).flatMap(({ inputs, output }) => [...inputs, output]);
  const bytes = steps.some(({ op }) => op === "repeat") ? BYTES_OF_ROUNDS : CACHED_BYTES;
  const rows = Math.min(PREFERRED_ROWS, fitting(all, bytes), fitting(inBatches, NEAR_BYTES));
  return Math.max(2 ** Math.floor(Math.log2(rows)), 1);
}

/** How often the largest of some tangents fits into so many bytes. */
const fitting = (tangents: readonly LinearVar[], bytes: number): number =>
  bytes / (Float32Array.BYTES_PER_ELEMENT * tangents.reduce((most, { shape }) => Math.max(most, sizeOf(shape)), 0));

/** The compiled products with J, or with Jᵀ, of blocks. */
export class Product {
  readonly #emitted: EmittedProgram;
  readonly #executable: Executable;
  readonly #rows: number;

  /** @param rows how many rows of a block are computed in one run */
  constructor(emitted: EmittedProgram, executable: Executable, rows: number) {
    this.#emitted = emitted;
    this.#executable = executable;
    this.#rows = rows;
  }

  /**
   * Multiplies a block in pieces that fit into the cache. Each piece is written directly to its part of the result.
   *
   * @param sides the shapes of one vector and of its product
   * @throws PushforwardError `shape-mismatch` if the vectors have another length
   */
  async of(
    x: Block,
    [from, to]: readonly [Shape, Shape],
    at: {
      readonly kept: Readonly<Record<string, DeviceTensor>>;
      readonly algebra: BlockAlgebra;
      readonly beforeRun: (() => Promise<void>) | undefined;
    },
    placement: Placement = {},
  ): Promise<Block> {
    if (x.length !== sizeOf(from)) {
      throw new PushforwardError("shape-mismatch", {
        what: `The vectors of the block have ${x.length} entries, but J needs ${sizeOf(from)} entries here.`,
      });
    }
    const result = placement.into ?? at.algebra.allocate(x.rows, sizeOf(to));
    const [input, output] = [this.#emitted.inputs[0]!, this.#emitted.outputs[0]!];
    const kept = Object.fromEntries(this.#emitted.kept.map((name) => [name, at.kept[name]!]));
    for (let row = 0; row < x.rows; row += this.#rows) {
      await at.beforeRun?.();
      const end = Math.min(x.rows, row + this.#rows);
      const vectors = x.range(row, end).tensor([end - row, ...from]);
      const products = result.range(row, end).tensor([end - row, ...to]);
      await this.#executable.compute({ ...kept, [input]: vectors }, [output], { [output]: products });
    }
    return result;
  }
}
