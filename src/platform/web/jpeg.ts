/** What of a JPEG file a decoder in a browser must be told, and the bytes that it may be given. */
interface Jpeg {
  readonly width: number;
  readonly height: number;
  readonly components: number;
  /** Of a sample. */
  readonly bits: number;
  /** The file without what cameras write beside the picture, such as its orientation. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

const [START, END, SCAN, APP1] = [0xd8, 0xd9, 0xda, 0xe1];

/** Start of a frame: all but tables (C4, CC) and an extension (C8). */
const isFrame = (code: number): boolean => code >= 0xc0 && code <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(code);
/** Markers without a length: restarts, start, and end. */
const isBare = (code: number): boolean => (code >= 0xd0 && code <= END) || code === 0x01;

/**
 * Goes through the segments of a JPEG file up to its end; `undefined` if it is damaged or cut short, which browsers do not say.
 *
 * @see ITU-T T.81, annex B
 */
export function readJpeg(bytes: Uint8Array): Jpeg | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const kept: Uint8Array[] = [];
  let frame: Omit<Jpeg, "bytes"> | undefined;
  let at = 0;
  while (at + 1 < bytes.length) {
    const start = at;
    if (bytes[at] !== 0xff) return undefined;
    while (bytes[at] === 0xff) at++; // A marker may be preceded by any number of these.
    const code = bytes[at++] ?? 0;
    if (!isBare(code)) {
      if (at + 2 > bytes.length) return undefined;
      const end = at + view.getUint16(at);
      if (end > bytes.length) return undefined;
      if (isFrame(code) && at + 8 <= end) {
        const [bits, height, width] = [view.getUint8(at + 2), view.getUint16(at + 3), view.getUint16(at + 5)];
        frame ??= { width, height, bits, components: view.getUint8(at + 7) };
      }
      at = code === SCAN ? endOfScan(bytes, end) : end;
    }
    if (code !== APP1) kept.push(bytes.subarray(start, at));
    if (code === END) return frame && { ...frame, bytes: joined(kept) };
    if (start === 0 && code !== START) return undefined;
  }
  return undefined;
}

/** Where the entropy-coded data end: at the next marker that is not a restart. */
function endOfScan(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(0xff, from); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    const code = bytes[at + 1] ?? 0;
    if (code !== 0 && code !== 0xff && !(code >= 0xd0 && code <= 0xd7)) return at;
  }
  return bytes.length;
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
