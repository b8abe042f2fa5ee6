import { type Field, fieldsOf } from "./protobuf-fields.ts";
import { zipNames } from "./zip-names.ts";

/** The kind of a file that is not an ONNX model, and how to get an ONNX model from it. */
export interface Recognized {
  /** Its kind with an article: "a TensorFlow Lite model". */
  readonly is: string;
  readonly fix: string;
}

const FROM_TORCH =
  "Export the network from Python: build it, load these weights into it, and call torch.onnx.export(model, example_input, 'model.onnx').";
const FROM_KERAS =
  "Convert it with tf2onnx: load the model with keras.models.load_model and call tf2onnx.convert.from_keras(model, output_path='model.onnx'), or model.export('model.onnx', format='onnx') in Keras 3.";
const FETCH_AGAIN = "Download the file again; the link must lead to the file itself.";
const UNPACK = "Unpack it and name the .onnx file inside.";
const INPUT_NOT_MODEL = "Name the ONNX model first, then its inputs.";

const torchWeights = { is: "a PyTorch checkpoint (.pt, .pth): weights without a graph", fix: FROM_TORCH };
const torchScript = {
  is: "a TorchScript archive of PyTorch",
  fix: "Load it with torch.jit.load and call torch.onnx.export(model, example_input, 'model.onnx', dynamo=False); better, export the network that it was made from.",
};
const keras = { is: "a Keras model (.keras)", fix: FROM_KERAS };
const hdf5 = { is: "an HDF5 file, as Keras writes (.h5)", fix: FROM_KERAS };
const tensorFlow = {
  is: "a TensorFlow graph (.pb)",
  fix: "Convert it: python -m tf2onnx.convert --graphdef model.pb --inputs NAME:0 --outputs NAME:0 --output model.onnx, or --saved-model FOLDER for a SavedModel.",
};
const caffe = {
  is: "a Caffe network (.prototxt, .caffemodel)",
  fix: "Convert it: pushforward import NET.prototxt NET.caffemodel --out NET.onnx.",
};
const coreMl = {
  is: "a Core ML model (.mlmodel)",
  fix: "Convert the network that it was made from; onnxmltools.convert_coreml reads older ones.",
};
const archive = (name: string): Recognized => ({ is: `${name} archive`, fix: UNPACK });
const picture = (name: string): Recognized => ({ is: `a ${name} picture`, fix: INPUT_NOT_MODEL });

/** Bytes at a position that identify a format. A text stands for the codes of its characters. */
const magics: readonly (readonly [at: number, magic: string, recognized: Recognized])[] = [
  [0, "\x89HDF\r\n\x1a\n", hdf5],
  [4, "TFL3", tensorFlowLite()],
  [
    4,
    "ORTM",
    {
      is: "a model in ONNX Runtime's own format (.ort)",
      fix: "Use the .onnx file that it was made from. The conversion cannot be undone.",
    },
  ],
  [
    0,
    "GGUF",
    {
      is: "a GGUF file of llama.cpp: quantized weights without a graph",
      fix: "Use the network that it was made from, exported with torch.onnx.export or optimum-cli export onnx.",
    },
  ],
  [0, "ftrt", tensorRt()],
  [0, "ptrt", tensorRt()],
  [0, "\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19", torchWeights],
  [0, "\x89PNG\r\n\x1a\n", picture("PNG")],
  [0, "\xff\xd8\xff", picture("JPEG")],
  [0, "GIF8", picture("GIF")],
  [0, "II*\0", picture("TIFF")],
  [0, "MM\0*", picture("TIFF")],
  [8, "WEBP", picture("WebP")],
  [4, "ftypavif", picture("AVIF")],
  [0, "\x93NUMPY", { is: "a NumPy array (.npy)", fix: INPUT_NOT_MODEL }],
  [0, "\x1f\x8b", archive("a gzip")],
  [0, "BZh", archive("a bzip2")],
  [0, "\xfd7zXZ\0", archive("an xz")],
  [0, "7z\xbc\xaf\x27\x1c", archive("a 7z")],
  [0, "\x28\xb5\x2f\xfd", archive("a Zstandard")],
  [257, "ustar", archive("a tar")],
  [0, "%PDF-", { is: "a PDF document", fix: FETCH_AGAIN }],
  [0, "\x7fELF", { is: "a program or library", fix: FETCH_AGAIN }],
];

function tensorFlowLite(): Recognized {
  return {
    is: "a TensorFlow Lite model (.tflite)",
    fix: "Convert it: python -m tf2onnx.convert --tflite model.tflite --output model.onnx.",
  };
}

function tensorRt(): Recognized {
  return {
    is: "a TensorRT engine (.engine, .plan): compiled for one GPU",
    fix: "Use the ONNX model that it was built from. The conversion cannot be undone.",
  };
}

/** The beginnings of texts that are found where a model is expected. */
const texts: readonly (readonly [RegExp, Recognized])[] = [
  [/^version https:\/\/git-lfs/, { is: "a Git LFS pointer", fix: `Fetch the model with "git lfs pull".` }],
  [
    /^(\/annex\/objects\/|\.\.?\/.*\.git\/annex\/)/,
    { is: "a git-annex pointer", fix: `Fetch the model with "git annex get".` },
  ],
  [/^(outs|md5|deps|wdir):\s/, { is: "a DVC pointer", fix: `Fetch the model with "dvc pull", and name the model.` }],
  [
    /^(<!--.*?-->\s*)?<(!doctype\s+html|html|head|body|script)\b/is,
    {
      is: "a web page (HTML)",
      fix: "Download the file itself: on model hubs that is the link named raw, download or resolve.",
    },
  ],
  [/^(<\?xml[^>]*>\s*)?<net\b/, { is: "an OpenVINO network (.xml)", fix: "Use the ONNX model that it was made from." }],
  [/^<\?xml/, { is: "an XML document", fix: FETCH_AGAIN }],
  [
    /^(ir_version:|<\s*ir_version\s*:)/,
    {
      is: "an ONNX model written as text",
      fix: "Write it as a file: onnx.save(onnx.load('model.txt', format='textproto' or 'onnxtxt'), 'model.onnx').",
    },
  ],
  [
    /^\{.*"(irVersion|opsetImport)"/s,
    {
      is: "an ONNX model written as JSON",
      fix: "Write it as a file: onnx.save(onnx.load('model.json', format='json'), 'model.onnx').",
    },
  ],
  [
    /^\{.*"format"\s*:\s*"(graph|layers)-model"/s,
    {
      is: "a TensorFlow.js model",
      fix: "Convert it: python -m tf2onnx.convert --tfjs model.json --output model.onnx.",
    },
  ],
  [
    /^(\s*#[^\n]*\n)*\s*(name\s*:\s*"|layers?\s*\{|input\s*:\s*"|input_(dim|shape)|state\s*\{|net\s*:|force_backward)/,
    caffe,
  ],
  [/^7767517\s/, { is: "an ncnn network (.param)", fix: "Use the ONNX model that it was made from." }],
  [
    /^\[net(work)?\]\s/,
    { is: "a Darknet network (.cfg)", fix: "Convert it with a Darknet converter, or use a published ONNX model." },
  ],
  [/^[[{]/, { is: "a JSON document", fix: FETCH_AGAIN }],
];

/**
 * Recognizes files that people mistake for an ONNX model, or get instead of one, by their content alone. `undefined` for ONNX models and
 * for unknown files.
 */
export function recognize(bytes: Uint8Array): Recognized | undefined {
  const fields = fieldsOf(bytes);
  if (bytes.length === 0 || (fields !== undefined && isOnnx(fields))) return undefined;
  if (startsWith(bytes, 0, "PK\x03\x04") || startsWith(bytes, 0, "PK\x05\x06")) return inZip(zipNames(bytes));
  const magic = magics.find(([at, text]) => startsWith(bytes, at, text));
  if (magic !== undefined) return magic[2];
  if (isSafetensors(bytes)) {
    return { is: "a safetensors file: weights without a graph", fix: FROM_TORCH };
  }
  if (bytes.subarray(0, 64).every((byte) => byte === 0)) {
    return { is: "a file of zeros, as an incomplete download leaves it", fix: FETCH_AGAIN };
  }
  return inText(bytes) ?? inProtobuf(bytes, fields) ?? inPickle(bytes);
}

/** The fields of the outermost message of an ONNX file that are numbers, and those that are texts or messages. */
const onnxNumbers = new Set([1, 5]);
const onnxMessages = new Set([2, 3, 4, 6, 7, 8, 14, 20, 25, 26]);

const isOnnx = (fields: readonly Field[]): boolean =>
  fields.some(({ number }) => number === 7) &&
  fields.every(({ number, kind }) => (kind === "varint" ? onnxNumbers : onnxMessages).has(number));

function startsWith(bytes: Uint8Array, at: number, text: string): boolean {
  if (bytes.length < at + text.length) return false;
  return [...text].every((character, i) => bytes[at + i] === character.charCodeAt(0));
}

function inZip(names: readonly string[]): Recognized {
  const has = (pattern: RegExp) => names.some((name) => pattern.test(name));
  if (has(/(^|\/)constants\.pkl$/) || has(/^[^/]+\/code\//)) return torchScript;
  if (has(/^[^/]+\/data\.pkl$/)) return torchWeights;
  if (has(/^model\.weights\.h5$/)) return keras;
  if (names.length > 0 && names.every((name) => name.endsWith(".npy"))) {
    return { is: "an archive of NumPy arrays (.npz)", fix: INPUT_NOT_MODEL };
  }
  return archive("a ZIP");
}

/** A safetensors file starts with the length of its header (eight bytes), followed by the header, which is JSON. */
function isSafetensors(bytes: Uint8Array): boolean {
  if (bytes.length < 10) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(0, true);
  return view.getUint32(4, true) === 0 && length >= 2 && length < 2 ** 28 && /^\{\s*["}]/.test(latin(bytes, 8, 32));
}

const latin = (bytes: Uint8Array, start: number, length: number): string =>
  Array.from(bytes.subarray(start, start + length), (byte) => String.fromCharCode(byte)).join("");

function inText(bytes: Uint8Array): Recognized | undefined {
  const text = textOf(bytes.subarray(0, 2048));
  if (text === undefined) return undefined;
  const known = texts.find(([pattern]) => pattern.test(text));
  if (known !== undefined) return known[1];
  const line = text.split(/[\r\n]/, 1)[0]!;
  const shown = line.length > 60 ? `${line.slice(0, 60)}…` : line;
  return { is: `text ("${shown}")`, fix: FETCH_AGAIN };
}

/** The bytes as text, if they are text, without leading white space and byte order mark. */
function textOf(bytes: Uint8Array): string | undefined {
  const wide = startsWith(bytes, 0, "\xff\xfe") ? "utf-16le" : startsWith(bytes, 0, "\xfe\xff") ? "utf-16be" : "utf-8";
  const text = new TextDecoder(wide).decode(bytes).trim();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters tell that bytes are no text.
  const foreign = text.match(/[\0-\x08\x0e-\x1f\x7f\ufffd]/g)?.length ?? 0;
  const cutCharacter = text.endsWith("\ufffd") ? 1 : 0;
  return text.length > 0 && foreign <= cutCharacter ? text : undefined;
}

/** Recognizes messages of other formats by the numbers of their fields. */
function inProtobuf(bytes: Uint8Array, fields: readonly Field[] | undefined): Recognized | undefined {
  if (fields === undefined) return undefined;
  const [first] = fields as [Field];
  const has = (number: number, kind: Field["kind"]) =>
    fields.some((field) => field.number === number && field.kind === kind);
  if (first.number === 1 && first.kind === "varint") {
    if (fields.some(({ number }) => number >= 200)) return coreMl;
    if (has(2, "varint") && (has(9, "bytes") || has(8, "bytes") || has(4, "bytes"))) {
      return { is: "a single ONNX tensor", fix: INPUT_NOT_MODEL };
    }
    if (fields.every(({ number, kind }) => number <= 2 && (number === 1) === (kind === "varint")) && has(2, "bytes")) {
      return isMetaGraph(bytes, fields) ? tensorFlow : undefined;
    }
    return undefined;
  }
  if (first.number !== 1 || first.kind !== "bytes") return undefined;
  if (has(100, "bytes") || (has(2, "bytes") && (has(3, "bytes") || has(4, "varint") || isCaffeLayer(bytes, fields)))) {
    return caffe;
  }
  return isNodeOfTensorFlow(bytes, first) ? tensorFlow : undefined;
}

/** A SavedModel holds graphs with descriptions, each of which begins with its own message. */
function isMetaGraph(bytes: Uint8Array, fields: readonly Field[]): boolean {
  const graph = fields.find(({ number }) => number === 2)!;
  const inner = fieldsOf(bytes.subarray(graph.start, graph.end));
  return inner?.some(({ number, kind }) => number <= 2 && kind === "bytes") ?? false;
}

/** Caffe's older layers: what they read (2), what they write (3), their name (4) and type (5). */
function isCaffeLayer(bytes: Uint8Array, fields: readonly Field[]): boolean {
  const layer = fields.find(({ number }) => number === 2)!;
  const inner = fieldsOf(bytes.subarray(layer.start, layer.end));
  return inner?.some(({ number, kind }) => number === 5 && kind === "varint") ?? false;
}

/** A node of a TensorFlow graph: its name (1) and its operator (2), which is a word. */
function isNodeOfTensorFlow(bytes: Uint8Array, { start, end }: Field): boolean {
  const inner = fieldsOf(bytes.subarray(start, end));
  const op = inner?.find(({ number, kind }) => number === 2 && kind === "bytes");
  if (op === undefined || inner![0]!.number !== 1) return false;
  return /^[A-Z_][A-Za-z0-9_]*$/.test(latin(bytes.subarray(start, end), op.start, op.end - op.start));
}

function inPickle(bytes: Uint8Array): Recognized | undefined {
  const isPickle = bytes[0] === 0x80 && bytes[1]! >= 2 && bytes[1]! <= 5 && /[(}\]c\x95q.]/.test(latin(bytes, 2, 16));
  if (!isPickle) return undefined;
  return {
    is: "a Python pickle, as PyTorch and scikit-learn write",
    fix: "Load it in Python and export the network: torch.onnx.export for PyTorch, skl2onnx.to_onnx for scikit-learn.",
  };
}
