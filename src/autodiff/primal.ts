import { broadcastShapes, PushforwardError, type Shape, sameShape } from "../base/index.ts";
import {
  type Attributes,
  castTo,
  type DataType,
  filled,
  int,
  ints,
  intTensor,
  type Node,
  node,
  type Tensor,
  type TensorType,
} from "../onnx/index.ts";
import type { Operand } from "./program.ts";

/** A tensor of the primal pass. */
export interface Value {
  readonly name: string;
  readonly shape: Shape;
  readonly type: DataType;
  /** The tensor itself, if it is the same at every input. */
  readonly constant: Tensor | undefined;
}

/** A kept value of the primal pass. */
export interface KeptValue extends Operand {
  /** The first output of the node whose derivative needs it; `undefined` if values of several nodes are merged in it. */
  readonly of: string | undefined;
}

/** Entries of a primal pass at which the derivative jumps, as a condition; J there is a convention. */
export interface Kink {
  /** First output of the node. */
  readonly of: string;
  /** Neurons at the kink of an elementwise function, or windows whose extreme several entries share. */
  readonly kind: "neurons" | "windows";
  readonly at: Value;
}

/** How the names of tensors begin that a `PrimalBuilder` adds to a graph: what rules keep, and what settles comparisons. */
export const PREFIXES = { rules: "primal", comparisons: "settled" } as const;

/** Whether a tensor has such a name, as in the graph of a derivative that is differentiated again, also where it was a file in between. */
export const isOfDerivative = (name: string): boolean => /^(primal|settled)(_\d+)?\//.test(name);

/**
 * Records the values that rules need from the primal pass, as ONNX nodes in addition to those of the model. Only kept values, and
 * what they depend on, are computed.
 */
export class PrimalBuilder {
  readonly nodes: Node[] = [];
  readonly constants = new Map<string, Tensor>();
  readonly kept = new Map<string, KeptValue>();
  /** The types and shapes of the tensors that these nodes compute. */
  readonly types = new Map<string, TensorType>();
  readonly kinks: Kink[] = [];
  /** Kept factors of 1 and 0, by name, with the condition that they stand for. */
  readonly masks = new Map<string, Value>();
  /** What computes in place of a node of the model, by its name: the same, and what the rule of the node keeps. */
  readonly instead = new Map<string, readonly Node[]>();
  /** The first output of the node whose rule is running. */
  owner: string | undefined;
  /** Where an input of that node has a tangent that is not zero, as a condition; `undefined` where nothing is known. */
  alive: (input: string) => Value | undefined = () => undefined;
  readonly #prefix: string;
  readonly #once = new Map<string, Value>();
  #nextId = 0;

  /** `prefix` begins the names of its tensors, and no others. */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** Keeps a value for the linear program, on behalf of one node. A value that another node keeps too is copied. */
  keep(value: Value, of = this.owner): Operand {
    const before = value.constant === undefined ? this.kept.get(value.name) : undefined;
    const { name, shape, type } =
      before === undefined || before.of === of ? value : this.op("Identity", [value], value.shape, {}, value.type);
    const operand = { name, shape, type };
    this.kept.set(name, { ...operand, of });
    const condition = this.masks.get(value.name);
    if (condition) this.masks.set(name, condition);
    if (value.constant) this.constants.set(name, value.constant);
    return operand;
  }

  /** What was kept, as a value to compute with. */
  valueOf(operand: Operand): Value {
    return { ...operand, constant: this.constants.get(operand.name) };
  }

  /** A value that is the same at every input. */
  constant(tensor: Tensor): Value {
    const name = `${this.#prefix}/constant${this.#nextId++}`;
    this.constants.set(name, tensor);
    return { name, shape: tensor.shape, type: tensor.type, constant: tensor };
  }

  scalar(value: number): Value {
    return this.constant(filled([], value));
  }

  /** Adds any ONNX node. The caller states the shape of its first output. */
  op(
    op: string,
    inputs: readonly Value[],
    shape: Shape,
    attributes: Attributes = {},
    type: DataType = "float32",
  ): Value {
    const name = `${this.#prefix}/${op}${this.#nextId++}`;
    this.nodes.push(node({ op, inputs: inputs.map((input) => input.name), outputs: [name], attributes }));
    this.types.set(name, { shape, type });
    return { name, shape, type, constant: undefined };
  }

  /** Adds an ONNX node with several outputs, whose types and shapes the caller states. */
  ops(op: string, inputs: readonly Value[], outputs: readonly TensorType[], attributes: Attributes = {}): Value[] {
    const id = this.#nextId++;
    const values = outputs.map(({ type, shape }, i) => {
      const name = `${this.#prefix}/${op}${id}/${i}`;
      this.types.set(name, { shape, type });
      return { name, shape, type, constant: undefined };
    });
    const names = values.map(({ name }) => name);
    this.nodes.push(node({ op, inputs: inputs.map((input) => input.name), outputs: names, attributes }));
    return values;
  }

  /** A value that is made at most once, under a key. */
  once(key: string, make: () => Value): Value {
    const made = this.#once.get(key) ?? make();
    this.#once.set(key, made);
    return made;
  }

  #binary(op: string, a: Value, b: Value, type: DataType = "float32"): Value {
    const shape = broadcastShapes(a.shape, b.shape);
    if (shape === undefined) {
      throw new PushforwardError("shape-mismatch", {
        what: `${op} of [${a.shape}] and [${b.shape}] does not broadcast.`,
      });
    }
    return this.op(op, [a, b], shape, {}, type);
  }

  add = (a: Value, b: Value) => this.#binary("Add", a, b);
  sub = (a: Value, b: Value) => this.#binary("Sub", a, b);
  mul = (a: Value, b: Value) => this.#binary("Mul", a, b);
  div = (a: Value, b: Value) => this.#binary("Div", a, b);
  pow = (a: Value, b: Value) => this.#binary("Pow", a, b);
  /** A comparison as it stands; where the derivative jumps at equality, use those of kinks.ts. */
  compare = (op: "Greater" | "GreaterOrEqual" | "LessOrEqual" | "Equal", a: Value, b: Value) =>
    this.#binary(op, a, b, "bool");
  and = (a: Value, b: Value) => this.#binary("And", a, b, "bool");
  or = (a: Value, b: Value) => this.#binary("Or", a, b, "bool");
  not = (a: Value) => this.op("Not", [a], a.shape, {}, "bool");

  /** An elementwise function by its ONNX name. */
  map(op: string, x: Value, attributes: Attributes = {}): Value {
    return this.op(op, [x], x.shape, attributes);
  }

  /** a · x + b with numbers a and b. */
  affine(a: number, x: Value, b: number): Value {
    const scaled = a === 1 ? x : this.mul(x, this.scalar(a));
    return b === 0 ? scaled : this.add(scaled, this.scalar(b));
  }

  square(x: Value): Value {
    return this.mul(x, x);
  }

  /** 1 where the condition holds, else 0. */
  mask(condition: Value): Value {
    const mask = this.cast(condition, "float32");
    this.masks.set(mask.name, condition);
    return mask;
  }

  where(condition: Value, a: Value, b: Value): Value {
    const shape = broadcastShapes(condition.shape, a.shape, b.shape)!;
    return this.op("Where", [condition, a, b], shape);
  }

  /** Whether entries are not zero, exactly. */
  isNonZero(x: Value): Value {
    return this.cast(x, "bool");
  }

  cast(x: Value, type: "float32" | "int64" | "bool"): Value {
    return this.op("Cast", [x], x.shape, castTo(type), type);
  }

  /** A reduction over negative axes, which remain with extent 1; x itself over none. */
  reduce(
    op: "ReduceSum" | "ReduceMean" | "ReduceProd" | "ReduceMax" | "ReduceMin",
    x: Value,
    axes: readonly number[],
  ): Value {
    if (axes.length === 0) return x;
    const shape = x.shape.map((extent, axis) => (axes.includes(axis - x.shape.length) ? 1 : extent));
    return this.op(op, [x, this.constant(intTensor(axes))], shape, { keepdims: int(1) });
  }

  /** The sum of all entries, a scalar. */
  total(x: Value): Value {
    return this.op("ReduceSum", [x], [], { keepdims: int(0) }, x.type);
  }

  reshape(x: Value, shape: Shape): Value {
    return this.op("Reshape", [x, this.constant(intTensor(shape))], shape, {}, x.type);
  }

  transpose(x: Value, perm: readonly number[]): Value {
    return this.op(
      "Transpose",
      [x],
      perm.map((axis) => x.shape[axis]!),
      { perm: ints(perm) },
      x.type,
    );
  }

  /** `size` entries from `start` on along one negative axis. */
  sliceAxis(x: Value, axis: number, start: number, size: number): Value {
    const bounds = [start, start + size, axis].map((at) => this.constant(intTensor([at])));
    const shape = x.shape.map((extent, i) => (i - x.shape.length === axis ? size : extent));
    return this.op("Slice", [x, ...bounds], shape, {}, x.type);
  }

  /** Zeros before and after along one negative axis. */
  padAxis(x: Value, axis: number, before: number, after: number): Value {
    const pads = (count: number) => x.shape.map((_, i) => (i - x.shape.length === axis ? count : 0));
    const shape = x.shape.map((extent, i) => (i - x.shape.length === axis ? before + extent + after : extent));
    return this.op("Pad", [x, this.constant(intTensor([...pads(before), ...pads(after)]))], shape);
  }

  /** NumPy broadcasting to a shape. */
  expand(x: Value, shape: Shape): Value {
    if (sameShape(x.shape, shape)) return x;
    return this.op("Expand", [x, this.constant(intTensor(shape))], shape, {}, x.type);
  }
}
