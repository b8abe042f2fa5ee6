import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { PushforwardError } from "../../base/index.ts";
import { checkKnown } from "./fetch-subject.ts";
import { deviceName, threadCount, wholeNumber } from "./options.ts";
import { environmentFor, type WorkerSetting } from "./worker-setting.ts";

interface WorkerCommandOptions extends Pick<WorkerSetting, "device"> {
  readonly queue: string;
  readonly jobs: number;
  readonly threads?: number;
  readonly map?: ReadonlyMap<string, string>;
  readonly lock: number;
}

/** `pushforward worker --queue redis://…`: computes units of the runs that are enqueued there. */
export function workerCommand(): Command {
  return new Command("worker")
    .description("compute units of the runs that are enqueued with `spectrum --queue`, until it is interrupted")
    .requiredOption("--queue <address>", "redis://[:PASSWORD@]HOST[:PORT]; the password can also be in REDISCLI_AUTH")
    .option("--jobs <count>", "units computed side by side, each by a process of its own", threadCount("--jobs"), 1)
    .option(
      "--threads <count>",
      "threads for one product (default: all cores, shared by the jobs)",
      threadCount("--threads"),
    )
    .option("--device <name>", "where to compute, which must be that of the run (default: cpu)", deviceName("--device"))
    .option("--map <hash=file>", "a file that is not copied from the store, by its SHA-256; may be repeated", withFile)
    .option(
      "--lock <seconds>",
      "after so long without a sign of life, the units of a worker are given to others",
      wholeNumber("--lock", 2),
      60,
    )
    .action(work);
}

async function work({ queue, jobs, threads, map = new Map(), lock, device }: WorkerCommandOptions): Promise<void> {
  await checkKnown(map);
  const { QueueWorker, withoutPassword } = await import("../../platform/node/run-queue.ts"); // slow to load
  const shown = withoutPassword(queue);
  const folder = await mkdtemp(join(tmpdir(), "pushforward-worker-"));
  const setting: WorkerSetting = {
    queue,
    name: `${hostname()}:${process.pid}`,
    threads: threads ?? Math.max(1, Math.floor(availableParallelism() / jobs)),
    folder,
    known: Object.fromEntries(map),
    ...(device && { device }),
  };
  const notice = (text: string) => void process.stderr.write(`note: ${text}\n`);
  try {
    const ended = new Promise<void>((resolve) => {
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, resolve);
    });
    const worker = await QueueWorker.open(queue, {
      ...{ name: setting.name, jobs, lock, notice },
      program: new URL("./unit-process.js", import.meta.url),
      environment: environmentFor(setting),
    });
    notice(`${setting.name} waits for units at ${shown}`);
    await ended;
    notice("the units under way are given back; interrupt once more to end at once");
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
    await worker.close();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function withFile(text: string, before: ReadonlyMap<string, string> = new Map()): ReadonlyMap<string, string> {
  const [, hash, file] = /^([0-9a-f]{64})=(.+)$/i.exec(text) ?? [];
  if (hash !== undefined && file !== undefined) return new Map([...before, [hash.toLowerCase(), file]]);
  throw new PushforwardError("usage", {
    what: `"${text}" does not say which file has which content.`,
    where: { option: "--map" },
    fix: "Give the SHA-256 of a file, as `sha256sum` prints it, and its path: --map HASH=FILE.",
  });
}
