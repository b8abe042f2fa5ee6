import { type Shape, sizeOf } from "../../base/index.ts";
import type { Tensor } from "../../onnx/index.ts";
import { type DeviceTensor, HostTensor } from "../../runtime/index.ts";

/** A tensor in the memory of JavaScript, where graphs of a browser read and write on the CPU. */
export function hostTensorOf(tensor: Tensor | DeviceTensor): HostTensor {
  if (tensor instanceof HostTensor) return tensor;
  if ("data" in tensor) return new HostTensor(tensor);
  throw new TypeError("A tensor of another device was given to the CPU.");
}

export const allocate = (shape: Shape): HostTensor =>
  new HostTensor({ type: "float32", shape, data: new Float32Array(sizeOf(shape)) });

/** Copies a result to the memory that was given for it: ONNX Runtime in a browser does not write there itself, and does not say so. */
export function copyInto(into: DeviceTensor, { data }: Tensor): void {
  (hostTensorOf(into).data as Float32Array).set(data as Float32Array);
}
