import type { Shape } from "../../base/index.ts";
import { int, intTensor } from "../build.ts";
import { type OperatorRewriting, type Rewrite, standard } from "../rewrite.ts";
import { reshape, slice } from "./parts.ts";

export interface Rotation {
  /** Of a shape whose last axis is that of one head. */
  readonly x: string;
  readonly shape: Shape;
  /** The cosines of the pairs' angles, which broadcast to half the entries that turn. */
  readonly cos: string;
  readonly sin: string;
  /** How many entries of a head turn; the last ones stay. */
  readonly turning: number;
  /** Whether pairs are neighbours; otherwise, one entry of a pair is in the first half, and the other in the second. */
  readonly interleaved: boolean;
}

/**
 * Turns pairs of entries by an angle each.
 *
 * @see Su et al. 2021, "RoFormer: Enhanced Transformer with Rotary Position Embedding"
 */
export function rotate(to: Rewrite, { x, shape, cos, sin, turning, interleaved }: Rotation): string {
  const last = { axis: int(-1) };
  const half = turning / 2;
  const [first, second] = interleaved
    ? [slice(to, x, 0, turning, -1, 2), slice(to, x, 1, turning, -1, 2)]
    : [slice(to, x, 0, half), slice(to, x, half, turning)];
  const turned = [
    to.add("Sub", [to.add("Mul", [first, cos]), to.add("Mul", [second, sin])]),
    to.add("Add", [to.add("Mul", [first, sin]), to.add("Mul", [second, cos])]),
  ];
  const outer = shape.slice(0, -1);
  const columns = (one: string) => reshape(to, one, [...outer, half, 1]);
  const parts = interleaved ? [reshape(to, to.add("Concat", turned.map(columns), last), [...outer, turning])] : turned;
  if (turning < shape.at(-1)!) parts.push(slice(to, x, turning, shape.at(-1)!));
  return parts.length === 1 ? parts[0]! : to.add("Concat", parts, last);
}

/** The operator of ONNX: X is batch × heads × length × size, or batch × length × (heads · size). */
export const rotaryEmbedding: OperatorRewriting = {
  attributes: ["interleaved", "num_heads", "rotary_embedding_dim"],
  looksAt: [0],
  rewrite(node, to) {
    const [x = "", cosCache = "", sinCache = "", positions = ""] = node.inputs;
    const shape = to.shape(x);
    if (shape === undefined) return node;
    const [batch = 1, length = 1, width = 1] = shape;
    const isPacked = shape.length === 3;
    const heads = to.attributes.int("num_heads", 1);
    const parted = isPacked ? [batch, length, heads, width / heads] : shape;
    const axis = to.constant("heads", intTensor([isPacked ? 2 : 1]));
    const angles = (cache: string) => {
      const chosen = positions === "" ? cache : to.add("Gather", [cache, positions], { axis: int(0) });
      return to.add("Unsqueeze", [chosen, axis]);
    };
    const turned = rotate(to, {
      x: isPacked ? reshape(to, x, parted) : x,
      shape: parted,
      cos: angles(cosCache),
      sin: angles(sinCache),
      turning: to.attributes.int("rotary_embedding_dim", 0) || parted.at(-1)!,
      interleaved: to.attributes.int("interleaved", 0) !== 0,
    });
    if (!isPacked) return standard(node, "Identity", [turned]);
    return standard(node, "Reshape", [turned, to.constant("whole", intTensor(shape))]);
  },
};
