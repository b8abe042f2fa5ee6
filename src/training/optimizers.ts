/** What optimizers have in common. */
interface Descent {
  /** The learning rate η, from which the schedule follows. */
  readonly rate: number;
  /** Weight decay, 0 unless it is given. It spares biases (names that end in `.bias`). */
  readonly decay?: number;
}

/** w ← w − η·g; with decay λ, λ·w is added to the gradient g. */
interface Sgd extends Descent {
  readonly kind: "sgd";
}

/**
 * m ← μ·m + g, w ← w − η·m; with `nesterov`, w ← w − η·(g + μ·m). The decay is added to the gradient.
 *
 * @see Sutskever et al. 2013, "On the importance of initialization and momentum in deep learning"; the form is that of PyTorch
 */
interface Momentum extends Descent {
  readonly kind: "momentum";
  /** μ, 0.9 unless it is given. */
  readonly momentum?: number;
  readonly nesterov?: boolean;
}

/**
 * Adam. The decay is added to the gradient (`adam`), or it multiplies weights by 1 − η·decay apart from their gradients (`adamw`).
 *
 * @see Kingma & Ba 2015; Loshchilov & Hutter 2019
 */
interface Adam extends Descent {
  readonly kind: "adam" | "adamw";
  /** The decay of the running mean of the gradients, 0.9 unless it is given. */
  readonly beta1?: number;
  /** The decay of the running mean of their squares, 0.999 unless it is given. */
  readonly beta2?: number;
  /** Added to the root of that mean, 1e-8 unless it is given. */
  readonly epsilon?: number;
}

export type OptimizerSettings = Sgd | Momentum | Adam;

type Arrays = ReadonlyMap<string, Float32Array>;

/** What an optimizer remembers from step to step of each weight: arrays of its size, in float64. */
type Memory = Readonly<Record<string, Float64Array>>;

/** One step of one weight. */
interface WeightStep {
  readonly weight: Float32Array;
  readonly slope: Float32Array;
  readonly memory: Memory;
  readonly rate: number;
  /** The weight decay of this weight. */
  readonly decay: number;
  /** The number of the step, from 1. */
  readonly count: number;
}

interface Definition<K extends OptimizerSettings["kind"]> {
  /** The names of what it remembers. */
  readonly memory: readonly string[];
  update(step: WeightStep, settings: OptimizerSettings & { readonly kind: K }): void;
}

const adam: Definition<"adam" | "adamw"> = {
  memory: ["mean", "square"],
  update(step, { kind, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }) {
    const { weight, slope, rate, count } = step;
    const { mean, square } = step.memory as { mean: Float64Array; square: Float64Array };
    const [unbias1, unbias2] = [1 - beta1 ** count, 1 - beta2 ** count];
    const keep = kind === "adamw" ? 1 - rate * step.decay : 1;
    const decay = kind === "adamw" ? 0 : step.decay;
    for (let i = 0; i < weight.length; i++) {
      const g = slope[i]! + decay * weight[i]!;
      mean[i] = beta1 * mean[i]! + (1 - beta1) * g;
      square[i] = beta2 * square[i]! + (1 - beta2) * g * g;
      const move = mean[i]! / unbias1 / (Math.sqrt(square[i]! / unbias2) + epsilon);
      weight[i] = keep * weight[i]! - rate * move;
    }
  },
};

const optimizers: { readonly [K in OptimizerSettings["kind"]]: Definition<K> } = {
  sgd: {
    memory: [],
    update({ weight, slope, rate, decay }) {
      for (let i = 0; i < weight.length; i++) weight[i]! -= rate * (slope[i]! + decay * weight[i]!);
    },
  },
  momentum: {
    memory: ["velocity"],
    update({ weight, slope, memory: { velocity }, rate, decay }, { momentum = 0.9, nesterov = false }) {
      for (let i = 0; i < weight.length; i++) {
        const g = slope[i]! + decay * weight[i]!;
        velocity![i] = momentum * velocity![i]! + g;
        weight[i]! -= rate * (nesterov ? g + momentum * velocity![i]! : velocity![i]!);
      }
    },
  },
  adam,
  adamw: adam,
};

/** An optimizer at work on some weights. */
export interface Optimizer {
  /** What it remembers, by name: `mean/fc1.weight`. Whoever restores a training copies into these arrays. */
  readonly memory: ReadonlyMap<string, Float64Array>;
  /** Updates the weights in place. `rate` is the learning rate of this step, and `count` its number, from 1. */
  step(gradient: Arrays, rate: number, count: number): void;
}

/** The optimizer of these weights, which its steps change. */
export function createOptimizer<K extends OptimizerSettings["kind"]>(
  settings: OptimizerSettings & { readonly kind: K },
  weights: Arrays,
): Optimizer {
  const { memory: kept, update } = optimizers[settings.kind as K] as Definition<K>;
  const memories = [...weights].map(([name, weight]) => ({
    name,
    weight,
    decay: name.endsWith(".bias") ? 0 : (settings.decay ?? 0),
    memory: Object.fromEntries(kept.map((what) => [what, new Float64Array(weight.length)])),
  }));
  return {
    memory: new Map(
      memories.flatMap(({ name, memory }) => Object.entries(memory).map(([what, data]) => [`${what}/${name}`, data])),
    ),
    step(gradient, rate, count) {
      for (const { name, ...of } of memories) update({ ...of, slope: gradient.get(name)!, rate, count }, settings);
    },
  };
}
