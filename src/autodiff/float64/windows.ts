import type { Shape } from "../../base/index.ts";
import { kernelOffsets } from "../geometry.ts";
import type { Window } from "../program.ts";
import type { Float64Nodes } from "./form.ts";

/** The sum of the entries in each window. */
export function windowSum(write: Float64Nodes, x: string, kernel: Shape, size: Shape, window: Window): string {
  return [...windowPlaces(write, x, kernel, size, window)].reduce((a, b) => write.node("Add", [a, b]));
}

/**
 * The entries that the windows contain at each place of the kernel, in row-major order of places. `x` is already
 * padded.
 */
export function* windowPlaces(
  write: Float64Nodes,
  x: string,
  kernel: Shape,
  size: Shape,
  { strides, dilations }: Window,
) {
  const axes = write.ints(kernel.map((_, d) => d + 2));
  const steps = write.ints(strides);
  for (const offset of kernelOffsets(kernel)) {
    const start = offset.map((at, d) => at * dilations[d]!);
    const end = start.map((at, d) => at + (size[d]! - 1) * strides[d]! + 1);
    yield write.node("Slice", [x, write.ints(start), write.ints(end), axes, steps]);
  }
}

/** Pads the spatial axes; negative numbers crop them. */
export function padded(write: Float64Nodes, x: string, pads: readonly number[], fill = 0): string {
  if (pads.every((pad) => pad === 0)) return x;
  const rank = pads.length / 2;
  const ends = [0, 0, ...pads.slice(0, rank), 0, 0, ...pads.slice(rank)];
  return write.node("Pad", [x, write.ints(ends), write.number(fill)]);
}
