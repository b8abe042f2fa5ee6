import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NumericData, OutsidePlace, Tensor } from "../../onnx/index.ts";

/** Weights of at least so many bytes are written to files. */
const LEAST = 2 ** 20;

/**
 * Large weights as temporary files, which ONNX Runtime maps into memory. So all graphs of a network share one copy, which the system may
 * drop and read again, and a graph may have more than the 2 GiB that fit into one file of the format. A file is deleted when nothing
 * refers to the weights any more, and all are when the process ends. Where files cannot be written, weights stay in the graphs.
 */
class WeightFiles {
  #folder: string | undefined;
  #count = 0;
  #isFull = false;
  readonly #names = new WeakMap<NumericData, string>();
  readonly #unused = new FinalizationRegistry<string>((path) => {
    rmSync(path, { force: true });
  });

  /** The folder of the files; `undefined` as long as there are none. */
  get folder(): string | undefined {
    return this.#folder;
  }

  /** Where the entries of a tensor lie, which must not be written to afterwards. */
  readonly place = ({ data }: Tensor): OutsidePlace | undefined => {
    if (!ArrayBuffer.isView(data) || data.byteLength < LEAST) return undefined;
    const numbers = data as NumericData;
    const location = this.#names.get(numbers) ?? this.#write(numbers);
    return location === undefined ? undefined : { location, offset: 0, length: numbers.byteLength };
  };

  #write(data: NumericData): string | undefined {
    if (this.#isFull) return undefined;
    const name = `${this.#count++}.bin`;
    let path: string | undefined;
    try {
      this.#folder ??= this.#create();
      path = join(this.#folder, name);
      writeFileSync(path, new Uint8Array(data.buffer, data.byteOffset, data.byteLength), { flag: "wx", mode: 0o600 });
    } catch {
      this.#isFull = true;
      if (path !== undefined) rmSync(path, { force: true });
      return undefined;
    }
    this.#names.set(data, name);
    this.#unused.register(data, path);
    return name;
  }

  #create(): string {
    const folder = mkdtempSync(join(tmpdir(), "pushforward-weights-"));
    process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
    return folder;
  }
}

/** The files of this process. */
export const weightFiles = new WeightFiles();
