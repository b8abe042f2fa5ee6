import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Network } from "../../src/apps/node/index.ts";
import { sizeOf } from "../../src/base/index.ts";
import type { Tap } from "../../src/jacobian/index.ts";
import { DirectoryStore } from "../../src/platform/node/directory-store.ts";
import {
  createRun,
  MemoryStore,
  openRun,
  type Run,
  type RunManifest,
  type UnitResult,
} from "../../src/results/index.ts";
import { exampleManifest, exampleUnit } from "../../test/results/example-run.ts";
import { CountingStore, type Requests } from "./counting-store.ts";
import { manifestOf } from "./networks.ts";

/** What storing a unit of a network takes. */
export interface Storing {
  /** Seconds to write one into a folder, forced to the disk. */
  readonly folder: number;
  /** Seconds to prepare the bytes of a unit, for each byte. */
  readonly perByte: number;
  readonly objects: number;
  /** Beside the vectors. */
  readonly bytes: number;
}

/** Stores a unit in a folder and in memory. */
export async function measureStoring(
  network: Network,
  { tap, unit }: { readonly tap: number; readonly unit: UnitResult },
): Promise<Storing> {
  const manifest = manifestOf(network, unit.k, ROUNDS);
  const folder = await mkdtemp(join(tmpdir(), "pushforward-fleet-"));
  try {
    const memory = new CountingStore(new MemoryStore());
    const inMemory = await secondsToWrite(await createRun(memory, manifest), tap, unit, () => memory.take());
    const { sizes } = memory.take();
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    const onDisk = await secondsToWrite(await createRun(new DirectoryStore(folder), manifest), tap, unit);
    return { folder: onDisk, perByte: inMemory / bytes, objects: sizes.length, bytes: bytes - vectorBytes(unit, unit) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

const ROUNDS = 3;

/** The least of a few times. */
async function secondsToWrite(run: Run, tap: number, unit: UnitResult, before = (): unknown => undefined) {
  const times: number[] = [];
  for (let input = 0; input < ROUNDS; input++) {
    before();
    const began = performance.now();
    await run.writeUnit(input, tap, unit);
    times.push((performance.now() - began) / 1000);
  }
  return Math.min(...times);
}

/** Bytes of the vectors of both sides that a unit stores, or of one side. */
const vectorBytes = ({ vectors }: Pick<UnitResult, "vectors">, { m, n }: { readonly m: number; readonly n: number }) =>
  Float32Array.BYTES_PER_ELEMENT * vectors.index.length * (m + n);

/** Bytes of a unit at a tap, and of its largest object. */
export function bytesOfUnit(network: Network, tap: Tap, vectors: number, beside: number) {
  const [m, n] = [sizeOf(tap.shape), sizeOf(network.source.shape)];
  const each = Float32Array.BYTES_PER_ELEMENT * vectors;
  return { bytes: beside + each * (m + n), largest: each * Math.max(m, n) };
}

/** Requests, and how many of them one after the other. */
export interface Asked {
  readonly requests: Requests;
  readonly rounds: number;
}

/** What a step of a run asks of its store. */
export interface Asking {
  /** A worker of one unit: is it done? Compute it, and store it. */
  readonly unit: Asked;
  /** The enqueuing command of a unit that is done: it reads its numbers. */
  readonly telling: Asked;
  /** The enqueuing command of an input, before it gives out jobs. */
  readonly input: Asked;
}

/** Milliseconds by which answers are held back to see which requests wait for others. */
const LATENCY = 50;

/** Counts the requests of a small run. The number does not depend on sizes. */
export async function countRequests(): Promise<Asking> {
  const manifest: RunManifest = { ...exampleManifest, created: "" };
  const store = new CountingStore(new MemoryStore(), LATENCY);
  const run = await createRun(store, manifest);
  const asked = async (step: () => Promise<unknown>): Promise<Asked> => {
    store.take();
    const began = performance.now();
    await step();
    const rounds = Math.round((performance.now() - began) / (1.02 * LATENCY));
    return { requests: store.take().requests, rounds };
  };
  const isDone = async (input: number, tap: number) =>
    run.isDone(input, tap) || (await run.readUnit(input, tap, { vectors: false })) !== undefined;
  return {
    // As the process of a worker does it.
    unit: await asked(async () => {
      await isDone(0, 0);
      await isDone(0, 0);
      await run.writeUnit(0, 0, exampleUnit(manifest, 0, 0));
    }),
    telling: await asked(() => run.readUnit(0, 0, { vectors: false })),
    // As `copySubject` and `storeSources` do it.
    input: await asked(async () => {
      for (let looks = 0; looks < 2; looks++) await store.has("/subject/00");
      await store.create("/subject/00", new Uint8Array(1));
      await run.readSource(0);
      await run.writeSource(0, new Float32Array(sizeOf(manifest.from.shape)));
    }),
  };
}

/** Seconds to open a run of many inputs, of which no unit is done, and the requests. */
export async function openingOf(network: Network, inputs: number): Promise<Asked & { readonly seconds: number }> {
  const store = new CountingStore(new MemoryStore());
  await createRun(store, manifestOf(network, 100, inputs));
  store.take();
  const began = performance.now();
  await openRun(store);
  return { seconds: (performance.now() - began) / 1000, requests: store.take().requests, rounds: 3 };
}
