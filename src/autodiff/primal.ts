import { broadcastShapes, PushforwardError, type Shape } from "../base/index.ts";
import {
  type Attributes,
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

const DATA_TYPES: Partial<Record<DataType, number>> = { float32: 1, int64: 7, bool: 9 };

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
  /** The first output of the node whose rule is running. */
  owner: string | undefined;
  #nextId = 0;

  /** Keeps a value for the linear program, on behalf of one node. A value that another node keeps too is copied. */
  keep(value: Value, of = this.owner): Operand {
    const before = value.constant === undefined ? this.kept.get(value.name) : undefined;
    const { name, shape, type } =
      before === undefined || before.of === of ? value : this.op("Identity", [value], value.shape, {}, value.type);
    const operand = { name, shape, type };
    this.kept.set(name, { ...operand, of });
    if (value.constant) this.constants.set(name, value.constant);
    return operand;
  }

  /** A value that is the same at every input. */
  constant(tensor: Tensor): Value {
    const name = `primal/constant${this.#nextId++}`;
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
    const name = `primal/${op}${this.#nextId++}`;
    this.nodes.push(node({ op, inputs: inputs.map((input) => input.name), outputs: [name], attributes }));
    this.types.set(name, { shape, type });
    return { name, shape, type, constant: undefined };
  }

  /** Adds an ONNX node and returns its second output. */
  secondOutput(op: string, inputs: readonly Value[], shape: Shape, attributes: Attributes, type: DataType): Value {
    const name = `primal/${op}${this.#nextId++}`;
    const outputs = [`${name}/first`, name];
    this.nodes.push(node({ op, inputs: inputs.map((input) => input.name), outputs, attributes, name }));
    this.types.set(outputs[0]!, { shape, type: "float32" }).set(name, { shape, type });
    return { name, shape, type, constant: undefined };
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
  greater = (a: Value, b: Value) => this.#binary("Greater", a, b, "bool");
  greaterOrEqual = (a: Value, b: Value) => this.#binary("GreaterOrEqual", a, b, "bool");
  equal = (a: Value, b: Value) => this.#binary("Equal", a, b, "bool");
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
    return this.cast(condition, "float32");
  }

  /** 1 where x > 0, else 0. */
  positive(x: Value): Value {
    return this.mask(this.greater(x, this.scalar(0)));
  }

  where(condition: Value, a: Value, b: Value): Value {
    const shape = broadcastShapes(condition.shape, a.shape, b.shape)!;
    return this.op("Where", [condition, a, b], shape);
  }

  cast(x: Value, type: "float32" | "int64"): Value {
    return this.op("Cast", [x], x.shape, { to: int(DATA_TYPES[type]!) }, type);
  }

  /** A reduction over negative axes, which remain with extent 1. */
  reduce(op: "ReduceSum" | "ReduceMean" | "ReduceProd", x: Value, axes: readonly number[]): Value {
    const shape = x.shape.map((extent, axis) => (axes.includes(axis - x.shape.length) ? 1 : extent));
    return this.op(op, [x, this.constant(intTensor(axes))], shape, { keepdims: int(1) });
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

  /** NumPy broadcasting to a shape. */
  expand(x: Value, shape: Shape): Value {
    return this.op("Expand", [x, this.constant(intTensor(shape))], shape, {}, x.type);
  }
}
