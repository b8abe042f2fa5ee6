import type { Backend, DeviceTensor } from "../../runtime/index.ts";
import { hostTensorOf } from "./host-memory.ts";

/** The long rows and the short ones that `positions` select of them. */
async function rowsOf(long: DeviceTensor, short: DeviceTensor) {
  const [whole, some] = [hostTensorOf(long), hostTensorOf(short)].map(({ data }) => data as Float32Array);
  return { whole: whole!, some: some!, length: long.shape[1]!, count: short.shape[1]!, rows: long.shape[0]! };
}

/** Loops over the positions, because ONNX Runtime gathers and scatters number by number as well, and copies the whole block for it. */
export const hostColumns: NonNullable<Backend["columns"]> = {
  async select(x, positions, into) {
    const { whole, some, length, count, rows } = await rowsOf(x, into);
    for (let row = 0; row < rows; row++)
      for (let j = 0; j < count; j++) some[row * count + j] = whole[row * length + positions[j]!]!;
  },
  async scatter(x, positions, into) {
    const { whole, some, length, count, rows } = await rowsOf(into, x);
    whole.fill(0);
    for (let row = 0; row < rows; row++)
      for (let j = 0; j < count; j++) whole[row * length + positions[j]!] = some[row * count + j]!;
  },
};
