import type { Shape } from "../../base/index.ts";
import { int, ints, intTensor } from "../build.ts";
import type { Node } from "../model.ts";
import { type OperatorRewriting, type Rewrite, standard } from "../rewrite.ts";
import { refuse } from "./microsoft-attention.ts";
import { reshape, scalar } from "./parts.ts";
import { rotate } from "./rotary.ts";

/** An input of heads, batch × heads × length × size or batch × length × (heads · size), and how many entries of a head turn. */
interface Heads {
  readonly x: string;
  readonly shape: Shape;
  /** The same with heads apart. */
  readonly parted: Shape;
  readonly batch: number;
  readonly length: number;
  readonly turning: number;
  readonly isPacked: boolean;
}

function headsOf(to: Rewrite, x: string, shape: Shape, half: number): Heads {
  const read = to.attributes;
  const isPacked = shape.length === 3;
  const turning = read.int("rotary_embedding_dim", 0) || 2 * half;
  const [batch = 1] = shape;
  const length = isPacked ? shape[1]! : shape[2]!;
  const heads = read.int("num_heads", 0) || (isPacked && turning > 0 ? shape[2]! / turning : 1);
  const parted = isPacked ? [batch, length, heads, shape[2]! / heads] : shape;
  return { x, shape, parted, batch, length, turning, isPacked };
}

/** Heads turned by angles whose cosines and sines are [samples, length, turning / 2], where one sample may stand for all. */
function turnedHeads(node: Node, to: Rewrite, of: Heads, angles: (at: 2 | 3) => string, samples: number): Node {
  const { x, shape, parted, length, turning, isPacked } = of;
  const form = isPacked ? [samples, length, 1, turning / 2] : [samples, 1, length, turning / 2];
  const [cos, sin] = ([2, 3] as const).map((at) => reshape(to, angles(at), form)) as [string, string];
  const interleaved = to.attributes.int("interleaved", 0) !== 0;
  const scale = to.attributes.float("scale", 1);
  const start = isPacked ? reshape(to, x, parted) : x;
  const y = rotate(to, { x: start, shape: parted, cos, sin, turning, interleaved });
  const scaled = scale === 1 ? y : to.add("Mul", [y, scalar(to, "scale", scale)]);
  return standard(node, "Reshape", [scaled, to.constant("whole", intTensor(shape))]);
}

/** Input, positions and caches in another order than in ONNX; one position is that of the first place. */
function rotaryEmbedding(node: Node, to: Rewrite): Node {
  const [x = "", positions = "", cosCache = ""] = node.inputs;
  const [shape, placed, cache] = [to.shape(x), to.shape(positions), to.shape(cosCache)];
  if (shape === undefined || placed === undefined || cache === undefined) return node;
  const of = headsOf(to, x, shape, cache[1]!);
  const places = to.constant("places", intTensor(Array.from({ length: of.length }, (_, i) => i)));
  const chosen = placed.length === 1 ? to.add("Add", [positions, places]) : positions;
  const angles = (at: 2 | 3) => to.add("Gather", [node.inputs[at]!, chosen]);
  return turnedHeads(node, to, of, angles, placed.length === 1 ? 1 : of.batch);
}

/**
 * Which of three positions (time, height, width) each pair of entries turns by: the pairs of each in one part, or in turn as far as they
 * reach, and time beyond.
 */
function streamsOf(sections: readonly number[], half: number, isInTurn: boolean): number[] {
  const [time = 0, height = 0, width = 0] = sections;
  return Array.from({ length: half }, (_, pair) => {
    if (!isInTurn) return pair < time ? 0 : pair < time + height ? 1 : 2;
    if (pair % 3 === 1 && pair < 3 * height) return 1;
    return pair % 3 === 2 && pair < 3 * width ? 2 : 0;
  });
}

/**
 * Rotation by three positions of each token: [3, batch, length].
 *
 * @see Wang et al. 2024, "Qwen2-VL: Enhancing Vision-Language Model's Perception of the World at Any Resolution"
 */
function multimodalRotaryEmbedding(node: Node, to: Rewrite): Node {
  const [x = "", positions = "", cosCache = ""] = node.inputs;
  const [shape, cache] = [to.shape(x), to.shape(cosCache)];
  if (shape === undefined || cache === undefined) return node;
  const half = cache[1]!;
  const sections = to.attributes.ints("mrope_section") ?? [half, 0, 0];
  if (sections.length !== 3 || sections.reduce((sum, one) => sum + one, 0) !== half) {
    throw refuse(node, `mrope_section [${sections}] for ${half} pairs`);
  }
  const of = headsOf(to, x, shape, half);
  const streams = streamsOf(sections, half, to.attributes.int("mrope_layout", 0) === 1);
  const columns = intTensor(streams.map((stream, pair) => stream * half + pair));
  const angles = (at: 2 | 3) => {
    const all = to.add("Gather", [node.inputs[at]!, positions]); // [3, batch, length, half]
    const beside = reshape(to, to.add("Transpose", [all], { perm: ints([1, 2, 0, 3]) }), [
      of.batch,
      of.length,
      3 * half,
    ]);
    return to.add("Gather", [beside, to.constant("columns", columns)], { axis: int(2) });
  };
  return turnedHeads(node, to, of, angles, of.batch);
}

const ATTRIBUTES = ["interleaved", "is_packed_batching", "num_heads", "rotary_embedding_dim", "scale"] as const;

/** Rotations by positions as ONNX Runtime defines them. */
export const microsoftRotary: Readonly<Record<string, OperatorRewriting>> = {
  "com.microsoft:MRotaryEmbedding": {
    attributes: [...ATTRIBUTES, "mrope_layout", "mrope_section"],
    looksAt: [0, 2],
    rewrite: multimodalRotaryEmbedding,
  },
  "com.microsoft:RotaryEmbedding": { attributes: ATTRIBUTES, looksAt: [0, 1, 2], rewrite: rotaryEmbedding },
};
