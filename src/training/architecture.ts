import type { Shape } from "../base/index.ts";
import type { Tensor } from "../onnx/index.ts";

/** What layers with weights have in common. */
interface Weighted {
  /** Whether a bias is added; true unless it is false. */
  readonly bias?: boolean;
}

/** A layer takes the weight of an earlier one, so that both are trained as one. */
interface Tied extends Weighted {
  /** The name of the earlier layer: `fc1`, `conv1`. */
  readonly tied: string;
  /** Whether the transpose of the earlier layer's linear map is applied, as in the decoder of an auto-encoder. */
  readonly transposed?: boolean;
}

/** How a square window moves over a picture. */
interface Window {
  readonly stride?: number;
  readonly pad?: number;
}

export type Dense = { readonly kind: "dense" } & (Tied | ({ readonly units: number } & Weighted));

/** Kernels are square. */
export type Convolution = { readonly kind: "conv" } & Window &
  (Tied | ({ readonly channels: number; readonly kernel: number } & Weighted));

/**
 * An activation f(g·x), g being the `gain`, with f = max(x, 0), tanh x, erf(x·√π/2), x cut off at −1 and 1, or x. The slope of f at the
 * origin is 1, for positive x in the case of the first.
 */
export interface Activation {
  readonly kind: "relu" | "tanh" | "erf" | "hardTanh" | "linear";
  readonly gain?: number;
}

/** 1/(1 + e^(−gx)) − offset, the function of the paper (Mototake & Ikegami 2015, eq. 1 and 2). Its slope at the origin is g/4. */
export interface Sigmoid {
  readonly kind: "sigmoid";
  readonly gain?: number;
  readonly offset?: number;
}

/** Local response normalization over `size` neighbouring channels: x / (bias + alpha/size · Σ x²)^beta. */
interface Normalization {
  readonly kind: "lrn";
  readonly size: number;
  readonly alpha: number;
  readonly beta: number;
  readonly bias: number;
}

/** The largest entry, or the mean, of each square window. Padding is not counted. */
export interface Pool extends Window {
  readonly kind: "maxPool" | "avgPool";
  readonly kernel: number;
}

/** In training an entry becomes 0 with probability `rate` and the others grow by 1/(1 − rate). */
interface Dropout {
  readonly kind: "dropout";
  readonly rate: number;
}

/** Makes a vector of each example; a dense layer does so by itself. */
interface Flatten {
  readonly kind: "flatten";
}

export type Layer = Dense | Convolution | Sigmoid | Activation | Normalization | Pool | Dropout | Flatten;

/**
 * A feed-forward network, as it can be written in JSON: the shape of one example, such as [C, H, W] or [n], and a sequence of layers.
 *
 * Layers with weights are numbered from 1: the output of the first is the tensor `conv1` or `fc1`, with weights `fc1.weight`
 * [outputs, inputs], `conv1.weight` [outputs, inputs, k, k] and `fc1.bias` [outputs]. Other tensors have the number of the last of them:
 * `relu1`, `norm1`, `pool1`, as in AlexNet.
 */
export interface Architecture {
  readonly input: Shape;
  readonly layers: readonly Layer[];
  /** The name of the graph in the file, `network` unless another is given. */
  readonly name?: string;
  /** The name of the input tensor, `input` unless another is given. */
  readonly inputName?: string;
  /** The name of the output tensor, `output` unless another is given. */
  readonly outputName?: string;
}

/** Weights by tensor name. */
export type Weights = ReadonlyMap<string, Tensor>;
