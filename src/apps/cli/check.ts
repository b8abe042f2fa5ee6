import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import { createRng, formatShape, gaussianArray, PushforwardError, sizeOf } from "../../base/index.ts";
import { type Checkup, checkNetwork, type Finding, failingPart, type TapCheck } from "../../checkup/index.ts";
import { writeNpy } from "../../images/index.ts";
import type { Point } from "../../jacobian/index.ts";
import { type Tensor, writeModel } from "../../onnx/index.ts";
import { unwritable } from "../../platform/node/file-errors.ts";
import { choosePreset } from "../node/choose-preset.ts";
import { findInputs } from "../node/find-inputs.ts";
import type { Network, Tap } from "../node/index.ts";
import { isArrayFile } from "../node/load-input.ts";
import { namesIn } from "./choose.ts";
import { loadInputs } from "./inputs.ts";
import { type OpeningOptions, opening, openNetwork } from "./opening.ts";
import { threadCount, wholeNumber } from "./options.ts";
import { requireMain } from "./prepare.ts";
import { formatTable } from "./table.ts";

interface CheckOptions extends OpeningOptions {
  readonly data?: string;
  readonly preprocess?: string;
  readonly from?: string;
  readonly taps?: string;
  readonly seed: number;
  readonly out?: string;
  readonly json?: boolean;
}

/** So many taps are checked by products unless others are named: evenly spread, with the last. */
const MOST_TAPS = 40;
/** So many inputs of a folder are checked. */
const MOST_POINTS = 4;

/** What a finding means for the exit code; the largest one counts. */
const codes: Readonly<Record<Finding, number>> = {
  right: 0,
  adjoint: 0,
  inexact: 0,
  constant: 0,
  empty: 0,
  "not adjoint": 1,
  wrong: 1,
  "no value": 2,
  "not finite": 2,
  "no rule": 3,
  failed: 3,
};

/** `pushforward check MODEL`: whether a network can be differentiated here, whether the derivatives are right, and what would help. */
export function checkCommand(version: string): Command {
  return opening(new Command("check"))
    .description("check a model: whether it opens and runs, which taps can be differentiated, and whether J is right")
    .argument("<model>", "ONNX file")
    .option("--data <path>", "picture, .npy array, or a folder of them, to check at (default: random numbers)")
    .option("--preprocess <name>", "how pictures are converted to inputs, as for `spectrum`")
    .option("--from <tap>", "source of the Jacobian, a tap or the name of a weight (default: the input)")
    .option(
      "--taps <names>",
      `taps to check, separated by commas, or \`all\` (default: at most ${MOST_TAPS}, evenly spread)`,
    )
    .option("--seed <seed>", "seed of all random numbers", wholeNumber("--seed", 0), 0)
    .option("--threads <count>", "threads for one product (default: all cores)", threadCount("--threads"))
    .option("--out <folder>", "folder for a page, check.html, and for the parts that fail")
    .option("--json", "print one JSON object per line: one for each tap, then one for the network")
    .action(async (file: string, options: CheckOptions) => {
      const network = await open(file, options);
      if (network === undefined) return;
      try {
        await check(network, options, version);
      } finally {
        await network.close();
      }
    });
}

/** The network; `undefined` if it does not open, which `--json` tells as a line, and otherwise the error of the command. */
async function open(file: string, options: CheckOptions): Promise<Network | undefined> {
  try {
    return await openNetwork(file, options);
  } catch (error) {
    if (error instanceof PushforwardError && options.json) {
      const { code, what, where, fix } = error;
      process.stdout.write(`${JSON.stringify({ model: file, opens: false, error: { code, what, where, fix } })}\n`);
    }
    throw error;
  }
}

async function check(opened: Network, options: CheckOptions, version: string): Promise<void> {
  const { seed, json, out } = options;
  const { network, points } = await alike(opened, await pointsOf(opened, options));
  const from = options.from === undefined ? network.source : wholeTap(network, options.from);
  network.requireFloats(from);
  const taps = chosenTaps(network, from, options.taps);
  let done = 0;
  const checkup = await checkNetwork(network, {
    points: points.map(({ point }) => point),
    from,
    taps,
    seed,
    onTap: (one) => {
      done++;
      if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${taps.length} taps: ${one.tap.name}\u001b[K`);
    },
  });
  if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
  const parts = out === undefined ? new Map() : await writeParts(network, checkup, { from, points, seed, out });
  if (json) printLines(network, checkup, from);
  else process.stdout.write(describe(network, checkup, from));
  if (out !== undefined) {
    const { renderCheckup } = await import("../report/index.ts");
    const page = renderCheckup(checkup, {
      file: network.file,
      from: from.name,
      points: points.map(({ name }) => name),
      backend: network.backend.description,
      version,
      parts,
    });
    await write(join(out, "check.html"), new TextEncoder().encode(page));
    if (!json) process.stdout.write(`${join(out, "check.html")}\n`);
  }
  const code = Math.max(...checkup.taps.map(({ finding }) => codes[finding]), 0);
  if (code > 0) process.exitCode = code;
}

/** The network as it is at the first point, and the points at which values of inputs decide its structure in the same way. */
async function alike(
  opened: Network,
  points: readonly NamedPoint[],
): Promise<{ network: Network; points: readonly NamedPoint[] }> {
  const networks = await Promise.all(points.map(({ point }) => opened.at(point)));
  const network = networks[0] ?? opened;
  const same = points.filter((_, at) => networks[at] === network);
  if (same.length < points.length) {
    const left = points.length - same.length;
    process.stderr.write(`note: ${left} of ${points.length} inputs are left out, at which another graph runs\n`);
  }
  return { network, points: same };
}

/** @throws PushforwardError `usage` for some entries of a tap, whose check is that of the whole */
function wholeTap(network: Network, name: string): Tap {
  const tap = network.tap(name);
  if (tap.part === undefined) return tap;
  throw new PushforwardError("usage", {
    what: `"${name}" are some entries of a tap, and whole taps are checked.`,
    where: { file: network.file, tap: name },
    fix: `Name the tap without indices: ${name.replace(/\s*\[.*$/s, "")}.`,
  });
}

interface NamedPoint {
  readonly name: string;
  readonly point: Point;
}

/** The points to check at: inputs of the command, or random numbers; zeros for an input that holds no floats. */
async function pointsOf(network: Network, { data, preprocess, seed }: CheckOptions): Promise<NamedPoint[]> {
  if (data === undefined) {
    const main = network.inputs.find(({ state }) => state === "pictures");
    if (main === undefined) return [{ name: "the given inputs", point: {} }];
    const count = sizeOf(main.shape);
    if (!main.type.includes("float")) return [{ name: "zeros", point: new Float32Array(count) }];
    return [{ name: "random numbers", point: gaussianArray(createRng(seed, "check"), count) }];
  }
  requireMain(network);
  const files = (await findInputs([data])).map(({ file }) => file).slice(0, MOST_POINTS);
  const preset = await choosePreset(preprocess, network.input.shape, files.every(isArrayFile));
  const { points, failures } = await loadInputs(files, network, preset);
  for (const failure of failures) process.stderr.write(`${failure.format()}\n`);
  return points.flatMap((point, at) => (point === undefined ? [] : [{ name: files[at]!, point }]));
}

function chosenTaps(network: Network, from: Tap, names: string | undefined): Tap[] {
  const moving = network.taps.filter(
    (tap) => tap.op !== "Input" && tap.tensor !== from.tensor && network.moves(from, tap),
  );
  if (names === "all") return moving;
  if (names !== undefined) return namesIn(names).map((name) => wholeTap(network, name));
  if (moving.length <= MOST_TAPS) return moving;
  process.stderr.write(`note: ${MOST_TAPS} of ${moving.length} taps are checked; --taps all checks every one\n`);
  return Array.from({ length: MOST_TAPS }, (_, i) => moving[Math.round((i * (moving.length - 1)) / (MOST_TAPS - 1))]!);
}

type Parts = Map<string, { readonly file: string; readonly ops: readonly string[] }>;

/** Writes the smallest failing part of the first tap that fails in each way, with the values of its inputs. */
async function writeParts(
  network: Network,
  { taps }: Checkup,
  { from, points, seed, out }: { from: Tap; points: readonly NamedPoint[]; seed: number; out: string },
): Promise<Parts> {
  await mkdir(out, { recursive: true }).catch((cause: unknown) => {
    throw unwritable(out, cause);
  });
  const parts: Parts = new Map();
  const told = new Set<Finding>();
  for (const check of taps) {
    if (codes[check.finding] === 0 || told.has(check.finding) || points[0] === undefined) continue;
    told.add(check.finding);
    const part = await failingPart(network, check, { from, point: points[0].point, seed });
    if (part === undefined) continue;
    const stem = join(out, `${check.tap.name.replace(/[^\w.-]/g, "_")}.failing`);
    await write(`${stem}.onnx`, writeModel(part.model));
    for (const [at, [, tensor]] of [...part.inputs].entries()) await writeInput(`${stem}.input${at}.npy`, tensor);
    parts.set(check.tap.name, { file: `${stem}.onnx`, ops: part.ops });
    process.stderr.write(`note: the smallest part that fails at ${check.tap.name} is in ${stem}.onnx\n`);
  }
  return parts;
}

async function writeInput(file: string, { shape, data }: Tensor): Promise<void> {
  if (ArrayBuffer.isView(data)) {
    await write(file, writeNpy({ shape, data: Float32Array.from(data as ArrayLike<number | bigint>, Number) }));
  }
}

async function write(file: string, bytes: Uint8Array): Promise<void> {
  await writeFile(file, bytes).catch((cause: unknown) => {
    throw unwritable(file, cause);
  });
}

function printLines({ file }: Network, { taps, forward, slowest, advice }: Checkup, from: Tap): void {
  for (const { tap, times, ...found } of taps) {
    const line = {
      model: file,
      from: from.name,
      ...tap,
      ...found,
      ...(times && { jvpSeconds: times.jvp, vjpSeconds: times.vjp }),
    };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }
  const counts = Object.fromEntries(
    Object.keys(codes).map((finding) => [finding, taps.filter((one) => one.finding === finding).length]),
  );
  process.stdout.write(
    `${JSON.stringify({ model: file, opens: true, forwardSeconds: forward, counts, slowest, advice })}\n`,
  );
}

function describe(network: Network, { taps, forward, slowest, advice }: Checkup, from: Tap): string {
  const milliseconds = (seconds: number | undefined) => (seconds === undefined ? "" : (1000 * seconds).toPrecision(3));
  const row = ({ tap, finding, adjoint, difference, kinks = [], times }: TapCheck): string[] => [
    tap.name,
    tap.op,
    formatShape(tap.shape),
    finding,
    adjoint === undefined ? "" : adjoint.toExponential(1),
    difference === undefined ? "" : difference.toExponential(1),
    times === undefined ? "" : String(kinks.reduce((sum, one) => sum + one.neurons + one.windows, 0)),
    milliseconds(times?.jvp),
    milliseconds(times?.vjp),
  ];
  const head = ["tap", "op", "shape", "found", "J and Jᵀ", "differences", "kinks", "J·v, ms", "Jᵀ·u, ms"];
  const reasons = new Map<string, string[]>();
  for (const { tap, reason } of taps) {
    if (reason !== undefined) reasons.set(reason, [...(reasons.get(reason) ?? []), tap.name]);
  }
  const why = [...reasons].map(([reason, names]) => {
    const some = `${names.slice(0, 3).join(", ")}${names.length > 3 ? ` and ${names.length - 3} more` : ""}`;
    return `${some}: ${reason}${/[.]$/.test(reason) ? "" : "."}`;
  });
  const where = slowest.map((one) => `${Math.round(100 * one.share)} % between ${one.from} and ${one.to}`);
  const notes = [
    `The network opens and runs: one pass takes ${(1000 * forward).toPrecision(3)} ms. J leads from ${from.name}.`,
    ...why,
    ...(where.length > 1 ? [`Products take their time: ${where.join(", ")}.`] : []),
    ...advice,
  ];
  return `${network.file}\n\n${formatTable(head, taps.map(row), [4, 5, 6, 7, 8])}\n\n${notes.join("\n")}\n`;
}
