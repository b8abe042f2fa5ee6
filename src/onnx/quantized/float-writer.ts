import { type Shape, sizeOf } from "../../base/index.ts";
import { castTo, floatTensor, int, ints, intTensor, OPSET, readAttributes } from "../build.ts";
import { freshName } from "../graph.ts";
import type { Attributes, DataType, Graph, Node, Tensor } from "../model.ts";
import { bytesFor } from "../narrow-types.ts";
import { isFloat } from "../precision.ts";
import { dataTypeOf, toFloat32Array } from "../tensor-types.ts";
import { derivativeOf, OWN_DOMAIN, type Quantized } from "./own-operators.ts";

/** What holds for a whole model while its quantized tensors are rewritten. */
export interface Setting {
  readonly opset: number;
  readonly choice: Quantized;
  readonly taken: Set<string>;
}

/**
 * Writes the nodes of a graph, in which tensors of quantized numbers hold them as float32. Names stay: `float(name)` is a tensor of floats
 * with the entries of `name`.
 */
export class FloatWriter {
  readonly nodes: Node[] = [];
  readonly initializers: Map<string, Tensor>;
  readonly setting: Setting;
  readonly #outer: FloatWriter | undefined;
  /** The types in the file of tensors that are floats here. */
  readonly #held = new Map<string, DataType>();
  readonly #known = new Map<string, Tensor>();
  readonly #types = new Map<string, DataType>();
  readonly #ranks = new Map<string, number>();
  readonly #own: Set<string>;
  readonly #results: ReadonlySet<string>;
  readonly #floats = new Map<string, string>();
  #nodeName = "";
  #prefix = "";

  constructor(graph: Graph, setting: Setting, outer?: FloatWriter) {
    this.initializers = new Map(graph.initializers);
    this.setting = setting;
    this.#outer = outer;
    this.#own = new Set([...graph.inputs.map(({ name }) => name), ...graph.nodes.flatMap(({ outputs }) => outputs)]);
    this.#results = new Set(graph.outputs.map(({ name }) => name));
    for (const { name, type, shape } of graph.inputs) {
      if (type !== undefined) this.#types.set(name, type);
      if (shape !== undefined) this.#ranks.set(name, shape.length);
    }
  }

  /** Begins the rewriting of a node, whose name begins the names of what is added for it. */
  begin(node: Node): void {
    this.#nodeName = node.name;
    this.#prefix = node.name || node.outputs.find((output) => output !== "") || node.op;
  }

  /** The value of a tensor that is a constant of the file, or was computed from such. */
  constantOf(name: string): Tensor | undefined {
    const known = this.initializers.get(name) ?? this.#known.get(name);
    return known ?? (this.#own.has(name) ? undefined : this.#outer?.constantOf(name));
  }

  /** Makes the value of a node's output known. */
  know(output: string, tensor: Tensor): void {
    this.#known.set(output, tensor);
  }

  /** The type in the file of a tensor that is floats here; `undefined` for any other. */
  heldType(name: string): DataType | undefined {
    return this.#held.get(name) ?? (this.#own.has(name) ? undefined : this.#outer?.heldType(name));
  }

  /** Declares that a tensor holds numbers of a type of the file as floats. */
  hold(name: string, type: DataType): void {
    if (name !== "") this.#held.set(name, type);
  }

  typeOf(name: string): DataType | undefined {
    const known = this.heldType(name) ?? this.constantOf(name)?.type ?? this.#types.get(name);
    return known ?? (this.#own.has(name) ? undefined : this.#outer?.typeOf(name));
  }

  knowType(name: string, type: DataType): void {
    this.#types.set(name, type);
  }

  rankOf(name: string): number | undefined {
    const known = this.constantOf(name)?.shape.length ?? this.#ranks.get(name);
    return known ?? (this.#own.has(name) ? undefined : this.#outer?.rankOf(name));
  }

  knowRank(name: string, rank: number | undefined): void {
    if (rank !== undefined) this.#ranks.set(name, rank);
  }

  /** A new name for a tensor. */
  name(role: string): string {
    return freshName(this.setting.taken, `${this.#prefix}/${role}`);
  }

  /** Gives a tensor of the file a constant value. */
  define(name: string, tensor: Tensor): void {
    if (this.#results.has(name)) {
      this.#known.set(name, tensor);
      this.push({
        op: "Constant",
        inputs: [],
        outputs: [name],
        attributes: { value: { kind: "tensor", value: tensor } },
      });
    } else {
      this.#own.delete(name);
      this.initializers.set(name, tensor);
    }
  }

  /** A node as it is, of ONNX's own operators unless it has a domain. */
  push({
    name,
    op,
    domain,
    inputs,
    outputs,
    attributes,
  }: Pick<Node, "op" | "inputs" | "outputs"> & Partial<Node>): void {
    this.nodes.push({
      name: name ?? outputs.find((output) => output !== "") ?? op,
      op,
      domain: domain ?? "",
      inputs,
      outputs,
      attributes: attributes ?? {},
    });
  }

  /** A node of the file that is not rewritten. */
  keep(node: Node): void {
    this.nodes.push({ ...node, inputs: node.inputs.map((name) => this.asInFile(name)) });
  }

  constant(role: string, tensor: Tensor): string {
    const name = this.name(role);
    this.initializers.set(name, tensor);
    return name;
  }

  number(role: string, value: number): string {
    return this.constant(role, floatTensor([], [value]));
  }

  wholes(role: string, values: readonly number[]): string {
    return this.constant(role, intTensor(values));
  }

  /** A node with one output, for which a name is made. If one of the rewritten node is given, the new node has that node's name. */
  add(op: string, inputs: readonly string[], attributes: Attributes = {}, output?: string, domain = ""): string {
    const result = output ?? this.name(op);
    const name = (output === undefined ? "" : this.#nodeName) || result;
    this.nodes.push({ name, op, domain, inputs, outputs: [result], attributes });
    return result;
  }

  /** A tensor of float32 with the entries of another, which may hold whole numbers. */
  float(name: string): string {
    if (name === "" || this.heldType(name) !== undefined) return name;
    const constant = this.constantOf(name);
    if (constant?.type === "float32") return name;
    const made = this.#floats.get(name);
    if (made !== undefined) return made;
    const type = this.typeOf(name);
    const float =
      constant !== undefined
        ? this.constant(`${name}_as_floats`, inFloats(constant))
        : type !== undefined && isFloat(type)
          ? name
          : this.add("Cast", [name], castTo("float32"));
    this.#floats.set(name, float);
    return float;
  }

  /** A tensor as the file's own operators expect it: whole numbers that are floats here are converted back. */
  asInFile(name: string): string {
    const type = this.heldType(name);
    if (type === undefined) return name;
    const key = `${name} in integers`;
    const made = this.#floats.get(key);
    if (made !== undefined) return made;
    const cast = this.add("Cast", [name], castTo(bytesFor(type)));
    this.#floats.set(key, cast);
    return cast;
  }

  /** The entries of a small constant of numbers; `undefined` for any other tensor. */
  numbersOf(name: string): Float32Array | undefined {
    const tensor = this.constantOf(name);
    return tensor && (inFloats(tensor).data as Float32Array);
  }

  /**
   * A scale or a zero point as it broadcasts with x: a vector lies along `axis`, blocks of `block` entries along it share one number
   * if `block` is not 0. Floats stay floats, and whole numbers become floats.
   */
  broadcastAlong(name: string, x: string, axis: number, block = 0): string {
    const tensor = this.constantOf(name);
    if (tensor !== undefined && sizeOf(tensor.shape) === 1) {
      return this.constant("factor", floatTensor([], inFloats(tensor).data as Float32Array));
    }
    const float = this.float(name);
    if (this.rankOf(name) === 0) return float;
    if (block > 0) return this.#repeated(float, x, axis, block);
    const rank = this.rankOf(x);
    const after = axis < 0 ? -axis - 1 : rank === undefined ? undefined : rank - 1 - axis;
    // Beyond the axes of x there is only one number; before opset 13 there are no axes.
    if (after === 0 || (after !== undefined && after < 0)) return float;
    if (tensor === undefined && this.setting.opset < 13) return float;
    if (after !== undefined) {
      const shape: Shape = [tensor === undefined ? -1 : sizeOf(tensor.shape), ...new Array<number>(after).fill(1)];
      if (tensor !== undefined) return this.constant("factor", { ...inFloats(tensor), shape });
      return this.add("Reshape", [float, this.wholes("shape", shape)]);
    }
    // The shape is −1 at the axis, and 1 at the others.
    const whole = (value: number) => this.constant("number", intTensor([value], []));
    const rankOf = this.add("Size", [this.add("Shape", [x])]);
    const places = this.add("Range", [whole(0), rankOf, whole(1)]);
    const shape = this.add("Where", [this.add("Equal", [places, whole(axis)]), whole(-1), whole(1)]);
    return this.add("Reshape", [float, shape]);
  }

  /** Each entry along an axis as often as a block of x has entries; the last block may be shorter. */
  #repeated(name: string, x: string, axis: number, block: number): string {
    const extent = this.add("Gather", [this.add("Shape", [x]), this.constant("axis", intTensor([axis], []))]);
    const [zero, one, size] = [0, 1, block].map((value) => this.constant("number", intTensor([value], [])));
    const places = this.add("Div", [this.add("Range", [zero!, extent, one!]), size!]);
    return this.add("Gather", [name, places], { axis: int(axis) });
  }

  /** x − zero, where the zero point may be absent, a number or a vector along an axis. */
  centred(x: string, zero: string, axis: number, block = 0): string {
    const numbers = this.numbersOf(zero);
    const float = this.float(x);
    if (zero === "" || numbers?.every((number) => number === 0)) return float;
    const offset = this.broadcastAlong(zero, x, axis, block);
    const [a, b] = [this.constantOf(float), this.constantOf(offset)];
    const difference = a && b && subtract(a, b);
    return difference ? this.constant(`${x}_centred`, difference) : this.add("Sub", [float, offset]);
  }

  /** A number for each output: the product of scales divided by another, as ONNX Runtime computes it. */
  ratio(factors: readonly string[], divisor: string): string {
    const numbers = factors.map((name) => this.numbersOf(name));
    const by = divisor === "" ? Float32Array.of(1) : this.numbersOf(divisor);
    if (by?.length === 1 && numbers.every((one) => one !== undefined)) {
      const shapes = factors.map((name) => this.constantOf(name)!.shape);
      const widest = shapes.reduce((a, b) => (sizeOf(b) > sizeOf(a) ? b : a));
      if (shapes.every((shape) => sizeOf(shape) === 1 || sizeOf(shape) === sizeOf(widest))) {
        const data = Float32Array.from({ length: sizeOf(widest) }, (_, i) => {
          const product = numbers.reduce((all, one) => Math.fround(all * (one!.length === 1 ? one![0]! : one![i]!)), 1);
          return Math.fround(product / by[0]!);
        });
        return this.constant("scale", floatTensor(widest, data));
      }
    }
    const product = factors.map((name) => this.float(name)).reduce((a, b) => this.add("Mul", [a, b]));
    return divisor === "" ? product : this.add("Div", [product, this.float(divisor)]);
  }

  /** A node of an own operator, marked with the choice. */
  own(op: string, inputs: readonly string[], output?: string): string {
    return this.add(op, inputs, derivativeOf(this.setting.choice), output, OWN_DOMAIN);
  }

  /** A reduction over axes that remain with extent 1, in the form of the model's opset. */
  reduce(op: string, x: string, axes: readonly number[] | undefined, keepdims = 1): string {
    const kept = { keepdims: int(keepdims) };
    if (axes === undefined) return this.add(op, [x], kept);
    const isInput = this.setting.opset >= (op === "ReduceSum" ? 13 : OPSET);
    if (isInput) return this.add(op, [x, this.wholes("axes", axes)], kept);
    return this.add(op, [x], { ...kept, axes: ints(axes) });
  }

  /** Notes the type of the outputs of a node that is kept, as far as it is plain from the node. */
  noteTypes({ op, domain, inputs, outputs, attributes }: Node): void {
    if (domain !== "") return;
    const { to } = attributes;
    const code = op === "Cast" && to?.kind === "int" ? dataTypeOf(to.value) : undefined;
    const like = op === "CastLike" ? this.typeOf(inputs[1] ?? "") : undefined;
    const type = code ?? like;
    if (type !== undefined) this.#types.set(outputs[0]!, type);
  }
}

/** The attributes of a node, read with defaults. */
export const read = (node: Node) => readAttributes(node.attributes);

/** The entries of a tensor of numbers as float32. */
export function inFloats(tensor: Tensor): Tensor {
  if (isFloat(tensor.type)) return floatTensor(tensor.shape, toFloat32Array(tensor));
  return floatTensor(tensor.shape, Float32Array.from(tensor.data as ArrayLike<number | bigint>, Number));
}

/** a − b where b broadcasts to a; `undefined` if it does not. */
function subtract(a: Tensor, b: Tensor): Tensor | undefined {
  const lead = a.shape.length - b.shape.length;
  if (lead < 0 || b.shape.some((extent, axis) => extent !== 1 && extent !== a.shape[axis + lead])) return undefined;
  const strides = b.shape.map((extent, axis) => (extent === 1 ? 0 : sizeOf(b.shape.slice(axis + 1))));
  const [x, y] = [a.data as Float32Array, b.data as Float32Array];
  const sizes = a.shape.map((_, axis) => sizeOf(a.shape.slice(axis + 1)));
  const data = x.map((value, i) => {
    let from = 0;
    for (let axis = 0; axis < b.shape.length; axis++) {
      from += (Math.floor(i / sizes[axis + lead]!) % a.shape[axis + lead]!) * strides[axis]!;
    }
    return value - y[from]!;
  });
  return floatTensor(a.shape, data);
}
