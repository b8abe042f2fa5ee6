import { crc32, deflateRawSync } from "node:zlib";

const LOCAL = 0x04034b50;

/** The files of a ZIP archive whose files are stored without compression and without descriptors, as numpy.savez writes them. */
export function storedEntries(archive: Uint8Array): Map<string, Uint8Array> {
  const view = new DataView(archive.buffer, archive.byteOffset, archive.byteLength);
  const files = new Map<string, Uint8Array>();
  for (let at = 0; view.getUint32(at, true) === LOCAL; ) {
    const [nameLength, extraLength] = [view.getUint16(at + 26, true), view.getUint16(at + 28, true)];
    const from = at + 30 + nameLength + extraLength;
    const name = new TextDecoder().decode(archive.subarray(at + 30, at + 30 + nameLength));
    // NumPy writes the size as 64 bits, behind the four bytes that begin the extra field.
    const short = view.getUint32(at + 18, true);
    const size = short === 0xffffffff ? Number(view.getBigUint64(at + 30 + nameLength + 4, true)) : short;
    files.set(name, archive.subarray(from, from + size));
    at = from + size;
  }
  return files;
}

const CENTRAL = 0x02014b50;
const END = 0x06054b50;

/** A ZIP archive of files, packed where that makes them smaller. */
export function zipOf(files: readonly (readonly [path: string, bytes: Uint8Array])[]): Uint8Array {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [path, bytes] of files) {
    const deflated = deflateRawSync(bytes);
    const [method, data] = deflated.length < bytes.length ? [8, deflated] : [0, bytes];
    const name = Buffer.from(path);
    // Version, flags (names are UTF-8), method, time, date, checksum, sizes, lengths of name and extra field.
    const common = Buffer.alloc(26);
    for (const [i, value] of [20, 0x800, method].entries()) common.writeUInt16LE(value, 2 * i);
    common.writeUInt32LE(crc32(bytes), 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(bytes.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([word(LOCAL), common, name, data]);
    // Attributes and the place of the local header follow.
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    directory.push(word(CENTRAL), Buffer.from([20, 0]), common, tail, name);
    parts.push(local);
    offset += local.length;
  }
  const listed = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(files.length, 4);
  end.writeUInt16LE(files.length, 6);
  end.writeUInt32LE(listed.length, 8);
  end.writeUInt32LE(offset, 12);
  return new Uint8Array(Buffer.concat([...parts, listed, word(END), end]));
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
