import type { Attribute, Graph, OnnxModel, Tensor, ValueInfo } from "./model.ts";
import {
  type AttributeMessage,
  attributeCodes,
  encodeModel,
  type GraphMessage,
  type TensorMessage,
  type ValueInfoMessage,
} from "./proto.ts";
import { dataTypes } from "./tensor-types.ts";

/**
 * The bytes of an ONNX file, weights inside (so less than 2 GiB). Reading them gives an equal model.
 */
export function writeModel({ irVersion, opsets, producer, graph }: OnnxModel): Uint8Array {
  return encodeModel({
    irVersion,
    producerName: producer,
    graph: fromGraph(graph),
    opsetImport: [...opsets].map(([domain, version]) => ({ domain, version })),
  });
}

function fromGraph({ name, inputs, outputs, nodes, initializers }: Graph): GraphMessage {
  return {
    name,
    input: inputs.map(fromValueInfo),
    output: outputs.map(fromValueInfo),
    initializer: [...initializers].map(([tensorName, tensor]) => ({ ...fromTensor(tensor), name: tensorName })),
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
