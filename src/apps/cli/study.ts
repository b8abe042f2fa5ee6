import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import { PushforwardError } from "../../base/index.ts";
import { DirectoryStore } from "../../platform/node/directory-store.ts";
import { createRun, createStudyRun, type StudyManifest } from "../../results/index.ts";
import { Lab, paramsOf, runStudy, type Study, studies } from "../../studies/index.ts";
import { interruptible } from "./interruptible.ts";
import { DEFAULT_TOL, DEFAULT_VECTORS, tolerance, wholeNumber } from "./options.ts";
import {
  type Prepared,
  type PrepareOptions,
  prepare,
  preparing,
  runManifest,
  storeSources,
  versionsOf,
} from "./prepare.ts";
import { Progress } from "./progress.ts";

/** Triplets of a spectrum, where none are asked for. */
const STUDY_K = 100;

interface StudyOptions extends PrepareOptions {
  readonly k: number;
  readonly tol: number;
  readonly vectors: number;
  readonly set: readonly string[];
  readonly quick?: boolean;
  readonly out: string;
}

/** `pushforward study NAME MODEL INPUT...`: one question about a network, with its tables, figures and page. */
export function studyCommand(version: string): Command {
  const names = studies.map(({ id }) => id).join(", ");
  const command = new Command("study")
    .description(`one question about a network, answered with tables, figures and a page: ${names}`)
    .argument("<name>", "which study");
  return preparing(command)
    .option("-k, --k <count>", "triplets of a spectrum, where a tap has so many", wholeNumber("-k", 1), STUDY_K)
    .option("--tol <tolerance>", "residual asked for, relative to the largest σ", tolerance("--tol"), DEFAULT_TOL)
    .option(
      "--vectors <count>",
      "singular vectors to keep of it, from either end",
      wholeNumber("--vectors", 1),
      DEFAULT_VECTORS,
    )
    .option("--set <name=value>", "sets a parameter of the study; may be repeated", collected, [])
    .option("--quick", "a first impression, with less of everything")
    .requiredOption(
      "--out <folder>",
      "store results here (Zarr, CSV, SVG, PNG, HTML); the same command goes on where it stopped",
    )
    .action(async (name: string, model: string, paths: string[], options: StudyOptions) => {
      process.stdout.write(`${await run(version, studyNamed(name), model, paths, options)}\n`);
    });
}

const collected = (value: string, before: readonly string[]): string[] => [...before, value];

function studyNamed(name: string): Study {
  const study = studies.find(({ id }) => id === name);
  if (study !== undefined) return study;
  throw new PushforwardError("usage", {
    what: `There is no study "${name}".`,
    fix: `There are ${studies.map(({ id }) => id).join(", ")}.`,
  });
}

/** Runs a study and writes what it found; returns its page. */
async function run(
  version: string,
  study: Study,
  file: string,
  paths: readonly string[],
  options: StudyOptions,
): Promise<string> {
  const { set, quick = false, out } = options;
  const params = paramsOf(study, { set, quick });
  const prepared = await prepare(file, paths, options);
  const { network, taps, inputs } = prepared;
  try {
    const usable = inputs.records.flatMap((record, i) => {
      const point = inputs.points[i];
      return point === undefined ? [] : [{ record, point }];
    });
    const kept: Prepared = {
      ...prepared,
      inputs: { records: usable.map(({ record }) => record), points: usable.map(({ point }) => point), failures: [] },
    };
    const lab = new Lab({
      network,
      inputs: usable.map(({ record, point }) => ({ name: record.name, point, className: record.label })),
      taps: [network.input, ...taps],
      seed: options.seed,
      k: options.k,
      tol: options.tol,
      vectors: options.vectors,
      async openSpectra() {
        const spectra = await createRun(
          new DirectoryStore(join(out, "run")),
          runManifest(kept, { ...options, version }),
        );
        await storeSources(spectra, kept);
        return spectra;
      },
    });
    const manifest: StudyManifest = {
      format: "pushforward-study",
      formatVersion: 1,
      study: study.id,
      params,
      ...study.design(lab, params),
      ...commonOf(prepared, version, options),
      inputs: kept.inputs.records,
    };
    const stored = await createStudyRun(new DirectoryStore(join(out, study.id)), manifest);
    const progress = new Progress(manifest.cell.reduce((product, name) => product * manifest.axes[name]!.length, 1));
    try {
      await interruptible((signal) =>
        runStudy(study, stored, lab, { signal, onCell: (names) => progress.finish(`${study.id}: ${names}`) }),
      );
    } finally {
      progress.end();
      await lab.close();
    }
    if (inputs.failures.length > 0) process.exitCode = 2;
  } finally {
    await network.close();
  }
  const { renderStudies } = await import("../report/index.ts"); // half of the start-up time of all commands
  const { files, page } = await renderStudies(out);
  await mkdir(out, { recursive: true });
  for (const [name, content] of files) await writeFile(join(out, name), content);
  const report = join(out, "studies.html");
  await writeFile(report, page);
  return report;
}

function commonOf({ network, preprocess }: Prepared, version: string, { seed, k, tol, vectors }: StudyOptions) {
  return {
    model: { file: network.file, sha256: network.sha256 },
    preprocess,
    seed,
    spectra: { k, tol, vectors },
    backend: network.backend.description,
    versions: versionsOf(version),
    created: new Date().toISOString(),
  };
}
