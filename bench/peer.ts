import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { python as testPython } from "../test/support/python.ts";
import { sharedPath } from "../test/support/shared.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));
const patience = { maxBuffer: 2 ** 28 };

/** A way of today to have singular triplets of a layer's Jacobian: a script of the shared folder. */
export interface Peer {
  readonly name: "PyTorch" | "JAX";
  readonly script: string;
  /** Packages that it imports, by their names for pip. */
  readonly needs: readonly string[];
  /** Imports everything that the script needs, and reads the file of the network, as the script does before its own clock starts. */
  readonly start: string;
}

export const torch: Peer = {
  name: "PyTorch",
  script: "torch_svds.py",
  needs: ["torch", "scipy", "numpy", "onnx"],
  start: "import sys, numpy, onnx, torch, scipy.sparse.linalg; onnx.load(sys.argv[1])",
};
export const jax: Peer = {
  name: "JAX",
  script: "jax_svds.py",
  needs: ["jax", "scipy", "numpy", "onnx"],
  start: "import sys, numpy, onnx, jax, jax.numpy, scipy.sparse.linalg; onnx.load(sys.argv[1])",
};

/** What a solve is asked for. */
export interface Asked {
  readonly model: string;
  readonly input: string;
  readonly tap: string;
  readonly k: number;
  readonly tol: number;
}

/** What a solve reports. */
export interface Solved {
  readonly how: string;
  readonly shape: readonly [m: number, n: number];
  /** From the compiled products to the last triplet; for ours, what the certificate states. */
  readonly seconds: number;
  /** What a user waits for: also the start of the program, loading, tracing and compiling. Ours is the whole command. */
  readonly whole: number;
  readonly jvp: number;
  readonly vjp: number;
  /** Largest residual over σ₁: of all triplets by ours, of a sample by the peers'. */
  readonly residual: number;
}

/** The Python of peers: the one given, else that of the repository's `.venv`, else the system's. */
export const pythonOf = (given: string | undefined): string => given ?? testPython;

/** Which packages of a peer a Python lacks. */
export async function missing(python: string, { needs }: Peer): Promise<string[]> {
  const tried = await Promise.allSettled(needs.map((name) => run(python, ["-c", `import ${name}`])));
  return needs.filter((_, i) => tried[i]!.status === "rejected");
}

/** Versions of a peer's packages. */
export async function versionsOf(python: string, { needs }: Peer): Promise<Record<string, string>> {
  const code = `import json, importlib.metadata as q; print(json.dumps({p: q.version(p) for p in ${JSON.stringify(needs)}}))`;
  return JSON.parse((await run(python, ["-c", code])).stdout);
}

/** jemalloc keeps the pages of large arrays, which glibc gives back and faults in anew; `undefined` where there is none. */
export function jemalloc(): NodeJS.ProcessEnv | undefined {
  const folders = ["/usr/lib", "/usr/local/lib", "/lib"].filter((folder) => existsSync(folder));
  const files = folders.flatMap((folder) => [
    join(folder, "libjemalloc.so.2"),
    ...readdirSync(folder).map((name) => join(folder, name, "libjemalloc.so.2")),
  ]);
  const library = files.find((file) => existsSync(file));
  if (library === undefined) return undefined;
  return { LD_PRELOAD: library, MALLOC_CONF: "dirty_decay_ms:-1,muzzy_decay_ms:-1" };
}

/** Runs a peer's script and reads its report. */
export async function solvedBy(
  python: string,
  peer: Peer,
  { model, input, tap, k, tol }: Asked,
  { solver = "arpack", env = {} }: { readonly solver?: "arpack" | "propack"; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<Solved> {
  const started = performance.now();
  await run(python, ["-c", peer.start, model], { ...patience, env: { ...process.env, ...env } });
  const start = (performance.now() - started) / 1000;
  const options = ["--tol", String(tol), "--solver", solver, "--threads", String(availableParallelism())];
  const { stdout } = await run(python, [sharedPath("peer", peer.script), model, input, tap, String(k), ...options], {
    ...patience,
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1", ...env },
  });
  const report = JSON.parse(stdout.trim().split("\n").at(-1)!);
  return {
    how: report.peer,
    shape: report.shape,
    seconds: report.seconds,
    whole: start + (report.compile_seconds ?? 0) + report.seconds, // PyTorch compiles nothing.
    jvp: report.products.J,
    vjp: report.products.JT,
    residual: report.worst_sampled_residual_over_s1,
  };
}

/** Runs `pushforward spectrum` as a user does, from the compiled command, and times all of it. */
export async function solvedByUs({ model, input, tap, k, tol }: Asked): Promise<Solved> {
  const options = ["--taps", tap, "-k", String(k), "--tol", String(tol), "--json"];
  const started = performance.now();
  const command = [join(root, "dist/apps/cli/main.js"), "spectrum", model, input, ...options];
  const { stdout } = await run(process.execPath, command, patience);
  const whole = (performance.now() - started) / 1000;
  const line = JSON.parse(stdout.trim());
  return {
    how: "Pushforward",
    shape: [line.m, line.n],
    seconds: line.seconds,
    whole,
    jvp: line.jvp,
    vjp: line.vjp,
    residual: Math.max(...line.residual) / line.sigma[0],
  };
}
