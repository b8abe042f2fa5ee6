import { messageOf, PushforwardError } from "../../base/index.ts";
import { FilesStore, type ReadFile } from "./files-store.ts";
import { nameOf, readSource, type Source } from "./read-source.ts";

const [END, CENTRAL, LOCAL, END64, LOCATOR64] = [0x06054b50, 0x02014b50, 0x04034b50, 0x06064b50, 0x07064b50];
const [END_SIZE, CENTRAL_SIZE, LOCAL_SIZE, LOCATOR64_SIZE] = [22, 46, 30, 20];
const MOST_COMMENT = 0xffff;
const [STORED, DEFLATED] = [0, 8];
/** In place of a number that is in the field of 64 bits. */
const LARGE = 0xffffffff;

interface Entry {
  readonly path: string;
  readonly method: number;
  readonly isEncrypted: boolean;
  readonly checksum: number;
  readonly packed: number;
  readonly size: number;
  /** Where its local header begins. */
  readonly at: number;
}

/**
 * A ZIP archive as a store. Files are unpacked when they are read.
 *
 * @throws PushforwardError `file-unreadable` if it is no whole ZIP archive, or has files that are encrypted or packed in unusual ways
 * @see APPNOTE.TXT 6.3.10
 */
export async function openZip(source: Source): Promise<FilesStore> {
  const name = nameOf(source, "archive.zip");
  const bytes = await readSource(source);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const refuse = (what: string, fix: string, cause?: unknown): never => {
    throw new PushforwardError("file-unreadable", { what, where: { file: name }, fix, cause });
  };
  let entries: Entry[] = [];
  try {
    entries = entriesOf(view, bytes);
  } catch (cause) {
    refuse("This is not a ZIP archive, or it is cut short.", "Fetch it again, or pack the folder again.", cause);
  }
  const odd = entries.find(({ method, isEncrypted }) => isEncrypted || (method !== STORED && method !== DEFLATED));
  if (odd !== undefined) {
    const how = odd.isEncrypted ? "encrypted" : `packed by the method ${odd.method}`;
    refuse(
      `"${odd.path}" in this archive is ${how}, which is not read.`,
      "Pack the folder again, as a plain ZIP archive.",
    );
  }
  const reader =
    (entry: Entry): ReadFile =>
    async () => {
      try {
        return await unpacked(view, bytes, entry);
      } catch (cause) {
        return refuse(
          `"${entry.path}" in this archive is damaged (${messageOf(cause)}).`,
          "Fetch the archive again.",
          cause,
        );
      }
    };
  return new FilesStore(
    name,
    entries.map((entry) => [entry.path, reader(entry)]),
  );
}

/** The files of the archive, without folders. */
function entriesOf(view: DataView, bytes: Uint8Array): Entry[] {
  const { count, from } = directoryOf(view);
  const entries: Entry[] = [];
  let at = from;
  for (let i = 0; i < count; i++) {
    if (view.getUint32(at, true) !== CENTRAL) throw new Error("the directory is damaged");
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) => view.getUint16(at + field, true));
    const path = new TextDecoder().decode(bytes.subarray(at + CENTRAL_SIZE, at + CENTRAL_SIZE + nameLength!));
    const extra = at + CENTRAL_SIZE + nameLength!;
    const [size, packed, offset] = wideNumbers(
      view,
      [24, 20, 42].map((field) => view.getUint32(at + field, true)),
      extra,
      extra + extraLength!,
    );
    const isEncrypted = (view.getUint16(at + 8, true) & 1) === 1;
    const method = view.getUint16(at + 10, true);
    const checksum = view.getUint32(at + 16, true);
    if (!path.endsWith("/"))
      entries.push({ path, method, isEncrypted, checksum, packed: packed!, size: size!, at: offset! });
    at = extra + extraLength! + commentLength!;
  }
  return entries;
}

/** How many entries the archive has, and where they begin. */
function directoryOf(view: DataView): { count: number; from: number } {
  const last = view.byteLength - END_SIZE;
  let at = last;
  while (at >= 0 && at >= last - MOST_COMMENT && view.getUint32(at, true) !== END) at--;
  if (at < 0 || view.getUint32(at, true) !== END) throw new Error("it has no end");
  const [count, from] = [view.getUint16(at + 10, true), view.getUint32(at + 16, true)];
  const locator = at - LOCATOR64_SIZE;
  if (locator < 0 || view.getUint32(locator, true) !== LOCATOR64) return { count, from };
  const wide = Number(view.getBigUint64(locator + 8, true));
  if (view.getUint32(wide, true) !== END64) throw new Error("its end is damaged");
  return { count: Number(view.getBigUint64(wide + 32, true)), from: Number(view.getBigUint64(wide + 48, true)) };
}

/** Numbers of 32 bits, in place of which the extra fields between two offsets may have some of 64. */
function wideNumbers(view: DataView, numbers: readonly number[], from: number, to: number): number[] {
  if (!numbers.includes(LARGE)) return [...numbers];
  let at = from;
  while (at + 4 <= to && view.getUint16(at, true) !== 1) at += 4 + view.getUint16(at + 2, true);
  let next = at + 4;
  return numbers.map((number) => {
    if (number !== LARGE) return number;
    next += 8;
    return Number(view.getBigUint64(next - 8, true));
  });
}

async function unpacked(view: DataView, bytes: Uint8Array, entry: Entry): Promise<Uint8Array> {
  const { at, method, packed, size, checksum } = entry;
  if (view.getUint32(at, true) !== LOCAL) throw new Error("it does not begin where the archive says");
  const from = at + LOCAL_SIZE + view.getUint16(at + 26, true) + view.getUint16(at + 28, true);
  const data = bytes.slice(from, from + packed);
  const whole = method === STORED ? data : await inflated(data);
  if (whole.length !== size) throw new Error(`it has ${whole.length} bytes in place of ${size}`);
  if (crc32(whole) !== checksum) throw new Error("its bytes are not those that were packed");
  return whole;
}

const remainders = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = remainder & 1 ? (remainder >>> 1) ^ 0xedb88320 : remainder >>> 1;
  return remainder;
});

/** The checksum of ZIP archives. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = (crc >>> 8) ^ remainders[(crc ^ bytes[i]!) & 0xff]!;
  return (crc ^ 0xffffffff) >>> 0;
}

async function inflated(data: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const stream = new Blob([data]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
