import { Command } from "commander";
import { createRng, exitCodes, formatNumber, PushforwardError, plural, printable, quoted } from "../../base/index.ts";
import { checkRun, type Fault, type UnitCheck } from "../../checkup/index.ts";
import { openStore } from "../../platform/node/open-store.ts";
import { openRun, type Run, type UnitPlace } from "../../results/index.ts";
import { interruptible } from "./interruptible.ts";
import { opening } from "./opening.ts";
import { percentage, threadCount, wholeNumber } from "./options.ts";
import { Progress } from "./progress.ts";
import { findStored, openStored, type StoredSubject, type SubjectOptions } from "./stored-subject.ts";

interface VerifyOptions extends SubjectOptions {
  /** The part of the finished units that is checked. */
  readonly sample: number;
  readonly all?: boolean;
  readonly seed: number;
  readonly json?: boolean;
}

/** The exit code if a certificate does not hold. */
const DOES_NOT_HOLD = 1;

/** `pushforward verify RUN [MODEL INPUT...]`: checks stored units against the network and inputs that they are of. */
export function verifyCommand(): Command {
  return opening(new Command("verify"))
    .description(
      "check a stored run against its network and inputs: their hashes, and the certificates of sampled units",
    )
    .argument("<run>", "folder of a run, as given to --out, or s3://bucket/prefix")
    .argument("[model]", "ONNX file (default: the path in the run, from the current folder)")
    .argument("[input...]", "pictures, folders of pictures, or .npy arrays (default: the paths in the run)")
    .option(
      "--sample <share>",
      "the part of the finished units that is checked, at least one",
      percentage("--sample"),
      0.01,
    )
    .option("--all", "check every finished unit")
    .option("--seed <seed>", "which units are sampled", wholeNumber("--seed", 0), 0)
    .option("--preprocess <name>", "where the run's own cannot be found: imagenet, caffe-alexnet, ..., or a JSON file")
    .option("--threads <count>", "threads for one product (default: all cores)", threadCount("--threads"))
    .option("--json", "print one JSON object per line, one for each unit that is checked")
    .action(verify);
}

async function verify(
  folder: string,
  model: string | undefined,
  paths: readonly string[],
  options: VerifyOptions,
): Promise<void> {
  const run = await openRun(openStore(folder));
  const done = finishedUnits(run);
  if (done.length === 0) {
    throw new PushforwardError("usage", {
      what: "No unit of this run is finished, so there is nothing to check.",
      where: { file: folder },
      fix: `See what is done: pushforward status ${quoted(folder)}.`,
    });
  }
  const files = await findStored(run, model, paths, options);
  for (const problem of files.problems) process.stderr.write(`${problem.format()}\n`);
  if (files.problems.length > 0) process.exitCode = exitCodes["file-unreadable"];
  const able = done.filter(({ input }) => files.inputs.has(input));
  if (able.length < done.length) {
    const left = plural(done.length - able.length, "unit");
    process.stderr.write(`note: ${left} cannot be checked, because their inputs are not there\n`);
  }
  if (able.length === 0) return;
  const chosen = options.all ? able : sampled(able, options.sample, options.seed);
  const subject = await openStored(run, files, options);
  try {
    tellBackend(run, subject);
    const points = new Map<number, Float32Array>();
    for (const input of new Set(chosen.map((unit) => unit.input)))
      points.set(input, await subject.load(files.inputs.get(input)!));
    await check(run, { ...subject, points }, chosen, { ...options, of: done.length });
  } finally {
    await subject.network.close();
  }
}

/** The finished units, tap by tap, so that each tap is compiled once. */
function finishedUnits(run: Run): UnitPlace[] {
  const { inputs, taps } = run.manifest;
  return [...taps.keys()].flatMap((tap) =>
    [...inputs.keys()].filter((input) => run.isDone(input, tap)).map((input) => ({ input, tap })),
  );
}

/** So many of some units, rounded up, in their order. The same seed chooses the same ones. */
function sampled(units: readonly UnitPlace[], share: number, seed: number): UnitPlace[] {
  const rng = createRng(seed, "verify");
  const order = [...units.keys()];
  const count = Math.ceil(share * units.length - 1e-9);
  for (let i = 0; i < count; i++) {
    const other = i + rng.integer(order.length - i);
    [order[i], order[other]] = [order[other]!, order[i]!];
  }
  return order
    .slice(0, count)
    .sort((a, b) => a - b)
    .map((at) => units[at]!);
}

function tellBackend({ manifest }: Run, { network }: StoredSubject): void {
  const { description } = network.backend;
  if (description === manifest.backend) return;
  process.stderr.write(`note: the run was computed on ${manifest.backend}, and is checked on ${description}\n`);
}

interface CheckOptions extends Pick<VerifyOptions, "json"> {
  /** How many units of the run are finished. */
  readonly of: number;
}

async function check(
  run: Run,
  { network, points }: Pick<StoredSubject, "network"> & { readonly points: ReadonlyMap<number, Float32Array> },
  chosen: readonly UnitPlace[],
  { json, of }: CheckOptions,
): Promise<void> {
  const { manifest } = run;
  const name = ({ input, tap }: UnitPlace) => `${manifest.inputs[input]!.name} → ${manifest.taps[tap]!.name}`;
  const progress = new Progress(chosen.map(() => 1));
  const failed: UnitCheck[] = [];
  const onUnit = (unit: UnitCheck) => {
    if (unit.faults.length > 0) failed.push(unit);
    progress.finish(`${name(unit)}: ${outcomeOf(unit)}`);
    if (json) process.stdout.write(`${JSON.stringify(asLine(run, unit))}\n`);
    else if (unit.faults.length > 0) {
      process.stdout.write(`${printable(`${name(unit)}: ${unit.faults.map(describeFault).join("; ")}`)}\n`);
    }
  };
  try {
    await interruptible((signal) =>
      checkRun(run, network, points, chosen, {
        signal,
        onUnit,
        onProgress: (place, { converged, k, jvp, vjp }) =>
          progress.update(`${name(place)}: ${converged} of ${k} triplets, ${jvp} J + ${vjp} Jᵀ products`),
      }),
    );
  } finally {
    progress.end();
  }
  if (failed.length > 0) process.exitCode = DOES_NOT_HOLD;
  if (json) return;
  const verdict =
    failed.length === 0
      ? "all certificates hold"
      : `${failed.length === 1 ? "1 does" : `${failed.length} do`} not hold`;
  process.stdout.write(`${plural(chosen.length, "unit")} of ${of} checked, ${verdict}\n`);
}

/** `holds (10 triplets multiplied, the largest residual 3.1×10⁻⁷ of at most 2.4×10⁻⁶; 54 σ solved again)` */
function outcomeOf({ faults, multiplied, solvedAgain, worst }: UnitCheck): string {
  const residual =
    worst === undefined
      ? ""
      : `, the largest residual ${formatNumber(worst.found, 2)} of at most ${formatNumber(worst.allowed, 2)}`;
  const again = solvedAgain === 0 ? "" : `; ${solvedAgain} σ solved again`;
  return `${faults.length === 0 ? "holds" : "does not hold"} (${plural(multiplied, "triplet")} multiplied${residual}${again})`;
}

/** `residual of triplet 3, and of 2 more, is 0.12, and at most 2.1×10⁻⁶ holds` */
function describeFault({ what, found, allowed }: Fault): string {
  if (found === undefined || allowed === undefined) return what;
  const size = Number.isNaN(found) ? "not a number" : formatNumber(found);
  return `${what}: ${size}, and at most ${formatNumber(allowed)} holds`;
}

function asLine({ manifest }: Run, { input, tap, faults, multiplied, solvedAgain, worst }: UnitCheck) {
  return {
    model: manifest.model.file,
    input: manifest.inputs[input]!.name,
    from: manifest.from.name,
    tap: manifest.taps[tap]!.name,
    holds: faults.length === 0,
    faults,
    multiplied,
    solvedAgain,
    ...(worst && { worst: { triplet: worst.index + 1, residual: worst.found, allowed: worst.allowed } }),
  };
}
