import type { Attribute, Graph, OnnxModel, Tensor, ValueInfo } from "./model.ts";
import {
  type AttributeMessage,
  attributeCodes,
  encodeGraph,
  encodeModel,
  encodeTensor,
  fieldHeader,
  type GraphMessage,
  IR_VERSION,
  type TensorMessage,
  type ValueInfoMessage,
} from "./proto.ts";
import { dataTypes } from "./tensor-types.ts";

/**
 * The bytes of an ONNX file that contains its weights and is therefore smaller than 2 GiB. Reading the bytes gives an equal
 * model. The version of the format is the oldest that the parts of the model allow, so that older runtimes accept the file.
 */
export function writeModel({ irVersion, opsets, producer, graph }: OnnxModel): Uint8Array {
  const head = encodeModel({
    irVersion: Math.min(irVersion, IR_VERSION),
    producerName: producer,
    opsetImport: [...opsets].map(([domain, version]) => ({ domain, version })),
  });
  // The encoder would move the weights several times, once for each message that contains them. So they are copied to their
  // place here, once.
  const parts = [encodeGraph(withoutWeights(graph)), ...[...graph.initializers].flatMap(initializerParts)];
  return concatenate([head, fieldHeader("Model", "graph", lengthOf(parts)), ...parts]);
}

function initializerParts([name, tensor]: readonly [string, Tensor]): Uint8Array[] {
  const { rawData, ...rest } = fromTensor(tensor);
  const parts = [encodeTensor({ ...rest, name })];
  if (rawData !== undefined) parts.push(fieldHeader("Tensor", "rawData", rawData.length), rawData);
  return [fieldHeader("Graph", "initializer", lengthOf(parts)), ...parts];
}

const lengthOf = (parts: readonly Uint8Array[]): number => parts.reduce((sum, part) => sum + part.length, 0);

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(lengthOf(parts));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
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
    node: nodes.map((node) => {
      const [opType, overload] = node.op.split(":");
      return {
        name: node.name,
        opType,
        overload,
        domain: node.domain,
        input: [...node.inputs],
        output: [...node.outputs],
        attribute: Object.entries(node.attributes).map(([key, attribute]) => fromAttribute(key, attribute)),
      };
    }),
  };
}

function fromValueInfo({ name, type, shape }: ValueInfo): ValueInfoMessage {
  if (type === undefined) return { name };
  const dim = shape?.map((extent) => {
    if (typeof extent === "number") return { dimValue: extent };
    return extent === "?" ? {} : { dimParam: extent };
  });
  return { name, type: { tensorType: { elemType: dataTypes[type].code, shape: dim && { dim } } } };
}

function fromTensor({ type, shape, data }: Tensor): TensorMessage {
  const head = { dims: [...shape], dataType: dataTypes[type].code };
  if (ArrayBuffer.isView(data)) {
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
