import type { Linearization } from "../autodiff/index.ts";
import { type Model, toNumbers } from "../onnx/index.ts";
import type { DeviceTensor } from "../runtime/index.ts";
import type { Tap } from "./taps.ts";

/** How much of a Jacobian at one point is a convention, by node: there the network has a kink and no derivative. */
export interface KinkCount {
  /** The tap that the node makes, by its short name; the node's own name where that is no tap. */
  readonly tap: string;
  /** The number of neurons at a kink of their elementwise function, such as ReLU neurons with the input 0. */
  readonly neurons: number;
  /** The number of windows of a pool (or sets of entries of a maximum) in which several entries are equal to the extremum. */
  readonly windows: number;
}

/** What the primal pass counted of kinks, by node; nodes without any are left out. */
export async function kinksIn(
  { onnx: { graph } }: Model,
  taps: readonly Tap[],
  { kinks }: Linearization,
  kept: Readonly<Record<string, DeviceTensor>>,
): Promise<KinkCount[]> {
  if (kinks === undefined) return [];
  const found = new Map<string, { neurons: number; windows: number }>();
  for (const [i, count] of toNumbers(await kept[kinks.counts.name]!.read()).entries()) {
    const { of, kind } = kinks.of[i]!;
    const before = found.get(of) ?? { neurons: 0, windows: 0 };
    if (count > 0) found.set(of, { ...before, [kind]: before[kind] + count });
  }
  const nameOf = (tensor: string) =>
    taps.find((tap) => tap.tensor === tensor)?.name ??
    graph.nodes.find(({ outputs }) => outputs.includes(tensor))?.name ??
    tensor;
  return [...found].map(([tensor, counts]) => ({ tap: nameOf(tensor), ...counts }));
}
