import { type Shape, sizeOf } from "../../base/index.ts";
import type { Tensor } from "../../onnx/index.ts";
import { type DeviceTensor, HostTensor } from "../../runtime/index.ts";

/** Frees memory at once, where the browser can: its garbage collector would leave hundreds of megabytes of results of a solve. */
function free({ data }: Tensor): void {
  if (!ArrayBuffer.isView(data)) return;
  const buffer = data.buffer as ArrayBuffer & { transfer?(length: number): ArrayBuffer };
  if (buffer.byteLength > 0) buffer.transfer?.(0); // What was freed before has no bytes.
}

/** A tensor whose memory nothing else has, until it is read. Then it is left to the garbage collector. */
export class OwnTensor extends HostTensor {
  #isRead = false;

  override view(start: number, shape: Shape): HostTensor {
    return new View(super.view(start, shape), () => this.read());
  }

  override async read(): Promise<Tensor> {
    this.#isRead = true;
    return this;
  }

  override dispose(): void {
    if (!this.#isRead) free(this);
  }
}

/** A part of an `OwnTensor`. When it is read, so is the whole. */
class View extends HostTensor {
  readonly #readWhole: () => Promise<Tensor>;

  constructor(part: Tensor, readWhole: () => Promise<Tensor>) {
    super(part);
    this.#readWhole = readWhole;
  }

  override view(start: number, shape: Shape): HostTensor {
    return new View(super.view(start, shape), this.#readWhole);
  }

  override async read(): Promise<Tensor> {
    await this.#readWhole();
    return this;
  }
}

/** A tensor in the memory of JavaScript, where graphs of a browser read and write on the CPU. */
export function hostTensorOf(tensor: Tensor | DeviceTensor): HostTensor {
  if (tensor instanceof HostTensor) return tensor;
  if ("data" in tensor) return new HostTensor(tensor);
  throw new TypeError("A tensor of another device was given to the CPU.");
}

export const allocate = (shape: Shape): HostTensor =>
  new OwnTensor({ type: "float32", shape, data: new Float32Array(sizeOf(shape)) });

/** Moves a result to the memory that was given for it: ONNX Runtime in a browser does not write there itself, and does not say so. */
export function moveInto(into: DeviceTensor, result: Tensor): void {
  (hostTensorOf(into).data as Float32Array).set(result.data as Float32Array);
  free(result);
}
