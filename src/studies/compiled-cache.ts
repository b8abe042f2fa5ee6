import type { CompiledJacobian } from "../jacobian/index.ts";

/** Bytes of weights that compiled Jacobians may hold together. */
const MOST_BYTES = 2 ** 31;

/** How many are kept whatever they hold: a study works with fewer at once, so none is released while it is used. */
const FEWEST = 8;

/** Jacobians by name, compiled once. Where they hold too much, those that were used least recently are released. */
export class CompiledCache {
  /** The least recently used first. */
  readonly #compiled = new Map<string, { readonly compiled: CompiledJacobian; readonly bytes: number }>();
  readonly #compiling = new Map<string, Promise<CompiledJacobian>>();

  /** The Jacobian of this name, made where it is not there (any more); one that could not be made is tried again. */
  async get(name: string, make: () => Promise<CompiledJacobian>): Promise<CompiledJacobian> {
    const known = this.#compiled.get(name);
    if (known !== undefined) {
      this.#compiled.delete(name);
      this.#compiled.set(name, known);
      return known.compiled;
    }
    const compiling = this.#compiling.get(name) ?? this.#add(name, make);
    this.#compiling.set(name, compiling);
    return compiling;
  }

  async #add(name: string, make: () => Promise<CompiledJacobian>): Promise<CompiledJacobian> {
    try {
      const compiled = await make();
      this.#compiled.set(name, { compiled, bytes: bytesOf(compiled) });
      await this.#shrink();
      return compiled;
    } finally {
      this.#compiling.delete(name);
    }
  }

  async #shrink(): Promise<void> {
    const held = () => [...this.#compiled.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    while (this.#compiled.size > FEWEST && held() > MOST_BYTES) {
      const [name, { compiled }] = this.#compiled.entries().next().value!;
      this.#compiled.delete(name);
      await compiled.release();
    }
  }

  /** Releases all. */
  async close(): Promise<void> {
    for (const { compiled } of this.#compiled.values()) await compiled.release();
    this.#compiled.clear();
  }
}

/** Weights in its three sessions: J, Jᵀ, and the primal pass, which has them in float64. */
function bytesOf({ linearization: { constants, primal } }: CompiledJacobian): number {
  const total = (tensors: CompiledJacobian["linearization"]["constants"]) =>
    [...tensors.values()].reduce((sum, { data }) => sum + ("byteLength" in data ? data.byteLength : 0), 0);
  return 2 * total(constants) + 2 * total(primal.graph.initializers);
}
