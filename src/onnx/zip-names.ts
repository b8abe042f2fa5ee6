const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const END_BYTES = 22;
const LONGEST_COMMENT = 65_535;

/** The names of the files in a ZIP archive. If it is damaged, the names that can be read. */
export function zipNames(bytes: Uint8Array): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const names: string[] = [];
  let end = bytes.length - END_BYTES;
  const earliest = Math.max(end - LONGEST_COMMENT, 0);
  while (end >= earliest && view.getUint32(end, true) !== END) end--;
  if (end < earliest) return names;
  let at = view.getUint32(end + 16, true);
  while (at + 46 <= end && view.getUint32(at, true) === CENTRAL) {
    const lengths = [28, 30, 32].map((offset) => view.getUint16(at + offset, true)) as [number, number, number];
    names.push(new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + lengths[0])));
    at += 46 + lengths[0] + lengths[1] + lengths[2];
  }
  return names;
}
