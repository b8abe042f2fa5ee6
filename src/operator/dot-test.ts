import { createRng, gaussianArray } from "../base/index.ts";
import { block } from "./block-algebra.ts";
import { type LinearOperator, sourceSize, targetSize } from "./linear-operator.ts";

/**
 * How far J and Jᵀ are from being adjoint: |⟨u, Jv⟩ − ⟨Jᵀu, v⟩| ÷ (‖u‖·‖Jv‖ + ‖Jᵀu‖·‖v‖) for one block of standard
 * normal u and v, summed in float64. Products rounded to float32 give about 1e-8; above 1e-6, J or Jᵀ is wrong. A small value does
 * not show that J itself is right. The result is 0 for a zero operator.
 *
 * @throws PushforwardError whatever the products throw
 */
export async function dotTest(J: LinearOperator, seed = 0): Promise<number> {
  const rows = J.preferredRows;
  const rng = createRng(seed, "dot test");
  const v = block(gaussianArray(rng, rows * sourceSize(J)), rows);
  const u = block(gaussianArray(rng, rows * targetSize(J)), rows);
  const Jv = await J.apply(v);
  const Jtu = await J.applyTranspose(u);
  const gap = Math.abs(dot(u.data, Jv.data) - dot(Jtu.data, v.data));
  const scale = norm(u.data) * norm(Jv.data) + norm(Jtu.data) * norm(v.data);
  return gap / (scale || 1);
}

const norm = (x: Float32Array): number => Math.sqrt(dot(x, x));

function dot(x: Float32Array, y: Float32Array): number {
  let total = 0;
  for (let i = 0; i < x.length; i++) total += x[i]! * y[i]!;
  return total;
}
