import type { Shape } from "../../base/index.ts";
import { inputsOf, type ModelIdentity, Network } from "../../jacobian/index.ts";
import {
  checkModel,
  checkSameFunction,
  type InputValue,
  normalize,
  type OnnxModel,
  type Quantized,
  type Tensor,
  weightsOf,
} from "../../onnx/index.ts";
import { type Backend, evaluateWith } from "../../runtime/index.ts";
import { givenInputs } from "./given-inputs.ts";

export interface OpenOptions {
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

/** The file of a model, as a host has read it. */
export interface ReadFile {
  /** Named in errors. */
  readonly file: string;
  readonly onnx: OnnxModel;
  /** The hashes of all that was read. */
  readonly identify: () => Promise<ModelIdentity>;
  /** Runs the file itself, without the optimizations of the runtime or with them. Rejects if the runtime does not run it. */
  readonly run: (
    feeds: ReadonlyMap<string, Tensor>,
    fetches: readonly string[],
    optimized: boolean,
  ) => Promise<ReadonlyMap<string, Tensor>>;
}

/**
 * Checks and normalizes what was read of a file, and compares the result with the file at one random input, the first time that the
 * program meets this content.
 *
 * @throws PushforwardError `model-invalid`, `not-finite`, `op-unsupported`, `usage` for a weight that is none, or `shape-mismatch` where the
 * file leaves the input's extents open and none are given
 */
export async function openNetwork(
  { file, onnx, identify, run }: ReadFile,
  openBackend: () => Promise<Backend>,
  options: OpenOptions,
): Promise<Network> {
  checkModel(onnx, file);
  const backend = await openBackend();
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
    identify(),
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
      runFile: (feeds, fetches, optimized = false) => run(feeds, fetches, optimized),
      evaluate: evaluateWith(backend),
    });
    compared.add(content);
  }
  return new Network(model, backend, { file, identity });
}

/** Contents, with the shapes and given values of the inputs, that this program has compared with their normalized graphs. */
const compared = new Set<string>();
