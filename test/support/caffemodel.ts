import protobuf from "protobufjs/light.js";
import type { CaffeBlob } from "../../src/caffe/blobs.ts";

/** The three forms in which Caffe has written layers, by their age. */
export type LayerForm = "newest" | "V1" | "V0";

const VARINT = 0;
const BYTES = 2;

const field = (number: number, kind: number): number => number * 8 + kind;

/** A blob with its shape, or with the four extents of older files, whose last ones count. */
export function blobBytes({ shape, data }: CaffeBlob, withExtents = false): Uint8Array {
  const writer = protobuf.Writer.create();
  if (withExtents) {
    const extents = [...new Array<number>(4 - shape.length).fill(1), ...shape];
    for (const [at, extent] of extents.entries()) writer.uint32(field(at + 1, VARINT)).uint32(extent);
  } else {
    const dims = protobuf.Writer.create();
    for (const extent of shape) dims.uint32(extent);
    const packed = dims.finish();
    const inner = protobuf.Writer.create().uint32(field(1, BYTES)).bytes(packed).finish();
    writer.uint32(field(7, BYTES)).bytes(inner);
  }
  const floats = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return writer.uint32(field(5, BYTES)).bytes(floats).finish();
}

/** The bytes of a .caffemodel with these weights, in one of the forms. */
export function caffemodel(
  layers: Readonly<Record<string, readonly CaffeBlob[]>>,
  form: LayerForm = "newest",
): Uint8Array {
  const writer = protobuf.Writer.create().uint32(field(1, BYTES)).string("net");
  for (const [name, blobs] of Object.entries(layers)) {
    const layer = protobuf.Writer.create();
    const [nameField, blobsField] = { newest: [1, 7], V1: [4, 6], V0: [1, 50] }[form] as [number, number];
    layer.uint32(field(nameField, BYTES)).string(name);
    for (const blob of blobs) layer.uint32(field(blobsField, BYTES)).bytes(blobBytes(blob, form !== "newest"));
    const bytes = layer.finish();
    const outer = form === "V0" ? protobuf.Writer.create().uint32(field(1, BYTES)).bytes(bytes).finish() : bytes;
    writer.uint32(field(form === "newest" ? 100 : 2, BYTES)).bytes(outer);
  }
  return writer.finish();
}
