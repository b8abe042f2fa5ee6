import { PushforwardError, type Shape, sameShape, sizeOf } from "../base/index.ts";
import { type Attributes, floatTensor, freshName, intTensor, type Node, node, type Tensor } from "../onnx/index.ts";

/** A tensor of the graph that is written. */
export interface Value {
  readonly name: string;
  /** With the batch of the file. */
  readonly shape: Shape;
}

/** The most axes of a blob in Caffe. */
const MOST_AXES = 32;

/** The most float32 numbers of a constant: a file of ONNX is smaller than 2 GiB. */
const MOST_NUMBERS = 2 ** 29;

/** @throws PushforwardError `model-invalid` for a shape that no blob of Caffe has: with more axes, or extents that are no whole numbers */
export function requireShape(shape: Shape): void {
  const isWhole = shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0);
  if (isWhole && shape.length <= MOST_AXES) return;
  throw new PushforwardError("model-invalid", {
    what: isWhole
      ? `A blob has ${shape.length} axes, and Caffe allows ${MOST_AXES}.`
      : `A blob would have the shape ${shape.join("×")}, whose extents are no whole numbers.`,
    fix: "Check the settings and shapes in the .prototxt.",
  });
}

/**
 * Room for the numbers of a constant.
 *
 * @throws PushforwardError `model-invalid` if no file of ONNX can hold so many
 */
export function numbersFor(shape: Shape): Float32Array {
  requireShape(shape);
  if (sizeOf(shape) < MOST_NUMBERS) return new Float32Array(sizeOf(shape));
  throw new PushforwardError("model-invalid", {
    what: `The layer would write ${shape.join("×")} numbers into the model, more than a file of ONNX can hold.`,
    fix: "Check the settings and shapes in the .prototxt.",
  });
}

/** Writes the nodes and constants of a graph, layer by layer. */
export class GraphWriter {
  readonly nodes: Node[] = [];
  readonly initializers = new Map<string, Tensor>();
  /** Whether the graph holds for the batch of the file alone. */
  isBatchFixed = false;
  readonly #taken: Set<string>;
  #layer = "";

  /** @param reserved names that tensors between those of layers must not take */
  constructor(reserved: Iterable<string>) {
    this.#taken = new Set(reserved);
  }

  /** Tensors that are named from now on belong to this layer. */
  begin(layer: string): void {
    this.#layer = layer;
  }

  /** A name that no tensor has: this one, or else with a number. */
  fresh(name: string): string {
    return freshName(this.#taken, name);
  }

  /** Adds a node with one output. An absent input is `undefined`. */
  emit(op: string, inputs: readonly (Value | undefined)[], shape: Shape, attributes: Attributes = {}): Value {
    return this.emitAll(op, inputs, [shape], attributes)[0]!;
  }

  /** Adds a node with several outputs. */
  emitAll(
    op: string,
    inputs: readonly (Value | undefined)[],
    shapes: readonly Shape[],
    attributes: Attributes = {},
  ): Value[] {
    shapes.forEach(requireShape);
    const outputs = shapes.map((shape) => ({ name: this.fresh(`${this.#layer}/${op}`), shape }));
    const names = outputs.map(({ name }) => name);
    this.nodes.push(node({ op, inputs: inputs.map((input) => input?.name ?? ""), outputs: names, attributes }));
    return outputs;
  }

  constant(label: string, tensor: Tensor): Value {
    const name = this.fresh(`${this.#layer}.${label}`);
    this.initializers.set(name, tensor);
    return { name, shape: tensor.shape };
  }

  floats(label: string, shape: Shape, data: ArrayLike<number>): Value {
    return this.constant(label, floatTensor(shape, data));
  }

  /** A constant whose numbers are all the same. */
  filled(label: string, shape: Shape, value: number): Value {
    return this.floats(label, shape, numbersFor(shape).fill(value));
  }

  scalar(label: string, value: number): Value {
    return this.floats(label, [], [value]);
  }

  /** @throws PushforwardError `model-invalid` for numbers that are not whole */
  ints(label: string, values: readonly number[]): Value {
    if (!values.every(Number.isSafeInteger)) {
      throw new PushforwardError("model-invalid", {
        what: `The layer needs whole numbers (${label}), and its settings give ${values.join(", ")}.`,
        fix: "Check the settings and shapes in the .prototxt.",
      });
    }
    return this.constant(label, intTensor(values));
  }

  /** A tensor with another shape. The first extent follows the batch if it stays the same. */
  reshape(value: Value, shape: Shape): Value {
    requireShape(shape);
    if (sameShape(value.shape, shape)) return value;
    if (sizeOf(value.shape) !== sizeOf(shape)) {
      throw new PushforwardError("model-invalid", {
        what: `${value.shape.join("×")} entries cannot have the shape ${shape.join("×")}.`,
        fix: "Check the shapes in the .prototxt.",
      });
    }
    const keepsBatch = shape.length > 0 && value.shape.length > 0 && shape[0] === value.shape[0];
    if (!keepsBatch && !this.initializers.has(value.name)) this.isBatchFixed = true;
    return this.emit("Reshape", [value, this.ints("shape", keepsBatch ? [0, ...shape.slice(1)] : shape)], shape);
  }

  /** The graph with other names for some tensors. */
  rename(names: ReadonlyMap<string, string>, from: number): void {
    const renamed = (name: string) => names.get(name) ?? name;
    for (let at = from; at < this.nodes.length; at++) {
      const { op, inputs, outputs, attributes } = this.nodes[at]!;
      this.nodes[at] = node({ op, inputs: inputs.map(renamed), outputs: outputs.map(renamed), attributes });
    }
  }
}
