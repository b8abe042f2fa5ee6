import { readFile } from "node:fs/promises";
import { formatBytes, PushforwardError, quoted } from "../../base/index.ts";
import { storedVectors } from "../../results/index.ts";
import type { Forecast, TapForecast } from "../../studies/index.ts";

/** What a run keeps in memory in addition to the solves. */
export interface Keeping {
  /** How many of the first and of the last singular vectors of each unit are stored. */
  readonly vectors: number | "all";
  /** Whether the units are kept in memory instead of in a folder. */
  readonly inMemory: boolean;
}

/** Bytes of memory, and bytes of address space. */
interface Room {
  readonly memory: number;
  readonly address: number;
}

/** The memory that the process can still use, within the limits of its container and of `ulimit -v`. */
export async function freeRoom(): Promise<Room> {
  const [limits, status] = await Promise.all(
    ["limits", "status"].map((name) => readFile(`/proc/self/${name}`, "utf8").catch(() => "")),
  );
  const limit = Number(/^Max address space +(\d+)/m.exec(limits!)?.[1] ?? Number.POSITIVE_INFINITY);
  const taken = 1024 * Number(/^VmSize:\s+(\d+) kB/m.exec(status!)?.[1] ?? 0);
  return { memory: process.availableMemory(), address: limit - taken };
}

/** The most memory that a run adds to the process. */
export function roomFor(taps: readonly TapForecast[], { vectors, inMemory }: Keeping): Room {
  const lengths = ({ k, m, n }: TapForecast) => {
    return { result: FLOAT * k * (m + n), kept: FLOAT * storedVectors({ vectors }, { k }) * (m + n) };
  };
  const most = (of: (tap: TapForecast) => number): number => Math.max(0, ...taps.map(of));
  const stored = inMemory ? taps.reduce((sum, tap) => sum + tap.inputs * lengths(tap).kept, 0) : 0;
  const writing = most((tap) => lengths(tap).result + 2 * lengths(tap).kept);
  const memory =
    stored +
    Math.max(
      writing,
      most(({ bytes }) => bytes),
    );
  return { memory, address: memory + most(({ reserved }) => reserved) + ARENAS };
}

/**
 * The bytes of address space that compiling a Jacobian and its first products take: three sessions with the arenas of
 * their threads.
 */
export const COMPILING = 0.75 * 2 ** 30;

/** The bytes of address space that the memory allocators of a process with a few threads reserve in addition. */
const ARENAS = 2 ** 28;
const FLOAT = Float32Array.BYTES_PER_ELEMENT;

/**
 * Throws if a run would not fit into memory, and says with which options it would fit.
 *
 * @throws PushforwardError `memory-short`
 */
export async function requireRoom(forecast: Forecast, k: number, keeping: Keeping, room: Room): Promise<void> {
  const fits = (taps: readonly TapForecast[], kept: Keeping = keeping): boolean => {
    const needed = roomFor(taps, kept);
    return needed.memory <= room.memory && needed.address <= room.address;
  };
  const taps = await forecast.at(k);
  if (fits(taps)) return;
  const offers: string[] = [];
  if (keeping.inMemory && fits(taps, { ...keeping, inMemory: false }))
    offers.push("--out FOLDER (which stores the units on disk)");
  if (keeping.vectors !== 0 && fits(taps, { ...keeping, vectors: 0 })) offers.push("--vectors none");
  const smaller = await largestFitting(k, async (fewer) => fits(await forecast.at(fewer)));
  if (smaller > 0) offers.push(`-k ${smaller}`);
  const some = taps.filter((tap) => fits([tap]));
  if (some.length > 0 && fits(some)) offers.push(`--taps ${quoted(some.map(({ tap }) => tap.name).join(","))}`);

  const needed = roomFor(taps, keeping);
  const [need, there, kind] =
    needed.memory > room.memory
      ? [needed.memory, room.memory, "memory"]
      : [needed.address, room.address, "address space (ulimit -v)"];
  const largest = taps.reduce((a, b) => (b.bytes > a.bytes ? b : a));
  const fitting =
    offers.length === 0
      ? "The run would not fit with a smaller k either."
      : `The run would fit with ${offers.join(", or with ")}.`;
  throw new PushforwardError("memory-short", {
    what: `With k = ${k}, the run needs about ${formatBytes(need)} of ${kind}, but only ${formatBytes(there)} are available.`,
    where: { tap: largest.tap.name, option: "-k" },
    fix: `${fitting} With --no-plan, the run starts without this check.`,
  });
}

/**
 * A k that fits, near the largest that does: it is below the given k and has two significant digits. 0 if no k fits.
 */
async function largestFitting(k: number, fits: (k: number) => Promise<boolean>): Promise<number> {
  for (let fewer = Math.floor(0.8 * k); fewer >= 1; fewer = Math.floor(0.8 * fewer)) {
    const round = fewer < 100 ? fewer : 10 * Math.floor(fewer / 10);
    if (await fits(round)) return round;
  }
  return 0;
}
