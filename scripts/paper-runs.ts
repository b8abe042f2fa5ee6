// Measures everything that docs/paper keeps: trained networks and their controls, from models and pictures in the shared
// folder. `npm run paper:runs -- --out FOLDER`, then the command that it prints. The same command continues.
import { spawn } from "node:child_process";
import { mkdirSync, openSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { formatSeconds } from "../src/base/index.ts";
import type { Params } from "../src/studies/index.ts";
import { root } from "../test/docs/markdown.ts";
import { type Group, type Network, networksFrom } from "./paper-plan.ts";

const { values: given } = parseArgs({
  options: {
    out: { type: "string" },
    shared: { type: "string", default: process.env.PUSHFORWARD_SHARED ?? join(root, "../shared") },
    only: { type: "string", default: "" },
    control: { type: "string", default: "permuted,matched" },
    draws: { type: "string", default: "6" },
    jobs: { type: "string", default: "1" },
  },
});
if (given.out === undefined) throw new Error("Say where the results go: --out FOLDER.");
const { out } = given;
/** The command line's options of one study of a network. */
function optionsOf({ taps, k, tol = 1e-5 }: Group, params: Params): string[] {
  const set = Object.entries(params).flatMap(([name, value]) => ["--set", `${name}=${[value].flat().join(",")}`]);
  return ["--taps", taps.join(","), "-k", String(k), "--tol", String(tol), ...set];
}

/** Runs Node with arguments, its output in a log. The status is that of the program. */
function run(args: readonly string[], log: string): Promise<number> {
  const file = openSync(log, "a");
  return new Promise((resolve, reject) => {
    spawn(process.execPath, args, { stdio: ["ignore", file, file] })
      .on("error", reject)
      .on("close", (status) => resolve(status ?? 130));
  });
}

/** The studies of one folder, one after the other. Whatever is finished already takes seconds. */
async function measure(name: string, network: Network, group: Group, inputs: readonly string[]): Promise<void> {
  const folder = join(out, name, group.folder);
  mkdirSync(folder, { recursive: true });
  for (const [study, params] of Object.entries(group.studies)) {
    if (!isWanted(name, study)) continue;
    const start = performance.now();
    const log = join(out, name, `${group.folder}-${study}.log`);
    const program = join(root, "dist/apps/cli/main.js");
    const command = [program, "study", study, network.model, ...inputs, ...optionsOf(group, params)];
    const status = await run([...command, "--threads", String(threads), "--out", folder], log);
    const ended = status === 0 ? "" : `, status ${status}: see ${log}`;
    console.log(`${name} ${study}: ${formatSeconds((performance.now() - start) / 1000)}${ended}`);
    if (status !== 0) process.exitCode = status;
  }
}

/** `--only network` or `--only network,study`. */
function isWanted(name: string, study?: string): boolean {
  const [network, ofIt] = given.only.split(",");
  return (network === "" || network === name) && (!ofIt || study === undefined || ofIt === study);
}

const networks = networksFrom(join(given.shared, "data"));
const jobs = Number(given.jobs);
const threads = Math.max(1, Math.floor(availableParallelism() / jobs));
const waiting: (() => Promise<void>)[] = [];
for (const [name, network] of Object.entries(networks)) {
  if (!isWanted(name)) continue;
  const to = join(out, "inputs", name);
  mkdirSync(to, { recursive: true });
  const inputs = [...network.prepare(to)];
  const controls = given.control === "" ? [] : [given.control];
  if (controls.length > 0 && network.initial !== undefined) {
    const file = join(to, "initial.onnx");
    await run([...process.execArgv, network.initial, "--initial", file], join(to, "initial.log"));
    controls.push(`initial=${file}`);
  }
  if (controls.length > 0) inputs.push("--control", controls.join(","), "--draws", given.draws);
  waiting.push(...network.groups.map((group) => () => measure(name, network, group, inputs)));
}
await Promise.all(
  Array.from({ length: jobs }, async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await next();
  }),
);
const folders = Object.entries(networks).flatMap(([name, { groups }]) =>
  groups.map(({ folder }) => `${name}=${join(out, name, folder)}`),
);
console.log(`When all have status 0: npm run paper:page -- ${folders.join(" ")}`);
