import { nearestNames, PushforwardError, plural, type Shape } from "../base/index.ts";
import { buildModel, type OnnxModel, type ValueInfo, valueInfo } from "../onnx/index.ts";
import { type CaffeWeights, readWeights } from "./blobs.ts";
import { GraphWriter, type Value } from "./graph-writer.ts";
import { inputShape, type Transform, transformOf } from "./inputs.ts";
import { dataLayers, layerTypes, leftOut } from "./layers/table.ts";
import { Message } from "./message.ts";
import { type CaffeLayer, type CaffeNet, readNet } from "./net.ts";
import { parseTextFormat } from "./text-format.ts";

export interface ImportOptions {
  /** Shapes of inputs by the names of their blobs, without the batch; `""` stands for the first input. */
  readonly shapes?: ReadonlyMap<string, Shape>;
  /** The last layer or blob that is imported. */
  readonly until?: string;
}

/** The bytes of a file. */
export interface NamedFile {
  readonly bytes: Uint8Array;
  /** Named in errors. */
  readonly file?: string;
}

/** A network of Caffe as an ONNX model. */
export interface ImportedNet {
  readonly model: OnnxModel;
  /** What its data layer does to pictures before they reach the network, as far as the .prototxt tells. */
  readonly transform: Transform | undefined;
  /** The shape of its first input, with the batch of the file. */
  readonly inputShape: Shape;
  /** What a user should know of it: layers that were left out, weights that no layer has. */
  readonly notes: readonly string[];
}

/**
 * Converts a network of Caffe to ONNX, in the phase TEST: a .prototxt of any age, and its .caffemodel.
 *
 * A tensor is named as the blob that a layer writes. A layer that writes over its bottom makes a tensor of its own, with the name of
 * the layer. The batch is open, unless the network computes across it. Layers that need labels are left out.
 *
 * @throws PushforwardError `model-invalid` for files that do not follow the format or do not belong together, `op-unsupported` for layers
 * that have no form in ONNX here, `shape-mismatch` for an input whose shape is not told, `tap-unknown` for `until`
 */
export function importCaffe(prototxt: NamedFile, caffemodel: NamedFile, options: ImportOptions = {}): ImportedNet {
  const net = inFile(prototxt, (bytes) => readNet(parseTextFormat(textOf(bytes))));
  const weights = inFile(caffemodel, readWeights);
  return inFile(prototxt, () => convert(net, weights, options));
}

/** Errors of what is read from a file name the file. */
function inFile<T>({ bytes, file }: NamedFile, read: (bytes: Uint8Array) => T): T {
  try {
    return read(bytes);
  } catch (error) {
    throw error instanceof PushforwardError && file !== undefined ? error.at({ file }) : error;
  }
}

/** @throws PushforwardError `model-invalid` for bytes that are no text */
function textOf(bytes: Uint8Array): string {
  if (!bytes.subarray(0, 4096).includes(0)) return new TextDecoder().decode(bytes);
  throw new PushforwardError("model-invalid", {
    what: "The file is not a text, but a .prototxt is needed.",
    fix: "Name the .prototxt first, then the .caffemodel.",
  });
}

function convert(net: CaffeNet, weights: CaffeWeights, options: ImportOptions): ImportedNet {
  const { layers, notes } = choose(net.layers, options.until);
  requireKnown(layers);
  const blobNames = new Set(net.layers.flatMap(({ tops }) => tops));
  const graph = new GraphWriter([...blobNames, ...net.layers.map(({ name }) => name)]);
  const named = new Set<string>();
  const blobs = new Map<string, Value>();
  const inputs: Value[] = [];
  const read = new Set<string>();
  for (const layer of layers) {
    try {
      if (dataLayers.includes(layer.key)) {
        for (const input of inputsOf(layer, layers, weights, options, inputs.length === 0)) {
          inputs.push(input);
          named.add(input.name);
          blobs.set(input.name, input);
        }
      } else {
        writeLayer(layer, weights, { graph, blobs, named, blobNames, read });
      }
    } catch (error) {
      throw error instanceof PushforwardError ? error.at({ node: layer.name, op: layer.type }) : error;
    }
  }
  const outputs = [...blobs.values()].filter(({ name }) => !read.has(name) && named.has(name));
  const [main] = inputs;
  if (main === undefined || graph.nodes.length === 0) throw nothing();
  const strangers = [...weights.keys()].filter((name) => !net.layers.some((layer) => layer.name === name));
  if (strangers.length > 0) {
    notes.push(`the .caffemodel has weights of ${plural(strangers.length, "layer")} that the .prototxt does not have`);
  }
  const model = buildModel({
    name: net.name,
    inputs: inputs.map((input) => declaration(input, main, graph.isBatchFixed)),
    outputs: outputs
      .filter(({ name }) => !inputs.some((input) => input.name === name))
      .map((output) => declaration(output, main, graph.isBatchFixed)),
    nodes: graph.nodes,
    initializers: graph.initializers,
  });
  const source = layers.find(({ tops }) => tops.includes(main.name));
  return { model, transform: source && transformOf(source), inputShape: main.shape, notes };
}

/** The first extent is open where it is the batch of the first input and nothing fixes it. */
function declaration({ name, shape }: Value, { shape: [batch] }: Value, isFixed: boolean): ValueInfo {
  return valueInfo(name, "float32", isFixed || shape[0] !== batch ? shape : ["N", ...shape.slice(1)]);
}

function nothing(): PushforwardError {
  return new PushforwardError("model-invalid", {
    what: "The .prototxt has no layer between an input and an output in the phase TEST.",
    fix: "Use the deploy.prototxt of the network.",
  });
}

/** The layers that are written, in their order: those up to `until`, without those that need what is left out. */
function choose(all: readonly CaffeLayer[], until: string | undefined): { layers: CaffeLayer[]; notes: string[] } {
  const missing = new Map<string, string>();
  const notes: string[] = [];
  const chosen = upTo(all, until).filter((layer) => {
    const reason = leftOut.get(layer.key) ?? layer.bottoms.map((bottom) => missing.get(bottom)).find(Boolean);
    if (reason === undefined) return true;
    for (const top of layer.tops) missing.set(top, `it needs the blob "${top}"`);
    if (layer.key !== "silence") notes.push(`layer "${layer.name}" (${layer.type}) is left out: ${reason}`);
    return false;
  });
  return { layers: chosen, notes };
}

function upTo(all: readonly CaffeLayer[], until: string | undefined): readonly CaffeLayer[] {
  if (until === undefined) return all;
  const byName = all.findIndex(({ name }) => name === until);
  const last = byName >= 0 ? byName : all.findLastIndex(({ tops }) => tops.includes(until));
  if (last < 0) {
    const names = all.flatMap(({ name, tops }) => [name, ...tops]);
    const near = nearestNames(until, [...new Set(names)]);
    throw new PushforwardError("tap-unknown", {
      what: `The .prototxt has no layer or blob "${until}".`,
      where: { option: "--until" },
      fix: near.length > 0 ? `Did you mean ${near.map((name) => `"${name}"`).join(" or ")}?` : "Check its layers.",
    });
  }
  const needed = new Set<string>(all[last]!.tops);
  const kept: CaffeLayer[] = [];
  for (let at = last; at >= 0; at--) {
    const layer = all[at]!;
    if (!layer.tops.some((top) => needed.has(top))) continue;
    kept.unshift(layer);
    for (const bottom of layer.bottoms) needed.add(bottom);
  }
  return kept;
}

/** @throws PushforwardError `op-unsupported` naming all layers that cannot be written */
function requireKnown(layers: readonly CaffeLayer[]): void {
  const unknown = layers.filter(({ key }) => !layerTypes.has(key) && !dataLayers.includes(key));
  const [first] = unknown;
  if (first === undefined) return;
  const listed = unknown.slice(0, 5).map(({ name, type }) => `"${name}" (${type})`);
  const more = unknown.length > 5 ? ` and ${unknown.length - 5} more` : "";
  const before = first.bottoms[0];
  throw new PushforwardError("op-unsupported", {
    what: `These layers are of types that are not read: ${listed.join(", ")}${more}.`,
    where: { node: first.name, op: first.type },
    fix:
      before === undefined
        ? "Replace the layer in the .prototxt by one of the type Input."
        : `Import the part before them: --until ${before}.`,
  });
}

function inputsOf(
  layer: CaffeLayer,
  layers: readonly CaffeLayer[],
  weights: CaffeWeights,
  { shapes }: ImportOptions,
  isFirst: boolean,
): Value[] {
  return layer.tops.flatMap((name, top) => {
    if (!layers.some(({ bottoms }) => bottoms.includes(name))) return [];
    const asked = shapes?.get(name) ?? (isFirst && top === 0 ? shapes?.get("") : undefined);
    if (asked !== undefined) return [{ name, shape: [1, ...asked] }];
    return [{ name, shape: inputShape(layer, top, layers, weights) }];
  });
}

interface Written {
  readonly graph: GraphWriter;
  /** The tensor that a blob is at this place of the network. */
  readonly blobs: Map<string, Value>;
  /** Names of tensors that layers wrote. */
  readonly named: Set<string>;
  /** Names of all blobs of the network. */
  readonly blobNames: ReadonlySet<string>;
  /** Names of tensors that a layer reads. */
  readonly read: Set<string>;
}

function writeLayer(layer: CaffeLayer, weights: CaffeWeights, written: Written): void {
  const { graph, blobs, named, read } = written;
  const type = layerTypes.get(layer.key)!;
  const bottoms = layer.bottoms.map((name) => {
    const value = blobs.get(name);
    if (value !== undefined) return value;
    throw new PushforwardError("model-invalid", {
      what: `The bottom "${name}" is the top of no layer before it.`,
      fix: "Check the layer in the .prototxt.",
    });
  });
  for (const { name } of bottoms) read.add(name);
  const settings = layer.flat ?? (type.settings === "" ? new Message() : layer.message.message(type.settings));
  graph.begin(layer.name);
  const from = graph.nodes.length;
  const tops = type.write({ bottoms, tops: layer.tops.length, settings, blobs: weights.get(layer.name) ?? [], graph });
  const unknown = settings.unread.filter((field) => type.ignored?.includes(field) !== true);
  if (unknown.length > 0) {
    throw new PushforwardError("op-unsupported", {
      what: `The meaning of these settings is not known: ${unknown.join(", ")}.`,
      fix: "Remove them from the .prototxt if they do not change the forward pass, or import the part before, with --until.",
    });
  }
  const own = new Set(graph.nodes.slice(from).flatMap(({ outputs }) => outputs));
  const names = new Map<string, string>();
  layer.tops.forEach((top, at) => {
    const value = tops[at];
    if (value === undefined) return;
    const name = nameOf(top, layer.name, written);
    named.add(name);
    const isOwn = own.has(value.name) && !names.has(value.name);
    const made = isOwn ? value : graph.emit("Identity", [value], value.shape);
    names.set(made.name, name);
    blobs.set(top, { name, shape: value.shape });
  });
  graph.rename(names, from);
}

/** The name of the tensor that a layer writes: that of the blob, or that of the layer if it writes over a blob. */
function nameOf(top: string, layer: string, { blobs, named, blobNames, graph }: Written): string {
  if (!blobs.has(top)) return top;
  if (layer !== "" && !named.has(layer) && !blobNames.has(layer)) return layer;
  return graph.fresh(`${top}/${layer === "" || layer === top ? "in-place" : layer}`);
}
