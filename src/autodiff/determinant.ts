import { sizeOf } from "../base/index.ts";
import { filled, floatTensor, int, intTensor } from "../onnx/index.ts";
import type { PrimalBuilder, Value } from "./primal.ts";
import type { Rule } from "./rule.ts";

/** There are n² minors of (n − 1)² entries. Up to so many rows they are computed at once, else those of one row after the other. */
const AT_ONCE = 24;
/** The time of all minors grows as n⁵. */
const LARGEST = 128;

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
  const whole = primal.reshape(a, [batch, n, n]);
  const all = Array.from({ length: n }, (_, i) => i);
  const without = (i: number) => all.filter((one) => one !== i);
  const others = primal.constant(intTensor(all.flatMap(without), [n, n - 1]));
  // [batch, rows, n − 1, n]: the matrix without each of some rows, and then without each column.
  const minorsOf = (rows: readonly number[]): Value => {
    const places = primal.constant(intTensor(rows.flatMap(without), [rows.length, n - 1]));
    const left = primal.op("Gather", [whole, places], [batch, rows.length, n - 1, n], { axis: int(1) });
    const parts = primal.op("Gather", [left, others], [batch, rows.length, n - 1, n, n - 1], { axis: int(3) });
    return primal.op("Det", [primal.transpose(parts, [0, 1, 3, 2, 4])], [batch, rows.length, n]);
  };
  const lines = n <= AT_ONCE ? [minorsOf(all)] : all.map((row) => minorsOf([row]));
  const minors = lines.length === 1 ? lines[0]! : primal.op("Concat", lines, [batch, n, n], { axis: int(1) });
  const signs = all.flatMap((row) => all.map((column) => ((row + column) % 2 === 0 ? 1 : -1)));
  return primal.reshape(primal.mul(minors, primal.constant(floatTensor([n, n], signs))), a.shape);
}
