import type { Shape } from "../base/index.ts";
import type { Tensor } from "../onnx/index.ts";

/** A tensor that lives where a backend computes: a handle. */
export interface DeviceTensor extends Disposable {
  readonly type: Tensor["type"];
  readonly shape: Shape;
  /** The entries from `start` on as a tensor of another shape, in the same memory. Disposing of a view does nothing. */
  view(start: number, shape: Shape): DeviceTensor;
  /** The tensor in JavaScript. It may share memory with the device: do not write to it. */
  read(): Promise<Tensor>;
  /** Frees the memory. A second time does nothing. */
  dispose(): void;
}
