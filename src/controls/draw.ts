import type { Filters } from "../autodiff/index.ts";
import { type Rng, sizeOf, stridesOf } from "../base/index.ts";

/** The numbers in a uniformly random order. Each keeps its bits. */
export function shuffled(numbers: Float32Array, rng: Rng): Float32Array {
  const result = numbers.slice();
  for (let i = result.length - 1; i > 0; i--) {
    const j = rng.integer(i + 1);
    const moved = result[i]!;
    result[i] = result[j]!;
    result[j] = moved;
  }
  return result;
}

/** The weights with those of each filter in a uniformly random order. */
export function shuffledWithinFilters(weights: Float32Array, filters: Filters, rng: Rng): Float32Array {
  const apart = offsets(filters, filters.apart);
  const within = offsets(
    filters,
    [...filters.shape.keys()].filter((axis) => !filters.apart.includes(axis)),
  );
  const result = new Float32Array(weights.length);
  const filter = new Float32Array(within.length);
  for (const start of apart) {
    for (let i = 0; i < filter.length; i++) filter[i] = weights[start + within[i]!]!;
    const drawn = shuffled(filter, rng);
    for (let i = 0; i < filter.length; i++) result[start + within[i]!] = drawn[i]!;
  }
  return result;
}

/** The offsets of all entries along some axes, in row-major order; [0] if there are none. */
function offsets({ shape }: Filters, axes: readonly number[]): Uint32Array {
  const strides = stridesOf(shape);
  let found = Uint32Array.of(0);
  for (const axis of axes) {
    const [before, extent, stride] = [found, shape[axis]!, strides[axis]!];
    found = Uint32Array.from(
      { length: before.length * extent },
      (_, i) => before[Math.floor(i / extent)]! + (i % extent) * stride,
    );
  }
  return sizeOf(shape) === 0 ? new Uint32Array() : found;
}

/** Independent normal numbers with the mean and the variance of the weights. */
export function gaussianLike(weights: Float32Array, rng: Rng): Float32Array {
  const mean = weights.reduce((sum, weight) => sum + weight, 0) / weights.length;
  const variance = weights.reduce((sum, weight) => sum + (weight - mean) ** 2, 0) / weights.length;
  const deviation = Math.sqrt(variance);
  return weights.map(() => mean + deviation * rng.gaussian());
}
