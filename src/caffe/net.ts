import { PushforwardError, type Shape } from "../base/index.ts";
import { Message } from "./message.ts";

/** A layer of a network for the phase TEST, in the one form that all forms of the .prototxt are converted to. */
export interface CaffeLayer {
  readonly name: string;
  /** As `typeKey` makes it. */
  readonly key: string;
  /** As the file writes it. */
  readonly type: string;
  readonly bottoms: readonly string[];
  readonly tops: readonly string[];
  readonly message: Message;
  /** The settings of a layer of the oldest form, which stand in no message of their own. */
  readonly flat?: Message;
}

export interface CaffeNet {
  readonly name: string;
  readonly layers: readonly CaffeLayer[];
}

/** Names of types that older files have. */
const olderNames: Readonly<Record<string, string>> = {
  conv: "convolution",
  pool: "pooling",
  images: "imagedata",
  softmaxloss: "softmaxwithloss",
};

/** The key of a type: `InnerProduct`, `INNER_PRODUCT` and `innerproduct` are one. */
export function typeKey(type: string): string {
  const key = type.replaceAll("_", "").toLowerCase();
  return olderNames[key] ?? key;
}

/**
 * The layers of a .prototxt that belong to the phase TEST, with its inputs as layers of the type Input.
 *
 * @throws PushforwardError `model-invalid` for a file without layers, or whose layers are named twice
 */
export function readNet(file: Message): CaffeNet {
  const state = file.message("state");
  const layers = [...file.messages("layer"), ...file.messages("layers")].map(toLayer);
  if (layers.length === 0) {
    const isSolver = ["base_lr", "net", "train_net", "max_iter"].some((field) => file.has(field));
    throw new PushforwardError("model-invalid", {
      what: isSolver ? "The file describes the training of a network." : "The file has no layers.",
      fix: isSolver
        ? "Name the .prototxt of the network itself: deploy.prototxt, or the file that `net` names here."
        : "Name the .prototxt of the network first, then its .caffemodel.",
    });
  }
  const kept = layers.filter(({ message }) => belongs(message, state));
  const all = [...inputLayers(file), ...kept];
  const names = new Set<string>();
  for (const { name } of all) {
    if (names.has(name) && name !== "") throw twice(name);
    names.add(name);
  }
  return { name: file.text("name", "caffe"), layers: all };
}

function twice(name: string): PushforwardError {
  return new PushforwardError("model-invalid", {
    what: `Two layers of the phase TEST are named "${name}".`,
    fix: "Weights are found by the names of layers: give them different names.",
  });
}

function toLayer(message: Message): CaffeLayer {
  const [inner] = message.messages("layer");
  const own = inner ?? message;
  const type = own.text("type");
  const layer = { name: own.text("name"), key: typeKey(type), type, message };
  const ends = { bottoms: message.texts("bottom"), tops: message.texts("top") };
  return inner === undefined ? { ...layer, ...ends } : { ...layer, ...ends, flat: flatSettings(inner) };
}

/** Names that the oldest form has for settings. */
const flatNames: Readonly<Record<string, string | undefined>> = {
  biasterm: "bias_term",
  kernelsize: "kernel_size",
  cropsize: "crop_size",
  batchsize: "batch_size",
  meanfile: "mean_file",
  concat_dim: "axis",
};
const notSettings: readonly string[] = ["name", "type", "blobs", "blobs_lr", "weight_decay"];

const flatSettings = (inner: Message): Message =>
  inner.renamed((field) => (notSettings.includes(field) ? undefined : (flatNames[field] ?? field)));

/** Inputs that the file lists beside its layers. */
function inputLayers(file: Message): CaffeLayer[] {
  const dims = file.numbers("input_dim");
  const shapes = file.messages("input_shape").map((shape) => shape.numbers("dim"));
  return file.texts("input").map((name, index) => {
    const shape: Shape = shapes[index] ?? dims.slice(4 * index, 4 * index + 4);
    const settings = new Message();
    if (shape.length > 0) settings.add("shape", shapeMessage(shape));
    const message = new Message();
    message.add("input_param", settings);
    return { name, key: "input", type: "Input", bottoms: [], tops: [name], message };
  });
}

function shapeMessage(shape: Shape): Message {
  const message = new Message();
  for (const extent of shape) message.add("dim", { word: String(extent) });
  return message;
}

/** Whether a layer belongs to the network in the phase TEST, with the level and the stages that the file gives. */
function belongs(layer: Message, state: Message): boolean {
  const meets = (rule: Message): boolean => {
    const phases = ["TRAIN", "TEST"] as const;
    const level = state.number("level", 0);
    const stages = state.texts("stage");
    return (
      rule.choice("phase", phases, state.choice("phase", phases, "TEST")) === state.choice("phase", phases, "TEST") &&
      rule.number("min_level", -Infinity) <= level &&
      level <= rule.number("max_level", Infinity) &&
      rule.texts("stage").every((stage) => stages.includes(stage)) &&
      !rule.texts("not_stage").some((stage) => stages.includes(stage))
    );
  };
  const included = layer.messages("include");
  const excluded = layer.messages("exclude");
  return (included.length === 0 || included.some(meets)) && !excluded.some(meets);
}
