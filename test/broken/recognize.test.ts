import { deflateRawSync, gzipSync } from "node:zlib";
import protobuf from "protobufjs/light.js";
import { describe, expect, test } from "vitest";
import { buildModel, floatTensor, node, readModel, valueInfo, writeModel } from "../../src/onnx/index.ts";
import { encodeTensor } from "../../src/onnx/proto.ts";
import { recognize } from "../../src/onnx/recognize.ts";

const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A message from fields: a number is a varint, a text its characters, bytes a message. */
function message(...fields: readonly (readonly [number: number, value: number | string | Uint8Array])[]): Uint8Array {
  const writer = protobuf.Writer.create();
  for (const [number, value] of fields) {
    if (typeof value === "number") writer.uint32(number << 3).uint32(value);
    else writer.uint32((number << 3) | 2).bytes(typeof value === "string" ? utf8(value) : value);
  }
  return writer.finish();
}

/** A ZIP archive of empty files of these names, by the format's description (APPNOTE 4.3). */
function zip(...names: readonly string[]): Uint8Array {
  const content = deflateRawSync(Buffer.alloc(0));
  let offset = 0;
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  for (const name of names) {
    const head = Buffer.alloc(30);
    head.writeUInt32LE(0x04034b50, 0);
    head.writeUInt16LE(8, 8);
    head.writeUInt32LE(content.length, 18);
    head.writeUInt16LE(name.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt32LE(content.length, 20);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(offset, 42);
    local.push(head, Buffer.from(name), content);
    central.push(entry, Buffer.from(name));
    offset += 30 + name.length + content.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(names.length, 10);
  end.writeUInt32LE(Buffer.concat(central).length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...local, ...central, end]);
}

function safetensors(): Uint8Array {
  const header = utf8('{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}');
  const length = Buffer.alloc(8);
  length.writeUInt32LE(header.length);
  return Buffer.concat([length, header, Buffer.alloc(4)]);
}

const layer = message([1, "conv1"], [2, "Convolution"], [3, "data"], [4, "conv1"]);
const oldLayer = message([2, "data"], [3, "conv1"], [4, "conv1"], [5, 4]);
const placeholder = message([1, "x"], [2, "Placeholder"], [5, message([1, "dtype"], [2, message([6, 1])])]);
const metaGraph = message([1, message([4, "serve"])], [2, message([1, placeholder])]);

const rows: readonly [what: string, bytes: Uint8Array, is: RegExp, fix: RegExp][] = [
  ["torch.save", zip("net/data.pkl", "net/version", "net/data/0"), /PyTorch checkpoint/, /torch\.onnx\.export/],
  [
    "torch.save of old",
    bytesOf("\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02"),
    /PyTorch/,
    /torch\.onnx\.export/,
  ],
  ["torch.jit.save", zip("net/data.pkl", "net/code/__torch__.py", "net/constants.pkl"), /TorchScript/, /torch\.jit/],
  ["pickle", bytesOf("\x80\x04\x95\x10\0\0\0\0\0\0\0}\x94."), /Python pickle/, /skl2onnx/],
  ["safetensors", safetensors(), /safetensors/, /torch\.onnx\.export/],
  ["TensorFlow Lite", bytesOf("\x1c\0\0\0TFL3\x14\0\x20\0"), /TensorFlow Lite/, /tf2onnx\.convert --tflite/],
  [
    "a frozen TensorFlow graph",
    message([1, placeholder], [1, placeholder], [4, message([1, 27])]),
    /TensorFlow graph/,
    /tf2onnx/,
  ],
  ["a SavedModel", message([1, 1], [2, metaGraph]), /TensorFlow graph/, /--saved-model/],
  [
    "TensorFlow.js",
    utf8('{"format": "graph-model", "generatedBy": "2.3"}'),
    /TensorFlow\.js/,
    /tf2onnx\.convert --tfjs/,
  ],
  ["Keras in HDF5", bytesOf("\x89HDF\r\n\x1a\n\0\0\0"), /HDF5/, /tf2onnx/],
  ["Keras 3", zip("metadata.json", "config.json", "model.weights.h5"), /Keras/, /tf2onnx/],
  ["a caffemodel", message([1, "AlexNet"], [100, layer], [100, layer]), /Caffe/, /pushforward import/],
  ["an old caffemodel", message([1, "CaffeNet"], [2, oldLayer], [2, oldLayer]), /Caffe/, /pushforward import/],
  ["a prototxt", utf8('# comment\nname: "AlexNet"\nlayer {\n  name: "data"\n}\n'), /Caffe/, /pushforward import/],
  ["Core ML", message([1, 4], [2, message([1, "image"])], [500, message([1, "x"])]), /Core ML/, /onnxmltools/],
  ["TensorRT", bytesOf("ftrt\0\0\0\0"), /TensorRT/, /ONNX model that it was built from/],
  ["GGUF", bytesOf("GGUF\x03\0\0\0"), /GGUF/, /optimum-cli export onnx/],
  ["ONNX Runtime's format", bytesOf("\x20\0\0\0ORTM\0\0"), /\.ort/, /cannot be undone/],
  ["OpenVINO", utf8('<?xml version="1.0"?>\n<net name="a" version="11">'), /OpenVINO/, /ONNX model/],
  ["ONNX as text", utf8("ir_version: 8\ngraph {\n}"), /written as text/, /onnx\.save/],
  [
    "ONNX in its own notation",
    utf8('<\n  ir_version: 8,\n  opset_import: ["" : 17]\n>'),
    /written as text/,
    /onnx\.save/,
  ],
  ["ONNX as JSON", utf8('{"irVersion": "8", "graph": {}}'), /written as JSON/, /onnx\.save/],
  [
    "an ONNX tensor",
    encodeTensor({ dims: [1], dataType: 1, rawData: new Uint8Array(4), name: "x" }),
    /single ONNX tensor/,
    /first/,
  ],
  ["a PNG", bytesOf("\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), /PNG picture/, /model first/],
  ["a JPEG", bytesOf("\xff\xd8\xff\xe0\0\x10JFIF"), /JPEG picture/, /model first/],
  ["a WebP", bytesOf("RIFF\x10\0\0\0WEBPVP8 "), /WebP picture/, /model first/],
  ["a TIFF", bytesOf("II*\0\x08\0\0\0"), /TIFF picture/, /model first/],
  ["a NumPy array", bytesOf("\x93NUMPY\x01\0v\0{'descr'"), /NumPy array/, /model first/],
  ["NumPy arrays", zip("a.npy", "b.npy"), /NumPy arrays/, /model first/],
  ["a ZIP archive", zip("net/model.onnx"), /ZIP archive/, /Unpack/],
  ["gzip", gzipSync("model"), /gzip archive/, /Unpack/],
  [
    "tar",
    Buffer.concat([Buffer.from("model.onnx"), Buffer.alloc(247, 0), Buffer.from("ustar\x0000")]),
    /tar archive/,
    /Unpack/,
  ],
  [
    "a Git LFS pointer",
    utf8("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"),
    /Git LFS/,
    /git lfs pull/,
  ],
  ["a git-annex pointer", utf8("/annex/objects/SHA256E-s9--00.onnx\n"), /git-annex/, /git annex get/],
  ["a DVC pointer", utf8("outs:\n- md5: 00\n  path: net.onnx\n"), /DVC/, /dvc pull/],
  ["a web page", utf8("\ufeff\n<!DOCTYPE html>\n<html lang=en>"), /web page/, /link/],
  ["a message of a hub", utf8("Entry not found"), /text \("Entry not found"\)/, /Download/],
  ["text of 16 bits", bytesOf("\xff\xfeN\0o\0t\0 \0f\0o\0u\0n\0d\0"), /text \("Not found"\)/, /Download/],
  ["zeros", new Uint8Array(1000), /zeros/, /Download/],
  ["a PDF", bytesOf("%PDF-1.7\n%\xe2\xe3"), /PDF/, /Download/],
];

const model = buildModel({
  inputs: [valueInfo("x", "float32", [2])],
  outputs: [valueInfo("y", "float32", [2])],
  nodes: [node({ op: "Add", inputs: ["x", "w"], outputs: ["y"] })],
  initializers: new Map([["w", floatTensor([2], [1, 2])]]),
});

describe("a file in place of a model is told by its content:", () => {
  test.each(rows)("%s", async (_, bytes, is, fix) => {
    await expect(readModel(bytes, { file: "net.onnx" })).rejects.toMatchObject({
      code: "model-invalid",
      what: expect.stringMatching(is),
      fix: expect.stringMatching(fix),
      where: { file: "net.onnx" },
    });
  });

  test("an ONNX model is none of them, whole or cut off", () => {
    const whole = writeModel(model);
    for (let length = 0; length <= whole.length; length++) {
      expect(recognize(whole.subarray(0, length)), `${length} bytes`).toBeUndefined();
    }
  });

  test("a model of which all strings are words is none either", () => {
    const fields: [number, number | string | Uint8Array][] = [
      [1, 8],
      [2, "pytorch"],
      [3, "2.0"],
      [7, message([2, "graph"])],
      [8, message([2, 17])],
    ];
    expect(recognize(message(...fields))).toBeUndefined();
    expect(recognize(message(...fields.slice(3).reverse()))).toBeUndefined();
  });
});

test("a graph of TensorFlow with a very long word for an operator", async () => {
  const file = message([1, message([1, "x"], [2, "A".repeat(400_000)])]);
  await expect(readModel(file, { file: "net.onnx" })).rejects.toMatchObject({
    code: "model-invalid",
    what: expect.stringContaining("TensorFlow"),
  });
});
