import { basename } from "node:path";
import type { Shape } from "../../base/index.ts";
import { inputsOf, Network } from "../../jacobian/index.ts";
import {
  checkModel,
  checkSameFunction,
  IN_MEMORY,
  type InputValue,
  multipliesIntegers,
  normalize,
  type Quantized,
  readModel,
  splitWeights,
  type ValueInfo,
  weightsOf,
} from "../../onnx/index.ts";
import { runFile } from "../../platform/node/backend.ts";
import { type DeviceOptions, openDevice } from "../../platform/node/devices.ts";
import { unreadable } from "../../platform/node/file-errors.ts";
import { readShared, readWhole } from "../../platform/node/read-part.ts";
import { rememberMoves } from "../../platform/node/weight-origins.ts";
import { evaluateWith } from "../../runtime/index.ts";
import { externalReader } from "./external-data.ts";
import { givenInputs } from "./given-inputs.ts";
import { IdentifyingReader } from "./model-identity.ts";

export interface OpenModelOptions extends DeviceOptions {
  /** Shape of the network's input, with or without its batch axis; needed where the file leaves extents open. */
  readonly inputShape?: Shape;
  /** Shapes of other inputs, by name. */
  readonly inputShapes?: Readonly<Record<string, Shape>>;
  /**
   * Values of other inputs by name, which are held fixed: a number for every entry, or an array. The network is opened with them:
   * those that are not floats are constants of it.
   */
  readonly inputs?: Readonly<Record<string, InputValue>>;
  /**
   * Names of weights (initializers of the file) that become inputs: taps from which derivatives are taken, and inputs that a point may
   * give other values. Their values are those of the file where a point gives none. A function chooses them from the names of all.
   */
  readonly weights?: readonly string[] | ((names: readonly string[]) => readonly string[]);
  /**
   * What tangents do where the network rounds numbers to quantized ones: `straight-through`, they pass as if nothing were rounded; `refuse`
   * (unless stated), nothing can be differentiated there. Weights that are dequantized need no choice.
   */
  readonly quantized?: Quantized;
}

/**
 * Opens an ONNX file: reads, checks and normalizes it, and compares the result with the file at one random input, the first
 * time that the process meets this content.
 *
 * @throws PushforwardError `file-unreadable`, `model-invalid`, `external-data`, `not-finite`, `op-unsupported`, `usage` for a weight that is none, or
 * `shape-mismatch` where the file leaves the input's extents open and none are given
 */
export async function openModel(file: string, options: OpenModelOptions = {}): Promise<Network> {
  const { onnx, bytes, split, external } = await read(file);
  checkModel(onnx, file);
  const backend = await openDevice(options);
  const weights =
    typeof options.weights === "function" ? options.weights([...weightsOf(onnx.graph).keys()]) : options.weights;
  const [model, identity] = await Promise.all([
    normalize(onnx, {
      file,
      evaluate: evaluateWith(backend),
      ...(options.inputShape === undefined ? {} : { inputShape: options.inputShape }),
      ...(options.inputShapes === undefined ? {} : { inputShapes: new Map(Object.entries(options.inputShapes)) }),
      ...(weights === undefined ? {} : { weights }),
      ...(options.quantized === undefined ? {} : { quantized: options.quantized }),
      ...(options.inputs === undefined ? {} : { given: new Map(Object.entries(options.inputs)) }),
    }),
    external.identity(split?.pieces ?? [bytes]),
  ]);
  const content = JSON.stringify([
    identity,
    inputsOf(model).map(({ name, shape }) => [name, shape]),
    givenInputs(model),
  ]);
  if (!compared.has(content)) {
    await checkSameFunction({
      file,
      original: onnx,
      model,
      runFile: (feeds, fetches, optimized = false) =>
        runFile({ file, light: split?.inFile }, feeds, fetches, {
          ...options,
          optimized,
          multipliesIntegers: multipliesIntegers(onnx.graph),
        }),
      evaluate: evaluateWith(backend),
    });
    compared.add(content);
  }
  return new Network(model, backend, { file, identity });
}

/** A file as it was read, with what else is needed of it. */
async function read(file: string) {
  const bytes = await orUnreadable(file, readShared(file));
  const split = splitWeights(bytes, basename(file));
  if (split !== undefined) rememberMoves(bytes.buffer, split.moved);
  const external = new IdentifyingReader(externalReader(file));
  const onnx = await readModel(split?.light ?? bytes, {
    file,
    external: async (location, offset, length) =>
      location === IN_MEMORY ? bytes.subarray(offset, offset + length!) : external.read(location, offset, length),
  });
  return { onnx, bytes, split, external };
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

/** Contents, with the shapes and given values of the inputs, that this process has compared with their normalized graphs. */
const compared = new Set<string>();

/** @throws PushforwardError `file-unreadable` */
export async function readBytes(file: string): Promise<Buffer> {
  return orUnreadable(file, readWhole(file));
}

/** @throws PushforwardError `file-unreadable` */
const orUnreadable = (file: string, reading: Promise<Buffer>): Promise<Buffer> =>
  reading.catch((cause: unknown) => {
    throw unreadable(file, cause);
  });
