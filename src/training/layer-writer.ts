import { formatShape, PushforwardError, type Shape } from "../base/index.ts";
import {
  type Attributes,
  buildModel,
  filled,
  ints,
  type Model,
  type Node,
  node,
  type Tensor,
  type TensorType,
  valueInfo,
} from "../onnx/index.ts";
import type { Architecture, Weights } from "./architecture.ts";

/** A dropout mask, an input of the training graph: each entry is 1/(1 − rate) with probability 1 − rate, otherwise 0. */
export interface Mask {
  readonly name: string;
  readonly shape: Shape;
  readonly rate: number;
}

/** Writes a sequence of layers as ONNX nodes, each from the output of the last. Shapes start with the batch axis. */
export class LayerWriter {
  /** Weights in the order of the layers. */
  readonly weights = new Map<string, Shape>();
  readonly masks: Mask[] = [];
  /** The weight that each layer uses, its own or that of another layer, by the name of the layer. */
  readonly #weightOf = new Map<string, string>();
  readonly #inputs: string[] = [];
  readonly #values = new Map<string, TensorType>();
  readonly #constants = new Map<string, Tensor>();
  readonly #nodes: Node[] = [];
  #last: string;
  /** The number of layers with weights so far, which numbers the names of tensors as in AlexNet. */
  #number: number;

  /** The name of the input. */
  readonly input: string;
  readonly #name: string;

  /** @param earlier the number of layers with weights before them, where they are a part of a network */
  constructor({ name = "network", inputName = "input", input }: Architecture, batch: number, earlier = 0) {
    this.#name = name;
    this.#number = earlier;
    this.input = inputName;
    this.#last = inputName;
    this.declare(inputName, [batch, ...input]);
  }

  /** The name of the last layer's output. */
  get last(): string {
    return this.#last;
  }

  /** Shape of the last layer's output. */
  get shape(): Shape {
    return this.shapeOf(this.#last);
  }

  /** The number of layers with weights so far. */
  get number(): number {
    return this.#number;
  }

  /** The node that computes a tensor; `undefined` for an input. */
  nodeOf(tensor: string): Node | undefined {
    return this.#nodes.find(({ outputs }) => outputs.includes(tensor));
  }

  /** Shape of a tensor of the graph. */
  shapeOf(tensor: string): Shape {
    return this.#values.get(tensor)!.shape;
  }

  /** The name of the next layer with weights: `fc3`. */
  nextWeighted(kind: string): string {
    return `${kind}${++this.#number}`;
  }

  /** A name with the number of the last layer with weights: `relu3`; the second of this name is `relu3_2`. */
  numbered(kind: string): string {
    const first = `${kind}${this.#number}`;
    let name = first;
    for (let count = 2; this.#values.has(name); count++) name = `${first}_${count}`;
    return name;
  }

  /** Adds an input of the graph. */
  declare(name: string, shape: Shape): void {
    this.#inputs.push(name);
    this.#values.set(name, { type: "float32", shape });
  }

  scalar(name: string, value: number): string {
    this.#constants.set(name, filled([], value));
    this.#values.set(name, { type: "float32", shape: [] });
    return name;
  }

  /** Adds a node whose first input is the output of the last layer. The shape stays the same unless another is given. */
  op(
    op: string,
    name: string,
    parts: { readonly inputs?: readonly string[]; readonly shape?: Shape; readonly attributes?: Attributes } = {},
  ): void {
    const { inputs = [], shape = this.shape, attributes = {} } = parts;
    this.#nodes.push(node({ op, inputs: [this.#last, ...inputs], outputs: [name], attributes }));
    this.#values.set(name, { type: "float32", shape });
    this.#last = name;
  }

  /** Lets the next node begin from another tensor of the graph. */
  continueFrom(name: string): void {
    this.#last = name;
  }

  /** Multiplies by a mask, an input of the graph. */
  mask(rate: number): void {
    const { shape } = this;
    const name = this.numbered("mask");
    this.declare(name, shape);
    this.op("Mul", this.numbered("drop"), { inputs: [name] });
    this.masks.push({ name, shape, rate });
  }

  /** Adds the weight of a layer, and returns its name. */
  weight(layer: string, shape: Shape): string {
    const name = `${layer}.weight`;
    this.#weightOf.set(layer, name);
    return this.parameter(name, shape);
  }

  /** Lets a layer use the weight of an earlier one, of so many axes. */
  sharedWeight(layer: string, earlier: string, rank: number): { readonly name: string; readonly shape: Shape } {
    const name = this.#weightOf.get(earlier);
    const shape = name === undefined ? undefined : this.weights.get(name)!;
    if (name === undefined || shape?.length !== rank) {
      const choices = [...this.#weightOf].filter(([, weight]) => this.weights.get(weight)!.length === rank);
      throw new PushforwardError("model-invalid", {
        what: `There is no layer "${earlier}" before it whose weight it can use.`,
        where: { node: layer },
        fix:
          choices.length === 0
            ? "Put the layer that has the weight before it."
            : `Tie it to one of ${choices.map(([known]) => known).join(", ")}.`,
      });
    }
    this.#weightOf.set(layer, name);
    return { name, shape };
  }

  /** Adds the bias of a layer, and returns its name. */
  bias(layer: string, units: number): string {
    return this.parameter(`${layer}.bias`, [units]);
  }

  /** The spatial extents of the output of a square window. */
  windows(name: string, kernel: number, stride: number, pad: number): number[] {
    const { shape } = this;
    const spatial = shape.slice(2).map((extent) => Math.floor((extent + 2 * pad - kernel) / stride) + 1);
    if (spatial.length === 2 && spatial.every((extent) => extent > 0)) return spatial;
    throw new PushforwardError("model-invalid", {
      what: `A window of ${kernel}×${kernel} does not fit ${formatShape(shape.slice(1))}.`,
      where: { node: name },
      fix: "Choose a smaller kernel, fewer strides before it, or put it before the dense layers.",
    });
  }

  /** Renames the output of the last layer. The name of its node stays the same. */
  rename(name: string): void {
    if (name === this.#last) return;
    const last = this.#nodes.pop();
    if (last === undefined) {
      throw new PushforwardError("model-invalid", {
        what: "A network without layers has no output.",
        fix: "Give at least one layer.",
      });
    }
    this.#nodes.push({ ...last, outputs: [name] });
    this.#values.set(name, this.#values.get(this.#last)!);
    this.#values.delete(this.#last);
    this.#last = name;
  }

  /** Adds a weight that belongs to no layer of the network, as the decoder of a machine has, and returns its name. */
  parameter(name: string, shape: Shape): string {
    this.weights.set(name, shape);
    this.#values.set(name, { type: "float32", shape });
    return name;
  }

  /** The graph of all layers so far. Weights are initializers if they are given, otherwise inputs; those of no layer are left out. */
  model(weights: Weights): Model {
    const info = (name: string) => valueInfo(name, "float32", this.shapeOf(name));
    const free = [...this.weights.keys()].filter((name) => !weights.has(name));
    const given = [...weights].filter(([name]) => this.weights.has(name));
    const onnx = buildModel({
      name: this.#name,
      inputs: [...this.#inputs, ...free].map(info),
      outputs: [info(this.#last)],
      nodes: this.#nodes,
      initializers: new Map([...given, ...this.#constants]),
    });
    return { onnx, values: this.#values };
  }
}

/** The attributes of a square window. */
export function windowAttributes(kernel: number, stride: number, pad: number): Attributes {
  return { kernel_shape: ints([kernel, kernel]), strides: ints([stride, stride]), pads: ints([pad, pad, pad, pad]) };
}
