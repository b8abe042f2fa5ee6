import { createRng, type Rng, type Shape, sizeOf } from "../base/index.ts";
import type { Weights } from "./architecture.ts";
import { trainedShapes } from "./graphs.ts";
import { drawWeights } from "./initializers.ts";
import { chainsOf } from "./losses.ts";
import { createOptimizer, type Optimizer } from "./optimizers.ts";
import type { Recipe } from "./recipe.ts";
import { isTrained } from "./start.ts";

/** A weight under training, as an input of the training graph. */
export interface TrainedWeight {
  readonly type: "float32";
  readonly shape: Shape;
  readonly data: Float32Array;
}

type NumberArray = Float32Array | Float64Array | Int32Array;

/** All that a training goes on from: weights, the memory of the optimizer, the stream of random numbers, the order of the examples, Gibbs chains. */
export class TrainingState {
  readonly weights: ReadonlyMap<string, TrainedWeight>;
  /** The names of the weights that steps change. */
  readonly trained: readonly string[];
  readonly optimizer: Optimizer;
  /** The stream of the order of examples, shifts, corruption, dropout, signs and Gibbs chains. */
  readonly rng: Rng;
  /** The order of the examples in the current epoch. */
  readonly order: Int32Array;
  /** The visible states of persistent chains, [chains, visible units]; empty without any. */
  readonly chains: Float32Array;
  /** How many steps have been taken. */
  step = 0;
  readonly #recipe: Recipe;

  /** A state of the right sizes whose weights are zero. @throws PushforwardError as `trainingGraph`; `usage` for layers to train that are none */
  constructor(recipe: Recipe, examples: number) {
    this.#recipe = recipe;
    this.weights = zeroWeights(recipe);
    const names = [...this.weights.keys()];
    this.trained = names.filter(isTrained(recipe.train, names));
    const arrays = this.arrays();
    this.optimizer = createOptimizer(recipe.optimizer, new Map(this.trained.map((name) => [name, arrays.get(name)!])));
    this.rng = createRng(recipe.seed ?? 0, "batches");
    this.order = new Int32Array(examples);
    const chains = chainsOf(recipe.loss, recipe.batch);
    this.chains = new Float32Array(chains?.persistent ? chains.count * sizeOf(recipe.network.input) : 0);
  }

  /** The weights by name, which the next step changes. */
  arrays(): ReadonlyMap<string, Float32Array> {
    return new Map([...this.weights].map(([name, { data }]) => [name, data]));
  }

  /** Takes the initial weights of the recipe, and in place of some those that are given. */
  begin(given: Weights = new Map()): void {
    const { initializer, seed = 0 } = this.#recipe;
    const shapes = new Map([...this.weights].map(([name, { shape }]) => [name, shape]));
    for (const [name, { data }] of [...drawWeights(shapes, initializer, seed), ...given]) {
      this.weights.get(name)!.data.set(data as Float32Array);
    }
  }

  /** The parts that `pack` writes one after another. */
  parts(): { readonly name: string; readonly length: number }[] {
    const arrays = [...this.#arrays()].map(([name, { length }]) => ({ name, length }));
    return [{ name: "step", length: 1 }, { name: "random", length: this.rng.state().length }, ...arrays];
  }

  /** The state as float64, which holds all of it exactly. */
  pack(): Float64Array {
    const packed = new Float64Array(this.parts().reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const data of [[this.step], this.rng.state(), ...this.#arrays().values()]) {
      packed.set(data, at);
      at += data.length;
    }
    return packed;
  }

  /** Goes back to a state that `pack` gave. */
  restore(packed: Float64Array): void {
    let at = 0;
    const next = (length: number) => {
      at += length;
      return packed.subarray(at - length, at);
    };
    this.step = next(1)[0]!;
    this.rng.restore(Array.from(next(this.rng.state().length)));
    for (const data of this.#arrays().values()) data.set(next(data.length));
  }

  #arrays(): Map<string, NumberArray> {
    const chains: [string, NumberArray][] = this.chains.length > 0 ? [["chains", this.chains]] : [];
    return new Map<string, NumberArray>([...this.arrays(), ...this.optimizer.memory, ["order", this.order], ...chains]);
  }
}

function zeroWeights({ network, loss }: Recipe): Map<string, TrainedWeight> {
  return new Map(
    [...trainedShapes(network, loss)].map(([name, shape]) => [
      name,
      { type: "float32", shape, data: new Float32Array(sizeOf(shape)) },
    ]),
  );
}
