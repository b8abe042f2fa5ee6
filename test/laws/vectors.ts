import { createRng, type Rng } from "../../src/base/index.ts";

type Vector = Float32Array | Float64Array;

/** ⟨x, y⟩, summed in float64. */
function dot(x: Vector, y: Vector): number {
  if (x.length !== y.length) throw new Error(`${x.length} entries against ${y.length}`);
  let total = 0;
  for (let i = 0; i < x.length; i++) total += x[i]! * y[i]!;
  return total;
}

export const norm = (x: Vector): number => Math.sqrt(dot(x, x));

/** ‖x − y‖ */
export const distance = (x: Vector, y: Vector): number => norm(Float64Array.from(x, (value, i) => value - y[i]!));

/** ‖x − y‖ as a part of the larger norm; 0 where both vanish. */
export const relativeDistance = (x: Vector, y: Vector): number => distance(x, y) / (Math.max(norm(x), norm(y)) || 1);

/** |⟨u, Jv⟩ − ⟨Jᵀu, v⟩| ÷ (‖u‖·‖Jv‖ + ‖Jᵀu‖·‖v‖): how far two products are from being adjoint. */
export function adjointGap(u: Vector, Jv: Vector, Jtu: Vector, v: Vector): number {
  return Math.abs(dot(u, Jv) - dot(Jtu, v)) / (norm(u) * norm(Jv) + norm(Jtu) * norm(v) || 1);
}

export const gaussian64 = (count: number, ...seeds: readonly (number | string)[]): Float64Array => {
  const rng: Rng = createRng(...seeds);
  return Float64Array.from({ length: count }, () => rng.gaussian());
};

/** One vector after the other. */
export function join(parts: readonly Float64Array[]): Float64Array {
  return Float64Array.from(parts.flatMap((part) => [...part]));
}

/** The parts of a vector that `join` would make it from. */
export function cut(whole: Float64Array, sizes: readonly number[]): Float64Array[] {
  let from = 0;
  return sizes.map((size) => {
    from += size;
    return whole.subarray(from - size, from);
  });
}
