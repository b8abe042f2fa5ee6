/** Inner product. */
export const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, at) => sum + value * b[at]!, 0);

/** Euclidean length. */
export const length = (x: Float32Array): number => Math.sqrt(dot(x, x));
