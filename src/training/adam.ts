/** An optimizer: updates weights from their gradients. */
export interface Optimizer {
  /** Updates the weights in place. */
  step(weights: ReadonlyMap<string, Float32Array>, gradient: ReadonlyMap<string, Float32Array>, rate: number): void;
}

export interface AdamOptions {
  /** The decay of the running mean of the gradients. */
  readonly beta1?: number;
  /** The decay of the running mean of their squares. */
  readonly beta2?: number;
  /** Decoupled weight decay: each step multiplies weights by 1 − rate · decay, except biases (names that end in `.bias`). */
  readonly decay?: number;
}

/**
 * Adam with decoupled weight decay; moments in float64.
 *
 * @see Kingma & Ba 2015; Loshchilov & Hutter 2019
 */
export function adam({ beta1 = 0.9, beta2 = 0.999, decay = 0 }: AdamOptions = {}): Optimizer {
  const means = new Map<string, Float64Array>();
  const squares = new Map<string, Float64Array>();
  let steps = 0;
  const moments = (all: Map<string, Float64Array>, name: string, length: number): Float64Array => {
    const known = all.get(name) ?? new Float64Array(length);
    all.set(name, known);
    return known;
  };
  return {
    step(weights, gradient, rate) {
      steps++;
      const unbias1 = 1 - beta1 ** steps;
      const unbias2 = 1 - beta2 ** steps;
      for (const [name, w] of weights) {
        const g = gradient.get(name)!;
        const mean = moments(means, name, w.length);
        const square = moments(squares, name, w.length);
        const keep = name.endsWith(".bias") ? 1 : 1 - rate * decay;
        for (let i = 0; i < w.length; i++) {
          const slope = g[i]!;
          mean[i] = beta1 * mean[i]! + (1 - beta1) * slope;
          square[i] = beta2 * square[i]! + (1 - beta2) * slope * slope;
          const move = mean[i]! / unbias1 / (Math.sqrt(square[i]! / unbias2) + 1e-8);
          w[i] = keep * w[i]! - rate * move;
        }
      }
    },
  };
}

/** A learning rate that rises linearly for the first `warmup` steps, then falls to zero as a half cosine. */
export function cosineRate(peak: number, steps: number, warmup: number): (step: number) => number {
  return (step) => {
    if (step < warmup) return (peak * (step + 1)) / warmup;
    return (peak * (1 + Math.cos((Math.PI * (step - warmup)) / (steps - warmup)))) / 2;
  };
}
