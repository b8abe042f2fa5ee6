import { createRng, gaussianArray } from "../base/index.ts";
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
  using v = J.algebra.upload(gaussianArray(rng, rows * sourceSize(J)), rows);
  using u = J.algebra.upload(gaussianArray(rng, rows * targetSize(J)), rows);
  using Jv = await J.apply(v);
  using Jtu = await J.applyTranspose(u);
  const [us, Jvs, Jtus, vs] = await Promise.all([u.read(), Jv.read(), Jtu.read(), v.read()]);
  const gap = Math.abs(dot(us, Jvs) - dot(Jtus, vs));
  const scale = norm(us) * norm(Jvs) + norm(Jtus) * norm(vs);
  return gap / (scale || 1);
}

const norm = (x: Float32Array): number => Math.sqrt(dot(x, x));

function dot(x: Float32Array, y: Float32Array): number {
  let total = 0;
  for (let i = 0; i < x.length; i++) total += x[i]! * y[i]!;
  return total;
}
