import { appendProduct, type ProductKind } from "../autodiff/index.ts";
import { formatShape, PushforwardError, type Shape, sizeOf } from "../base/index.ts";
import { buildModel, type InputValue, type Model, normalize } from "../onnx/index.ts";
import { evaluateWith } from "../runtime/index.ts";
import { inputsOf } from "./feed.ts";
import { linearizeBetween } from "./linearize-between.ts";
import { Network } from "./network.ts";
import { passOf, passOutputs } from "./pass.ts";
import type { Tap } from "./taps.ts";

export interface DerivativeOptions {
  /** Source tap, or its name, also with indices (`x[0,7]`); the network's input unless given. */
  readonly from?: string | Tap;
  /** Target tap, or its name, also with indices; the network's output unless given. */
  readonly to?: string | Tap;
}

export interface ProductOptions extends DerivativeOptions {
  /** K, how many vectors the network takes; 1 unless given. */
  readonly rows?: number;
}

/**
 * A network together with a product with its Jacobian, as one network: it takes the inputs of the network and the vectors, and gives the
 * value of the target and the product. It is differentiated like any other. The tensors of the network keep their names.
 */
export class DerivativeNetwork extends Network {
  /** The input that takes the vectors, K × source or K × target without axes of 1 in front; a gradient has none. */
  readonly vector: Tap | undefined;
  /** The product with the vectors, in the same form. */
  readonly product: Tap;

  /** The network runs on the backend of `of`, and names its file in errors. */
  constructor(model: Model, of: Network, names: { readonly vector: string | undefined; readonly product: string }) {
    super(model, of.backend, { file: of.file });
    this.vector = names.vector === undefined ? undefined : this.tap(names.vector);
    this.product = this.tap(names.product);
  }
}

/**
 * The tangent graph: a network that gives J·v for tangents v, which are an input of it, beside the value of the target. A derivative of
 * it is a second derivative of the network.
 *
 * The new input is called `tangent` and the new output `jvp`, with a number if the network has tensors of these names. It runs on the
 * network's backend, and `close` of either closes both.
 *
 * @throws PushforwardError `usage` for a source that holds no floats, and for rows that are not at least 1; `tap-unknown`, also if `to`
 * does not follow `from`; `op-unsupported` naming all nodes without a rule, and for a network whose structure values of inputs decide
 */
export const tangentGraph = (network: Network, options: ProductOptions = {}): Promise<DerivativeNetwork> =>
  derivativeNetwork(network, "jvp", options);

/** The same for Jᵀ·u and cotangents u: its input is called `cotangent`, and its output `vjp`. */
export const cotangentGraph = (network: Network, options: ProductOptions = {}): Promise<DerivativeNetwork> =>
  derivativeNetwork(network, "vjp", options);

/**
 * A network that gives the gradient of one number by the source, beside the number. The gradient has the shape of the source, and is called
 * `gradient`, with a number if the network has a tensor of this name. Its Jacobian by the source is the Hessian, which is symmetric.
 *
 * @throws PushforwardError what `tangentGraph` throws; `shape-mismatch` if the target is not one number
 */
export const gradientGraph = (network: Network, options: DerivativeOptions = {}): Promise<DerivativeNetwork> =>
  derivativeNetwork(network, "gradient", options);

async function derivativeNetwork(
  network: Network,
  kind: ProductKind,
  { from = network.source, to = network.output, rows = 1 }: ProductOptions,
): Promise<DerivativeNetwork> {
  const place = network.file === "" ? {} : { file: network.file };
  const [source, target] = [from, to].map((tap) => (typeof tap === "string" ? network.tap(tap) : tap)) as [Tap, Tap];
  requireOneGraph(network, place);
  network.requireFloats(source);
  if (kind === "gradient") requireNumber(target, place);
  requireRows(rows);
  const { model, backend } = network;
  const evaluate = evaluateWith(backend);
  const linearization = await linearizeBetween(model, { from: source, to: target }, evaluate, place);
  const { value, kept } = passOutputs(model, linearization, target);
  const pass = passOf(linearization, [value, ...kept]);
  const { graph, vectors, products } = appendProduct(linearization, kind, pass, [value.name]);
  const [vector] = vectors;
  const own: Shape = (kind === "jvp" ? source : target).shape;
  const given = new Map<string, InputValue>(
    inputsOf(model).flatMap(({ name, value }) =>
      value !== undefined && pass.inputs.some((input) => input.name === name) ? [[name, value as InputValue]] : [],
    ),
  );
  const derivative = await normalize(buildModel(graph, model.onnx.opsets), {
    ...place,
    evaluate,
    given,
    inputShapes: new Map(vector === undefined ? [] : [[vector, [rows, ...own]]]),
    ...(model.quantized === undefined ? {} : { quantized: model.quantized }),
  });
  return new DerivativeNetwork(derivative, network, { vector, product: products[0]! });
}

/** @throws PushforwardError `op-unsupported` for a network that is another graph at another point */
function requireOneGraph({ model }: Network, place: { readonly file?: string }): void {
  const [decision] = model.structure?.decisions ?? [];
  if (decision === undefined) return;
  throw new PushforwardError("op-unsupported", {
    what: "Values of the inputs decide what the network computes, so that its derivative is not one graph at all points.",
    where: { ...place, node: decision.node, op: decision.op },
    fix: "Open the network with a value for the inputs that decide (in the library: inputs), if these are not the one to differentiate by.",
  });
}

/** @throws PushforwardError `shape-mismatch` for a target with several entries */
function requireNumber({ name, shape }: Tap, place: { readonly file?: string }): void {
  if (sizeOf(shape) === 1) return;
  throw new PushforwardError("shape-mismatch", {
    what: `A gradient is that of one number, and "${name}" is ${formatShape(shape)}.`,
    where: { ...place, tap: name },
    fix: `Choose an entry of it by indices, such as ${name}[0,3], or a tap of one entry.`,
  });
}

/** @throws PushforwardError `usage` */
function requireRows(rows: number): void {
  if (Number.isSafeInteger(rows) && rows >= 1) return;
  throw new PushforwardError("usage", {
    what: `A network cannot take ${rows} vectors.`,
    fix: "Give a whole number of rows from 1 on.",
  });
}
