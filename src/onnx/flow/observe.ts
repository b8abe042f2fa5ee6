import type { Decision, OnnxModel, Tensor } from "../model.ts";

/** Runs a model once, with the named tensors as its outputs. */
export type Observe = (model: OnnxModel, names: readonly string[]) => Promise<ReadonlyMap<string, Tensor>>;

/** A model, and the tensors that decided its structure. */
export interface Unrolled {
  readonly model: OnnxModel;
  readonly decisions: readonly Decision[];
}
