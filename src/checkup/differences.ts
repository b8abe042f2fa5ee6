import { inFloat64, operatorOf } from "../autodiff/index.ts";
import { createRng, gaussianArray } from "../base/index.ts";
import type { Network, Point, Tap } from "../jacobian/index.ts";
import { nodesBehind, type OnnxModel, type Tensor } from "../onnx/index.ts";

/** Lengths of steps, relative to the root mean square of the source. One of them is short enough for no kink, and long enough for rounding. */
const STEPS = [1e-2, 1e-3, 1e-4, 1e-5];

/** The network along one direction, in steps of several lengths. */
export interface Differences {
  /** f(x₊) − f(x₋) of each target, for each step; by the tensor of the target. */
  readonly of: ReadonlyMap<string, readonly Float64Array[]>;
  /** x₊ − x₋ for each step, [steps, source]. */
  readonly directions: Float32Array;
  /** Whether a node between the source and these targets runs in float32, so that differences are as inexact as that. */
  readonly isRough: (target: string) => boolean;
}

/**
 * Differences of taps along one random direction of a source, at a point. The network computes in float64 where its operators can. Both
 * ends of a step are float32 numbers, so that their difference is exact.
 */
export async function differencesAt(
  network: Network,
  from: Tap,
  targets: readonly Tap[],
  point: Point,
  seed: number,
): Promise<Differences> {
  const { model, backend } = network;
  const { graph } = model.onnx;
  const [x = new Float32Array()] = await network.forward(point, [from]);
  const names = targets.map(({ tensor }) => tensor);
  const nodes = nodesBehind(graph.nodes, names, [from.tensor]);
  const others = graph.inputs.filter(({ name }) => name !== from.tensor);
  const type = backend.can.float64 ? ("float64" as const) : ("float32" as const);
  const part: OnnxModel = {
    ...model.onnx,
    graph: {
      ...graph,
      nodes,
      inputs: [...others, { name: from.tensor, ...model.values.get(from.tensor)! }],
      outputs: names.map((name) => ({ name, ...model.values.get(name)!, type })),
    },
  };
  const executable = await backend.compile(
    type === "float64" ? inFloat64(part, (name) => model.values.get(name)) : part,
  );
  try {
    const fed = network.feeds(point, names);
    const { shape } = model.values.get(from.tensor)!;
    const run = async (data: Float32Array) => {
      const source: Tensor = { type: "float32", shape, data };
      return executable.run({ ...fed, [from.tensor]: source }, names);
    };
    const direction = gaussianArray(createRng(seed, "checkup", from.tensor), x.length);
    const scale = Math.sqrt(x.reduce((sum, entry) => sum + entry * entry, 0) / (x.length || 1)) || 1;
    const directions = new Float32Array(STEPS.length * x.length);
    const of = new Map<string, Float64Array[]>(names.map((name) => [name, []]));
    for (const [at, step] of STEPS.entries()) {
      const end = (sign: number) => x.map((entry, i) => entry + sign * step * scale * direction[i]!);
      const [after, before] = [end(1), end(-1)];
      directions.set(
        after.map((entry, i) => entry - before[i]!),
        at * x.length,
      );
      const [high, low] = [await run(after), await run(before)];
      for (const name of names) of.get(name)!.push(minus(high[name]!, low[name]!));
    }
    return { of, directions, isRough: (target) => nodesBehind(nodes, [target]).some(isRough) };
  } finally {
    await executable.release();
  }
}

const isRough = (node: Parameters<typeof operatorOf>[0]): boolean => operatorOf(node)?.float64 === "none";

function minus(a: Tensor, b: Tensor): Float64Array {
  const [high, low] = [a.data as ArrayLike<number>, b.data as ArrayLike<number>];
  return Float64Array.from({ length: high.length }, (_, i) => high[i]! - low[i]!);
}

/** The smallest relative difference over the steps: ‖f(x₊) − f(x₋) − J·(x₊ − x₋)‖ ÷ ‖f(x₊) − f(x₋)‖, or ÷ ‖J·(x₊ − x₋)‖ if that is larger. */
export function smallestGap(wanted: readonly Float64Array[], products: Float32Array): number {
  const gaps = wanted.map((difference, at) => {
    let [gap, norm, other] = [0, 0, 0];
    for (const [i, entry] of difference.entries()) {
      const product = products[at * difference.length + i]!;
      gap += (entry - product) ** 2;
      norm += entry * entry;
      other += product * product;
    }
    return gap === 0 ? 0 : Math.sqrt(gap / Math.max(norm, other));
  });
  return Math.min(...gaps);
}
