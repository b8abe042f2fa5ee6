import { basename } from "node:path";
import type { ModelIdentity, Network } from "../../jacobian/index.ts";
import { IN_MEMORY, multipliesIntegers, readModel, splitWeights, type ValueInfo } from "../../onnx/index.ts";
import { runFile } from "../../platform/node/backend.ts";
import { type DeviceOptions, openDevice } from "../../platform/node/devices.ts";
import { unreadable } from "../../platform/node/file-errors.ts";
import { readShared, readWhole } from "../../platform/node/read-part.ts";
import { rememberMoves } from "../../platform/node/weight-origins.ts";
import { type OpenOptions, openNetwork, type ReadFile } from "../library/open-network.ts";
import { externalReader, locate } from "./external-data.ts";
import { identifyingReader } from "./model-identity.ts";

export interface OpenModelOptions extends DeviceOptions, OpenOptions {}

/**
 * Opens an ONNX file: reads, checks and normalizes it, and compares the result with the file at one random input, the first
 * time that the process meets this content.
 *
 * @throws PushforwardError `file-unreadable`, `model-invalid`, `external-data`, `not-finite`, `op-unsupported`, `usage` for a weight that is none, or
 * `shape-mismatch` where the file leaves the input's extents open and none are given
 */
export async function openModel(file: string, options: OpenModelOptions = {}): Promise<Network> {
  const { onnx, bytes, split, external } = await read(file);
  const run: ReadFile["run"] = (feeds, fetches, optimized) =>
    runFile({ file, light: split?.inFile }, feeds, fetches, {
      ...options,
      optimized,
      multipliesIntegers: multipliesIntegers(onnx.graph),
    });
  const identify = () => external.identity(split?.pieces ?? [bytes]);
  return openNetwork({ file, onnx, identify, run }, () => openDevice(options), options);
}

/** A file as it was read, with what else is needed of it. */
async function read(file: string) {
  const bytes = await orUnreadable(file, readShared(file));
  const split = splitWeights(bytes, basename(file));
  if (split !== undefined) rememberMoves(bytes.buffer, split.moved);
  const external = identifyingReader(externalReader(file));
  const locations = new Set<string>();
  const onnx = await readModel(split?.light ?? bytes, {
    file,
    external: async (location, offset, length) => {
      if (location === IN_MEMORY) return bytes.subarray(offset, offset + length!);
      locations.add(location);
      return external.read(location, offset, length);
    },
  });
  return { onnx, bytes, split, external, locations: [...locations] };
}

/**
 * The inputs that a file declares, with their open extents.
 *
 * @throws PushforwardError `file-unreadable`, `model-invalid`
 */
export async function declaredInputs(file: string): Promise<readonly ValueInfo[]> {
  const { graph } = (await read(file)).onnx;
  return graph.inputs;
}

/**
 * The files of a model: its own, and then those of the external data that it reads, each with its path from the folder of the model.
 *
 * @throws PushforwardError `file-unreadable`, `model-invalid`, `external-data`
 */
export async function modelFiles(file: string): Promise<readonly { readonly name: string; readonly path: string }[]> {
  const { locations } = await read(file);
  const beside = await Promise.all(locations.map(async (name) => ({ name, path: await locate(file, name) })));
  return [{ name: basename(file), path: file }, ...beside];
}

/**
 * The content of a file and of all external data that is read, and the inputs that it declares, without opening it.
 *
 * @throws PushforwardError `file-unreadable`, `model-invalid`, `external-data`
 */
export async function identifyModel(
  file: string,
): Promise<{ readonly identity: ModelIdentity; readonly inputs: readonly ValueInfo[] }> {
  const { onnx, bytes, split, external } = await read(file);
  return { identity: await external.identity(split?.pieces ?? [bytes]), inputs: onnx.graph.inputs };
}

/** @throws PushforwardError `file-unreadable` */
export async function readBytes(file: string): Promise<Buffer> {
  return orUnreadable(file, readWhole(file));
}

/** @throws PushforwardError `file-unreadable` */
const orUnreadable = (file: string, reading: Promise<Buffer>): Promise<Buffer> =>
  reading.catch((cause: unknown) => {
    throw unreadable(file, cause);
  });
