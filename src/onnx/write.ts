import { OPSET } from "./build.ts";
import { concatenate, lengthOf } from "./bytes.ts";
import type { Attribute, DataType, Graph, Node, OnnxModel, Tensor, ValueInfo } from "./model.ts";
import { pack, packedBytes } from "./narrow-types.ts";
import {
  type AttributeMessage,
  attributeCodes,
  encodeGraph,
  encodeModel,
  encodeTensor,
  type FunctionMessage,
  fieldHeader,
  type GraphMessage,
  IR_VERSION,
  type NodeMessage,
  type OutsidePlace,
  outside,
  type TensorMessage,
  type TypeMessage,
  type ValueInfoMessage,
} from "./proto.ts";
import { DERIVATIVE, OWN_DOMAIN, ownFunctions, ownOperatorsIn, RESULT } from "./quantized/own-operators.ts";
import { dataTypes } from "./tensor-types.ts";

/** What a file says of itself to people and programs. */
export interface FileDescription {
  readonly text: string;
  /** The version of the program that writes the file; `undefined` if it is not known. */
  readonly version?: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface WriteOptions {
  readonly about?: FileDescription;
  /** Where the entries of an initializer lie outside of the file, one after the other; `undefined` for one that the file itself contains. */
  readonly outside?: (tensor: Tensor, name: string) => OutsidePlace | undefined;
}

/**
 * The bytes of an ONNX file, which must be less than 2 GiB: weights that are not `outside` are a part of it. Reading the bytes gives an
 * equal model. The version of the format is the oldest that the parts of the model allow, so that older runtimes accept the file.
 */
export function writeModel({ irVersion, opsets, producer, graph }: OnnxModel, options: WriteOptions = {}): Uint8Array {
  const { about, outside: placeOf = () => undefined } = options;
  const own = [...ownOperatorsIn(graph)];
  const imported = [...opsets].filter(([domain]) => domain !== OWN_DOMAIN);
  const head = encodeModel({
    irVersion: Math.min(irVersion, IR_VERSION),
    producerName: producer,
    ...(about && {
      producerVersion: about.version ?? "",
      docString: about.text,
      metadataProps: Object.entries(about.metadata).map(([key, value]) => ({ key, value })),
    }),
    opsetImport: [...imported, ...(own.length > 0 ? [[OWN_DOMAIN, 1] as const] : [])].map(toOpset),
    functions: own.map((op) => ownFunction(op, opsets.get("") ?? OPSET)),
  });
  // The encoder would move the weights several times, once for each message that contains them. So they are copied to their
  // place here, once.
  const weights = [...graph.initializers].flatMap(([name, tensor]) =>
    initializerParts(name, tensor, isPacked(tensor) ? undefined : placeOf(tensor, name)),
  );
  const parts = [encodeGraph(withoutWeights(graph)), ...weights];
  return concatenate([head, fieldHeader("Model", "graph", lengthOf(parts)), ...parts]);
}

const toOpset = ([domain, version]: readonly [string, number]) => ({ domain, version });

/** The definition of an own operator, in an operator set of ONNX. */
function ownFunction(op: string, opset: number): FunctionMessage {
  const { inputs, nodes } = ownFunctions[op]!;
  return {
    name: op,
    domain: OWN_DOMAIN,
    input: [...inputs],
    output: [RESULT],
    attribute: [DERIVATIVE],
    node: nodes(opset).map(fromNode),
    opsetImport: [toOpset(["", opset])],
  };
}

function initializerParts(name: string, tensor: Tensor, place: OutsidePlace | undefined): Uint8Array[] {
  const { rawData, ...rest } = place === undefined ? fromTensor(tensor) : { ...headOf(tensor), ...outside(place) };
  const parts = [encodeTensor({ ...rest, name })];
  if (rawData !== undefined) parts.push(fieldHeader("Tensor", "rawData", rawData.length), rawData);
  return [fieldHeader("Graph", "initializer", lengthOf(parts)), ...parts];
}

function fromGraph(graph: Graph): GraphMessage {
  const initializer = [...graph.initializers].map(([name, tensor]) => ({ ...fromTensor(tensor), name }));
  return { ...withoutWeights(graph), initializer };
}

function withoutWeights({ name, inputs, outputs, nodes }: Graph): GraphMessage {
  return {
    name,
    input: inputs.map(fromValueInfo),
    output: outputs.map(fromValueInfo),
    node: nodes.map(fromNode),
  };
}

function fromNode({ name, op, domain, inputs, outputs, attributes }: Node): NodeMessage {
  const [opType, overload] = op.split(":");
  return {
    name,
    opType,
    overload,
    domain,
    input: [...inputs],
    output: [...outputs],
    attribute: Object.entries(attributes).map(([key, attribute]) => fromAttribute(key, attribute)),
  };
}

function fromValueInfo({ name, around = [], type, shape }: ValueInfo): ValueInfoMessage {
  if (type === undefined) return { name };
  const tensor = fromTensorType(type, shape);
  return { name, type: around.reduceRight((elemType, kind) => ({ [`${kind}Type`]: { elemType } }), tensor) };
}

function fromTensorType(type: DataType, shape: ValueInfo["shape"]): TypeMessage {
  const dim = shape?.map((extent) => {
    if (typeof extent === "number") return { dimValue: extent };
    return extent === "?" ? {} : { dimParam: extent };
  });
  return { tensorType: { elemType: dataTypes[type].code, shape: dim && { dim } } };
}

/** Whether several entries share a byte in the format. */
const isPacked = ({ type }: Tensor): boolean => packedBytes(type, 0) !== undefined;

const headOf = ({ type, shape }: Tensor): TensorMessage => ({ dims: [...shape], dataType: dataTypes[type].code });

function fromTensor(tensor: Tensor): TensorMessage {
  const { type, data } = tensor;
  const head = headOf(tensor);
  if (ArrayBuffer.isView(data)) {
    if (isPacked(tensor)) return { ...head, rawData: pack(type, data as Uint8Array) };
    return { ...head, rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
  }
  return { ...head, stringData: data.map(toBytes) };
}

const toBytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function fromAttribute(name: string, attribute: Attribute): AttributeMessage {
  const head = { name, type: attributeCodes[attribute.kind] };
  switch (attribute.kind) {
    case "float":
      return { ...head, f: attribute.value };
    case "int":
      return { ...head, i: attribute.value };
    case "string":
      return { ...head, s: toBytes(attribute.value) };
    case "tensor":
      return { ...head, t: fromTensor(attribute.value) };
    case "graph":
      return { ...head, g: fromGraph(attribute.value) };
    case "floats":
      return { ...head, floats: [...attribute.value] };
    case "ints":
      return { ...head, ints: [...attribute.value] };
    case "strings":
      return { ...head, strings: attribute.value.map(toBytes) };
  }
}
