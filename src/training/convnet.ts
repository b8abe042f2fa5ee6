import type { Shape } from "../base/index.ts";
import type { Tensor } from "../onnx/index.ts";

/** A layer of the network, in training and afterwards. Kernels are square. */
export type Layer =
  | {
      readonly kind: "conv";
      readonly channels: number;
      readonly kernel: number;
      readonly stride?: number;
      readonly pad?: number;
    }
  | { readonly kind: "relu" }
  /** Local response normalization over `size` neighbouring channels: x / (bias + alpha/size · Σ x²)^beta. */
  | {
      readonly kind: "lrn";
      readonly size: number;
      readonly alpha: number;
      readonly beta: number;
      readonly bias: number;
    }
  | { readonly kind: "maxPool"; readonly kernel: number; readonly stride: number; readonly pad?: number }
  | { readonly kind: "dense"; readonly units: number };

/** In training an entry becomes 0 with probability `rate` and the others grow by 1/(1 − rate). */
export interface Dropout {
  readonly kind: "dropout";
  readonly rate: number;
}

/** A small convolutional network: the shape of one image, [C, H, W], and a sequence of layers. */
export interface Convnet {
  readonly input: Shape;
  readonly layers: readonly (Layer | Dropout)[];
}

/** Weights by tensor name: `conv1.weight` [O, I, k, k], `fc5.weight` [O, I], `conv1.bias` [O]. */
export type Weights = ReadonlyMap<string, Tensor>;
