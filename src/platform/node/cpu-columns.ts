import type { Backend, DeviceTensor } from "../../runtime/index.ts";
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

async function moved(
  what: "select" | "scatter",
  x: DeviceTensor,
  positions: Uint32Array,
  into: DeviceTensor,
): Promise<void> {
  const { data, move } = sendable(positions);
  const [from, to] = [CpuTensor.of(x).range, CpuTensor.of(into).range];
  cpuThread().tell({ do: what, x: from, into: to, rows: x.shape[0]!, positions: data }, move);
}
