import type { Shape } from "../base/index.ts";
import {
  type Attributes,
  buildModel,
  castTo,
  floatTensor,
  intTensor,
  type Node,
  node,
  type OnnxModel,
  readsOf,
  type Tensor,
  type TensorType,
  toNumbers,
} from "../onnx/index.ts";
import type { Float64Nodes } from "./float64-form.ts";
import { float64Forms } from "./float64-forms.ts";

/** Operators that ONNX Runtime implements in float64. */
const float64Ops = new Set(
  [
    "Add Sub Mul Div Neg Abs Sqrt Exp Log Pow Reciprocal Sum Max Min Sign Floor Ceil Round Sin Cos CumSum Clip Where",
    "Relu LeakyRelu PRelu Elu Selu ThresholdedRelu HardSigmoid HardSwish Shrink Sigmoid Tanh Softplus Softsign Mish Swish",
    "Softmax LogSoftmax MatMul Gemm BatchNormalization LayerNormalization LpNormalization MaxPool ArgMax ArgMin",
    "ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceSumSquare",
    "Equal Greater GreaterOrEqual Less LessOrEqual IsInf IsNaN Identity Cast Reshape Flatten Squeeze Unsqueeze Transpose",
    "Concat Split Slice Pad Gather GatherElements GatherND Expand Tile DepthToSpace SpaceToDepth Shape Size",
  ].flatMap((names) => names.split(" ")),
);

/** The type and shape of a tensor of a graph, by its name. */
type TypeOf = (name: string) => TensorType | undefined;

/**
 * The same graph, computed in float64 between float32 inputs and outputs. In float32 the order in which a processor adds could
 * decide on which side of a kink a neuron lies. Convolutions, pools and other operators that ONNX Runtime implements only in
 * float32 are written with operators that it implements in float64 (`float64Forms`). Operators without such a form (Erf,
 * some trigonometric functions, branches and loops) run in float32 between casts.
 *
 * `typeOf` gives the types of the tensors that are not initializers.
 */
export function inFloat64(model: OnnxModel, typeOf: TypeOf): OnnxModel {
  const { graph } = model;
  const given = new Set([...graph.inputs.map(({ name }) => name), ...graph.initializers.keys()]);
  const writer = new Float64Writer(given, graph.initializers, typeOf);
  for (const one of graph.nodes) writer.add(one);
  for (const { name, type } of graph.outputs) if (type === "float32") writer.narrow(name, name);
  const initializers = new Map([...graph.initializers, ...writer.constants]);
  return buildModel({ ...graph, nodes: writer.nodes, initializers }, model.opsets.get(""));
}

/** Writes nodes in which the float32 tensor x becomes the float64 tensor x/float64. */
class Float64Writer implements Float64Nodes {
  readonly nodes: Node[] = [];
  readonly constants = new Map<string, Tensor>();
  readonly #given: ReadonlySet<string>;
  readonly #initializers: ReadonlyMap<string, Tensor>;
  readonly #typeOf: TypeOf;
  readonly #written = new Set<string>();
  #nextId = 0;

  constructor(given: ReadonlySet<string>, initializers: ReadonlyMap<string, Tensor>, typeOf: TypeOf) {
    this.#given = given;
    this.#initializers = initializers;
    this.#typeOf = (name) => initializers.get(name) ?? typeOf(name);
  }

  add(one: Node): void {
    const form = one.domain === "" && Object.hasOwn(float64Forms, one.op) ? float64Forms[one.op] : undefined;
    const written = this.#isFloat(one.outputs[0]!) ? form?.(this, one) : undefined;
    if (written !== undefined) {
      this.#once("Identity", [written], wideName(one.outputs[0]!));
    } else if (one.domain === "" && float64Ops.has(one.op)) {
      const inputs = one.inputs.map((name) => (this.#isFloat(name) ? this.wide(name) : name));
      // ONNX Runtime gives the mean and the deviation of a LayerNormalization in float32.
      const isNarrow = (i: number) => one.op === "LayerNormalization" && i > 0;
      const outputs = one.outputs.map((name, i) => {
        if (!this.#isFloat(name)) return name;
        return isNarrow(i) ? `${name}/rounded` : wideName(name);
      });
      const toFloat = one.op === "Cast" && this.#isFloat(one.outputs[0]!);
      this.nodes.push({ ...one, inputs, outputs, attributes: toFloat ? castTo("float64") : one.attributes });
      one.outputs.forEach((name, i) => {
        if (isNarrow(i) && this.#isFloat(name)) this.#once("Cast", [outputs[i]!], wideName(name), castTo("float64"));
      });
    } else this.#between(one);
  }

  /** The name of the tensor in float32: its own if it is an input or initializer, otherwise that of a cast. */
  narrow(name: string, as: string): string {
    if (this.#given.has(name)) return name;
    return this.#once("Cast", [wideName(name)], as, castTo("float32"));
  }

  wide(name: string): string {
    return this.#given.has(name) ? this.#once("Cast", [name], wideName(name), castTo("float64")) : wideName(name);
  }

  shape(name: string): Shape {
    return this.#typeOf(name)!.shape;
  }

  node(op: string, inputs: readonly string[], attributes: Attributes = {}): string {
    return this.#once(op, inputs, `float64/${op}${this.#nextId++}`, attributes);
  }

  ints(values: readonly number[]): string {
    const name = `float64/ints_${values.join("_")}`;
    this.constants.set(name, intTensor(values));
    return name;
  }

  number(value: number): string {
    const name = `float64/number_${value}`;
    this.constants.set(name, { ...floatTensor([], []), type: "float64", data: Float64Array.of(value) });
    return name;
  }

  constant(tensor: Tensor): string {
    const name = `float64/constant${this.#nextId++}`;
    this.constants.set(name, tensor);
    return name;
  }

  numbers(name: string): number[] | undefined {
    if (name === "") return [];
    const tensor = this.#initializers.get(name);
    return tensor && toNumbers(tensor);
  }

  /** Adds a node unchanged, between casts to float32 and back. What its subgraphs read keeps its name in float32. */
  #between(one: Node): void {
    for (const name of readsOf({ ...one, inputs: [] })) if (this.#isFloat(name)) this.narrow(name, name);
    const inputs = one.inputs.map((name) => (this.#isFloat(name) ? this.narrow(name, `${name}/float32`) : name));
    const outputs = one.outputs.map((name) => (this.#isFloat(name) ? `${name}/rounded` : name));
    this.nodes.push({ ...one, inputs, outputs });
    one.outputs.forEach((name, i) => {
      if (this.#isFloat(name)) this.#once("Cast", [outputs[i]!], wideName(name), castTo("float64"));
    });
  }

  #isFloat(name: string): boolean {
    return name !== "" && this.#typeOf(name)?.type === "float32";
  }

  #once(op: string, inputs: readonly string[], output: string, attributes: Attributes = {}): string {
    if (!this.#written.has(output))
      this.nodes.push(node({ op, inputs, outputs: [output], attributes, name: `float64/${output}` }));
    this.#written.add(output);
    return output;
  }
}

const wideName = (name: string) => `${name}/float64`;
