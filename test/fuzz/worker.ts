// The process that reads mutants. It is told a task at a time, and says which mutant it begins, so that whoever started it
// knows which one ended it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PushforwardError } from "../../src/base/index.ts";
import { LARGEST } from "./edits.ts";
import { mutantAt } from "./mutant.ts";
import { prepare, readers } from "./read.ts";
import { type Kind, type Seed, seedsOf } from "./seeds.ts";

/** Mutants of one kind that are read one after the other. */
export interface Task {
  readonly kind: Kind;
  readonly seed: number;
  readonly from: number;
  readonly count: number;
  readonly withShared: boolean;
  /** Peak memory that a mutant may add, in bytes. */
  readonly memory: number;
}

/** What the process says: the mutant that it begins, then how each ended. */
export type Said =
  | { readonly begins: number }
  | { readonly done: Readonly<Record<string, number>>; readonly faults: readonly Fault[] };

export interface Fault {
  readonly index: number;
  readonly what: string;
}

const folder = join(mkdtempSync(join(tmpdir(), "pushforward-fuzz-")), "inside");
prepare(folder);
process.on("exit", () => rmSync(join(folder, ".."), { recursive: true, force: true }));
process.on("disconnect", () => process.exit());

const seeds = new Map<string, Promise<readonly Seed[]>>();
const seedsFor = (kind: Kind, withShared: boolean): Promise<readonly Seed[]> => {
  const key = `${kind} ${withShared}`;
  const known = seeds.get(key) ?? Promise.resolve(seedsOf[kind](withShared));
  seeds.set(key, known);
  return known;
};

const say = (said: Said): void => void process.send!(said);

process.on("message", async ({ kind, seed, from, count, withShared, memory }: Task) => {
  const files = await seedsFor(kind, withShared);
  const done: Record<string, number> = {};
  const faults: Fault[] = [];
  for (let index = from; index < from + count; index++) {
    say({ begins: index });
    const outcome = await read(kind, mutantAt(files, seed, index), memory);
    const name = typeof outcome === "string" ? outcome : "fault";
    done[name] = (done[name] ?? 0) + 1;
    if (typeof outcome !== "string") faults.push({ index, what: outcome.fault });
  }
  say({ done, faults });
});

/** `read`, the code of the error that refuses it, or what is wrong. */
async function read(kind: Kind, mutant: Seed, memory: number): Promise<string | { readonly fault: string }> {
  const peakBefore = process.resourceUsage().maxRSS;
  const before = process.memoryUsage.rss();
  let outcome: string | { fault: string };
  try {
    await readers[kind](mutant, folder);
    outcome = "read";
  } catch (error) {
    if (error instanceof PushforwardError) error.format();
    outcome = error instanceof PushforwardError ? error.code : { fault: `threw ${stackOf(error)}` };
  }
  const peak = process.resourceUsage().maxRSS;
  const isSmall = Object.values(mutant).every(({ length }) => length <= LARGEST + 2 ** 16);
  if (isSmall && peak > peakBefore && peak * 1024 - before > memory) {
    return { fault: `took ${Math.round((peak * 1024 - before) / 2 ** 20)} MB of memory` };
  }
  return outcome;
}

const stackOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? String(error)).split("\n").slice(0, 8).join("\n") : String(error);
