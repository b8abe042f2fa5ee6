// What the studies of several networks found, as it is kept in docs/paper/NETWORK.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { csvOf } from "../../src/apps/report/studies.ts";
import { findingsIn } from "../../src/apps/report/study-findings.ts";
import { DirectoryStore } from "../../src/platform/node/directory-store.ts";
import { openRun, type StudyManifest } from "../../src/results/index.ts";
import { claimsTable, flatTable, studies, type Verdict } from "../../src/studies/index.ts";
import { kept } from "./tables.ts";

/** What a study of one network and its controls found. */
export interface PaperRecord {
  readonly network: string;
  readonly study: string;
  readonly inputs: number;
  /** Names of the taps; none if the study looks at the last one only. */
  readonly taps: readonly string[];
  /** Wall time, of the study with the spectra that it was the first to need, and of all spectra of its folder. */
  readonly seconds: number;
  readonly ofSpectra: number;
  readonly controls: readonly PaperControl[];
  readonly verdicts: readonly PaperVerdict[];
  /** Files beside the record. */
  readonly tables: readonly string[];
  readonly manifest: Pick<
    StudyManifest,
    "model" | "preprocess" | "params" | "seed" | "spectra" | "versions" | "created"
  >;
}

/** One kind of control; the times are those of all its draws. */
interface PaperControl {
  readonly kind: string;
  readonly draws: readonly number[];
  readonly seconds: number;
  readonly ofSpectra: number;
}

/** The three verdicts on a claim, with what is needed to reach them again from the table of claims. */
export interface PaperVerdict extends Verdict {
  readonly effect: {
    readonly what: string;
    readonly sign: 1 | -1;
    readonly none: number;
    readonly weakest?: string;
    /** For how many images the number of one stands. */
    readonly standsFor?: number;
    readonly note?: string;
  };
}

/** Keeps what the studies of a folder found of a network, in place of what is kept of the same studies. */
export async function keep(network: string, folder: string): Promise<void> {
  const to = join(kept, network);
  mkdirSync(to, { recursive: true });
  const present = readdirSync(folder);
  const own = studies.filter(({ id }) => present.includes(id));
  if (own.length === 0) throw new Error(`${folder} contains no study.`);
  for (const study of own) {
    const { run, manifest, findings, controls, leftOut, seconds } = await findingsIn(folder, study);
    const { model, inputs, preprocess, params, seed, spectra, versions, created, axes } = manifest;
    const earlier = readdirSync(to).filter((name) => name.startsWith(`${study.id}-`) && name.endsWith(".csv"));
    for (const file of earlier) rmSync(join(to, file));
    const tables = [...findings.tables.map(flatTable), claimsTable(findings, controls)].map((table) => {
      const file = `${study.id}-${table.id}.csv`;
      writeFileSync(join(to, file), csvOf(table));
      return file;
    });
    if (run.failures.length > 0) console.warn(`${network}, ${study.id}: ${run.failures.length} cells failed.`);
    for (const line of leftOut) console.warn(`${network}, ${study.id}: ${line}`);
    const drawn: PaperControl[] = [];
    for (const { kind, runs } of controls) {
      let ofSpectra = 0;
      for (const each of runs) ofSpectra += await secondsOf(join(each.folder, "run"));
      const total = runs.reduce((sum, each) => sum + each.seconds, 0);
      drawn.push({ kind, draws: runs.map(({ draw }) => draw), seconds: total, ofSpectra });
    }
    const record: PaperRecord = {
      network,
      study: study.id,
      inputs: inputs.length,
      taps: (axes.tap ?? []).map(String),
      seconds,
      ofSpectra: await secondsOf(join(folder, "run")),
      controls: drawn,
      verdicts: findings.verdicts.map((verdict, i) => {
        const { effect, note } = findings.claims[i]!;
        const { what, sign, none, weakest, standsFor } = effect;
        return {
          ...verdict,
          effect: {
            ...{ what, sign, none },
            ...(weakest && { weakest: weakest.what }),
            ...(standsFor && { standsFor }),
            ...(note && { note }),
          },
        };
      }),
      tables,
      manifest: {
        model: { ...model, file: model.file.split("/").at(-1)! },
        preprocess: { ...preprocess, settings: {} },
        ...{ params, seed, spectra, versions, created },
      },
    };
    writeFileSync(join(to, `${study.id}.json`), `${JSON.stringify(record, null, 2)}\n`);
  }
}

/** Wall time of all spectra of a run, 0 if there is none; where J is the same at every image, its spectrum was computed once. */
async function secondsOf(folder: string): Promise<number> {
  if (!existsSync(folder)) return 0;
  const { data, shape } = await (await openRun(new DirectoryStore(folder))).table("seconds");
  const taps = shape[1]!;
  const ofTap = (tap: number) => new Set(data.filter((seconds, at) => at % taps === tap && !Number.isNaN(seconds)));
  return Array.from({ length: taps }, (_, tap) => [...ofTap(tap)])
    .flat()
    .reduce((sum, seconds) => sum + seconds, 0);
}

/** Everything that is kept, by study, networks in the order of their names. */
export function readRecords(): PaperRecord[] {
  if (!existsSync(kept)) return [];
  const networks = readdirSync(kept).sort();
  return studies.flatMap(({ id }) =>
    networks
      .map((network) => join(kept, network, `${id}.json`))
      .filter((file) => existsSync(file))
      .map((file) => JSON.parse(readFileSync(file, "utf8"), revive) as PaperRecord),
  );
}

/** JSON has no NaN: a missing number or end of an interval is null there. */
const revive = (key: string, value: unknown) =>
  value === null && ["value", "low", "high"].includes(key) ? Number.NaN : value;
