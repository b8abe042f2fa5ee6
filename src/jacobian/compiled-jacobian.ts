import {
  type EmittedProgram,
  emit,
  inFloat64,
  type Linearization,
  type LinearProgram,
  transpose,
} from "../autodiff/index.ts";
import { type PushforwardError, sizeOf } from "../base/index.ts";
import type { Backend, Executable } from "../runtime/index.ts";
import type { Point } from "./feed.ts";
import type { JacobianOperator, Product } from "./jacobian-operator.ts";
import type { Tap } from "./taps.ts";

/** How many rows a solver should multiply at a time. The matrix products of the solver are faster with larger blocks. */
export const PREFERRED_ROWS = 32;

/** The most bytes of the largest tangent of a run, so that it fits into the last cache of a CPU. */
const CACHED_BYTES = 2 ** 24;

/** The largest power of two, up to the preferred rows, with which the largest tangent of the program fits into the cache. */
export function rowsPerRun({ sources, steps }: LinearProgram): number {
  const tangents = [...sources, ...steps.map(({ output }) => output)];
  const largest = Math.max(...tangents.map(({ shape }) => Float32Array.BYTES_PER_ELEMENT * sizeOf(shape)));
  const fitting = 2 ** Math.floor(Math.log2(CACHED_BYTES / largest));
  return Math.min(Math.max(fitting, 1), PREFERRED_ROWS);
}

/** J(from → to) of a network, linearized and compiled once. `at` binds it to a point. */
export interface CompiledJacobian {
  readonly from: Tap;
  readonly to: Tap;
  readonly linearization: Linearization;
  /** Whether J is the same at every point, as for a network of linear layers. */
  readonly isConstant: boolean;
  /** The first outputs of the nodes whose derivative depends on the point, in graph order. All are listed only with `apart`. */
  readonly factors: readonly string[];
  /**
   * Runs the primal pass at a point and binds the products to what it kept.
   *
   * @throws PushforwardError `not-finite` that names the first node, where the target's value has a NaN
   */
  at(point: Point): Promise<JacobianOperator>;
  /** Why products at a point are not finite: the error `not-finite` that names the first node which is not. */
  whereNotFinite(point: Point): Promise<PushforwardError>;
  release(): Promise<void>;
}

/** What is compiled of a linearization: the products with J and Jᵀ, and the primal pass. */
interface Sessions {
  readonly jvp: Product;
  readonly vjp: Product;
  readonly primal: Executable;
  release(): Promise<void>;
}

/** Compiles the products and the primal pass of a linearization. Where one does not compile, the others are released. */
export async function compileSessions(backend: Backend, linearization: Linearization): Promise<Sessions> {
  const { program, constants, primal, typeOf } = linearization;
  const compiled: Executable[] = [];
  const compile = async (model: EmittedProgram["model"]) => {
    const executable = await backend.compile(model);
    compiled.push(executable);
    return executable;
  };
  const compileProduct = async (direction: LinearProgram): Promise<Product> => {
    const emitted = emit(direction, constants);
    return { emitted, executable: await compile(emitted.model) };
  };
  const release = async () => {
    for (const executable of compiled) await executable.release();
  };
  try {
    const [jvp, vjp] = [await compileProduct(program), await compileProduct(transpose(program))];
    return { jvp, vjp, primal: await compile(inFloat64(primal, typeOf)), release };
  } catch (cause) {
    await release();
    throw cause;
  }
}
