import { PushforwardError, sha256Of } from "../../base/index.ts";
import type { Network } from "../../jacobian/index.ts";
import { type ExternalReader, readModel } from "../../onnx/index.ts";
import { createWebBackend, runModelBytes, type WebBackendOptions } from "../../platform/web/backend.ts";
import { addressOf, fetchBytes, nameOf, readSource, type Source } from "../../platform/web/read-source.ts";
import { type HashLists, IdentifyingReader } from "../library/identifying-reader.ts";
import { type OpenOptions, openNetwork } from "../library/open-network.ts";

export type { Source } from "../../platform/web/read-source.ts";

export interface OpenModelOptions extends WebBackendOptions, OpenOptions {
  /** Files with weights that lie beside the model, by the names that it refers to. Beside a model at an address, they are found there. */
  readonly beside?: Readonly<Record<string, Source>>;
}

/**
 * Opens an ONNX file in a browser: reads, checks and normalizes it, and compares the result with the file at one random input, the first
 * time that the page or worker meets this content.
 *
 * @throws PushforwardError `file-unreadable`, `model-invalid`, `external-data`, `not-finite`, `op-unsupported`, `usage` for a weight that is none,
 * `shape-mismatch` where the file leaves the input's extents open and none are given, `backend-failed` where ONNX Runtime does not start
 */
export async function openModel(source: Source, options: OpenModelOptions = {}): Promise<Network> {
  const file = nameOf(source, "model.onnx");
  const bytes = await readSource(source);
  const beside = new Map<string, Uint8Array>();
  const external = new IdentifyingReader(readerBeside(source, options.beside ?? {}, beside), hashLists);
  const onnx = await readModel(bytes, { file, external: external.read });
  return openNetwork(
    {
      file,
      onnx,
      identify: () => external.identity([bytes]),
      run: (feeds, fetches, optimized) => runModelBytes({ bytes, beside }, feeds, fetches, { ...options, optimized }),
    },
    () => createWebBackend(options),
    options,
  );
}

/** Reads parts of files beside a model. Each file is read once, as a whole, into `files`. */
function readerBeside(
  model: Source,
  given: Readonly<Record<string, Source>>,
  files: Map<string, Uint8Array>,
): ExternalReader {
  const address = addressOf(model);
  const whole = async (location: string): Promise<Uint8Array> => {
    if (Object.hasOwn(given, location)) return readSource(given[location]!);
    if (address !== undefined) return fetchBytes(new URL(location, address));
    throw new PushforwardError("external-data", { what: "It was not given with the model" });
  };
  return async (location, offset, length) => {
    const bytes = files.get(location) ?? (await whole(location));
    files.set(location, bytes);
    return bytes.subarray(offset, length === undefined ? undefined : offset + length);
  };
}

const hashLists: HashLists = (lists) =>
  Promise.all(
    lists.map(async (pieces) =>
      sha256Of(pieces.length === 1 ? pieces[0]! : await readSource(new Blob(pieces as Uint8Array<ArrayBuffer>[]))),
    ),
  );
