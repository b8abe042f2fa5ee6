import { createRng, gaussianArray, sizeOf } from "../base/index.ts";
import type { OnnxModel, Tensor } from "../onnx/index.ts";
import type { Feeds } from "./backend.ts";

/** How far results of a graph of linear operations in float32 may lie apart, relative to their length; rounding causes 10⁻⁷ to 2·10⁻⁶. */
const APART = 2 ** -17;
/** How much more a single entry may differ, relative to itself and to the root mean square of all. */
const ENTRY = 64;
/** Half a unit in the last place of 1. */
const ROUNDING = 2 ** -24;
/** The number of random numbers that are drawn; they repeat, out of step with the powers of two of blocks and kernels. */
const DRAWN = 65_537;

/** The inputs of a graph that hold blocks of vectors: those of float32 whose extents are not all fixed. */
const blocksOf = ({ graph }: OnnxModel) =>
  graph.inputs.filter(({ type, shape }) => type === "float32" && shape?.some((extent) => typeof extent === "string"));

/** The feeds of a graph in JavaScript, with standard normal numbers in place of its blocks. */
export async function withRandomBlocks(model: OnnxModel, feeds: Feeds): Promise<Record<string, Tensor>> {
  const blocks = new Set(blocksOf(model).map(({ name }) => name));
  const entries = Object.entries(feeds).map(async ([name, tensor]) => {
    if (blocks.has(name)) return [name, randomTensor(tensor.shape, name)] as const;
    return [name, "read" in tensor ? await tensor.read() : tensor] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

function randomTensor(shape: readonly number[], name: string): Tensor {
  const drawn = gaussianArray(createRng(0, "agreement", name), Math.min(DRAWN, sizeOf(shape)));
  const data = new Float32Array(sizeOf(shape));
  for (let at = 0; at < data.length; at += drawn.length) data.set(drawn.subarray(0, data.length - at), at);
  return { type: "float32", shape, data };
}

/** The extents of the inputs of a graph that are not fixed by it. */
const openExtents = ({ graph }: OnnxModel, feeds: Feeds): number[] =>
  graph.inputs.flatMap(({ name, shape }) =>
    (shape ?? []).flatMap((extent, axis) => (typeof extent === "string" ? [feeds[name]?.shape[axis] ?? 0] : [])),
  );

/**
 * The class of the shapes of feeds. A device may compute shapes of different classes by different programs, so that one class says nothing
 * of another. Extents are told apart by their size, to a factor of two, and by whether 4 divides them.
 */
export const shapeClass = (model: OnnxModel, feeds: Feeds): string =>
  openExtents(model, feeds)
    .map((extent) => `${Math.ceil(Math.log2(extent + 1))}${extent % 4 === 0 ? "" : "'"}`)
    .join(" ");

/**
 * Whether results of a device agree with those of the CPU as far as rounding in float32 allows. Sums over an extent that is not fixed may be
 * as long as that, and their rounding grows with the root of their length. Entries that are not finite must be so on both sides.
 */
export function agree(
  model: OnnxModel,
  feeds: Feeds,
  results: Readonly<Record<string, Tensor>>,
  expected: Readonly<Record<string, Tensor>>,
): boolean {
  const apart = APART + ROUNDING * Math.sqrt(Math.max(0, ...openExtents(model, feeds)));
  return Object.entries(expected).every(([name, tensor]) => tensorsAgree(results[name], tensor, apart));
}

function tensorsAgree(result: Tensor | undefined, { data }: Tensor, apart: number): boolean {
  if (result === undefined || result.data.length !== data.length) return false;
  if (!(data instanceof Float32Array)) {
    for (let i = 0; i < data.length; i++) if (data[i] !== result.data[i]) return false;
    return true;
  }
  const got = result.data as Float32Array;
  let [finite, squares, gaps] = [0, 0, 0];
  for (const [i, entry] of data.entries()) {
    if (Number.isFinite(entry) !== Number.isFinite(got[i])) return false;
    if (!Number.isFinite(entry)) continue;
    finite++;
    squares += entry ** 2;
    gaps += (got[i]! - entry) ** 2;
  }
  if (gaps > apart ** 2 * squares) return false;
  const rms = Math.sqrt(squares / finite);
  return data.every(
    (entry, i) => !Number.isFinite(entry) || Math.abs(got[i]! - entry) <= ENTRY * apart * (Math.abs(entry) + rms),
  );
}
