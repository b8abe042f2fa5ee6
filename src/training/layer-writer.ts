import { formatShape, PushforwardError, type Shape, sizeOf } from "../base/index.ts";
import {
  type Attributes,
  buildModel,
  filled,
  float,
  int,
  ints,
  type Model,
  type Node,
  node,
  type Tensor,
  type TensorType,
  valueInfo,
} from "../onnx/index.ts";
import type { Layer, Weights } from "./convnet.ts";

/** Writes a sequence of layers as ONNX nodes. Shapes start with the batch axis. */
export class LayerWriter {
  /** Weights in the order of the layers. */
  readonly weights = new Map<string, Shape>();
  readonly #inputs: string[] = [];
  readonly #values = new Map<string, TensorType>();
  readonly #constants = new Map<string, Tensor>();
  readonly #nodes: Node[] = [];
  #last: string;
  /** The number of layers with weights so far, which numbers the names of tensors as in AlexNet. */
  #number = 0;

  constructor(batch: number, input: Shape) {
    this.#last = "image";
    this.declare("image", [batch, ...input]);
  }

  /** Shape of the last layer's output. */
  get shape(): Shape {
    return this.#values.get(this.#last)!.shape;
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

  /** Multiplies by a mask, an input of the graph. */
  mask(): { readonly name: string; readonly shape: Shape } {
    const { shape } = this;
    const name = `mask${this.#number}`;
    this.declare(name, shape);
    this.op("Mul", `drop${this.#number}`, { inputs: [name] });
    return { name, shape };
  }

  layer(layer: Layer): void {
    switch (layer.kind) {
      case "conv": {
        const { channels, kernel, stride = 1, pad = 0 } = layer;
        const [batch, depth] = this.shape as [number, number];
        const name = `conv${++this.#number}`;
        this.op("Conv", name, {
          inputs: this.#affine(name, [channels, depth, kernel, kernel]),
          shape: [batch, channels, ...this.#windows(name, kernel, stride, pad)],
          attributes: windowAttributes(kernel, stride, pad),
        });
        break;
      }
      case "relu":
        this.op("Relu", `relu${this.#number}`);
        break;
      case "lrn": {
        const { size, alpha, beta, bias } = layer;
        const attributes = { size: int(size), alpha: float(alpha), beta: float(beta), bias: float(bias) };
        this.op("LRN", `norm${this.#number}`, { attributes });
        break;
      }
      case "maxPool": {
        const { kernel, stride, pad = 0 } = layer;
        const name = `pool${this.#number}`;
        this.op("MaxPool", name, {
          shape: [...this.shape.slice(0, 2), ...this.#windows(name, kernel, stride, pad)],
          attributes: windowAttributes(kernel, stride, pad),
        });
        break;
      }
      case "dense": {
        const [batch, ...rest] = this.shape as [number, ...number[]];
        const width = sizeOf(rest);
        if (rest.length > 1) {
          this.op("Flatten", `flat${this.#number}`, { shape: [batch, width], attributes: { axis: int(1) } });
        }
        const name = `fc${++this.#number}`;
        this.op("Gemm", name, {
          inputs: this.#affine(name, [layer.units, width]),
          shape: [batch, layer.units],
          attributes: { transB: int(1) },
        });
      }
    }
  }

  /** Renames the output of the last layer. The name of its node stays the same. */
  rename(name: string): void {
    const last = this.#nodes.pop()!;
    this.#nodes.push({ ...last, outputs: [name] });
    this.#values.set(name, this.#values.get(this.#last)!);
    this.#values.delete(this.#last);
    this.#last = name;
  }

  /** The graph of all layers so far. Weights are initializers if they are given, otherwise inputs. */
  model(weights: Weights): Model {
    const info = (name: string) => valueInfo(name, "float32", this.#values.get(name)!.shape);
    const free = [...this.weights.keys()].filter((name) => !weights.has(name));
    const onnx = buildModel({
      name: "convnet",
      inputs: [...this.#inputs, ...free].map(info),
      outputs: [info(this.#last)],
      nodes: this.#nodes,
      initializers: new Map([...weights, ...this.#constants]),
    });
    return { onnx, values: this.#values };
  }

  /** Adds the weight and the bias of a layer. */
  #affine(layer: string, weight: Shape): string[] {
    const shapes: readonly [string, Shape][] = [
      [`${layer}.weight`, weight],
      [`${layer}.bias`, [weight[0]!]],
    ];
    return shapes.map(([name, shape]) => {
      this.weights.set(name, shape);
      this.#values.set(name, { type: "float32", shape });
      return name;
    });
  }

  /** The spatial extents of the output of a square window. */
  #windows(name: string, kernel: number, stride: number, pad: number): number[] {
    const { shape } = this;
    const spatial = shape.slice(2).map((extent) => Math.floor((extent + 2 * pad - kernel) / stride) + 1);
    if (spatial.length === 2 && spatial.every((extent) => extent > 0)) return spatial;
    throw new PushforwardError("model-invalid", {
      what: `A window of ${kernel}×${kernel} does not fit ${formatShape(shape.slice(1))}.`,
      where: { node: name },
      fix: "Choose a smaller kernel, fewer strides before it, or put it before the dense layers.",
    });
  }
}

function windowAttributes(kernel: number, stride: number, pad: number): Attributes {
  return { kernel_shape: ints([kernel, kernel]), strides: ints([stride, stride]), pads: ints([pad, pad, pad, pad]) };
}
