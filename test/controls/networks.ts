import { createRng, gaussianArray, type Shape, sizeOf } from "../../src/base/index.ts";
import {
  buildModel,
  floatTensor,
  type Model,
  type NodeParts,
  node,
  normalize,
  type Tensor,
  valueInfo,
} from "../../src/onnx/index.ts";
import { evaluate } from "../support/ort.ts";

/** A tensor of normal numbers of standard deviation `scale`. */
export const random = (seed: number, shape: Shape, scale = 1): Tensor =>
  floatTensor(
    shape,
    gaussianArray(createRng(seed, "weights"), sizeOf(shape)).map((x) => x * scale),
  );

/** Normal inputs of a network. */
export const randomPoints = (count: number, size: number, seed = 0): Float32Array[] =>
  Array.from({ length: count }, (_, i) => gaussianArray(createRng(seed, "point", i), size));

interface Parts {
  readonly input: Shape;
  readonly output: string;
  readonly initializers: Readonly<Record<string, Tensor>>;
  readonly nodes: readonly NodeParts[];
  /** The versions of operator sets besides the format's own. */
  readonly opsets?: Readonly<Record<string, number>>;
  /** Those of the initializers that become inputs. */
  readonly weights?: readonly string[];
}

/** A normalized network with the input "x" and one output. */
export function networkOf({ input, output, initializers, nodes, opsets = {}, weights = [] }: Parts): Promise<Model> {
  const model = buildModel({
    inputs: [valueInfo("x", "float32", input)],
    outputs: [{ name: output, type: "float32", shape: undefined }],
    nodes: nodes.map((parts) => node(parts)),
    initializers: new Map(Object.entries(initializers)),
  });
  return normalize({ ...model, opsets: new Map([...model.opsets, ...Object.entries(opsets)]) }, { evaluate, weights });
}

/** The initializer of a network, as numbers. */
export const weightsIn = ({ onnx }: Model, name: string): Float32Array =>
  onnx.graph.initializers.get(name)!.data as Float32Array;
