import { appendProduct, type ProductKind } from "../autodiff/index.ts";
import { formatShape, PushforwardError, type Shape, sizeOf } from "../base/index.ts";
import { buildModel, type InputValue, type Model, normalize, type Structure, type Tensor } from "../onnx/index.ts";
import { evaluateWith } from "../runtime/index.ts";
import { inputsDeciding, inputsOf } from "./feed.ts";
import { linearizeBetween } from "./linearize-between.ts";
import { Network } from "./network.ts";
import { passOf, passOutputs } from "./pass.ts";
import { sameTap } from "./same-tap.ts";
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
 * it is a second derivative of the network. Where values of inputs decide the structure of the network, they decide that of the
 * derivative, which has another graph at other points.
 *
 * The new input is called `tangent` and the new output `jvp`, with a number if the network has tensors of these names. It runs on the
 * network's backend, and `close` of either closes both.
 *
 * @throws PushforwardError `usage` for a source that holds no floats, and for rows that are not at least 1; `tap-unknown`, also if `to`
 * does not follow `from`; `op-unsupported` naming all nodes without a rule
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
  const [source, target] = [from, to].map((tap) => (typeof tap === "string" ? network.tap(tap) : tap)) as [Tap, Tap];
  network.requireFloats(source);
  requireRows(rows);
  const product = { kind, source, target, rows };
  const { model, ...names } = await derivativeOf(network, product);
  const { structure } = network.model;
  const whole = structure === undefined ? model : { ...model, structure: structureOf(network, structure, product) };
  return new DerivativeNetwork(whole, network, names);
}

interface Product {
  readonly kind: ProductKind;
  readonly source: Tap;
  readonly target: Tap;
  readonly rows: number;
}

type Values = ReadonlyMap<string, Tensor>;

/**
 * The graph of the pass and of the product, where the network has the structure that it has now. It is observed at `point`, or at the values
 * that the network was opened with.
 */
async function derivativeOf(network: Network, { kind, source, target, rows }: Product, point?: Values) {
  const place = placeOf(network);
  if (kind === "gradient") requireNumber(target, place);
  const { model, backend } = network;
  const evaluate = evaluateWith(backend);
  const linearization = await linearizeBetween(model, { from: source, to: target }, evaluate, place);
  const { value, kept } = passOutputs(model, linearization, target);
  const read = passOf(linearization, [value, ...kept]);
  // What only decides the structure is an input of the derivative too.
  const deciding = inputsDeciding(model).filter(({ name }) => !read.inputs.some((input) => input.name === name));
  const pass = { ...read, inputs: [...read.inputs, ...deciding] };
  const { graph, vectors, products } = appendProduct(linearization, kind, pass, [value.name]);
  const [vector] = vectors;
  const own: Shape = (kind === "jvp" ? source : target).shape;
  const given = new Map<string, InputValue>(
    inputsOf(model).flatMap(({ name, value }) =>
      value !== undefined && pass.inputs.some((input) => input.name === name) ? [[name, value as InputValue]] : [],
    ),
  );
  // The structure is that of the network: what it decides is decided.
  const { structure: _, ...derivative } = await normalize(buildModel(graph, model.onnx.opsets), {
    ...place,
    evaluate,
    given,
    ...(point === undefined
      ? {}
      : { feeds: new Map([...point].filter(([name]) => graph.inputs.some((one) => one.name === name))) }),
    inputShapes: new Map(vector === undefined ? [] : [[vector, [rows, ...own]]]),
    ...(model.quantized === undefined ? {} : { quantized: model.quantized }),
  });
  return { model: derivative, vector, product: products[0]! };
}

/** What decides the structure of a derivative: what decides that of its network, from which it is made again at another point. */
function structureOf(network: Network, { decisions, deciding, at }: Structure, product: Product): Structure {
  return {
    decisions,
    deciding,
    async at(point) {
      const inputs = network.model.onnx.graph.inputs.map(({ name }) => name);
      const there = await at(new Map([...point].filter(([name]) => inputs.includes(name))));
      const variant = new Network(there, network.backend, placeOf(network));
      const [source, target] = [product.source, product.target].map((tap) =>
        sameTap(tap, network, variant, placeOf(network)),
      ) as [Tap, Tap];
      const { model } = await derivativeOf(variant, { ...product, source, target }, point);
      return there.structure === undefined
        ? model
        : { ...model, structure: { ...there.structure, at: structureOf(network, there.structure, product).at } };
    },
  };
}

const placeOf = ({ file }: Network) => (file === "" ? {} : { file });

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
