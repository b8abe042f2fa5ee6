import { inFloat64, nodesBetween, operatorOf } from "../autodiff/index.ts";
import { createRng, gaussianArray } from "../base/index.ts";
import type { Network, Point, Tap } from "../jacobian/index.ts";
import {
  filled,
  isRandom,
  type Node,
  node,
  nodesBehind,
  type OnnxModel,
  ownOperatorsIn,
  partBehind,
  type Tensor,
  type TensorType,
} from "../onnx/index.ts";

/**
 * Lengths of steps, relative to the root mean square of the source. Along a random direction, a step of length h takes about the share h of
 * rectifiers over their kink, which changes the difference by the share √h. So the last is short; the first is for what runs in float32.
 */
const STEPS = [1e-2, 1e-4, 1e-6, 1e-8];

/** The derivative of a network along one direction, by steps of several lengths. */
export interface Differences {
  /**
   * (f(x + hd) − f(x − hd)) / 2h of each target, for each step; by the tensor of the target. A target that `without` names has none.
   */
  readonly of: ReadonlyMap<string, readonly Float64Array[]>;
  /** Why differences say nothing of a target, in a clause; by its tensor. */
  readonly without: ReadonlyMap<string, string>;
  /** d, of the shape of the source. */
  readonly direction: Float32Array;
  /** Whether a node between the source and this target runs in float32, so that differences are as inexact as that. */
  readonly isRough: (target: string) => boolean;
}

const ROUNDED = "behind a quantization, whose steps tangents pass as if nothing were rounded";
const DRAWN = "behind numbers that the network draws at random, since every pass draws others";

/** Differences of taps along one random direction of a source, at a point. The network computes in float64 where its operators can. */
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
  const without = new Map(
    targets.flatMap((target) => {
      const reason = whyWithout(network, from, target);
      return reason === undefined ? [] : [[target.tensor, reason] as const];
    }),
  );
  const names = targets.map(({ tensor }) => tensor).filter((name) => !without.has(name));
  const behind = partBehind(graph, names, [from.tensor]);
  const { shape } = model.values.get(from.tensor)!;
  const type = backend.can.float64 ? ("float64" as const) : ("float32" as const);
  const [at, direction, length, step] = ["point", "direction", "length", "step"].map((role) => `checkup/${role}`);
  const added = new Map<string, TensorType>([
    [at!, { type: "float32", shape }],
    [direction!, { type: "float32", shape }],
    [length!, { type: "float32", shape: [] }],
    [step!, { type: "float32", shape }],
  ]);
  const moved = [
    node({ op: "Mul", inputs: [length!, direction!], outputs: [step!] }),
    node({ op: "Add", inputs: [at!, step!], outputs: [from.tensor], name: "checkup/moved" }),
  ];
  const part: OnnxModel = {
    ...model.onnx,
    graph: {
      ...behind,
      nodes: [...moved, ...behind.nodes],
      inputs: [
        ...graph.inputs.filter(({ name }) => name !== from.tensor),
        ...[at!, direction!, length!].map((name) => ({ name, ...added.get(name)! })),
      ],
      outputs: names.map((name) => ({ name, ...model.values.get(name)!, type })),
    },
  };
  const typeOf = (name: string) => added.get(name) ?? model.values.get(name);
  const d = gaussianArray(createRng(seed, "checkup", from.tensor), x.length);
  const isRough = (target: string) => type === "float32" || nodesBehind(behind.nodes, [target]).some(isInFloat32);
  if (names.length === 0) return { of: new Map(), without, direction: d, isRough };
  const executable = await backend.compile(type === "float64" ? inFloat64(part, typeOf) : part);
  try {
    const { [from.tensor]: _source, ...others } = network.feeds(point, names);
    const finite = x.filter(Number.isFinite); // A mask may hold infinities, which steps do not move.
    const scale = Math.sqrt(finite.reduce((sum, entry) => sum + entry * entry, 0) / (finite.length || 1)) || 1;
    const run = (h: number) => {
      const tensor = (data: Float32Array): Tensor => ({ type: "float32", shape, data });
      const feeds = { ...others, [at!]: tensor(x), [direction!]: tensor(d), [length!]: filled([], h) };
      return executable.run(feeds, names);
    };
    const of = new Map<string, Float64Array[]>(names.map((name) => [name, []]));
    for (const relative of STEPS) {
      const h = Math.fround(relative * scale);
      const [high, low] = [await run(h), await run(-h)];
      for (const name of names) of.get(name)!.push(quotient(high[name]!, low[name]!, 2 * h));
    }
    return { of, without, direction: d, isRough };
  } finally {
    await executable.release();
  }
}

/** Whether a node between two taps rounds to quantized numbers, or one before the target draws at random; those inside a node count. */
function whyWithout({ model }: Network, from: Tap, target: Tap): string | undefined {
  const { graph } = model.onnx;
  const nodes = nodesBetween(model, { sources: [from.tensor], targets: [target.tensor] });
  if (ownOperatorsIn({ ...graph, nodes }).size > 0) return ROUNDED;
  return nodesBehind(graph.nodes, [target.tensor]).some(isRandom) ? DRAWN : undefined;
}

const isInFloat32 = (one: Node): boolean => operatorOf(one)?.float64 === "none";

function quotient(a: Tensor, b: Tensor, length: number): Float64Array {
  const [high, low] = [a.data as ArrayLike<number>, b.data as ArrayLike<number>];
  // What is infinite on both sides does not move.
  return Float64Array.from({ length: high.length }, (_, i) => (high[i] === low[i] ? 0 : (high[i]! - low[i]!) / length));
}

/** The smallest relative difference over the steps: that of a derivative and J·d, relative to the larger of the two. */
export function smallestGap(derivatives: readonly Float64Array[], product: Float32Array): number {
  const gaps = derivatives.map((derivative) => {
    let [gap, norm, other] = [0, 0, 0];
    for (const [i, entry] of derivative.entries()) {
      gap += (entry - product[i]!) ** 2;
      norm += entry * entry;
      other += product[i]! ** 2;
    }
    return gap === 0 ? 0 : Math.sqrt(gap / Math.max(norm, other));
  });
  return Math.min(...gaps);
}
