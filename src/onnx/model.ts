import type { Shape } from "../base/index.ts";

/** The element types of the format that this project can read. */
export type DataType =
  | "float32"
  | "float64"
  | "float16"
  | "bfloat16"
  | "float8e4m3fn"
  | "float8e4m3fnuz"
  | "float8e5m2"
  | "float8e5m2fnuz"
  | "float8e8m0"
  | "float4e2m1"
  | "int2"
  | "int4"
  | "int8"
  | "int16"
  | "int32"
  | "int64"
  | "uint2"
  | "uint4"
  | "uint8"
  | "uint16"
  | "uint32"
  | "uint64"
  | "bool"
  | "string";

/**
 * The array that holds the entries. float16 and bfloat16 are stored as 16 bits, bool and everything of at most 8 bits as one byte: the
 * code of a float, the number of an integer.
 */
export type TensorData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | readonly string[];

/** An array of numbers. */
export type NumericData = Exclude<TensorData, readonly string[]>;

/** A value for an input: one number for all its entries, its entries, or its entries with their shape. */
export type InputValue = number | NumericData | { readonly shape: Shape; readonly data: NumericData };

/** A dense tensor, row-major. */
export interface Tensor {
  readonly type: DataType;
  readonly shape: Shape;
  readonly data: TensorData;
  /** Present if the expansion of an operator made it and it holds nothing that the file stores, as with the matrix of a Fourier transform. */
  readonly isMade?: true;
}

/** An attribute of a node, with its type as in the format. */
export type Attribute =
  | { readonly kind: "int"; readonly value: number }
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "tensor"; readonly value: Tensor }
  | { readonly kind: "graph"; readonly value: Graph }
  | { readonly kind: "ints"; readonly value: readonly number[] }
  | { readonly kind: "floats"; readonly value: readonly number[] }
  | { readonly kind: "strings"; readonly value: readonly string[] };

export type Attributes = Readonly<Record<string, Attribute>>;

/** One operation. An optional input that is absent is the empty string. */
export interface Node {
  readonly name: string;
  readonly op: string;
  /** `""` is the default domain, ai.onnx. */
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
  /** The modules that PyTorch notes around it in the metadata, as the text that it writes. It is read and not written. */
  readonly scopes?: string;
  /** Of a node that is one of many steps for which an operator of the file stands. */
  readonly step?: {
    /** The operator of the file. */
    readonly of: string;
    /** Whether its output is one of that operator. Only these are taps. */
    readonly isOutput: boolean;
  };
  /**
   * Of a Scan: `true` where it stays, because its rounds are many, and has the form of `repetition`; `false` where its rounds have to be
   * written one after the other, however many they are.
   */
  readonly repeats?: boolean;
}

/** An input or output of a graph. A symbolic extent is given by its name, an unknown one by `"?"`. */
export interface ValueInfo {
  readonly name: string;
  /** `undefined` if the file gives no type, as is possible for inputs and outputs of a subgraph. */
  readonly type: DataType | undefined;
  /** `undefined` if the file gives no shape. */
  readonly shape: readonly (number | string)[] | undefined;
  /** In a subgraph: what it is around the tensor that type and shape describe, from the outside. */
  readonly around?: readonly ("sequence" | "optional")[];
}

export interface Graph {
  readonly name: string;
  /** The inputs without the initializers, which old files also list as inputs. */
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly nodes: readonly Node[];
  readonly initializers: ReadonlyMap<string, Tensor>;
  /** Of the body of a repetition in a normalized graph: the type and shape of each tensor that it defines, in one round. */
  readonly values?: ReadonlyMap<string, TensorType>;
}

/** An ONNX file in memory, as it was read: any opset and any variant of operators. */
export interface OnnxModel {
  readonly irVersion: number;
  /** The version of each imported operator set; `""` is ai.onnx. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly producer: string;
  readonly graph: Graph;
  /** Whether the file leaves out names of outputs, which have one here: ONNX Runtime may not survive the file itself. */
  readonly leavesOutOutputs?: boolean;
}

/** The type and shape of one tensor of a normalized graph. */
export interface TensorType {
  readonly type: DataType;
  readonly shape: Shape;
}

/** An input of a file. */
export interface ModelInput {
  readonly name: string;
  /** The type in the file. */
  readonly type: DataType;
  /** With the batch axis. */
  readonly shape: Shape;
  /** The value given for it, in the type that it has in the graph. Inputs that do not hold floats there are constants then. */
  readonly value?: Tensor;
  /** Present if it is a weight of the file, and its value the one that it has there. */
  readonly isWeight?: true;
}

/**
 * A graph after `normalize`: one form of every operator (that of opset 18 or later), float32 throughout, every node named,
 * every shape known, constants folded into the initializers. Immutable.
 */
export interface Model {
  readonly onnx: OnnxModel;
  /** Every tensor of the graph by name: inputs, initializers, outputs of nodes. */
  readonly values: ReadonlyMap<string, TensorType>;
  /** The inputs of the file; those of the graph if this is absent. */
  readonly inputs?: readonly ModelInput[];
  /** The path of the module that computes a tensor, where the exporter noted it: `encoder.layers.0.norm`. */
  readonly modules?: ReadonlyMap<string, string>;
  /** What values of inputs decided of the graph; absent if the graph is the same at every point. */
  readonly structure?: Structure;
  /** Present if tangents pass through the rounding of the graph as if nothing were rounded. */
  readonly quantized?: "straight-through";
}

/**
 * A tensor whose value decided the structure of a graph, or the shape of a tensor: the condition of an If or of a round of a Loop, the
 * place in a sequence, the input of an operator that says a shape (the second of Reshape), the shape of an output (of NonZero).
 */
export interface Decision {
  /** The node whose structure or shape it decides. */
  readonly node: string;
  readonly op: string;
  /** What the tensor is to that node. */
  readonly by: "condition" | "trip count" | "lengths" | "position" | "input" | "shape of its output";
  readonly tensor: string;
}

/** A decision, and the value of its tensor at the point where it was made. */
export interface Decided extends Decision {
  readonly value: Tensor;
}

/** What decided the structure of a graph at one point. */
export interface Structure {
  /** In the order of the graph: each depends only on those before it. */
  readonly decisions: readonly Decided[];
  /**
   * Computes the tensors of the decisions at another point; the outputs are in their order. They are right up to the first that differs,
   * and if none does, the graph is right at that point.
   */
  readonly deciding: OnnxModel;
  /** The model at another point. */
  readonly at: (point: ReadonlyMap<string, Tensor>) => Promise<Model>;
}

/** Runs a graph once and returns the requested outputs by name. A backend provides it. */
export type Evaluate = (
  model: OnnxModel,
  feeds: ReadonlyMap<string, Tensor>,
  fetches: readonly string[],
) => Promise<ReadonlyMap<string, Tensor>>;
