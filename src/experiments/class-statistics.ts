import { jacobiSvd } from "../theory/index.ts";

export const CLASSES = 10;

/** Second moments of examples and their classes, in the basis of principal components: all that descent of a linear network needs. */
export interface ClassStatistics {
  /** Of each component; the first is 1. */
  readonly variances: readonly number[];
  /** [10, components], of the classes with the components; the largest singular value is 1. */
  readonly correlations: readonly number[];
}

/**
 * The statistics of centred examples in so many of their principal components, and the directions of these, [components][size],
 * orthonormal.
 *
 * @param inputs [count, size], with one of 10 classes for each
 */
export function classStatistics(
  inputs: Float32Array,
  labels: ArrayLike<number>,
  components: number,
): ClassStatistics & { readonly directions: readonly Float64Array[] } {
  const size = inputs.length / labels.length;
  const means = new Float64Array(size);
  for (const [i, entry] of inputs.entries()) means[i % size]! += entry / labels.length;
  const covariance = new Float64Array(size * size);
  const crossed = new Float64Array(CLASSES * size);
  for (const [example, label] of Array.from(labels).entries()) {
    const centred = means.map((mean, i) => inputs[example * size + i]! - mean);
    for (let i = 0; i < size; i++) {
      const scaled = centred[i]! / labels.length;
      crossed[label * size + i]! += scaled;
      for (let j = 0; j < size; j++) covariance[i * size + j]! += scaled * centred[j]!;
    }
  }
  const { sigma, right } = jacobiSvd(covariance, size, size);
  const directions = right.slice(0, components);
  const correlations = alongDirections(crossed, directions);
  const largest = jacobiSvd(correlations, CLASSES, directions.length).sigma[0]!;
  return {
    variances: Array.from(sigma.subarray(0, components), (value) => value / sigma[0]!),
    correlations: correlations.map((value) => value / largest),
    directions,
  };
}

/** The rows of a matrix along directions: [rows, directions]. */
export function alongDirections(matrix: ArrayLike<number>, directions: readonly Float64Array[]): number[] {
  const size = directions[0]!.length;
  return Array.from({ length: matrix.length / size }, (_, row) =>
    directions.map((direction) => direction.reduce((sum, entry, i) => sum + entry * matrix[row * size + i]!, 0)),
  ).flat();
}
