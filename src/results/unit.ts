import { PushforwardError, sizeOf } from "../base/index.ts";
import { chunkKey, fillChunk, readChunk, writeChunk, writeTexts } from "./arrays.ts";
import { type ColumnName, columnNames, columns, missedWords, statusWords, stoppedWords } from "./columns.ts";
import type { ArrayLayout, Layout, VectorLayouts } from "./layout.ts";
import { statusOf } from "./status.ts";
import type { Store } from "./store.ts";
import type { KinkCount, Missed, RunManifest, UnitResult } from "./types.ts";

/** Stores the chunks of a unit in all arrays except `done`, in no particular order. */
export async function writeUnitChunks(store: Store, layout: Layout, input: number, tap: number, unit: UnitResult) {
  const { sigma, residual, floors, status } = layout;
  const most = sigma.metadata.shape[2]!;
  const numbers = (values: Float64Array) => padded(new Float64Array(most).fill(Number.NaN), values);
  const codes = unit.status.map((word) => statusWords.indexOf(word));
  const layouts = layout.vectors[tap];
  await Promise.all([
    writeChunk(store, sigma, numbers(unit.sigma), input, tap),
    writeChunk(store, residual, numbers(unit.residual), input, tap),
    ...(unit.floors === undefined ? [] : [writeChunk(store, floors, numbers(unit.floors), input, tap)]),
    writeChunk(store, status, padded(new Int8Array(most).fill(-1), codes), input, tap),
    writeTexts(store, layout.kinks, [unit.kinks === undefined ? "" : JSON.stringify(unit.kinks)], input, tap),
    ...(unit.onCpu === undefined ? [] : [writeTexts(store, layout.onCpu, [JSON.stringify(unit.onCpu)], input, tap)]),
    ...columnNames.map((name) => fillChunk(store, layout.columns[name], columns[name].of(unit), input, tap)),
    ...(layouts === undefined ? [] : vectorWrites(store, layouts, input, unit)),
  ]);
}

function padded<A extends Float64Array | Int8Array | Int32Array>(array: A, values: ArrayLike<number>): A {
  array.set(values);
  return array;
}

function vectorWrites(store: Store, { k, u, v }: VectorLayouts, input: number, { m, n, vectors }: UnitResult) {
  const slots = k.metadata.shape[1]!;
  const numbers = vectors.index.map((index) => index + 1);
  const writes = [writeChunk(store, k, padded(new Int32Array(slots), numbers), input)];
  for (let slot = 0; slot < numbers.length; slot++) {
    writes.push(writeChunk(store, u, vectors.u.subarray(slot * m, (slot + 1) * m), input, slot));
    writes.push(writeChunk(store, v, vectors.v.subarray(slot * n, (slot + 1) * n), input, slot));
  }
  for (let slot = numbers.length; slot < slots; slot++) {
    for (const array of [u, v]) writes.push(store.delete(chunkKey(array, input, slot))); // of an earlier, longer attempt
  }
  return writes;
}

/** Reads a unit from its arrays; `wanted` as in `Run.readUnit`. */
export async function readUnitChunks(
  store: Store,
  { taps, from }: RunManifest,
  layout: Layout,
  input: number,
  tap: number,
  wanted: boolean | readonly number[],
): Promise<UnitResult> {
  const entries = columnNames.map(async (name) => {
    const chunk = await readChunk(store, layout.columns[name], input, tap);
    return [name, chunk[0]] as const;
  });
  const number = Object.fromEntries(await Promise.all(entries)) as Record<ColumnName, number>;
  const k = number.triplets;
  const codes = await readChunk(store, layout.status, input, tap);
  const [kinks] = await readChunk(store, layout.kinks, input, tap);
  const [onCpu] = await readChunk(store, layout.onCpu, input, tap);
  const sigma = (await readChunk(store, layout.sigma, input, tap)).slice(0, k);
  const floors = (await readChunk(store, layout.floors, input, tap)).slice(0, k);
  const [m, n] = [sizeOf(taps[tap]!.shape), sizeOf(from.shape)];
  const layouts = layout.vectors[tap];
  return {
    m,
    n,
    k,
    sigma,
    residual: (await readChunk(store, layout.residual, input, tap)).slice(0, k),
    status: Array.from(codes.subarray(0, k), (code, i) => statusOf(statusWords[code]!, sigma[i]!, number.floor)),
    norm: number.norm,
    floor: number.floor,
    ...(floors.some(Number.isNaN) ? {} : { floors }),
    ...(number.residual_failure_probability > 0
      ? { residualFailureProbability: number.residual_failure_probability }
      : {}),
    orthogonality: { u: number.orthogonality_u, v: number.orthogonality_v },
    missed: missedOf(number),
    jvp: number.jvp,
    vjp: number.vjp,
    seconds: number.seconds,
    stopped: stoppedWords[number.stopped]!,
    activeRows: number.active_units,
    ...(kinks ? { kinks: JSON.parse(kinks) as readonly KinkCount[] } : {}),
    ...(onCpu ? { onCpu: JSON.parse(onCpu) as readonly string[] } : {}),
    vectors: await readVectors(store, wanted === false ? undefined : layouts, input, [m, n], wanted),
  };
}

function missedOf(number: Readonly<Record<ColumnName, number>>): Missed {
  const kind = missedWords[number.missed_kind]!;
  if (kind !== "probable") return { kind };
  return { kind, bound: number.missed_bound, failureProbability: number.missed_failure_probability };
}

async function readVectors(
  store: Store,
  layouts: VectorLayouts | undefined,
  input: number,
  [m, n]: readonly [number, number],
  wanted: boolean | readonly number[],
): Promise<UnitResult["vectors"]> {
  if (layouts === undefined) return { index: [], u: new Float32Array(0), v: new Float32Array(0) };
  const numbers = await readChunk(store, layouts.k, input);
  const kept = Array.from(numbers, (number, slot) => ({ slot, index: number - 1 })).filter(
    ({ index }) => index >= 0 && (typeof wanted === "boolean" || wanted.includes(index)),
  );
  const rows = async (array: ArrayLayout<"float32">, extent: number) => {
    const result = new Float32Array(kept.length * extent);
    for (const [row, { slot }] of kept.entries()) {
      result.set(await readChunk(store, array, input, slot), row * extent);
    }
    return result;
  };
  return { index: kept.map(({ index }) => index), u: await rows(layouts.u, m), v: await rows(layouts.v, n) };
}

/** Checks that the sizes of a unit fit its tap. @throws PushforwardError `shape-mismatch` naming what does not fit */
export function checkUnit({ taps, from }: RunManifest, layout: Layout, tap: number, unit: UnitResult): void {
  const { name, shape, k: most } = taps[tap]!;
  const { k, m, n, vectors } = unit;
  const kept = layout.vectors[tap]?.k.metadata.shape[1] ?? 0;
  const rows: readonly [what: string, found: number, least: number, most: number][] = [
    ["m", m, sizeOf(shape), sizeOf(shape)],
    ["n", n, sizeOf(from.shape), sizeOf(from.shape)],
    ["k", k, 0, most],
    ["The length of sigma", unit.sigma.length, k, k],
    ["The length of residual", unit.residual.length, k, k],
    ["The length of floors", unit.floors?.length ?? k, k, k],
    ["The length of status", unit.status.length, k, k],
    ["The number of vectors", vectors.index.length, 0, kept],
    ["The length of vectors.u", vectors.u.length, vectors.index.length * m, vectors.index.length * m],
    ["The length of vectors.v", vectors.v.length, vectors.index.length * n, vectors.index.length * n],
  ];
  const bad = rows.find(([, found, low, high]) => !(low <= found && found <= high));
  if (bad === undefined) return;
  const [what, found, low, high] = bad;
  throw new PushforwardError("shape-mismatch", {
    what: `${what} of a result is ${found}; the run has room for ${low === high ? low : `${low} to ${high}`}.`,
    where: { tap: name },
  });
}
