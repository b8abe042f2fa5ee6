import type { Backend } from "../../runtime/index.ts";
import { CpuTensor } from "./cpu-tensor.ts";
import { cpuThread, sendable } from "./cpu-thread.ts";

/**
 * Loops over the positions. ONNX Runtime gathers and scatters number by number as well, on one thread, and takes several times as
 * long.
 */
export const cpuColumns: NonNullable<Backend["columns"]> = {
  select: (x, positions, into) => moved("select", x, positions, into),
  scatter: (x, positions, into) => moved("scatter", x, positions, into),
};

async function moved(what: "select" | "scatter", x: unknown, positions: Uint32Array, into: unknown): Promise<void> {
  if (!(x instanceof CpuTensor && into instanceof CpuTensor)) {
    throw new TypeError("A tensor of another device was given to the CPU.");
  }
  const { data, move } = sendable(positions);
  cpuThread().tell({ do: what, x: x.range, into: into.range, rows: x.shape[0]!, positions: data }, move);
}
