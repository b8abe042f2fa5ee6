import { Command } from "commander";
import { formatNumber, nearestNames, PushforwardError } from "../../base/index.ts";
import {
  type Apparatus,
  describePrecision,
  type Experiment,
  experiments,
  type Result,
  type Row,
  runCase,
  valuesOf,
} from "../../experiments/index.ts";
import { openDevice } from "../../platform/node/devices.ts";
import { interruptible } from "./interruptible.ts";
import { threadCount, wholeNumber } from "./options.ts";
import { Progress } from "./progress.ts";
import { formatTable } from "./table.ts";
import { writeFiles } from "./write-files.ts";

interface TheoryOptions extends Readonly<Record<string, unknown>> {
  readonly quick?: boolean;
  readonly seed: number;
  readonly threads?: number;
  readonly out?: string;
  readonly json?: boolean;
}

/** `pushforward theory NAME`: what theory predicts, beside what the engine measures. */
export function theoryCommand(): Command {
  const command = new Command("theory")
    .description("measure what theory predicts of random, linear and deep networks, and show both")
    .argument("[name]", "an experiment, `all`, or `list` (the default)", "list");
  for (const [name, about] of ownOptions()) command.option(`--${name} <values>`, about);
  return command
    .option("--quick", "smaller networks and fewer draws, for a first look")
    .option("--seed <seed>", "seed of all random numbers", wholeNumber("--seed", 0), 0)
    .option("--threads <count>", "threads for one product (default: all cores)", threadCount("--threads"))
    .option("--out <folder>", "folder for the figures: the prediction as a line, the measurement as points")
    .option("--json", "print one JSON object per line, one for each prediction")
    .action(async (name: string, options: TheoryOptions) => {
      if (name === "list") return list(options.json === true);
      const chosen = name === "all" ? experiments : [experimentNamed(name)];
      await interruptible((signal) => run(chosen, options, signal));
    });
}

/** The options of all experiments by name, with what they mean in each. */
function ownOptions(): Map<string, string> {
  const meanings = new Map<string, Set<string>>();
  for (const { options } of experiments) {
    for (const [name, { about }] of Object.entries(options)) {
      meanings.set(name, (meanings.get(name) ?? new Set()).add(about));
    }
  }
  return new Map([...meanings].map(([name, abouts]) => [name, [...abouts].join("; ")]));
}

/** @throws PushforwardError `usage` for a name that is none of an experiment */
function experimentNamed(wanted: string): Experiment {
  const found = experiments.find(({ name }) => name === wanted);
  if (found !== undefined) return found;
  const names = experiments.map(({ name }) => name);
  const [nearest] = nearestNames(wanted, names);
  throw new PushforwardError("usage", {
    what: `There is no experiment "${wanted}".`,
    fix: `${nearest === undefined ? "" : `Did you mean "${nearest}"? `}The experiments are ${names.join(", ")}; or name all of them by \`all\`.`,
  });
}

function list(json: boolean): void {
  if (json) {
    for (const { name, question, falsifiedBy, options } of experiments) {
      process.stdout.write(`${JSON.stringify({ name, question, falsifiedBy, options })}\n`);
    }
    return;
  }
  const rows = experiments.map(({ name, question }) => [name, question]);
  process.stdout.write(`${formatTable(["experiment", "question"], rows)}\n`);
}

async function run(chosen: readonly Experiment[], options: TheoryOptions, signal: AbortSignal): Promise<void> {
  const { quick = false, seed, threads, json = false } = options;
  const planned = chosen.map((experiment) => {
    const given = givenTo(experiment, options, chosen.length === 1);
    return { experiment, cases: experiment.cases(valuesOf(experiment, { quick, given })) };
  });
  const progress = new Progress(planned.flatMap(({ cases }) => cases.map(({ seconds }) => seconds)));
  const backend = await openDevice(threads === undefined ? {} : { threads });
  try {
    for (const { experiment, cases } of planned) {
      const results: Result[] = [];
      try {
        for (const one of cases) {
          const title = `${experiment.name}, ${Object.values(one.setting).map(formatted).join(", ")}`;
          const apparatus: Apparatus = {
            backend,
            seed,
            proceed(done) {
              if (signal.aborted) throw interrupted();
              progress.update(`${title}: ${done}`);
            },
          };
          apparatus.proceed("begins");
          const result = await runCase(one, apparatus);
          results.push(result);
          progress.finish(title);
          if (json) printLines(experiment, result);
          if (result.rows.some(({ verdict }) => verdict === "misses" || verdict === "undecided")) process.exitCode = 1;
        }
      } finally {
        progress.end();
        if (!json && results.length > 0) process.stdout.write(`${describe(experiment, results)}\n\n`);
      }
      if (options.out !== undefined) await writeFigures(options.out, experiment, results);
    }
  } finally {
    await backend.dispose();
  }
}

/** The options of the command line that are an experiment's own; with several experiments, those of the others are left out. */
function givenTo({ options: own }: Experiment, options: TheoryOptions, isAlone: boolean): Record<string, string> {
  const names = [...ownOptions().keys()].filter((name) => options[name] !== undefined);
  const fitting = isAlone ? names : names.filter((name) => Object.hasOwn(own, name));
  return Object.fromEntries(fitting.map((name) => [name, String(options[name])]));
}

const interrupted = (): PushforwardError =>
  new PushforwardError("interrupted", {
    what: "The command was interrupted. What was measured until then is printed.",
    fix: "Run it again, with --quick if it takes too long.",
  });

/** NaN becomes `null`. */
function printLines({ name }: Experiment, { setting, rows }: Result): void {
  for (const { quantity, predicted, measured, low, high, n, source, precision, verdict } of rows) {
    const line = { name, setting, quantity, predicted, measured, low, high, n, source, precision, verdict };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }
}

function describe({ name, question, falsifiedBy }: Experiment, results: readonly Result[]): string {
  const keys = [...new Set(results.flatMap(({ setting }) => Object.keys(setting)))];
  const rows = results.flatMap(({ setting, rows }) =>
    rows.map((row, i) => [
      ...keys.map((key) => (i === 0 ? formatted(setting[key] ?? "") : "")),
      row.quantity,
      formatNumber(row.predicted),
      formatNumber(row.measured),
      intervalOf(row),
      String(row.n),
      describePrecision(row.precision),
      row.verdict,
    ]),
  );
  const head = [...keys, "quantity", "predicted", "measured", "95 % interval", "n", "precision", "verdict"];
  const first = keys.length;
  const sources = new Set(results.flatMap(({ rows }) => rows.map(({ source }) => source)));
  return (
    `${name}: ${question}\n\n${formatTable(head, rows, [first + 1, first + 2, first + 3, first + 4])}\n\n` +
    `It would be falsified by ${falsifiedBy}.\nPredictions: ${[...sources].join("; ")}.`
  );
}

const formatted = (value: string | number): string => (typeof value === "number" ? formatNumber(value) : value);

const intervalOf = ({ low, high }: Row): string =>
  Number.isNaN(low) ? "" : `${formatNumber(low)} … ${formatNumber(high)}`;

/** @throws PushforwardError `store-unwritable` */
async function writeFigures(folder: string, { name, charts }: Experiment, results: readonly Result[]): Promise<void> {
  const { renderCharts } = await import("../report/index.ts");
  const drawn = [...(await renderCharts(charts(results)))];
  await writeFiles(
    folder,
    drawn.map(([file, content]) => [`${name}-${file}`, content]),
  );
}
