import { createRng, type Rng, type Shape, sizeOf } from "../base/index.ts";
import { floatTensor, type Tensor } from "../onnx/index.ts";
import type { Architecture, Weights } from "./architecture.ts";
import { type Decoupled, decoupledWeights } from "./decoupled.ts";
import { weightShapes } from "./graphs.ts";
import { haarOrthogonal } from "./orthogonal.ts";

/** What initializers that draw at random have in common. */
interface Drawn {
  /** Biases are Gaussian with this variance σ_b²; 0 unless it is given. */
  readonly biasVariance?: number;
  /**
   * With `one`, all tensors are drawn from one stream of random numbers, in the order of the layers. Otherwise each has its own, named as
   * the tensor, so that it does not depend on the shapes of others.
   */
  readonly stream?: "one";
}

/** Gaussian weights of variance σ_w²/fan-in; σ_w² is 1 unless it is given. */
interface GaussianWeights extends Drawn {
  readonly kind: "gaussian";
  readonly weightVariance?: number;
}

/** Weights of variance gain²·2/fan-in (He et al. 2015), or gain²·2/(fan-in + fan-out) (Glorot & Bengio 2010). */
interface ScaledWeights extends Drawn {
  readonly kind: "he" | "glorot";
  readonly gain?: number;
  /** Their distribution, `normal` unless it is given. */
  readonly distribution?: "normal" | "uniform";
}

/** Random orthogonal weights times a gain, uniform by the Haar measure. If a layer's ends differ in size, the smaller is embedded. */
interface OrthogonalWeights extends Drawn {
  readonly kind: "orthogonal";
  readonly gain?: number;
  /**
   * Of a convolution, the matrix [outputs, inputs·k·k] is orthogonal (`flattened`, as in PyTorch; the default), or that of the kernels'
   * centres is while all other entries are 0 (`delta`): then the convolution itself is orthogonal, if it has stride 1.
   *
   * @see Xiao et al. 2018, "Dynamical isometry and a mean field theory of CNNs"
   */
  readonly kernels?: "flattened" | "delta";
}

/** How the weights of a network are chosen before the first step. */
export type Initializer = GaussianWeights | ScaledWeights | OrthogonalWeights | Decoupled;

type OfKind<K extends Initializer["kind"]> = Initializer & { readonly kind: K };

/** The weights of one layer [O, I] or [O, I, k, k], row-major. */
type DrawLayer<K extends Initializer["kind"]> = (shape: Shape, options: OfKind<K>, rng: Rng) => ArrayLike<number>;

/** How each kind draws the weights of a layer. */
const layerwise: { readonly [K in Exclude<Initializer["kind"], "decoupled">]: DrawLayer<K> } = {
  gaussian: (shape, { weightVariance = 1 }, rng) => normal(shape, weightVariance / fanIn(shape), rng),
  he: (shape, options, rng) => scaled(shape, options, 2 / fanIn(shape), rng),
  glorot: (shape, options, rng) => scaled(shape, options, 2 / (fanIn(shape) + fanOut(shape)), rng),
  orthogonal: orthogonal,
};

/**
 * The weights from which training starts. They depend on nothing but the initializer, the seed, and the shape and name of each tensor.
 * With `decoupled` they depend on all layers together.
 *
 * @throws PushforwardError `model-invalid` where a layer does not fit what comes before it, or `decoupled` what it needs
 */
export function initialWeights(net: Architecture, initializer: Initializer, seed: number): Weights {
  return drawWeights(weightShapes(net), initializer, seed);
}

/**
 * Weights of these names and shapes, those of layers in their order.
 *
 * @throws PushforwardError `model-invalid` where they are not what `decoupled` needs
 */
export function drawWeights(shapes: ReadonlyMap<string, Shape>, initializer: Initializer, seed: number): Weights {
  if (initializer.kind === "decoupled") return decoupledWeights(shapes, initializer, seed);
  const one = createRng(seed, "weights");
  const tensors = [...shapes].map(([name, shape]): [string, Tensor] => {
    const rng = initializer.stream === "one" ? one : createRng(seed, "weights", name);
    return [
      name,
      floatTensor(shape, shape.length === 1 ? bias(shape, initializer, rng) : drawn(shape, initializer, rng)),
    ];
  });
  return new Map(tensors);
}

/** The weights of a network drawn with settings of one kind; the seed is 0 unless it is given. */
type Initialize<K extends Initializer["kind"]> = (
  net: Architecture,
  settings?: Omit<OfKind<K>, "kind">,
  seed?: number,
) => Weights;

const ofKind =
  <K extends Initializer["kind"]>(kind: K): Initialize<K> =>
  (net, settings = {} as Omit<OfKind<K>, "kind">, seed = 0) =>
    initialWeights(net, { ...settings, kind } as OfKind<K>, seed);

/** All initializers by kind, for programs: `initializers.orthogonal(network, { gain: 1.5 }, seed)`. */
export const initializers = {
  gaussian: ofKind("gaussian"),
  he: ofKind("he"),
  glorot: ofKind("glorot"),
  orthogonal: ofKind("orthogonal"),
  decoupled: ofKind("decoupled"),
} satisfies { readonly [K in Initializer["kind"]]: Initialize<K> };

function drawn<K extends keyof typeof layerwise>(shape: Shape, options: OfKind<K>, rng: Rng): ArrayLike<number> {
  return (layerwise[options.kind as K] as DrawLayer<K>)(shape, options, rng);
}

const bias = (shape: Shape, { biasVariance = 0 }: Drawn, rng: Rng) => normal(shape, biasVariance, rng);

/** How many entries of the input an entry of the output depends on. */
const fanIn = (shape: Shape): number => sizeOf(shape.slice(1));

/** How many entries of the output an entry of the input moves, for a stride of 1. */
const fanOut = ([outputs = 1, , ...kernel]: Shape): number => outputs * sizeOf(kernel);

function normal(shape: Shape, variance: number, rng: Rng): Float32Array {
  const deviation = Math.sqrt(variance);
  // A loop, because `from` takes twice as long, which is most of the time of an experiment with many draws.
  const values = new Float32Array(sizeOf(shape));
  for (let i = 0; i < values.length; i++) values[i] = deviation * rng.gaussian();
  return values;
}

function scaled(
  shape: Shape,
  { gain = 1, distribution = "normal" }: ScaledWeights,
  variance: number,
  rng: Rng,
): ArrayLike<number> {
  if (distribution === "normal") return normal(shape, gain ** 2 * variance, rng);
  const largest = gain * Math.sqrt(3 * variance);
  return Float64Array.from({ length: sizeOf(shape) }, () => largest * (2 * rng.uniform() - 1));
}

function orthogonal(shape: Shape, { gain = 1, kernels = "flattened" }: OrthogonalWeights, rng: Rng): Float64Array {
  const [outputs, inputs, ...kernel] = shape as [number, number, ...number[]];
  if (kernels === "flattened" || kernel.length === 0) {
    return haarOrthogonal(outputs, fanIn(shape), rng).map((entry) => gain * entry);
  }
  const centres = haarOrthogonal(outputs, inputs, rng);
  const area = sizeOf(kernel);
  const centre = kernel.reduce((at, extent) => at * extent + Math.floor((extent - 1) / 2), 0);
  const weights = new Float64Array(sizeOf(shape));
  for (const [i, entry] of centres.entries()) weights[i * area + centre] = gain * entry;
  return weights;
}
