import { type Shape, sizeOf } from "../base/index.ts";
import type { Tensor, TensorData } from "../onnx/index.ts";
import type { DeviceTensor } from "./device-tensor.ts";

/** A tensor in the memory of JavaScript, for a backend that computes there. */
export class HostTensor implements DeviceTensor, Tensor {
  readonly type: Tensor["type"];
  readonly shape: Shape;
  readonly data: TensorData;

  constructor({ type, shape, data }: Tensor) {
    this.type = type;
    this.shape = shape;
    this.data = data;
  }

  view(start: number, shape: Shape): HostTensor {
    const { type, data } = this;
    if (!ArrayBuffer.isView(data)) throw new TypeError("A tensor of strings has no views.");
    return new HostTensor({ type, shape, data: data.subarray(start, start + sizeOf(shape)) });
  }

  async read(): Promise<Tensor> {
    return this;
  }

  dispose(): void {
    // The garbage collector frees it.
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
