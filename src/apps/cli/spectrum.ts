import { Command } from "commander";
import { exitCodes, PushforwardError, printable, quoted } from "../../base/index.ts";
import { openSharedStore, openStore } from "../../platform/node/open-store.ts";
import type { RunQueue } from "../../platform/node/run-queue.ts";
import {
  createRun,
  earlierRun,
  MemoryStore,
  missesTolerance,
  type Run,
  type RunManifest,
  type Store,
  type UnitResult,
} from "../../results/index.ts";
import { isUnitOfShard, reasonOf, type Shard, spectrum } from "../../studies/index.ts";
import { type KinkedUnit, kinkSentence } from "../kinks.ts";
import type { Network } from "../node/index.ts";
import { chooseK } from "./choose.ts";
import { copySubject } from "./copy-subject.ts";
import { describeUnit, summaryTable } from "./describe-unit.ts";
import { type EnqueueOptions, enqueue } from "./enqueue.ts";
import { tellFirstLook } from "./first-look.ts";
import { interruptible } from "./interruptible.ts";
import { openQueue } from "./open-queue.ts";
import { openNetwork } from "./opening.ts";
import { DEFAULT_K, DEFAULT_TOL, DEFAULT_VECTORS, sharded, tolerance, vectorCount, wholeNumber } from "./options.ts";
import { announce, outlookOf, sharesOf } from "./outlook.ts";
import {
  doneIn,
  type Points,
  type PrepareOptions,
  pointsIn,
  prepare,
  preparing,
  runManifest,
  storeSources,
  subjectOf,
} from "./prepare.ts";
import { Progress } from "./progress.ts";
import { readUnits } from "./read-units.ts";

interface SpectrumOptions extends PrepareOptions {
  readonly k?: number;
  readonly tol: number;
  readonly vectors: number | "all";
  readonly out?: string;
  readonly json?: boolean;
  readonly plan: boolean;
  readonly shard: Shard;
  readonly queue?: string;
  /** Whether workers find the model and the inputs in the store. */
  readonly copy: boolean;
}

/** `pushforward spectrum MODEL INPUT...`: the k largest singular triplets of J(from → tap), certified. */
export function spectrumCommand(version: string): Command {
  return sharded(preparing(new Command("spectrum")))
    .description("compute certified singular values and vectors of J(input → tap) for every input and tap")
    .option("--from <tap>", "source of the Jacobian, a tap or the name of a weight (default: the input of the network)")
    .option(
      "-k, --k <count>",
      `triplets at each tap (default: ${DEFAULT_K}, or all if a tap has fewer)`,
      wholeNumber("-k", 1),
    )
    .option("--tol <tolerance>", "largest residual allowed, relative to the largest σ", tolerance("--tol"), DEFAULT_TOL)
    .option(
      "--vectors <count>",
      "how many of the first and last singular vectors to store: a number, all, none",
      vectorCount("--vectors"),
      DEFAULT_VECTORS,
    )
    .option(
      "--out <folder>",
      "store the run in this folder, or at s3://bucket/prefix (Zarr); the same command continues it",
    )
    .option(
      "--queue <address>",
      "let the workers of this queue compute, and wait for them: redis://[:PASSWORD@]HOST[:PORT]",
    )
    .option("--no-copy", "with --queue: do not copy model and inputs into the store; workers are given them with --map")
    .option("--json", "print one JSON object per line, one for each input and tap")
    .option("--no-plan", "start at once, without predicting time and memory or checking the memory")
    .action((model: string, paths: string[], options: SpectrumOptions) => run(version, model, paths, options));
}

async function run(version: string, file: string, paths: readonly string[], options: SpectrumOptions): Promise<void> {
  const queue = await queueFor(options);
  try {
    await runOn(queue, version, file, paths, options);
  } finally {
    await queue?.close();
  }
}

async function runOn(
  queue: RunQueue | undefined,
  version: string,
  file: string,
  paths: readonly string[],
  options: SpectrumOptions,
): Promise<void> {
  const prepared = await prepare(() => openNetwork(file, options), paths, options);
  const { network, from, taps, inputs } = prepared;
  try {
    const k = chooseK(options.k, from, taps);
    const manifest = runManifest(subjectOf(prepared), { ...options, version, k });
    const store = await storeFor(options);
    const earlier = await earlierRun(store, manifest);
    tellFirstLook(prepared.firstLook);
    const isStored = doneIn(earlier, manifest);
    const planned = {
      network,
      from,
      taps,
      k,
      tol: options.tol,
      points: inputs.points,
      isDone: (input: number, tap: number) =>
        !isUnitOfShard(options.shard, { input, tap, inputs: inputs.points.length }) || isStored(input, tap),
      keeping: { vectors: options.vectors, inMemory: options.out === undefined },
      out: options.out,
    };
    const outlook = await outlookOf(planned, options.plan ? undefined : 0);
    if (options.plan) await announce(planned, outlook);
    const stored = await createRun(store, manifest);
    const points = pointsIn(stored, inputs);
    await storeSources(stored, prepared, points);
    if (queue !== undefined) await copySubject(store, stored.manifest, options, options.copy);
    const seconds = taps.map((tap) => outlook.taps.find((one) => one.tap === tap)?.seconds ?? 0);
    const giving = queue && { queue, store: store.location, seconds };
    await compute(stored, network, points, { ...options, shares: sharesOf(outlook), ...(giving && { giving }) });
    if (inputs.failures.length > 0) process.exitCode = 2;
  } finally {
    await network.close();
  }
}

/** Where the run is stored. Programs that share a store need one that creates keys once. */
async function storeFor({ out, shard, queue }: SpectrumOptions): Promise<Store> {
  if (out === undefined) return new MemoryStore();
  return shard.count === 1 && queue === undefined ? openStore(out) : openSharedStore(out);
}

/** @throws PushforwardError `usage` for options that do not go with a queue; errors of `RunQueue.open` */
async function queueFor({ queue, out, shard }: SpectrumOptions): Promise<RunQueue | undefined> {
  if (queue === undefined) return undefined;
  if (out === undefined || shard.count > 1) {
    throw new PushforwardError("usage", {
      what: out === undefined ? "Workers need a store that they all see." : "A queue shares the work without shards.",
      where: { option: "--queue" },
      fix:
        out === undefined
          ? "Give one with --out: a folder that all machines see, or s3://BUCKET/PREFIX."
          : "Leave out --shard.",
    });
  }
  return openQueue(queue);
}

interface ComputeOptions extends SpectrumOptions {
  /** The expected time of each remaining unit relative to the others. */
  readonly shares: readonly number[];
  /** The queue whose workers compute, if it is not this process. */
  readonly giving?: { readonly queue: RunQueue } & Pick<EnqueueOptions, "store" | "seconds">;
}

/** Computes the remaining units and prints a line for each. */
async function compute(stored: Run, network: Network, points: Points, options: ComputeOptions): Promise<void> {
  const { manifest } = stored;
  const { shard, giving } = options;
  const all = points.flatMap((point, input) =>
    point === undefined ? [] : manifest.taps.map((_, tap) => ({ input, tap })),
  );
  const isOwn = (input: number, tap: number) => isUnitOfShard(shard, { input, tap, inputs: points.length });
  const units = all.filter(({ input, tap }) => isOwn(input, tap));
  const done = units.filter(({ input, tap }) => stored.isDone(input, tap));
  if (done.length > 0) process.stderr.write(`note: ${done.length} of ${units.length} units are done already\n`);
  const progress = new Progress(options.shares);
  const name = (input: number, tap: number) => `${manifest.inputs[input]!.name} → ${manifest.taps[tap]!.name}`;
  let [missed, failed] = [0, 0];
  const kinked: KinkedUnit[] = [];
  const tell = (input: number, tap: number, unit: UnitResult) => {
    if (unit.status.some(missesTolerance)) missed++;
    kinked.push({ input: manifest.inputs[input]!.name, kinks: unit.kinks });
    if (options.json) process.stdout.write(`${JSON.stringify(asLine(manifest, input, tap, unit))}\n`);
  };
  for await (const [{ input, tap }, unit] of readUnits(stored, done)) if (unit !== undefined) tell(input, tap, unit);
  try {
    const onUnit = (input: number, tap: number, unit: UnitResult) => {
      progress.finish(`${name(input, tap)}: ${describeUnit(unit)}`);
      tell(input, tap, unit);
    };
    const onFailure = (input: number, tap: number, cause: unknown) => {
      failed++;
      progress.finish(`${name(input, tap)}: failed`);
      process.stderr.write(`${failureOf(cause, manifest, input, tap).format()}\n`);
      if (options.json) process.stdout.write(`${JSON.stringify(failedLine(stored, input, tap))}\n`);
    };
    await interruptible(async (signal) => {
      if (giving !== undefined) {
        await enqueue(giving.queue, stored, {
          ...{ ...giving, signal },
          units: units.filter(({ input, tap }) => !stored.isDone(input, tap)),
          onDone: ({ input, tap }, unit) => onUnit(input, tap, unit),
          onFailed: ({ input, tap }, why) => onFailure(input, tap, new Error(why)),
        });
        return;
      }
      await spectrum(stored, network, points, {
        ...{ signal, only: isOwn, onUnit, onFailure },
        onProgress: (input, tap, { converged, k, jvp, vjp }) =>
          progress.update(`${name(input, tap)}: ${converged} of ${k} triplets, ${jvp} J + ${vjp} Jᵀ products`),
      }).catch((cause: unknown) => {
        throw options.out === undefined && signal.aborted ? nothingKept(cause) : cause;
      });
    });
  } finally {
    progress.end();
  }
  if (!options.json) process.stdout.write(`${await summary(stored)}\n`);
  const kinks = kinkSentence(kinked);
  if (kinks !== undefined) process.stderr.write(`note: ${printable(kinks)}\n`);
  if (options.out !== undefined)
    process.stderr.write(`stored in ${options.out}; see it: pushforward report ${quoted(options.out)}\n`);
  if (missed > 0) {
    process.stderr.write(
      `warning: ${missed} of ${units.length} units have triplets that did not reach the tolerance (marked in the results)\n`,
    );
    process.exitCode = 1;
  }
  if (failed > 0) {
    process.stderr.write(`error: ${failed} of ${units.length} units failed; the same command tries them again\n`);
    process.exitCode = exitCodes["not-finite"];
  }
}

/** The outcome of a unit, with its input and tap. */
function failureOf(cause: unknown, { inputs, taps }: RunManifest, input: number, tap: number): PushforwardError {
  const error =
    cause instanceof PushforwardError ? cause : new PushforwardError("backend-failed", { what: reasonOf(cause) });
  return error.at({ input: inputs[input]!.name, tap: taps[tap]!.name });
}

function nothingKept(cause: unknown): PushforwardError {
  return new PushforwardError("interrupted", {
    what: "The command was interrupted. Nothing is stored.",
    fix: "With --out, finished units are stored, and the same command continues from there.",
    cause,
  });
}

function asLine(manifest: RunManifest, input: number, tap: number, unit: UnitResult) {
  const {
    m,
    n,
    k,
    sigma,
    residual,
    status,
    floor,
    floors,
    residualFailureProbability,
    missed,
    jvp,
    vjp,
    seconds,
    kinks,
    onCpu,
  } = unit;
  return {
    model: manifest.model.file,
    input: manifest.inputs[input]!.name,
    from: manifest.from.name,
    tap: manifest.taps[tap]!.name,
    m,
    n,
    k,
    sigma: [...sigma],
    residual: [...residual],
    residualFailureProbability,
    status,
    floor,
    floors: floors && [...floors],
    missed,
    jvp,
    vjp,
    seconds,
    kinks,
    onCpu,
  };
}

function failedLine(stored: Run, input: number, tap: number) {
  const { model, inputs, from, taps } = stored.manifest;
  const failed = stored.failureOf(input, tap);
  return { model: model.file, input: inputs[input]!.name, from: from.name, tap: taps[tap]!.name, failed };
}

async function summary(stored: Run): Promise<string> {
  const { inputs, taps } = stored.manifest;
  const all = [];
  for (const [tap, record] of taps.entries()) {
    const units: UnitResult[] = [];
    const places = Array.from(inputs.keys(), (input) => ({ input, tap }));
    for await (const [, unit] of readUnits(stored, places)) if (unit !== undefined) units.push(unit);
    all.push({ record, units });
  }
  const table = all.some(({ units }) => units.length > 0) ? [summaryTable(all)] : [];
  return [...table, ...failuresOf(stored)].join("\n");
}

/** The units without a result, one line each. */
function failuresOf(stored: Run): string[] {
  const { inputs, taps } = stored.manifest;
  return inputs.flatMap((input, i) =>
    taps.flatMap((tap, t) => {
      const failed = stored.failureOf(i, t);
      return failed === undefined ? [] : [`${input.name} → ${tap.name} failed: ${failed}`];
    }),
  );
}
