import { keptFamilies, operatorOf } from "../autodiff/index.ts";
import type { Block } from "../runtime/index.ts";
import { energyOf } from "./energy.ts";
import type { Lab } from "./lab.ts";

/** The order in which factors are exchanged. */
export const ORDERS = ["from the input", "from the output"] as const;

/** A node between the input and the last tap whose derivative depends on the input. */
export interface Factor {
  /** The first output of the node. */
  readonly tensor: string;
  readonly name: string;
  /** To what its kept values belong: an index in `keptFamilies`. */
  readonly group: number;
}

/** The factors through which J(input → last tap) depends on the input, in order of depth, named by taps. */
export async function factorsOf(lab: Lab): Promise<Factor[]> {
  using J = await lab.jacobian(lab.inputs[0]!.point, lab.taps[0]!, lab.taps.at(-1)!, { apart: true });
  const { factors } = J;
  const { taps, model } = lab.network;
  const { nodes } = model.onnx.graph;
  return factors.map((tensor) => {
    const tap = taps.find((one) => one.tensor === tensor);
    const node = nodes.find(({ outputs }) => outputs.includes(tensor));
    const family = (node && operatorOf(node)?.keeps) ?? "others";
    return { tensor, name: tap?.name ?? tensor, group: keptFamilies.indexOf(family) };
  });
}

/**
 * What the exchange of each factor adds to log Σσ² at the last tap, [point, order, factor]. Starting from J of the first point, one
 * factor after the other is replaced by that of the other point, until J is that of the other point.
 */
export async function partsAt(
  lab: Lab,
  points: readonly Float32Array[],
  factors: readonly Factor[],
  probes: Block,
): Promise<Float64Array> {
  const at = (point: Float32Array) => lab.jacobian(point, lab.taps[0]!, lab.taps.at(-1)!, { apart: true });
  const count = factors.length;
  const parts = new Float64Array(points.length * ORDERS.length * count);
  using first = await at(points[0]!);
  const start = Math.log(await energyOf(first, probes));
  for (const [p, point] of points.entries()) {
    if (p === 0) continue;
    using other = await at(point);
    for (const order of ORDERS.keys()) {
      const exchanged = new Set<string>();
      let before = start;
      for (let i = 0; i < count; i++) {
        const factor = order === 0 ? i : count - 1 - i;
        exchanged.add(factors[factor]!.tensor);
        const after = Math.log(await energyOf(first.exchanged(other, exchanged), probes));
        parts[(p * ORDERS.length + order) * count + factor] = after - before;
        before = after;
      }
    }
  }
  return parts;
}
