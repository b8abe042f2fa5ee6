import { createRng, PushforwardError, type Shape } from "../base/index.ts";
import { floatTensor, type Tensor, zeros } from "../onnx/index.ts";
import type { Weights } from "./architecture.ts";
import { haarOrthogonal } from "./orthogonal.ts";

/** A matrix [rows, columns], row-major. */
interface Matrix {
  readonly shape: Shape;
  readonly data: ArrayLike<number>;
}

/**
 * Weights of a deep linear network whose modes do not mix: W_l = R_l·diag(a)·R_{l−1}ᵀ with orthonormal columns R_l, so that the singular
 * vectors of each layer continue those of the layer before. All layers have the same singular values a = u₀^(1/D), which makes the
 * product of the D matrices R_D·diag(u₀)·R_0ᵀ.
 *
 * @see Saxe, McClelland & Ganguli 2014, "decoupled initial conditions"
 */
export interface Decoupled {
  readonly kind: "decoupled";
  /** u₀ ≥ 0: the strengths of the modes in the product, one for each or one for all. */
  readonly start: number | readonly number[];
  /** R_0 [inputs, modes], the right singular vectors of the product; random unless they are given. */
  readonly first?: Matrix;
  /** R_D [outputs, modes], its left singular vectors; random unless they are given. */
  readonly last?: Matrix;
}

/** @throws PushforwardError `model-invalid` unless all weights are matrices in a chain and the bases and strengths fit them */
export function decoupledWeights(
  shapes: ReadonlyMap<string, Shape>,
  { start, first, last }: Decoupled,
  seed: number,
): Weights {
  const matrices = [...shapes].filter(([, shape]) => shape.length > 1);
  const widths = [matrices[0]?.[1][1] ?? 0, ...matrices.map(([, shape]) => shape[0]!)];
  for (const [l, [name, shape]] of matrices.entries()) {
    if (shape.length === 2 && shape[1] === widths[l]) continue;
    throw new PushforwardError("model-invalid", {
      what: "Decoupled weights are for dense layers that follow one another.",
      where: { node: name },
      fix: "Take another initializer, or let the network have dense layers alone.",
    });
  }
  const given = [first, last].find((matrix) => matrix !== undefined);
  const modes = typeof start === "number" ? (given?.shape[1] ?? Math.min(...widths)) : start.length;
  const strengths = Array.from({ length: modes }, (_, mode) => {
    const strength = typeof start === "number" ? start : start[mode]!;
    return strength ** (1 / matrices.length);
  });
  const bases = widths.map((width, l) => {
    const own = l === 0 ? first : l === matrices.length ? last : undefined;
    if (own !== undefined) return basisOf(own, [width, modes]);
    requireModes(modes, width);
    return haarOrthogonal(width, modes, createRng(seed, "weights", "basis", l));
  });
  const weights = matrices.map(([name, shape], l): [string, Tensor] => [
    name,
    floatTensor(shape, product(bases[l + 1]!, strengths, bases[l]!)),
  ]);
  const drawn = new Map(weights);
  return new Map([...shapes].map(([name, shape]) => [name, drawn.get(name) ?? zeros("float32", shape)]));
}

function requireModes(modes: number, width: number): void {
  if (modes <= width) return;
  throw new PushforwardError("model-invalid", {
    what: `A layer of ${width} neurons cannot carry ${modes} modes.`,
    fix: `Give at most ${width} strengths.`,
  });
}

function basisOf({ shape, data }: Matrix, wanted: Shape): ArrayLike<number> {
  if (shape.join() === wanted.join() && data.length === wanted[0]! * wanted[1]!) return data;
  throw new PushforwardError("model-invalid", {
    what: `A basis of decoupled weights is ${shape.join("×")}, where ${wanted.join("×")} is needed.`,
    fix: "Give one column for each mode, and one row for each neuron at that end of the network.",
  });
}

/** left·diag(values)·rightᵀ, row-major. */
function product(left: ArrayLike<number>, values: readonly number[], right: ArrayLike<number>): Float64Array {
  const modes = values.length;
  const rows = left.length / modes;
  const columns = right.length / modes;
  const result = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let mode = 0; mode < modes; mode++) {
      const factor = left[i * modes + mode]! * values[mode]!;
      for (let j = 0; j < columns; j++) result[i * columns + j]! += factor * right[j * modes + mode]!;
    }
  }
  return result;
}
