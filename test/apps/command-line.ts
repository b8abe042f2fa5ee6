import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The compiled command line. */
export const main = fileURLToPath(new URL("../../dist/apps/cli/main.js", import.meta.url));

/** What a command left behind. */
export interface Outcome {
  /** `null` where a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly outcome: Promise<Outcome>;
  /** Resolves when standard error has shown this many matches of a global pattern, or the command has ended. */
  shown(pattern: RegExp, times: number): Promise<void>;
}

interface CommandOptions {
  readonly cwd?: string;
  /** A program that starts the command, with its arguments: `setpriv --reuid=…`. */
  readonly under?: readonly string[];
  /** What its environment has besides. */
  readonly env?: Readonly<Record<string, string>>;
  /** An open file that takes standard output. */
  readonly stdout?: number;
}

/** Starts the compiled command line. */
export function start(args: readonly string[], { cwd, under = [], env, stdout: file }: CommandOptions = {}): Running {
  if (!existsSync(main)) throw new Error("the command line is not compiled: npm run build");
  const [program, ...rest] = [...under, process.execPath, main, ...args];
  const child = spawn(program!, rest, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", file ?? "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const outcome = new Promise<Outcome>((resolve, reject) => {
    child.on("error", reject).on("close", (code) => resolve({ code, stdout, stderr }));
  });
  const shown = (pattern: RegExp, times: number) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if ((stderr.match(pattern) ?? []).length >= times) resolve();
      };
      child.stderr?.on("data", look);
      child.on("close", () => resolve());
      look();
    });
  return { child, outcome, shown };
}

/** Runs the compiled command line to its end. */
export const pushforward = (args: readonly string[], options: CommandOptions = {}): Promise<Outcome> =>
  start(args, options).outcome;
