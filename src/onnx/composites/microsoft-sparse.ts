import { toNumbers } from "../build.ts";
import type { Node, Tensor } from "../model.ts";
import { type OperatorRewriting, type Rewrite, standard } from "../rewrite.ts";
import { type AttentionSizes, attend, biasOf, defaultScale, fromHeads, swapLastTwo, toHeads } from "./attend.ts";
import { appended } from "./cache.ts";
import { refuse } from "./microsoft-attention.ts";
import { turned } from "./microsoft-grouped.ts";
import { slice } from "./parts.ts";

/** Which keys each query of each head may attend to, [1, heads, rows, columns]: none after its own, and those of some blocks. */
function layoutOf(rowStarts: Tensor, blocks: Tensor, size: number, { heads, rows, columns }: AttentionSizes): Tensor {
  const [layouts = 1, stride = 1] = rowStarts.shape;
  const [starts, list] = [toNumbers(rowStarts), toNumbers(blocks)];
  const width = blocks.shape[1] ?? 0;
  const isAllowed = (head: number, query: number, key: number): boolean => {
    const layout = head % layouts;
    const at = layout * stride + Math.floor(query / size);
    const own = list.slice(layout * width + starts[at]!, layout * width + starts[at + 1]!);
    return key <= query && own.includes(Math.floor(key / size));
  };
  const data = Uint8Array.from({ length: heads * rows * columns }, (_, place) => {
    const [head, row] = [Math.floor(place / (rows * columns)), Math.floor(place / columns) % rows];
    return isAllowed(head, columns - rows + row, place % columns) ? 1 : 0;
  });
  return { type: "bool", shape: [1, heads, rows, columns], data };
}

/** Attention of heads that share keys and values, to the blocks of keys that a layout names; all samples have one length. */
function sparseAttention(node: Node, to: Rewrite): Node {
  const [q = "", k = "", v = "", pastKey = "", pastValue = "", starts = "", blocks = "", , lengths = "", ...caches] =
    node.inputs;
  const read = to.attributes;
  const [shape, cache] = [to.shape(q), to.shape(pastKey)];
  if (shape === undefined || cache === undefined) return node;
  const [rowStarts, list, totals] = [starts, blocks, lengths].map((name) => to.value(name));
  if (!rowStarts || !list || !totals) throw refuse(node, "A layout or a length that depends on an input");
  const [total = 0, ...others] = toNumbers(totals);
  if (others.some((other) => other !== total)) throw refuse(node, "A cache with samples of different lengths");
  const [batch = 1, rows = 1] = shape;
  const [heads, groups] = [read.int("num_heads", 1), read.int("kv_num_heads", 1)];
  const [, , buffer = 0, size = 1] = cache;
  const past = total - rows;
  const part = (x: string, from: number, count: number) =>
    toHeads(to, x === "" ? slice(to, q, from * size, (from + count) * size) : x, [batch, rows, count * size], count);
  const turn = (x: string, count: number) =>
    read.int("do_rotary", 0) === 0
      ? x
      : turned(node, to, { x, shape: [batch, count, rows, size], caches, positions: "", past });
  const query = turn(part(k === "" ? "" : q, 0, heads), heads);
  const own = [turn(part(k, heads, groups), groups), part(v, heads + groups, groups)];
  const [keys = "", values = ""] = own.map((x, i) =>
    appended(to, x, { before: [pastKey, pastValue][i]!, buffer, past, rows }, node.outputs[i + 1] ?? ""),
  );
  const sizes: AttentionSizes = { batch, heads, groups, rows, columns: total, size, valueSize: size };
  const allowed = to.constant("layout", layoutOf(rowStarts, list, read.int("sparse_block_size", 64), sizes));
  const { y } = attend(to, {
    q: query,
    kT: swapLastTwo(to, keys),
    v: values,
    sizes,
    scale: read.float("scale", 0) || defaultScale(size),
    bias: biasOf(to, allowed),
  });
  return standard(node, "Reshape", fromHeads(to, y, sizes));
}

export const sparse: Readonly<Record<string, OperatorRewriting>> = {
  "com.microsoft:SparseAttention": {
    attributes: ["do_rotary", "kv_num_heads", "num_heads", "rotary_interleaved", "scale", "sparse_block_size"],
    looksAt: [0, 3, 5, 6, 8, 9],
    rewrite: sparseAttention,
  },
};
