import { type FieldNumbers, headerOf, messageCodec } from "./message-codec.ts";

/** An int64 as the decoder gives it: a number, or two 32-bit halves. */
export type Int64 = number | { readonly low: number; readonly high: number };

/** The messages of the format, with the fields that this project reads. Every field may be absent. */
export interface ModelMessage {
  irVersion?: Int64;
  producerName?: string;
  producerVersion?: string;
  docString?: string;
  metadataProps?: KeyValueMessage[];
  graph?: GraphMessage;
  opsetImport?: OperatorSetMessage[];
  functions?: FunctionMessage[];
}

interface KeyValueMessage {
  key?: string;
  value?: string;
}

export interface OperatorSetMessage {
  domain?: string;
  version?: Int64;
}

export interface GraphMessage {
  node?: NodeMessage[];
  name?: string;
  initializer?: TensorMessage[];
  input?: ValueInfoMessage[];
  output?: ValueInfoMessage[];
  sparseInitializer?: unknown[];
}

export interface NodeMessage {
  input?: string[];
  output?: string[];
  name?: string;
  opType?: string;
  attribute?: AttributeMessage[];
  domain?: string;
  overload?: string;
  metadataProps?: KeyValueMessage[];
}

export interface AttributeMessage {
  name?: string;
  refAttrName?: string;
  type?: number;
  f?: number;
  i?: Int64;
  s?: Uint8Array;
  t?: TensorMessage;
  g?: GraphMessage;
  floats?: ArrayLike<number>;
  ints?: Int64[];
  strings?: Uint8Array[];
}

export interface TensorMessage {
  dims?: Int64[];
  dataType?: number;
  floatData?: ArrayLike<number>;
  int32Data?: ArrayLike<number>;
  stringData?: Uint8Array[];
  int64Data?: Int64[];
  name?: string;
  rawData?: Uint8Array;
  doubleData?: ArrayLike<number>;
  uint64Data?: Int64[];
  externalData?: KeyValueMessage[];
  dataLocation?: number;
}

export interface ValueInfoMessage {
  name?: string;
  type?: TypeMessage;
}

export interface TypeMessage {
  tensorType?: { elemType?: number; shape?: { dim?: { dimValue?: Int64; dimParam?: string }[] } };
  sequenceType?: { elemType?: TypeMessage };
  mapType?: unknown;
  sparseTensorType?: unknown;
  optionalType?: { elemType?: TypeMessage };
}

export interface FunctionMessage {
  name?: string;
  input?: string[];
  output?: string[];
  attribute?: string[];
  attributeProto?: AttributeMessage[];
  node?: NodeMessage[];
  opsetImport?: OperatorSetMessage[];
  domain?: string;
  overload?: string;
}

const messages = {
  Model: {
    irVersion: ["int64", 1],
    producerName: ["string", 2],
    producerVersion: ["string", 3],
    docString: ["string", 6],
    graph: ["Graph", 7],
    opsetImport: ["OperatorSet*", 8],
    metadataProps: ["KeyValue*", 14],
    functions: ["Function*", 25],
  },
  OperatorSet: { domain: ["string", 1], version: ["int64", 2] },
  Graph: {
    node: ["Node*", 1],
    name: ["string", 2],
    initializer: ["Tensor*", 5],
    input: ["ValueInfo*", 11],
    output: ["ValueInfo*", 12],
    sparseInitializer: ["Unread*", 15],
  },
  Node: {
    input: ["string*", 1],
    output: ["string*", 2],
    name: ["string", 3],
    opType: ["string", 4],
    attribute: ["Attribute*", 5],
    domain: ["string", 7],
    overload: ["string", 8],
    metadataProps: ["KeyValue*", 9],
  },
  Attribute: {
    name: ["string", 1],
    f: ["float", 2],
    i: ["int64", 3],
    s: ["bytes", 4],
    t: ["Tensor", 5],
    g: ["Graph", 6],
    floats: ["float*", 7],
    ints: ["int64*", 8],
    strings: ["bytes*", 9],
    type: ["int32", 20],
    refAttrName: ["string", 21],
  },
  Tensor: {
    dims: ["int64*", 1],
    dataType: ["int32", 2],
    floatData: ["float**", 4],
    int32Data: ["int32**", 5],
    stringData: ["bytes*", 6],
    int64Data: ["int64**", 7],
    name: ["string", 8],
    rawData: ["bytes", 9],
    doubleData: ["double**", 10],
    uint64Data: ["uint64**", 11],
    externalData: ["KeyValue*", 13],
    dataLocation: ["int32", 14],
  },
  KeyValue: { key: ["string", 1], value: ["string", 2] },
  ValueInfo: { name: ["string", 1], type: ["Type", 2] },
  Type: {
    tensorType: ["TensorType", 1],
    sequenceType: ["Elements", 4],
    mapType: ["Unread", 5],
    sparseTensorType: ["Unread", 8],
    optionalType: ["Elements", 9],
  },
  Elements: { elemType: ["Type", 1] },
  TensorType: { elemType: ["int32", 1], shape: ["Shape", 2] },
  Shape: { dim: ["Dimension*", 1] },
  Dimension: { dimValue: ["int64", 1], dimParam: ["string", 2] },
  Function: {
    name: ["string", 1],
    input: ["string*", 4],
    output: ["string*", 5],
    attribute: ["string*", 6],
    node: ["Node*", 7],
    opsetImport: ["OperatorSet*", 9],
    domain: ["string", 10],
    attributeProto: ["Attribute*", 11],
    overload: ["string", 13],
  },
  Unread: {},
} satisfies Readonly<Record<string, FieldNumbers>>;

/**
 * The version of the format that contains everything that is read here. Later versions add only element types and parts
 * that are not read.
 */
export const IR_VERSION = 8;

/** Codes of `AttributeProto.type` that this project reads. */
export const attributeCodes = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
} as const;

/** `TensorProto.data_location` of a tensor whose bytes lie in another file. */
export const EXTERNAL = 1;

/** Where the bytes of a tensor lie in another file beside the model. */
export interface OutsidePlace {
  /** The name of the file. */
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

/** The fields of a tensor whose bytes lie in another file. */
export const outside = (place: OutsidePlace): TensorMessage => ({
  externalData: Object.entries(place).map(([key, value]) => ({ key, value: String(value) })),
  dataLocation: EXTERNAL,
});

const codec = messageCodec(messages);

/** @throws Error, of the decoder, where the bytes are no such message or end too early */
export const decodeModel = (bytes: Uint8Array): ModelMessage => codec.decode("Model", bytes);
/** @throws Error, of the decoder, where the bytes are no such message or end too early */
export const decodeTensor = (bytes: Uint8Array): TensorMessage => codec.decode("Tensor", bytes);

export const encodeModel = (model: ModelMessage): Uint8Array => codec.encode("Model", model);
export const encodeGraph = (graph: GraphMessage): Uint8Array => codec.encode("Graph", graph);
export const encodeTensor = (tensor: TensorMessage): Uint8Array => codec.encode("Tensor", tensor);

/** The number of a field in the format. */
export const fieldNumber = (message: "Model" | "Graph" | "Tensor", field: string): number =>
  (messages[message] as FieldNumbers)[field]![1];

/** The bytes that precede the value of a field with `length` bytes, for messages that are assembled from parts. */
export const fieldHeader = (message: "Model" | "Graph" | "Tensor", field: string, length: number): Uint8Array =>
  headerOf(fieldNumber(message, field), length);
