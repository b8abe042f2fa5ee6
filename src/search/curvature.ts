import { appendProduct, linearize } from "../autodiff/index.ts";
import { createRng, PushforwardError, sizeOf } from "../base/index.ts";
import { buildModel, inputsBehind, partBehind, type Tensor } from "../onnx/index.ts";
import { type Backend, type Executable, evaluateWith } from "../runtime/index.ts";
import {
  type Architecture,
  isTrained,
  type LossName,
  lossName,
  type Recipe,
  trainingGraph,
  type Weights,
} from "../training/index.ts";

/** The most products with the matrix, and the change of its largest eigenvalue at which the iteration ends. */
export const MOST_PRODUCTS = 15;
const SETTLED = 0.01;

/**
 * The second derivative H of a loss by the outputs of one batch, applied to a change of the outputs, both [B, outputs]. The outputs are
 * those that the loss is taken of, before the sigmoid of a binary cross-entropy.
 */
type ApplyHessian = (outputs: Float32Array, change: Float32Array, batch: number) => Float32Array;

const hessians: { readonly [L in Exclude<LossName, "contrastiveDivergence">]: ApplyHessian } = {
  /** (diag p − p·pᵀ)/B for each example. */
  softmaxCrossEntropy: (outputs, change, batch) => {
    const size = outputs.length / batch;
    const result = new Float32Array(change.length);
    for (let row = 0; row < batch; row++) {
      const [from, to] = [row * size, (row + 1) * size];
      const z = outputs.subarray(from, to);
      const most = Math.max(...z);
      const p = Float64Array.from(z, (value) => Math.exp(value - most));
      const total = p.reduce((sum, value) => sum + value, 0);
      const mean = p.reduce((sum, value, i) => sum + value * change[from + i]!, 0) / total;
      for (let i = 0; i < size; i++) result[from + i] = ((p[i]! / total) * (change[from + i]! - mean)) / batch;
    }
    return result;
  },
  /** y(1 − y)/B for each output. */
  binaryCrossEntropy: (outputs, change, batch) =>
    change.map((value, i) => value / (2 + Math.exp(outputs[i]!) + Math.exp(-outputs[i]!)) / batch),
  summedSquaredError: (_, change) => change,
  meanSquaredError: (_, change) => change.map((value) => (2 * value) / change.length),
};

/**
 * The largest eigenvalue of the Gauss-Newton matrix Jᵀ·H·J of one batch: J is that of the outputs by the weights that are trained, H the second
 * derivative of the loss by the outputs. Gradient descent at a fixed rate η is unstable where η·λ exceeds 2. By the power method; dropout is left out.
 *
 * @param inputs the examples of the batch, one after another
 * @returns λ, and how many products with the matrix it took
 * @throws PushforwardError `usage` for contrastive divergence; as `trainingGraph` and `linearize`
 * @see Schraudolph 2002 (the matrix); Cohen et al. 2021 (the stability of training)
 */
export async function largestCurvature(
  backend: Backend,
  { network, loss: given, train }: Pick<Recipe, "network" | "loss" | "train">,
  weights: Weights,
  inputs: Float32Array,
): Promise<{ readonly value: number; readonly products: number }> {
  const loss = lossName(given);
  if (loss === "contrastiveDivergence") {
    throw new PushforwardError("usage", {
      what: "A restricted Boltzmann machine has no Gauss-Newton matrix.",
      fix: "Search with --by halving, which measures no spectra.",
    });
  }
  const batch = inputs.length / sizeOf(network.input);
  const graph = trainingGraph(outputsOf(network, loss), { batch, loss: "summedSquaredError" });
  const { model, output } = graph;
  const names = [...graph.weights.keys()];
  const sources = names.filter(isTrained(train, names));
  const linearization = await linearize(model, { sources, targets: [output] }, evaluateWith(backend));
  const { graph: primal, opsets } = linearization.primal;
  const needed = primal.outputs.map(({ name }) => name);
  const pass = { ...partBehind(primal, needed), inputs: inputsBehind(primal, needed), outputs: primal.outputs };
  const [jvp, vjp] = (["jvp", "vjp"] as const).map((kind) => appendProduct(linearization, kind, pass, [output])) as [
    ReturnType<typeof appendProduct>,
    ReturnType<typeof appendProduct>,
  ];
  const forward = await backend.compile(buildModel(jvp.graph, opsets));
  const backward = await backend.compile(buildModel(vjp.graph, opsets));
  try {
    const feeds = { [graph.input]: tensor([batch, ...network.input], inputs), ...Object.fromEntries(weights) };
    const shapes = sources.map((name) => graph.weights.get(name)!);
    const rng = createRng("curvature");
    let direction = unit(shapes.map((shape) => Float32Array.from({ length: sizeOf(shape) }, () => rng.gaussian())));
    let value = 0;
    for (let products = 1; ; products++) {
      const tangents = jvp.vectors.map((name, i) => [name, tensor([1, ...shapes[i]!], direction.arrays[i]!)] as const);
      const [change, outputs] = await run(forward, { ...feeds, ...Object.fromEntries(tangents) }, [
        jvp.products[0]!,
        output,
      ]);
      const pulled = hessians[loss](outputs!.data as Float32Array, change!.data as Float32Array, batch);
      const cotangent = tensor([1, ...outputs!.shape], pulled);
      const wanted = vjp.products.filter((name) => name !== undefined);
      const results = await run(backward, { ...feeds, [vjp.vectors[0]!]: cotangent }, wanted);
      let at = 0;
      const next = unit(
        vjp.products.map((name, i) =>
          name === undefined ? new Float32Array(sizeOf(shapes[i]!)) : (results[at++]!.data as Float32Array),
        ),
      );
      const isSettled = Math.abs(next.norm - value) <= SETTLED * next.norm;
      value = next.norm;
      if (isSettled || products === MOST_PRODUCTS || !(value > 0 && Number.isFinite(value))) return { value, products };
      direction = next;
    }
  } finally {
    await forward.release();
    await backward.release();
  }
}

/** The network up to what the loss is taken of: without dropout, and without the last sigmoid of a binary cross-entropy. */
function outputsOf(network: Architecture, loss: LossName): Architecture {
  const layers = network.layers.filter(({ kind }) => kind !== "dropout");
  const last = layers.at(-1);
  if (loss !== "binaryCrossEntropy" || last?.kind !== "sigmoid") return { ...network, layers };
  return { ...network, layers: [...layers.slice(0, -1), { kind: "linear", gain: last.gain ?? 1 }] };
}

const tensor = (shape: readonly number[], data: Float32Array) => ({ type: "float32", shape, data }) as const;

async function run(
  executable: Executable,
  feeds: Readonly<Record<string, Tensor>>,
  names: readonly string[],
): Promise<Tensor[]> {
  const results = await executable.run(feeds, names);
  return names.map((name) => results[name]!);
}

/** Arrays divided by their common norm, and the norm. */
function unit(arrays: readonly Float32Array[]): { readonly arrays: readonly Float32Array[]; readonly norm: number } {
  let square = 0;
  for (const array of arrays) for (const entry of array) square += entry * entry;
  const norm = Math.sqrt(square);
  return { norm, arrays: arrays.map((array) => array.map((entry) => entry / norm)) };
}
