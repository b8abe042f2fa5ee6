import { sizeOf } from "../base/index.ts";
import { filled, floatTensor, int, intTensor } from "../onnx/index.ts";
import type { PrimalBuilder, Value } from "./primal.ts";
import type { Rule } from "./rule.ts";

/** There are n² minors of (n − 1)² entries. */
const LARGEST = 64;

/**
 * d det A = Σᵢⱼ Cᵢⱼ dAᵢⱼ. The cofactors Cᵢⱼ are determinants of minors and not det A · A⁻ᵀ, so that the derivative is right where A is
 * singular.
 *
 * @see Magnus and Neudecker 1999, "Matrix Differential Calculus", ch. 8 (Jacobi's formula)
 */
export const determinant: Rule = (node, primal) => {
  const [a] = node.inputs as readonly [Value];
  const n = a.shape.at(-1)!;
  if (n > LARGEST) throw new Error(`its matrices have more than ${LARGEST} rows`);
  const kept = primal.keep(cofactors(primal, a, n));
  return (l, da) => l.reshape(l.sum(l.scale(kept, da), [-2, -1]), node.outputs[0]!.shape);
};

function cofactors(primal: PrimalBuilder, a: Value, n: number): Value {
  if (n === 1) return primal.constant(filled(a.shape, 1));
  const batch = sizeOf(a.shape.slice(0, -2));
  const all = Array.from({ length: n }, (_, i) => i);
  const without = (i: number) => all.filter((one) => one !== i);
  const places = all.flatMap((row) =>
    all.flatMap((column) => without(row).flatMap((i) => without(column).map((j) => i * n + j))),
  );
  const signs = all.flatMap((row) => all.map((column) => ((row + column) % 2 === 0 ? 1 : -1)));
  const flat = primal.reshape(a, [batch, n * n]);
  const indices = primal.constant(intTensor(places));
  const entries = primal.op("Gather", [flat, indices], [batch, places.length], { axis: int(1) });
  const minors = primal.op("Det", [primal.reshape(entries, [batch, n * n, n - 1, n - 1])], [batch, n * n]);
  return primal.reshape(primal.mul(minors, primal.constant(floatTensor([n * n], signs))), a.shape);
}
