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
