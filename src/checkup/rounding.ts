import { evaluate, inFloat64, linearize, type Operand, transpose } from "../autodiff/index.ts";
import { createRng, gaussianArray } from "../base/index.ts";
import type { Network, Point, Tap } from "../jacobian/index.ts";
import type { Tensor } from "../onnx/index.ts";
import { evaluateWith } from "../runtime/index.ts";

/** What the rounding of products to float32 does to a J. */
export interface Rounding {
  /** |⟨u, Jv⟩ − ⟨Jᵀu, v⟩|, relative, where products are computed in float64. */
  readonly adjoint: number;
  /** How far J·d moves, relative, if what J keeps and what a product adds up are rounded to float32. It is large where terms of J cancel. */
  readonly noise: number;
}

/** The products of J(from → to) with a direction at a point, in float64 and rounded, by plain loops: they are slow. */
export async function roundingOf(
  network: Network,
  { from, to, point, seed }: { readonly from: Tap; readonly to: Tap; readonly point: Point; readonly seed: number },
  direction: Float32Array,
): Promise<Rounding> {
  const run = evaluateWith(network.backend);
  const ends = { sources: [from.tensor], targets: [to.tensor] };
  const { program, constants, kept, primal, typeOf } = await linearize(network.model, ends, run);
  const feeds = new Map(Object.entries(network.feeds(point, [to.tensor])));
  const names = kept.map(({ name }) => name);
  const values: ReadonlyMap<string, Tensor> =
    names.length === 0 ? new Map() : await run(inFloat64(primal, typeOf), feeds, names);
  const operand = ({ name }: Operand) =>
    Float64Array.from((constants.get(name) ?? values.get(name)!).data as ArrayLike<number | bigint>, Number);
  const rng = createRng(seed, "rounding");
  const nudged = (of: Operand) => {
    if (values.get(of.name)?.type !== "float32") return operand(of);
    return operand(of).map((entry) => entry * (1 + 2 ** -24 * rng.gaussian()));
  };
  const d = Float64Array.from(direction);
  const [Jd = d] = evaluate(program, operand, [d]);
  const [moved = d] = evaluate(program, nudged, [d], (entries) => entries.map(Math.fround));
  const u = Float64Array.from(gaussianArray(rng, Jd.length));
  const [Jtu = d] = evaluate(transpose(program), operand, [u]);
  return {
    adjoint: Math.abs(dot(u, Jd) - dot(Jtu, d)) / (norm(u) * norm(Jd) + norm(Jtu) * norm(d) || 1),
    noise: norm(moved.map((entry, i) => entry - Jd[i]!)) / (Math.max(norm(moved), norm(Jd)) || 1),
  };
}

const dot = (x: Float64Array, y: Float64Array): number => x.reduce((sum, entry, i) => sum + entry * y[i]!, 0);
const norm = (x: Float64Array): number => Math.sqrt(dot(x, x));
