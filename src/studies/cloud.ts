import { type BlockAlgebra, blockOf, type Matrix } from "../runtime/index.ts";
import { symmetricEigen } from "../svd/index.ts";
import { mean } from "./statistics.ts";

/** The number of directions for which positions are given: two, for a plane figure. */
export const COMPONENTS = 2;

/** A cloud of points: their distances, and their positions in the plane in which they differ most. */
interface Cloud {
  /** [points, points] */
  readonly distance: Float64Array;
  /** [points, COMPONENTS], along the directions of largest variance. */
  readonly position: Float64Array;
}

/** The distances and positions of points, by classical scaling. @see Torgerson 1952 */
export async function cloudOf(points: readonly Float32Array[], algebra: BlockAlgebra): Promise<Cloud> {
  const n = points.length;
  // Differences from the first point lose fewer digits to rounding if all points lie close together.
  const first = points[0]!;
  using apart = blockOf(
    algebra,
    points.map((point) => point.map((value, i) => value - first[i]!)),
  );
  const { data: inner } = await algebra.gram(apart, apart, { exact: true });
  const distance = Float64Array.from({ length: n * n }, (_, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    return i === j ? 0 : Math.sqrt(Math.max(0, inner[i * n + i]! + inner[j * n + j]! - 2 * inner[at]!));
  });
  const everyone = Array.from({ length: n }, (_, i) => i);
  const { values, vectors } = await symmetricEigen(centred(distance, n, everyone), algebra.multiply, COMPONENTS);
  const position = Float64Array.from({ length: n * COMPONENTS }, (_, at) => {
    const [i, c] = [Math.floor(at / COMPONENTS), at % COMPONENTS];
    return Math.sqrt(Math.max(0, values[c]!)) * vectors.data[c * n + i]!;
  });
  return { distance, position };
}

/** The inner products of images relative to their mean, from their distances: −½·C·D²·C with C = I − 11ᵀ/n. */
export function centred(distance: ArrayLike<number>, images: number, chosen: readonly number[]): Matrix {
  const n = chosen.length;
  const squares = Float64Array.from({ length: n * n }, (_, at) => {
    return distance[chosen[Math.floor(at / n)]! * images + chosen[at % n]!]! ** 2;
  });
  const means = chosen.map((_, i) => mean(squares.subarray(i * n, (i + 1) * n)));
  const all = mean(means);
  const data = squares.map((square, at) => -(square - means[Math.floor(at / n)]! - means[at % n]! + all) / 2);
  return { rows: n, columns: n, data };
}

/** Plane positions of the same points, each scaled to a mean square length of 1 and rotated to match the one before. */
export function turnedAlike(positions: readonly Float64Array[]): Float64Array[] {
  const turned: Float64Array[] = [];
  for (const position of positions) {
    const before = turned.at(-1);
    turned.push(before === undefined ? unitSpread(position) : matched(unitSpread(position), before));
  }
  return turned;
}

/** Positions scaled to a mean square length of 1. */
function unitSpread(position: Float64Array): Float64Array {
  const scale = Math.sqrt(mean(position.map((value) => value * value)) * COMPONENTS) || 1;
  return position.map((value) => value / scale);
}

/** Rotates or reflects plane positions to lie as close as possible to others. @see Schönemann 1966 (orthogonal Procrustes) */
function matched(position: Float64Array, other: Float64Array): Float64Array {
  let [dots, crosses, mirroredDots, mirroredCrosses] = [0, 0, 0, 0];
  for (let i = 0; i < position.length; i += 2) {
    const [x, y, a, b] = [position[i]!, position[i + 1]!, other[i]!, other[i + 1]!];
    dots += x * a + y * b;
    crosses += x * b - y * a;
    mirroredDots += x * a - y * b;
    mirroredCrosses += x * b + y * a;
  }
  const isMirrored = Math.hypot(mirroredDots, mirroredCrosses) > Math.hypot(dots, crosses);
  const angle = isMirrored ? Math.atan2(mirroredCrosses, mirroredDots) : Math.atan2(crosses, dots);
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return position.map((_, at) => {
    const i = at - (at % 2);
    const [x, y] = [position[i]!, isMirrored ? -position[i + 1]! : position[i + 1]!];
    return at % 2 === 0 ? cos * x - sin * y : sin * x + cos * y;
  });
}
