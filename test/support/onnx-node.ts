import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { readTensor, type Tensor } from "../../src/onnx/index.ts";
import { sharedPath } from "./shared.ts";

/** One case of the format's own test data: a model, inputs in the order of its inputs, and the outputs to expect. */
export interface NodeTest {
  readonly name: string;
  readonly model: Uint8Array;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
}

const BLOCK = 512;

/** The files of a POSIX ustar archive, by path. */
function* tarEntries(archive: Uint8Array): Generator<[path: string, data: Uint8Array]> {
  const textAt = (from: number, length: number) =>
    new TextDecoder().decode(archive.subarray(from, from + length)).replace(/\0.*$/s, "");
  for (let at = 0; at < archive.length && archive[at] !== 0; ) {
    const prefix = textAt(at + 345, 155);
    const size = Number.parseInt(textAt(at + 124, 12), 8);
    const path = (prefix === "" ? "" : `${prefix}/`) + textAt(at, 100);
    if (textAt(at + 156, 1) === "0") yield [path, archive.subarray(at + BLOCK, at + BLOCK + size)];
    at += BLOCK * (1 + Math.ceil(size / BLOCK));
  }
}

/**
 * The cases of an archive in the shared folder's `onnx-node`, in its order. Cases with an input or output that is no tensor
 * of an element type that is read (sequences, optionals, float8, ...) are left out.
 */
export function* nodeTests(archive = "node-tests.tar.gz"): Generator<NodeTest> {
  const cases = new Map<string, Map<string, Uint8Array>>();
  for (const [path, data] of tarEntries(gunzipSync(readFileSync(sharedPath("onnx-node", archive))))) {
    const [name = "", ...rest] = path.split("/");
    cases.set(name, (cases.get(name) ?? new Map()).set(rest.join("/"), data));
  }
  for (const [name, files] of cases) {
    const model = files.get("model.onnx");
    if (model === undefined) continue;
    try {
      yield { name, model, inputs: tensors(files, "input"), outputs: tensors(files, "output") };
    } catch {
      // Not made of tensors that are read.
    }
  }
}

function tensors(files: ReadonlyMap<string, Uint8Array>, kind: "input" | "output"): Tensor[] {
  const found: Tensor[] = [];
  for (let i = 0; ; i++) {
    const bytes = files.get(`test_data_set_0/${kind}_${i}.pb`);
    if (bytes === undefined) return found;
    found.push(readTensor(bytes));
  }
}
