// Files that are damaged in every way are read, or refused in words: makes mutants of models, pictures and other files, and reads
// them as the commands do. `npm run fuzz -- --count 1000000 --kind all --seed 0`; `--only 17 --kind image` reads one mutant of that
// seed. Files that lead to anything else than a result or a PushforwardError are stored in the folder that `--save` names.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { mutantAt } from "../test/fuzz/mutant.ts";
import { Fuzzer, type Tally } from "../test/fuzz/run.ts";
import { type Kind, kinds, seedsOf } from "../test/fuzz/seeds.ts";
import { sharedDir } from "../test/support/shared.ts";

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "1000000" },
    kind: { type: "string", default: "all" },
    seed: { type: "string", default: "0" },
    from: { type: "string", default: "0" },
    only: { type: "string" },
    save: { type: "string", default: "fuzz-faults" },
  },
});
const [seed, from, count] = [
  values.seed,
  values.only ?? values.from,
  values.only === undefined ? values.count : "1",
].map(Number) as [number, number, number];
const chosen = values.kind === "all" ? kinds : kinds.filter((kind) => kind === values.kind);
if (![seed, from, count].every((value) => Number.isSafeInteger(value) && value >= 0) || chosen.length === 0) {
  process.stderr.write(
    `error: --count, --seed, --from and --only take whole numbers, and --kind one of ${kinds.join(", ")}, all.\n`,
  );
  process.exit(2);
}

const withShared = sharedDir !== undefined;
let told = performance.now();
const fuzzer = new Fuzzer({
  seed,
  withShared,
  onFault({ kind }, { index, what }) {
    process.stdout.write(`FAULT npm run fuzz -- --kind ${kind} --seed ${seed} --only ${index}\n  ${what}\n`);
    saving.push(save(kind, index));
  },
  onProgress(tally) {
    if (performance.now() - told < 5000) return;
    told = performance.now();
    process.stderr.write(`${summary(tally)}\n`);
  },
});
const saving: Promise<void>[] = [];
const tallies: Tally[] = [];
for (const kind of chosen) {
  const tally = await fuzzer.run(kind, Math.ceil(count / chosen.length), from);
  tallies.push(tally);
  process.stdout.write(`${summary(tally)}\n`);
}
await fuzzer.close();
await Promise.all(saving);
process.exitCode = tallies.some(({ faults }) => faults.length > 0) ? 1 : 0;

function summary({ kind, mutants, seconds, outcomes }: Tally): string {
  const counted = [...outcomes].sort(([, a], [, b]) => b - a).map(([name, times]) => `${times} ${name}`);
  return `${kind}: ${mutants} mutants, ${Math.round(mutants / seconds)} a second: ${counted.join(", ")}`;
}

/** Stores the files of a mutant, each with the name that it was read by. */
async function save(kind: Kind, index: number): Promise<void> {
  mkdirSync(values.save, { recursive: true });
  const mutant = mutantAt(await seedsOf[kind](withShared), seed, index);
  for (const [name, bytes] of Object.entries(mutant)) {
    writeFileSync(join(values.save, `${kind}-${seed}-${index}-${name}`), bytes);
  }
}
