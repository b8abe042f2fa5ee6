import { join } from "node:path";
import { PushforwardError } from "../../base/index.ts";
import { openStore } from "../../platform/node/open-store.ts";
import { RunQueue } from "../../platform/node/run-queue.ts";
import { openRun, type Run } from "../../results/index.ts";
import type { Network } from "../node/index.ts";
import { sha256Of } from "../node/model-identity.ts";
import { version, versionsOf } from "../node/versions.ts";
import { SubjectFetcher } from "./fetch-subject.ts";
import { modelOf, openStored, type StoredSubject } from "./stored-subject.ts";
import type { WorkerSetting } from "./worker-setting.ts";

/** The name of a run in a queue: it says where the run is stored, and which one of those that were stored there in the course of time. */
export const queuedName = (location: string, { created }: Pick<Run["manifest"], "created">): string =>
  sha256Of(new TextEncoder().encode(`${location} ${created}`)).slice(0, 16);

/** A run of which a worker computes units, with its network. */
export class QueuedSubject {
  readonly run: Run;
  readonly network: Network;
  readonly #name: string;
  readonly #subject: StoredSubject;
  readonly #fetcher: SubjectFetcher;

  private constructor(name: string, run: Run, subject: StoredSubject, fetcher: SubjectFetcher) {
    this.#name = name;
    this.run = run;
    this.network = subject.network;
    this.#subject = subject;
    this.#fetcher = fetcher;
  }

  /**
   * Opens a run by its name in the queue, with files from its store.
   *
   * @throws PushforwardError `store-mismatch` if another run is stored there by now, or this program computes other numbers than the run has;
   * errors of `SubjectFetcher` and `openStored`
   */
  static async open(name: string, setting: WorkerSetting): Promise<QueuedSubject> {
    const queue = await RunQueue.open(setting.queue, () => undefined);
    const { store: location } = await queue.readRun(name).finally(() => queue.close());
    const store = openStore(location);
    const run = await openRun(store, versionsOf(version));
    requireOwn(name, run, store.location);
    const fetcher = new SubjectFetcher(store, join(setting.folder, name), new Map(Object.entries(setting.known)));
    const { model, ...local } = await fetcher.files();
    const options = { ...local, threads: setting.threads, ...(setting.device && { device: setting.device }) };
    const subject = await openStored(
      run,
      { ...(await modelOf(run.manifest, model, local.input)), inputs: new Map() },
      options,
    );
    const { description } = subject.network.backend;
    if (description === run.manifest.backend) return new QueuedSubject(name, run, subject, fetcher);
    await subject.network.close();
    throw new PushforwardError("store-mismatch", {
      what: `The run is computed on ${run.manifest.backend}, and this worker has ${description}.`,
      where: { file: location },
      fix: "Start the worker with the --device of the run.",
    });
  }

  /** Whether it is the run of this name, with these inputs. A run can get more inputs while workers are at it. */
  has(name: string, inputs: readonly number[]): boolean {
    return this.#name === name && inputs.every((input) => this.run.manifest.inputs[input] !== undefined);
  }

  /** The preprocessed inputs of these numbers, in a list of all inputs of the run. */
  async points(inputs: readonly number[]): Promise<(Float32Array | undefined)[]> {
    const points = this.run.manifest.inputs.map((): Float32Array | undefined => undefined);
    for (const input of inputs) {
      points[input] = await this.#subject.load(await this.#fetcher.input(this.run.manifest.inputs[input]!));
    }
    return points;
  }

  close(): Promise<void> {
    return this.network.close();
  }
}

/** @throws PushforwardError `store-mismatch` */
function requireOwn(name: string, { manifest }: Run, location: string): void {
  if (queuedName(location, manifest) !== name) {
    throw new PushforwardError("store-mismatch", {
      what: "Another run is stored here than the one that was enqueued.",
      where: { file: location },
      fix: "Enqueue it once more.",
    });
  }
  const stored = manifest.versions.pushforward ?? "none";
  if (stored === version) return;
  throw new PushforwardError("store-mismatch", {
    what: `The run is of version ${stored} of Pushforward, and this worker is of version ${version}.`,
    where: { file: location },
    fix: "Use one version on all machines.",
  });
}
