import { type Shape, sizeOf } from "../base/index.ts";
import {
  type Attributes,
  buildModel,
  int,
  ints,
  intTensor,
  type Node,
  node,
  type OnnxModel,
  readAttributes,
  subgraphsOf,
  type Tensor,
  type TensorType,
} from "../onnx/index.ts";
import { kernelOffsets, windowOf } from "./geometry.ts";

/** Operators that ONNX Runtime implements in float64. All others run in float32 between casts. */
const float64Ops = new Set(
  [
    "Add Sub Mul Div Neg Abs Sqrt Exp Log Pow Reciprocal Sum Max Min Sign Relu Sigmoid Tanh Softmax LogSoftmax Clip",
    "MatMul Gemm BatchNormalization MaxPool ReduceSum ReduceMean ReduceMax ReduceMin Where Equal Greater GreaterOrEqual",
    "Less LessOrEqual Identity Cast Reshape Flatten Squeeze Unsqueeze Transpose Concat Split Slice Pad Gather",
    "GatherElements GatherND Expand Tile DepthToSpace Shape Size",
  ].flatMap((names) => names.split(" ")),
);

const FLOAT32 = int(1);
const FLOAT64 = int(11);

/** The type and shape of a tensor of a graph, by its name. */
type TypeOf = (name: string) => TensorType | undefined;

/**
 * The same graph, computed in float64 between float32 inputs and outputs. In float32 the order in which a processor adds could
 * decide on which side of a kink a neuron lies. Convolutions, which ONNX Runtime implements only in float32, become matrix
 * products. A graph with branches or loops is returned unchanged.
 *
 * `typeOf` gives the types of the tensors that are not initializers.
 */
export function inFloat64(model: OnnxModel, typeOf: TypeOf): OnnxModel {
  const { graph } = model;
  if (graph.nodes.some((one) => subgraphsOf(one).length > 0)) return model;
  const given = new Set([...graph.inputs.map(({ name }) => name), ...graph.initializers.keys()]);
  const writer = new Float64Writer(given, (name) => graph.initializers.get(name) ?? typeOf(name));
  for (const one of graph.nodes) writer.add(one);
  for (const { name, type } of graph.outputs) if (type === "float32") writer.narrow(name, name);
  const initializers = new Map([...graph.initializers, ...writer.constants]);
  return buildModel({ ...graph, nodes: writer.nodes, initializers }, model.opsets.get(""));
}

/** Writes nodes in which the float32 tensor x becomes the float64 tensor x/float64. */
class Float64Writer {
  readonly nodes: Node[] = [];
  readonly constants = new Map<string, Tensor>();
  readonly #given: ReadonlySet<string>;
  readonly #typeOf: TypeOf;
  readonly #written = new Set<string>();

  constructor(given: ReadonlySet<string>, typeOf: TypeOf) {
    this.#given = given;
    this.#typeOf = typeOf;
  }

  add(one: Node): void {
    if (one.op === "Conv" && one.domain === "") this.#convolution(one);
    else if (one.domain === "" && float64Ops.has(one.op)) {
      const inputs = one.inputs.map((name) => (this.#isFloat(name) ? this.#wide(name) : name));
      const outputs = one.outputs.map((name) => (this.#isFloat(name) ? wideName(name) : name));
      const toFloat = one.op === "Cast" && this.#isFloat(one.outputs[0]!);
      this.nodes.push({ ...one, inputs, outputs, attributes: toFloat ? { to: FLOAT64 } : one.attributes });
    } else this.#between(one);
  }

  /** The name of the tensor in float32: its own if it is an input or initializer, otherwise that of a cast. */
  narrow(name: string, as: string): string {
    if (this.#given.has(name)) return name;
    return this.#once("Cast", [wideName(name)], as, { to: FLOAT32 });
  }

  /** Adds a node unchanged, between casts to float32 and back. */
  #between(one: Node): void {
    const inputs = one.inputs.map((name) => (this.#isFloat(name) ? this.narrow(name, `${name}/float32`) : name));
    const outputs = one.outputs.map((name) => (this.#isFloat(name) ? `${name}/rounded` : name));
    this.nodes.push({ ...one, inputs, outputs });
    one.outputs.forEach((name, i) => {
      if (this.#isFloat(name)) this.#once("Cast", [outputs[i]!], wideName(name), { to: FLOAT64 });
    });
  }

  /** Adds a convolution as one matrix product per group: the weight times the slices of x that the kernel entries multiply. */
  #convolution(one: Node): void {
    const [x, w, y] = [one.inputs[0]!, one.inputs[1]!, one.outputs[0]!];
    const [xs, ws, ys] = [x, w, y].map((name) => this.#typeOf(name)!.shape) as [Shape, Shape, Shape];
    const attributes = readAttributes(one.attributes);
    const kernel = ws.slice(2);
    const [batch, channels, ...size] = ys as [number, number, ...number[]];
    const { strides, dilations, pads } = windowOf({ attributes }, kernel, xs.slice(2), size);
    const group = attributes.int("group", 1);
    const own = (part: string) => `${y}/${part}`;
    const rank = kernel.length;
    const axes = this.#ints(kernel.map((_, d) => d + 2));
    const steps = this.#ints(strides);

    const ends = [0, 0, ...pads.slice(0, rank), 0, 0, ...pads.slice(rank)];
    const padded = this.#once("Pad", [this.#wide(x), this.#ints(ends)], own("padded"));
    const met = kernelOffsets(kernel).map((offset, i) => {
      const start = offset.map((at, d) => at * dilations[d]!);
      const end = start.map((at, d) => at + (size[d]! - 1) * strides[d]! + 1);
      const inputs = [padded, this.#ints(start), this.#ints(end), axes, steps];
      return this.#reshape(this.#once("Slice", inputs, own(`met${i}`)), [batch, group, ws[1]!, sizeOf(size)]);
    });
    const columns = this.#once("Concat", met, own("columns"), { axis: int(2) });
    const perGroup = [group, channels / group];
    const split = this.#reshape(this.#wide(w), [...perGroup, ws[1]!, sizeOf(kernel)], own("split"));
    const turned = this.#once("Transpose", [split], own("turned"), { perm: ints([0, 1, 3, 2]) });
    const weight = this.#reshape(turned, [...perGroup, sizeOf(ws.slice(1))]);
    const product = this.#once("MatMul", [weight, columns], own("product"));
    const bias = one.inputs[2];
    if (!bias) {
      this.#reshape(product, ys, wideName(y));
      return;
    }
    const shaped = this.#reshape(this.#wide(bias), [1, channels, ...size.map(() => 1)], own("bias"));
    this.#once("Add", [this.#reshape(product, ys), shaped], wideName(y));
  }

  #isFloat(name: string): boolean {
    return name !== "" && this.#typeOf(name)?.type === "float32";
  }

  #wide(name: string): string {
    return this.#given.has(name) ? this.#once("Cast", [name], wideName(name), { to: FLOAT64 }) : wideName(name);
  }

  #reshape(name: string, shape: Shape, as = `${name}/shaped`): string {
    return this.#once("Reshape", [name, this.#ints(shape)], as);
  }

  #ints(values: readonly number[]): string {
    const name = `float64/ints_${values.join("_")}`;
    this.constants.set(name, intTensor(values));
    return name;
  }

  #once(op: string, inputs: readonly string[], output: string, attributes: Attributes = {}): string {
    if (!this.#written.has(output))
      this.nodes.push(node({ op, inputs, outputs: [output], attributes, name: `float64/${output}` }));
    this.#written.add(output);
    return output;
  }
}

const wideName = (name: string) => `${name}/float64`;
