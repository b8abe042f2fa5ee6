import type { Shape } from "../base/index.ts";
import type { OnnxModel, Tensor } from "../onnx/index.ts";
import type { BlockAlgebra } from "./block-algebra.ts";
import type { DeviceTensor } from "./device-tensor.ts";

/** The inputs of a graph by name: tensors in JavaScript, or tensors that are on the device already. */
export type Feeds = Readonly<Record<string, Tensor | DeviceTensor>>;

/** A compiled graph. */
export interface Executable {
  /**
   * Runs the graph and reads its results.
   *
   * @throws PushforwardError `backend-failed` with the runtime's own message
   */
  run(feeds: Feeds, fetches: readonly string[]): Promise<Record<string, Tensor>>;
  /**
   * Runs the graph and leaves its results on the device. Those named in `into` are written there (same shape and type) and returned
   * as those; the caller disposes of the others.
   *
   * @throws PushforwardError `backend-failed` with the runtime's own message
   */
  compute(
    feeds: Feeds,
    fetches: readonly string[],
    into?: Readonly<Record<string, DeviceTensor>>,
  ): Promise<Record<string, DeviceTensor>>;
  /** Frees what was compiled. A second time does nothing. */
  release(): Promise<void>;
}

export interface CompileOptions {
  /**
   * How often it runs; `often` unless stated. If it runs `seldom`, it is worth more to need little memory for its weights than to run fast.
   * If it runs `once`, the runtime does not optimize it either: tensors inside are asked for, which its optimizations may have removed.
   */
  readonly runs?: "once" | "seldom" | "often";
}

/** What a device can compute; the rest runs on the CPU. */
interface Capabilities {
  readonly float64: boolean;
  /** Whether pools give the indices of their maxima. */
  readonly poolingIndices: boolean;
  /** The bytes of the largest tensor. */
  readonly largestTensor: number;
}

/** See `select` and `scatter` of the block algebra; x and into are matrices, float32. */
interface Columns {
  select(x: DeviceTensor, positions: Uint32Array, into: DeviceTensor): Promise<void>;
  scatter(x: DeviceTensor, positions: Uint32Array, into: DeviceTensor): Promise<void>;
}

/** A runtime for ONNX graphs on one device: ONNX Runtime, native or in the browser. */
export interface Backend {
  readonly device: "cpu" | "webgpu" | "cuda";
  /** Name and version, as written into results. */
  readonly description: string;
  readonly can: Capabilities;
  /** What the device computes wrongly or not at all, so that the CPU does it, in sentences. It grows as graphs are compared. */
  readonly exceptions?: readonly string[];
  readonly algebra: BlockAlgebra;
  /** @throws PushforwardError `backend-failed` where the runtime refuses the graph */
  compile(model: OnnxModel, options?: CompileOptions): Promise<Executable>;
  /** Puts a tensor on the device. Its array must not be written to afterwards. */
  upload(tensor: Tensor): DeviceTensor;
  /** Memory for a float32 tensor that is written later, by `into`. */
  allocate(shape: Shape): DeviceTensor;
  /** How the platform moves columns faster than a graph does, if it can. */
  readonly columns?: Columns;
  /** Releases everything that was compiled. A second time does nothing. */
  dispose(): Promise<void>;
}
