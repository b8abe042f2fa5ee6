import { type Rng, type Shape, sizeOf } from "../base/index.ts";
import {
  buildModel,
  castTo,
  floatTensor,
  int,
  type Node,
  node,
  type OnnxModel,
  type Tensor,
  valueInfo,
} from "../onnx/index.ts";
import type { Backend } from "../runtime/index.ts";
import { VISIBLE_BIAS } from "./boltzmann.ts";

/** Gibbs chains of a restricted Boltzmann machine, compiled. */
export interface Gibbs {
  /**
   * The visible states [chains, visible units] some steps after `states`, in each of which h is drawn from p(h | v) and then v from p(v | h).
   *
   * @param weights the weights of the machine by name; others are ignored
   */
  after(states: Float32Array, weights: Readonly<Record<string, Tensor>>, rng: Rng): Promise<Float32Array>;
  release(): Promise<void>;
}

export interface GibbsOptions {
  /** The weights of the machine by name: W [hidden units, visible units], c unless there is none, and b. */
  readonly weights: ReadonlyMap<string, Shape>;
  readonly chains: number;
  /** k ≥ 1 */
  readonly steps: number;
}

/** A graph whose random numbers are inputs. */
interface SamplerGraph {
  readonly model: OnnxModel;
  readonly result: string;
  /** Inputs for numbers that are uniform in [0, 1). */
  readonly uniforms: ReadonlyMap<string, Shape>;
}

const START = "v0";

/** Compiles Gibbs chains as a forward graph, which is fed with uniform random numbers. */
export async function compileGibbs(backend: Backend, options: GibbsOptions): Promise<Gibbs> {
  const { model, result, uniforms } = samplerGraph(options);
  const [[, [, visible]]] = [...options.weights] as [[string, [number, number]]];
  const drawn = [...uniforms].map(
    ([name, shape]) => [name, floatTensor(shape, new Float32Array(sizeOf(shape)))] as const,
  );
  const executable = await backend.compile(model);
  return {
    async after(states, weights, rng) {
      for (const [, { data }] of drawn) {
        // 24 bits, so that no number is rounded to 1.
        for (let i = 0; i < data.length; i++) (data as Float32Array)[i] = rng.integer(2 ** 24) / 2 ** 24;
      }
      const own = [...options.weights.keys()].map((name) => [name, weights[name]!] as const);
      const feeds = {
        [START]: floatTensor([options.chains, visible], states),
        ...Object.fromEntries([...drawn, ...own]),
      };
      return (await executable.run(feeds, [result]))[result]!.data as Float32Array;
    },
    release: () => executable.release(),
  };
}

function samplerGraph({ weights, chains, steps }: GibbsOptions): SamplerGraph {
  const [[weight, [hidden, visible]], ...biases] = [...weights] as [[string, [number, number]], ...[string, Shape][]];
  const hiddenBias = biases.map(([name]) => name).filter((name) => name !== VISIBLE_BIAS);
  const uniforms = new Map<string, Shape>();
  const nodes: Node[] = [];
  /** A layer of binary units, each 1 with the probability 1/(1 + e^(−field)). */
  const draw = (name: string, units: number, [from, ...parameters]: readonly string[], transB: 0 | 1) => {
    uniforms.set(`${name}.uniform`, [chains, units]);
    const [field, probability, isOne] = [`${name}.field`, `${name}.probability`, `${name}.isOne`];
    nodes.push(
      node({ op: "Gemm", inputs: [from!, ...parameters], outputs: [field], attributes: { transB: int(transB) } }),
      node({ op: "Sigmoid", inputs: [field], outputs: [probability] }),
      node({ op: "Less", inputs: [`${name}.uniform`, probability], outputs: [isOne] }),
      node({ op: "Cast", inputs: [isOne], outputs: [name], attributes: castTo("float32") }),
    );
    return name;
  };
  let states = START;
  for (let step = 1; step <= steps; step++) {
    const h = draw(`h${step}`, hidden, [states, weight, ...hiddenBias], 1);
    states = draw(`v${step}`, visible, [h, weight, VISIBLE_BIAS], 0);
  }
  const inputs = new Map<string, Shape>([[START, [chains, visible]], ...uniforms, ...weights]);
  const model = buildModel({
    name: "gibbs",
    inputs: [...inputs].map(([name, shape]) => valueInfo(name, "float32", shape)),
    outputs: [valueInfo(states, "float32", [chains, visible])],
    nodes,
    initializers: new Map(),
  });
  return { model, result: states, uniforms };
}
