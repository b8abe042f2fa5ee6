import { PushforwardError } from "../base/index.ts";
import type { Tensor } from "../onnx/index.ts";
import type { WeightLayer } from "./layers.ts";
import type { Product } from "./products.ts";
import { rounded } from "./rounded.ts";
import { runSegment, type Segment } from "./segments.ts";
import { Squares } from "./squares.ts";

/** The inputs of the graph at one point. */
export type Feeds = Readonly<Record<string, Tensor>>;

/** The gain of a layer, and what it brings about. */
export interface Match {
  /** What the weights are multiplied by. */
  readonly gain: number;
  /** The root mean square of the layer's output, bias aside, over all points in the trained network. */
  readonly trained: number;
  /** The same in the control, after the gain. */
  readonly reached: number;
  /** Why the gain is 1, of a layer that no gain can match. */
  readonly note?: string;
}

interface SweepOptions {
  readonly feeds: readonly Feeds[];
  /** The squares of the products in the trained network, by node. */
  readonly wanted: ReadonlyMap<string, Squares>;
  /** The gain of tied weights that is tried now; `undefined` for others, and in the first run. */
  readonly tried: (layer: WeightLayer) => number | undefined;
  /** The largest magnitude of the weights of each layer. */
  readonly largest: ReadonlyMap<WeightLayer, number>;
}

/** Runs the segments one after another at all points. Each product is multiplied by its gain before the next segment reads it. */
export async function sweep(
  segments: readonly Segment[],
  { feeds, wanted, tried, largest }: SweepOptions,
): Promise<Map<WeightLayer, Match>> {
  const points = feeds.map((fed) => new Map(Object.entries(fed)));
  const gains = new Map<WeightLayer, number>();
  const trained = new Map<WeightLayer, Squares>();
  const reached = new Map<WeightLayer, Squares>();
  for (const segment of segments) {
    const { layers, node } = segment.product;
    const outputs: Float32Array[] = [];
    const squares = new Squares();
    for (const live of points) {
      const output = (await runSegment(segment, live)).data as Float32Array;
      squares.add(output);
      outputs.push(output);
    }
    requireFinite(segment.product, squares, "control");
    const known = (layer: WeightLayer) => gains.get(layer) ?? tried(layer);
    const before = layers.reduce((product, layer) => product * (known(layer) ?? 1), 1);
    // Of several new layers in one product, the first has the gain.
    const first = layers.find((layer) => known(layer) === undefined);
    for (const layer of layers) {
      const needed = () => gainFor(wanted.get(node)!.rms, squares.rms * before, largest.get(layer)!);
      gains.set(layer, known(layer) ?? (layer === first ? needed() : 1));
    }
    const factor = layers.reduce((product, layer) => product * gains.get(layer)!, 1);
    for (const layer of layers) {
      collect(trained, layer, wanted.get(node)!);
      collect(reached, layer, squares, factor);
    }
    for (const output of outputs) multiply(output, factor);
  }
  const matches = new Map<WeightLayer, Match>();
  for (const [layer, gain] of gains) {
    const [want, have] = [trained.get(layer)!.rms, reached.get(layer)!.rms];
    const note = noteOf(want, have, gain, largest.get(layer)!);
    matches.set(layer, { gain, trained: want, reached: have, ...(note === undefined ? {} : { note }) });
  }
  return matches;
}

function multiply(numbers: Float32Array, factor: number): void {
  for (let i = 0; i < numbers.length; i++) numbers[i] = numbers[i]! * factor;
}

function collect(sums: Map<WeightLayer, Squares>, layer: WeightLayer, squares: Squares, factor = 1): void {
  const sum = sums.get(layer) ?? new Squares();
  sum.addAll(squares, factor);
  sums.set(layer, sum);
}

const FLOAT32_MAX = (2 - 2 ** -23) * 2 ** 127;

/**
 * The gain from one root mean square to another; 1 if there is none, or if weights of float32 cannot be multiplied by it. It is
 * rounded to 11 bits, by at most 0.05 %, so that the last bits of a sum, which depend on the processor, do not change the network.
 */
function gainFor(wanted: number, found: number, largest: number): number {
  const gain = wanted / found;
  return isPossible(gain, largest) ? rounded(gain, 11) : 1;
}

const isPossible = (gain: number, largest: number): boolean => gain > 0 && gain * largest < FLOAT32_MAX / 2;

function noteOf(trained: number, reached: number, gain: number, largest: number): string | undefined {
  if (trained === 0) return "The output is zero at every point in the trained network.";
  if (reached === 0) return "The output is zero at every point in the control.";
  if (gain === 1 && !isPossible(trained / reached, largest)) return "The gain is too large for float32.";
  return undefined;
}

/** @throws PushforwardError `not-finite` naming the node whose output is not finite */
export function requireFinite({ node }: Product, { rms }: Squares, where: string): void {
  if (Number.isFinite(rms)) return;
  throw new PushforwardError("not-finite", {
    what: `The output of this layer is not finite in the ${where}, so that its root mean square cannot be matched.`,
    where: { node },
    fix: "Check the preprocessing of the inputs, or choose another kind of control.",
  });
}
