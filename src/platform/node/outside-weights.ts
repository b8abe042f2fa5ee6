import { parse, relative } from "node:path";
import type { NumericData, OutsidePlace, Tensor } from "../../onnx/index.ts";
import { placeInFile } from "./weight-origins.ts";

/** Weights of at least so many bytes are not written into a graph. */
const LEAST = 2 ** 16;

/** Weights that were not in shared memory, there. */
const copies = new WeakMap<NumericData, Uint8Array>();

/**
 * Where the large weights of a graph lie: in the file that they were read from, or in memory that all threads share. ONNX Runtime maps the
 * file, and the system reads of it what is needed; what is in memory, it copies. A graph may thus have more weights than the 2 GiB that
 * fit into one file of the format.
 */
export class OutsideWeights {
  /** The weights in memory, as files that the graph refers to and that are not on a disk. */
  readonly inMemory: { readonly path: string; readonly data: Uint8Array }[] = [];
  readonly #paths = new Map<ArrayBufferLike, string>();
  readonly #inFiles: Uint8Array[] = [];
  readonly #hasFile: boolean;
  #root: string | undefined;

  /** ONNX Runtime takes weights from files or from memory, not from both: beside files, what is in memory belongs into the graph. */
  constructor(tensors: Iterable<Tensor>) {
    this.#hasFile = [...tensors].some(({ data }) => isOutside(data) && placeInFile(bytesOf(data)) !== undefined);
  }

  /** The folder to which the places in files are relative; `undefined` if there are none. */
  get folder(): string | undefined {
    return this.#root;
  }

  /** Whether the files are still those that were read. */
  isCurrent(): boolean {
    return this.#inFiles.every((bytes) => placeInFile(bytes) !== undefined);
  }

  /** Where the entries of a tensor lie; `undefined` for one that belongs into the graph. They must not be written to afterwards. */
  readonly place = ({ data }: Tensor): OutsidePlace | undefined => {
    if (!isOutside(data)) return undefined;
    return this.#hasFile ? this.#inFile(bytesOf(data)) : this.#inMemory(shared(data));
  };

  #inFile(bytes: Uint8Array): OutsidePlace | undefined {
    const found = placeInFile(bytes);
    if (found === undefined) return undefined;
    const { root } = parse(found.path);
    this.#root ??= root;
    if (root !== this.#root) return undefined;
    if (!this.#inFiles.some(({ buffer }) => buffer === bytes.buffer)) this.#inFiles.push(bytes);
    return { location: relative(root, found.path), offset: found.offset, length: bytes.length };
  }

  #inMemory({ buffer, byteOffset, byteLength }: Uint8Array): OutsidePlace {
    const location = this.#paths.get(buffer) ?? `:memory ${this.inMemory.length}:`;
    if (!this.#paths.has(buffer)) {
      this.#paths.set(buffer, location);
      this.inMemory.push({ path: location, data: new Uint8Array(buffer) });
    }
    return { location, offset: byteOffset, length: byteLength };
  }
}

const isOutside = (data: Tensor["data"]): data is NumericData => ArrayBuffer.isView(data) && data.byteLength >= LEAST;

const bytesOf = (data: NumericData): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

function shared(data: NumericData): Uint8Array {
  const bytes = bytesOf(data);
  if (data.buffer instanceof SharedArrayBuffer) return bytes;
  const known = copies.get(data);
  if (known !== undefined) return known;
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
  copy.set(bytes);
  copies.set(data, copy);
  return copy;
}
