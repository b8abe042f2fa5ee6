import { crc32, deflateSync, inflateSync } from "node:zlib";
import { join, mutateBytes } from "./bytes.ts";
import { type Edit, integers, type Mutator, pick } from "./edits.ts";

interface Chunk {
  readonly type: string;
  readonly data: Uint8Array;
}

const SIGNATURE = 8;

function chunksOf(bytes: Uint8Array): Chunk[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: Chunk[] = [];
  for (let at = SIGNATURE; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const type = Buffer.from(bytes.subarray(at + 4, at + 8)).toString("latin1");
    chunks.push({ type, data: bytes.subarray(at + 8, at + 8 + length) });
    at += 12 + length;
  }
  return chunks;
}

function chunkBytes({ type, data }: Chunk): Uint8Array {
  const named = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(data.length, 0);
  ends.writeUInt32BE(crc32(named), 4);
  return join([ends.subarray(0, 4), named, ends.subarray(4)]);
}

/** The pixels of a PNG file before their compression, changed as bytes. */
function withPixels(data: Uint8Array, edit: Edit): Uint8Array {
  try {
    return deflateSync(mutateBytes(inflateSync(data), edit, [data]));
  } catch {
    return mutateBytes(data, edit, [data]);
  }
}

type Change = (chunk: Chunk, other: Chunk, edit: Edit) => readonly Chunk[];

const headerFields = [
  { at: 0, width: 4 },
  { at: 4, width: 4 },
  { at: 8, width: 1 },
  { at: 9, width: 1 },
  { at: 12, width: 1 },
] as const;

function withHeaderField(data: Uint8Array, { value, other }: Edit): Uint8Array {
  const copy = Buffer.from(data);
  const { at, width } = pick(headerFields, other);
  if (copy.length < 13) return copy;
  if (width === 1) copy[at] = pick([0, 1, 2, 3, 4, 6, 8, 16, 255], value);
  else copy.writeUInt32BE(Number(BigInt.asUintN(32, pick([5n, 20_000n, 40_000n, ...integers], value))), at);
  return copy;
}

const changes: readonly Change[] = [
  () => [],
  (chunk) => [chunk, chunk],
  (chunk, other) => [other, chunk],
  (chunk, _, edit) => [{ ...chunk, data: mutateBytes(chunk.data, { ...edit, how: edit.value }, [chunk.data]) }],
  (chunk, _, edit) => [{ ...chunk, data: withPixels(chunk.data, { ...edit, how: edit.value, at: edit.other }) }],
  (chunk, other) => [{ ...chunk, type: other.type }],
  (chunk, _, edit) => [{ ...chunk, type: pick(["tRNS", "PLTE", "gAMA", "iCCP", "acTL", "zTXt", "bKGD"], edit.value) }],
];

/** Changes a PNG file by its chunks, whose checksums stay right. */
export const mutatePng: Mutator = (bytes, edit, others) => {
  const chunks = chunksOf(bytes);
  if (chunks.length === 0) return mutateBytes(bytes, edit, others);
  const at = edit.how % 3 === 0 ? 0 : edit.at % chunks.length;
  const chunk = chunks[at]!;
  const changed =
    at === 0
      ? [{ ...chunk, data: withHeaderField(chunk.data, edit) }]
      : pick(changes, edit.how)(chunk, pick(chunks, edit.other), edit);
  return join([bytes.subarray(0, SIGNATURE), ...chunks.toSpliced(at, 1, ...changed).map(chunkBytes)]);
};

/** Changes an entry of the first directory of a TIFF file (little-endian). */
export const mutateTiff: Mutator = (bytes, edit, others) => {
  const copy = Buffer.from(bytes);
  const directory = copy.length >= 8 ? copy.readUInt32LE(4) : copy.length;
  if (directory + 2 > copy.length) return mutateBytes(bytes, edit, others);
  const count = copy.readUInt16LE(directory);
  const entry = directory + 2 + 12 * (edit.at % Math.max(1, count));
  if (entry + 12 > copy.length) return mutateBytes(bytes, edit, others);
  const number = pick(integers, edit.value);
  const field = edit.how % 6;
  if (field === 0) copy.writeUInt16LE(pick([256, 257, 258, 259, 262, 273, 277, 338, 339], edit.value), entry);
  else if (field === 1) copy.writeUInt16LE(edit.value % 20, entry + 2);
  else if (field === 2) copy.writeUInt32LE(Number(BigInt.asUintN(32, number)), entry + 4);
  else if (field === 5) copy.writeUInt16LE(Number(BigInt.asUintN(16, number)), directory);
  else copy.writeUInt32LE(Number(BigInt.asUintN(32, field === 3 ? number : BigInt(edit.value % 40))), entry + 8);
  return Uint8Array.from(copy);
};
