import { PushforwardError } from "../base/index.ts";
import type { Tensor } from "../onnx/index.ts";
import type { WeightLayer } from "./layers.ts";
import type { Product } from "./products.ts";
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
  /** The gains of tied weights, once they have been tried. */
  readonly known: (layer: WeightLayer) => number | undefined;
  /** The largest magnitude of the weights of each layer. */
  readonly largest: ReadonlyMap<WeightLayer, number>;
}

/** Runs the segments one after another at all points. Each product is multiplied by its gain before the next segment reads it. */
export async function sweep(
  segments: readonly Segment[],
  { feeds, wanted, known, largest }: SweepOptions,
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
    let factor = 1;
    for (const layer of layers) factor *= gains.get(layer) ?? known(layer) ?? 1;
    for (const layer of layers) {
      if (gains.has(layer)) continue;
      const tried = known(layer);
      const gain = tried ?? possible(wanted.get(node)!.rms / (squares.rms * factor), largest.get(layer)!) ?? 1;
      gains.set(layer, gain);
      if (tried === undefined) factor *= gain;
    }
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

/** The gain, if it is one that weights of float32 can be multiplied by. */
const possible = (gain: number, largest: number): number | undefined =>
  gain > 0 && gain * largest <= FLOAT32_MAX ? gain : undefined;

function noteOf(trained: number, reached: number, gain: number, largest: number): string | undefined {
  if (trained === 0) return "The output is zero at every point in the trained network.";
  if (reached === 0) return "The output is zero at every point in the control.";
  if (gain === 1 && possible(trained / reached, largest) === undefined) return "The gain is too large for float32.";
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
