import type { Shape } from "../base/index.ts";
import type { DeviceTensor } from "./device-tensor.ts";

/** K vectors of one length on a device, row-major: row i is vector i. A handle. */
export class Block implements Disposable {
  readonly rows: number;
  readonly length: number;
  readonly #tensor: DeviceTensor;

  /** @param tensor [rows, length], float32 */
  constructor(tensor: DeviceTensor) {
    [this.rows, this.length] = tensor.shape as [number, number];
    this.#tensor = tensor;
  }

  /** Rows `from` to `to` (exclusive), in the same memory. Disposing of them does nothing. */
  range(from: number, to: number = this.rows): Block {
    return new Block(this.#tensor.view(from * this.length, [to - from, this.length]));
  }

  /** The block as a tensor, [rows, length] or of another shape with as many entries, in the same memory. */
  tensor(shape?: Shape): DeviceTensor {
    return shape === undefined ? this.#tensor : this.#tensor.view(0, shape);
  }

  /** The entries, [rows · length]. They may be the memory of the block itself: do not write to them. */
  async read(): Promise<Float32Array> {
    return (await this.#tensor.read()).data as Float32Array;
  }

  dispose(): void {
    this.#tensor.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
