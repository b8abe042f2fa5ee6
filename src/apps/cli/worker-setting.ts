import type { OpeningOptions } from "./opening.ts";

/** What a worker tells the processes that compute for it. */
export interface WorkerSetting extends Pick<OpeningOptions, "device"> {
  readonly queue: string;
  /** The worker's name. */
  readonly name: string;
  readonly threads: number;
  /** A folder for files of runs, which the worker removes at its end. */
  readonly folder: string;
  /** The files that this machine has, by the hashes of their content. */
  readonly known: Readonly<Record<string, string>>;
}

const VARIABLE = "PUSHFORWARD_WORKER";

/** The environment of a process that computes for a worker. */
export const environmentFor = (setting: WorkerSetting): NodeJS.ProcessEnv => ({
  ...process.env,
  [VARIABLE]: JSON.stringify(setting),
});

/** The setting with which the worker of this process started it. */
export const readSetting = (): WorkerSetting => JSON.parse(process.env[VARIABLE]!) as WorkerSetting;
