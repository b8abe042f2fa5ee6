import { appendProduct, linearize } from "../autodiff/index.ts";
import { PushforwardError, type Shape, suggestion, withoutBatch } from "../base/index.ts";
import {
  buildModel,
  filled,
  floatTensor,
  int,
  intTensor,
  type Model,
  type Node,
  node,
  normalize,
  type Tensor,
  valueInfo,
} from "../onnx/index.ts";
import { type Backend, evaluateWith } from "../runtime/index.ts";
import type { Architecture, Layer } from "./architecture.ts";
import { type TrainingGraph, tensorsOf } from "./graphs.ts";

/**
 * `weight` times the mean of ‖J‖_F² over the examples of a batch, J being the derivative of the tensor `to` by the input of the network, at
 * the inputs as the step takes them and with its dropout. The norm sums all squared entries of J, and the mean is over examples alone.
 *
 * @see Rifai et al. 2011, "Contractive auto-encoders: explicit invariance during feature extraction", equation 6
 */
export interface Penalty {
  readonly kind: "contractive";
  readonly weight: number;
  readonly to: string;
}

/** The number that a step makes smaller where there is a penalty: the loss and the penalty. */
const OBJECTIVE = "objective";

/** A training graph with a penalty. */
interface Penalized {
  /** The training graph, which may take random signs beside its other inputs. */
  readonly graph: TrainingGraph;
  /** The same with the penalty; its output is the number to differentiate. */
  model(backend: Backend): Promise<{ readonly model: Model; readonly of: string }>;
}

/**
 * Adds a penalty to a training graph. ‖J‖_F² is exact where the encoder is one dense layer and activations behind it: there J is diag(φ′)·W
 * and ‖J‖_F² = Σ_j φ′(z_j)²·‖W_j‖². For any other encoder it is estimated without bias by random signs v, since the mean of ‖J·v‖² over all
 * signs is ‖J‖_F². Examples do not mix, so that one vector for all of them gives the sum over the batch.
 *
 * @throws PushforwardError `tap-unknown` for a tensor that is none of the network's, or its input
 * @see Hutchinson 1990, "A stochastic estimator of the trace of the influence matrix"
 */
export function penalized(net: Architecture, graph: TrainingGraph, penalty: Penalty): Penalized {
  const encoder = encoderOf(net, penalty);
  const own = encoder.weight === undefined ? withSigns(graph) : graph;
  return { graph: own, model: (backend) => withPenalty(backend, own, encoder, penalty) };
}

/** How ‖J‖_F² is computed. */
interface Encoder {
  /** The tensor whose tangents are multiplied by a derivative: the output of the dense layer, or the input of the network. */
  readonly from: string;
  /** The weight of the dense layer where J = diag(φ′)·W. */
  readonly weight?: string;
}

function encoderOf(net: Architecture, { to }: Penalty): Encoder {
  const tensors = tensorsOf(net);
  const [input, ...outputs] = tensors.map(({ name }) => name);
  const at = outputs.indexOf(to);
  if (at < 0) {
    throw new PushforwardError("tap-unknown", {
      what: `There is no tensor "${to}" behind the input of the network, whose derivative the penalty could be of.`,
      where: { option: "penalty.to" },
      fix: suggestion(to, outputs),
    });
  }
  const first = net.layers.findIndex(({ kind }) => kind !== "flatten");
  const [dense, ...activations] = net.layers.slice(first, at + 1);
  const isExact = dense?.kind === "dense" && activations.length > 0 && activations.every(isElementwise);
  return isExact ? { from: outputs[first]!, weight: `${outputs[first]}.weight` } : { from: input! };
}

const isElementwise = ({ kind }: Layer): boolean =>
  ["relu", "tanh", "sigmoid", "erf", "hardTanh", "linear", "dropout"].includes(kind);

/** The training graph with an input for random signs of the shape of the network's input. */
function withSigns(graph: TrainingGraph): TrainingGraph {
  const { onnx, values } = graph.model;
  const type = values.get(graph.input)!;
  const inputs = [...onnx.graph.inputs, valueInfo(SIGNS, "float32", type.shape)];
  const model = { onnx: { ...onnx, graph: { ...onnx.graph, inputs } }, values: new Map([...values, [SIGNS, type]]) };
  return { ...graph, model, signs: SIGNS };
}

const SIGNS = "signs";

async function withPenalty(
  backend: Backend,
  { model, batch, objective: loss, signs }: TrainingGraph,
  { from, weight }: Encoder,
  penalty: Penalty,
): Promise<{ readonly model: Model; readonly of: string }> {
  const evaluate = evaluateWith(backend);
  const linearization = await linearize(model, { sources: [from], targets: [penalty.to] }, evaluate);
  const { primal } = linearization;
  const known = new Set(primal.graph.nodes.flatMap(({ outputs }) => outputs));
  const pass = {
    ...primal.graph,
    inputs: model.onnx.graph.inputs,
    outputs: model.onnx.graph.outputs,
    nodes: [...primal.graph.nodes, ...model.onnx.graph.nodes.filter(({ outputs }) => !known.has(outputs[0]!))],
    initializers: new Map([...model.onnx.graph.initializers, ...primal.graph.initializers]),
  };
  const product = appendProduct(linearization, "jvp", pass, [loss]);
  const [[tangent], [jvp]] = [product.vectors, product.products];
  if (jvp === undefined) throw notMoving(penalty);

  const { shape } = model.values.get(from)!;
  const vector: Shape = [1, ...withoutBatch(shape)];
  const terms = squaresOf(jvp, weight);
  const nodes: Node[] = [
    ...(signs === undefined ? [] : [node({ op: "Reshape", inputs: [signs, "penalty.shape"], outputs: [tangent!] })]),
    ...product.graph.nodes,
    ...terms.nodes,
    node({ op: "ReduceSum", inputs: [terms.last], outputs: ["penalty.sum"], attributes: { keepdims: int(0) } }),
    node({ op: "Mul", inputs: ["penalty.sum", "penalty.weight"], outputs: ["penalty"] }),
    node({ op: "Add", inputs: [loss, "penalty"], outputs: [OBJECTIVE] }),
  ];
  const given: [string, Tensor][] =
    signs === undefined ? [[tangent!, filled(vector, 1)]] : [["penalty.shape", intTensor(vector)]];
  const graph = {
    inputs: product.graph.inputs.filter(({ name }) => name !== tangent),
    outputs: [valueInfo(OBJECTIVE, "float32", [])],
    nodes,
    initializers: new Map([
      ...product.graph.initializers,
      ...given,
      ...terms.constants,
      ["penalty.weight", floatTensor([], [penalty.weight / batch])],
    ]),
  };
  return { model: await normalize(buildModel(graph, model.onnx.opsets), { evaluate }), of: OBJECTIVE };
}

/** The squares whose sum is the penalty: of the product, times ‖W_j‖² where the product is φ′(z_j). */
function squaresOf(jvp: string, weight: string | undefined) {
  const squares = node({ op: "Mul", inputs: [jvp, jvp], outputs: ["penalty.squares"] });
  if (weight === undefined) return { nodes: [squares], last: "penalty.squares", constants: [] };
  const nodes = [
    squares,
    node({ op: "Mul", inputs: [weight, weight], outputs: ["penalty.squaredWeights"] }),
    node({
      op: "ReduceSum",
      inputs: ["penalty.squaredWeights", "penalty.axis"],
      outputs: ["penalty.squaredRows"],
      attributes: { keepdims: int(0) },
    }),
    node({ op: "Mul", inputs: ["penalty.squares", "penalty.squaredRows"], outputs: ["penalty.terms"] }),
  ];
  return { nodes, last: "penalty.terms", constants: [["penalty.axis", intTensor([1])] as const] };
}

const notMoving = ({ to }: Penalty): PushforwardError =>
  new PushforwardError("tap-unknown", {
    what: `"${to}" does not move with the input, so that a penalty of its derivative is always 0.`,
    where: { option: "penalty.to" },
    fix: "Choose a tensor that depends on the input.",
  });
