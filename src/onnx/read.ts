import { messageOf, PushforwardError } from "../base/index.ts";
import { expandFunctions, type FunctionBody } from "./functions.ts";
import { withInner } from "./graph.ts";
import type { Attribute, Graph, Node, OnnxModel, Tensor, ValueInfo } from "./model.ts";
import { NAME_SCOPES } from "./modules.ts";
import { leavesOutOutputs, withRequiredOutputs } from "./omitted-outputs.ts";
import {
  type AttributeMessage,
  attributeCodes,
  decodeModel,
  type FunctionMessage,
  type GraphMessage,
  type ModelMessage,
  type NodeMessage,
  type OperatorSetMessage,
  type TensorMessage,
  type ValueInfoMessage,
} from "./proto.ts";
import { OWN_DOMAIN } from "./quantized/own-operators.ts";
import { type ExternalReader, fetchExternal, textOf, toNumber, toTensor } from "./read-tensor.ts";
import { recognize } from "./recognize.ts";
import { dataTypeOf } from "./tensor-types.ts";

export interface ReadOptions {
  /** Named in errors. */
  readonly file?: string;
  /** Reads tensors that are stored in files beside the model. Without it, a model with such tensors is refused. */
  readonly external?: ExternalReader;
}

/** From this version of the format on, initializers need not be listed as inputs. Graphs in memory have this form. */
const FREE_INITIALIZERS = 4;

/**
 * Reads an ONNX file with any operator set and any variant of operators, but with dense tensors only. Model-local functions are
 * replaced by their nodes, initializers are removed from the inputs, and tensors share memory with `bytes` where possible.
 *
 * @throws PushforwardError `model-invalid` if the bytes are not a complete ONNX file, `external-data` for weights that cannot be
 * read, `op-unsupported` for sequences, sparse tensors and element types that are not supported
 * @see https://onnx.ai/onnx/repo-docs/IR.html
 */
export async function readModel(bytes: Uint8Array, { file, external }: ReadOptions = {}): Promise<OnnxModel> {
  try {
    const message = decode(bytes);
    await fetchExternal(tensorMessages(message), external);
    return toModel(message);
  } catch (error) {
    throw error instanceof PushforwardError ? error.at({ file }) : error;
  }
}

function decode(bytes: Uint8Array): ModelMessage & { graph: GraphMessage } {
  if (bytes.length === 0) {
    throw new PushforwardError("model-invalid", {
      what: "The file is empty.",
      fix: "Download or export the model again.",
    });
  }
  const other = recognize(bytes);
  if (other !== undefined) {
    throw new PushforwardError("model-invalid", {
      what: `The file is ${other.is}, but an ONNX model is needed.`,
      fix: other.fix,
    });
  }
  let message: ModelMessage;
  try {
    message = decodeModel(bytes);
  } catch (cause) {
    throw new PushforwardError("model-invalid", {
      what:
        cause instanceof RangeError
          ? `The file is not a complete ONNX model: it ends in the middle of a field, after ${bytes.length} bytes.`
          : `The file is not an ONNX model: its bytes do not follow the format (${messageOf(cause)}).`,
      fix: "Check that the file is ONNX and complete; download or export it again.",
      cause,
    });
  }
  if (!hasGraph(message)) {
    throw new PushforwardError("model-invalid", {
      what: "The file contains no graph.",
      fix: "Check that the file is an ONNX model and complete; download or export it again.",
    });
  }
  return message;
}

const hasGraph = (message: ModelMessage): message is ModelMessage & { graph: GraphMessage } =>
  message.graph !== undefined && message.graph !== null;

function* tensorMessages(message: ModelMessage): Generator<TensorMessage> {
  yield* graphTensors(message.graph);
  for (const { node } of message.functions ?? []) yield* nodeTensors(node);
}

function* graphTensors(graph: GraphMessage | undefined | null): Generator<TensorMessage> {
  yield* graph?.initializer ?? [];
  yield* nodeTensors(graph?.node);
}

function* nodeTensors(nodes: readonly NodeMessage[] = []): Generator<TensorMessage> {
  for (const { attribute = [] } of nodes) {
    for (const { t, g } of attribute) {
      if (t) yield t;
      yield* graphTensors(g);
    }
  }
}

function toModel(message: ModelMessage & { graph: GraphMessage }): OnnxModel {
  const opsets = toOpsets(message.opsetImport);
  const functions = (message.functions ?? []).filter(({ domain }) => domain !== OWN_DOMAIN).map(toFunction);
  const graph = toGraph(message.graph, new Map());
  const inlined = expandFunctions({ opsets, graph }, functions);
  return {
    irVersion: Math.max(FREE_INITIALIZERS, toNumber(message.irVersion)),
    producer: message.producerName ?? "",
    opsets: withRuntimes(inlined),
    graph: withRequiredOutputs(inlined.graph),
    ...(leavesOutOutputs(inlined.graph) ? { leavesOutOutputs: true } : {}),
  };
}

/** The operator sets, with ONNX Runtime's own where the graph uses it: the runtime has it without an import, so some of its tools write none. */
function withRuntimes({ opsets, graph }: Pick<OnnxModel, "opsets" | "graph">): ReadonlyMap<string, number> {
  const isUsed = graph.nodes.flatMap(withInner).some(({ domain }) => domain === RUNTIMES);
  return isUsed && !opsets.has(RUNTIMES) ? new Map([...opsets, [RUNTIMES, 1]]) : opsets;
}

const RUNTIMES = "com.microsoft";

const toOpsets = (imports: readonly OperatorSetMessage[] = []): Map<string, number> =>
  new Map(imports.map(({ domain, version }) => [toDomain(domain), toNumber(version)]));

const toDomain = (domain: string | undefined): string => (domain === undefined || domain === "ai.onnx" ? "" : domain);

function toFunction({
  name = "",
  domain,
  overload,
  input = [],
  output = [],
  ...message
}: FunctionMessage): FunctionBody {
  const end = (ending: string): ValueInfo => ({ name: ending, type: undefined, shape: undefined });
  return {
    domain: toDomain(domain),
    op: withOverload(name, overload),
    opsets: toOpsets(message.opsetImport),
    body: (given) => ({
      name,
      inputs: input.map(end),
      outputs: output.map(end),
      initializers: new Map(),
      nodes: toNodes(message.node, new Map([...toAttributes(message.attributeProto, new Map()), ...given])),
    }),
  };
}

/** The attributes that the nodes of a function refer to by name. Outside functions there are none. */
type Given = ReadonlyMap<string, Attribute>;

function toGraph(message: GraphMessage, given: Given, around: "file" | "node" = "file"): Graph {
  const toInput = around === "file" ? toInputInfo : toInnerInfo;
  const toOutput = around === "file" ? toValueInfo : toInnerInfo;
  const tensorsIn = (infos: readonly ValueInfoMessage[] = []) => (around === "file" ? withoutOthers(infos) : infos);
  if (message.sparseInitializer !== undefined && message.sparseInitializer.length > 0) {
    throw new PushforwardError("op-unsupported", {
      what: "The model contains sparse initializers, which are not supported.",
      fix: "Export the model with dense weights.",
    });
  }
  const initializers = new Map<string, Tensor>();
  for (const tensor of message.initializer ?? []) {
    const name = tensor.name ?? "";
    if (initializers.has(name)) {
      throw new PushforwardError("model-invalid", {
        what: `Two initializers are named "${name}".`,
        fix: "Tensor names must be unique. Export the model again.",
      });
    }
    initializers.set(name, toTensor(tensor));
  }
  return {
    name: message.name ?? "",
    inputs: (message.input ?? []).filter(({ name = "" }) => !initializers.has(name)).map(toInput),
    outputs: tensorsIn(message.output).map(toOutput),
    nodes: toNodes(message.node, given),
    initializers,
  };
}

const nameOnly = ({ name = "" }: ValueInfoMessage): ValueInfo => ({ name, type: undefined, shape: undefined });

/** Whether it is a sequence, a map, an optional or a sparse tensor. */
const isOther = ({ type }: ValueInfoMessage): boolean =>
  [type?.sequenceType, type?.mapType, type?.sparseTensorType, type?.optionalType].some((kind) => !!kind);

/** The outputs that are tensors; all of them where none is, so that they are refused. */
function withoutOthers(outputs: readonly ValueInfoMessage[]): readonly ValueInfoMessage[] {
  const tensors = outputs.filter((output) => !isOther(output));
  return tensors.length > 0 ? tensors : outputs;
}

/** What enters or leaves a subgraph, which may be a sequence. */
function toInnerInfo({ name, type }: ValueInfoMessage): ValueInfo {
  for (const kind of ["sequence", "optional"] as const) {
    const elements = type?.[`${kind}Type`];
    if (elements === undefined || elements === null) continue;
    const inner = toInnerInfo({ name, type: elements.elemType });
    return { ...inner, around: [kind, ...(inner.around ?? [])] };
  }
  return toValueInfo({ name, type });
}

/** An input of the file. A tensor that may be left out is given here, so that it is one like others. */
function toInputInfo({ name, type }: ValueInfoMessage): ValueInfo {
  const optional = type?.optionalType?.elemType;
  return toValueInfo({ name, type: optional?.tensorType ? optional : type });
}

function toValueInfo(info: ValueInfoMessage): ValueInfo {
  const { name = "", type } = info;
  if (!type) return nameOnly(info);
  const tensor = type.tensorType;
  const element = dataTypeOf(tensor?.elemType ?? 0);
  if (isOther(info) || (tensor?.elemType && element === undefined)) {
    throw new PushforwardError("op-unsupported", {
      what: `"${name}" is not a dense tensor of a supported element type.`,
      fix: "Cut the model to the part whose inputs and outputs are plain tensors.",
    });
  }
  const { dim: dims = [] } = tensor?.shape ?? {};
  const extents = dims.map((dim) => (Object.hasOwn(dim, "dimValue") ? toNumber(dim.dimValue) : dim.dimParam || "?"));
  return { name, type: element, shape: tensor?.shape === undefined ? undefined : extents };
}

function toNodes(messages: readonly NodeMessage[] = [], given: Given): Node[] {
  return messages.map(({ name = "", opType = "", domain, overload, input = [], output = [], attribute, ...rest }) => {
    const op = withOverload(opType, overload);
    try {
      const attributes = Object.fromEntries(toAttributes(attribute, given));
      const scopes = rest.metadataProps?.find(({ key }) => key === NAME_SCOPES)?.value;
      const own = { name, op, domain: toDomain(domain), inputs: input, outputs: output, attributes };
      return scopes === undefined ? own : { ...own, scopes };
    } catch (error) {
      throw error instanceof PushforwardError ? error.at({ node: name || output[0], op }) : error;
    }
  });
}

/** The name of an operator. If a function is overloaded, the name of the overload is a part of it. */
const withOverload = (name: string, overload: string | undefined): string => (overload ? `${name}:${overload}` : name);

function toAttributes(messages: readonly AttributeMessage[] = [], given: Given): Map<string, Attribute> {
  const attributes = new Map<string, Attribute>();
  for (const message of messages) {
    const name = message.name ?? "";
    const attribute = message.refAttrName ? given.get(message.refAttrName) : toAttribute(message, given);
    if (attribute !== undefined) attributes.set(name, attribute);
  }
  return attributes;
}

function toAttribute(message: AttributeMessage, given: Given): Attribute {
  switch (message.type || fieldThatIsSet(message)) {
    case attributeCodes.float:
      return { kind: "float", value: message.f ?? 0 };
    case attributeCodes.int:
      return { kind: "int", value: toNumber(message.i) };
    case attributeCodes.string:
      return { kind: "string", value: textOf(message.s) };
    case attributeCodes.tensor:
      return { kind: "tensor", value: toTensor(message.t ?? {}) };
    case attributeCodes.graph:
      return { kind: "graph", value: toGraph(message.g ?? {}, given, "node") };
    case attributeCodes.floats:
      return { kind: "floats", value: Array.from(message.floats ?? []) };
    case attributeCodes.ints:
      return { kind: "ints", value: (message.ints ?? []).map(toNumber) };
    case attributeCodes.strings:
      return { kind: "strings", value: (message.strings ?? []).map((bytes) => textOf(bytes)) };
    default:
      throw new PushforwardError("op-unsupported", {
        what: `The attribute "${message.name}" has a type that is not supported (type ${message.type ?? 0} of the format).`,
        fix: "Sparse tensors, types, and lists of tensors or graphs are not supported: export the model without them.",
      });
  }
}

/** The type of an attribute that does not state its type, as in files of the format's first version. */
function fieldThatIsSet(message: AttributeMessage): number | undefined {
  const single = { f: "float", i: "int", s: "string", t: "tensor", g: "graph" } as const;
  for (const [field, kind] of Object.entries(single)) if (Object.hasOwn(message, field)) return attributeCodes[kind];
  for (const field of ["floats", "ints", "strings"] as const) if (message[field]?.length) return attributeCodes[field];
  return undefined;
}
