import { join } from "node:path";
import type { Command } from "commander";
import { exitCodes, plural } from "../../base/index.ts";
import { DirectoryStore } from "../../platform/node/directory-store.ts";
import { throughJpeg } from "../../platform/node/image-decoder.ts";
import { createRun, createStudyRun, earlierRun, matchInputs, type StudyManifest } from "../../results/index.ts";
import { cellPlaces, Lab, type Params, reasonOf, runStudy, type Study } from "../../studies/index.ts";
import { tellFirstLook } from "./first-look.ts";
import { interruptible } from "./interruptible.ts";
import { DEFAULT_TOL, DEFAULT_VECTORS, tolerance, wholeNumber } from "./options.ts";
import {
  doneIn,
  type Prepared,
  type PrepareOptions,
  pointsIn,
  prepare,
  preparing,
  runManifest,
  storeSources,
  versionsOf,
} from "./prepare.ts";
import { Progress } from "./progress.ts";
import { type AskedStudy, announceStudies } from "./study-outlook.ts";

/** The options of commands that run studies. */
export interface LaboratoryOptions extends PrepareOptions {
  readonly k: number;
  readonly tol: number;
  readonly vectors: number;
  readonly out: string;
}

/** Adds the arguments and options of `LaboratoryOptions`, all but `-k`. */
export function experimenting(command: Command): Command {
  return preparing(command)
    .option("--tol <tolerance>", "largest residual allowed, relative to the largest σ", tolerance("--tol"), DEFAULT_TOL)
    .option(
      "--vectors <count>",
      "how many of the first and last singular vectors to store",
      wholeNumber("--vectors", 1),
      DEFAULT_VECTORS,
    )
    .option("--quick", "smaller parameters, for a quick first look")
    .requiredOption("--out <folder>", "folder for the results (Zarr, CSV, SVG, PNG, HTML); the same command continues");
}

/** Measures the cells of a study that are not stored yet. */
export type Measure = (study: Study, params: Params) => Promise<void>;

/**
 * Opens a network and its inputs, and passes on the function that measures a study of them. The studies share the spectra that
 * they need, which are stored in a run of their own.
 *
 * @throws PushforwardError errors of `prepare`, of `createStudyRun` and of the studies
 */
export async function inLaboratory(
  version: string,
  file: string,
  paths: readonly string[],
  options: LaboratoryOptions,
  asked: readonly AskedStudy[],
  use: (measure: Measure) => Promise<void>,
): Promise<void> {
  const prepared = await prepare(file, paths, options);
  const { network, taps, inputs, classes, scale } = prepared;
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
      classes,
      pictures: { scale, throughJpeg },
      taps: [network.input, ...taps],
      seed: options.seed,
      k: options.k,
      tol: options.tol,
      vectors: options.vectors,
      async openSpectra() {
        const store = new DirectoryStore(join(options.out, "run"));
        const spectra = await createRun(store, runManifest(kept, { ...options, version }));
        await storeSources(spectra, kept, pointsIn(spectra, kept.inputs));
        return { run: spectra, places: matchInputs(spectra.manifest.inputs, kept.inputs.records).places };
      },
    });
    tellFirstLook(prepared.firstLook);
    try {
      await announceStudies(lab, asked, { out: options.out, isDone: await doneSpectra(kept, version, options) });
      await use(async (study, params) => {
        const manifest: StudyManifest = {
          ...commonOf(kept, version, options),
          study: study.id,
          params,
          ...(await study.design(lab, params)),
        };
        await measured(study, lab, manifest, options.out);
      });
    } finally {
      await lab.close();
    }
    if (inputs.failures.length > 0) process.exitCode = 2;
  } finally {
    await network.close();
  }
}

/** Whether the shared spectrum of an input at a tap is stored. */
async function doneSpectra(kept: Prepared, version: string, options: LaboratoryOptions) {
  const manifest = runManifest(kept, { ...options, version });
  return doneIn(await earlierRun(new DirectoryStore(join(options.out, "run")), manifest), manifest);
}

async function measured(study: Study, lab: Lab, manifest: StudyManifest, out: string): Promise<void> {
  const stored = await createStudyRun(new DirectoryStore(join(out, study.id)), manifest);
  const progress = new Progress(cellPlaces(manifest).map(() => 1));
  let failed = 0;
  try {
    await interruptible((signal) =>
      runStudy(study, stored, lab, {
        signal,
        onCell: (names) => progress.finish(`${study.id}: ${names}`),
        onFailure: (names, cause) => {
          failed++;
          progress.finish(`${study.id}: ${names} failed: ${reasonOf(cause).replace(/\.$/, "")}`);
        },
      }),
    );
  } finally {
    progress.end();
  }
  if (failed > 0) {
    process.stderr.write(
      `error: ${plural(failed, "cell")} of the study ${study.id} failed; the same command tries again\n`,
    );
    process.exitCode = exitCodes["not-finite"];
  }
}

function commonOf({ network, preprocess, inputs }: Prepared, version: string, options: LaboratoryOptions) {
  const { seed, k, tol, vectors } = options;
  return {
    format: "pushforward-study",
    formatVersion: 2,
    model: { file: network.file, ...network.identity },
    inputs: inputs.records,
    preprocess,
    seed,
    spectra: { k, tol, vectors },
    backend: network.backend.description,
    versions: versionsOf(version),
    created: new Date().toISOString(),
  } as const;
}

/** Writes tables, figures and the page of all studies of a folder; returns the page's path. */
export async function writeStudies(out: string): Promise<string> {
  const { renderStudies } = await import("../report/index.ts"); // half of the start-up time of all commands
  const { files, page } = await renderStudies(out);
  const store = new DirectoryStore(out);
  for (const [name, content] of files) await store.set(`/${name}`, bytesOf(content));
  await store.set("/studies.html", bytesOf(page));
  return join(out, "studies.html");
}

const bytesOf = (content: string | Uint8Array): Uint8Array =>
  typeof content === "string" ? new TextEncoder().encode(content) : content;
