// Writes docs/paper.md, claim by claim, from what studies of several networks found; keeps their tables and verdicts in
// docs/paper/NETWORK: `npm run paper:page -- digits=studies/ squeezenet=other/`.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { csvOf } from "../src/apps/report/studies.ts";
import { formatSeconds } from "../src/base/index.ts";
import { DirectoryStore } from "../src/platform/node/directory-store.ts";
import { openRun, openStudyRun, type StudyManifest } from "../src/results/index.ts";
import {
  type ClaimName,
  claims,
  FEWEST_IMAGES,
  flatTable,
  readStudy,
  studies,
  type Verdict,
} from "../src/studies/index.ts";
import { root } from "../test/docs/markdown.ts";
import { type PaperFigure, paperFigures } from "./paper-figures.ts";

/** What a study of one network found, as it is kept. */
export interface PaperRecord {
  readonly network: string;
  readonly study: string;
  readonly inputs: number;
  /** Wall time, of the study with the spectra that it was the first to need, and of all spectra of its folder. */
  readonly seconds: number;
  readonly ofSpectra: number;
  readonly verdicts: readonly Verdict[];
  readonly tables: readonly string[];
  readonly manifest: Pick<
    StudyManifest,
    "model" | "preprocess" | "params" | "seed" | "spectra" | "versions" | "created"
  >;
}

const kept = join(root, "docs/paper");

/** Keeps what the studies of a folder found of a network. */
async function keep(network: string, folder: string): Promise<void> {
  const to = join(kept, network);
  mkdirSync(to, { recursive: true });
  const present = readdirSync(folder);
  const ofSpectra = present.includes("run") ? await secondsOf(join(folder, "run")) : 0;
  for (const study of studies.filter(({ id }) => present.includes(id))) {
    const run = await openStudyRun(new DirectoryStore(join(folder, study.id)));
    const { model, inputs, preprocess, params, seed, spectra, versions, created } = run.manifest;
    const { verdicts, tables } = study.conclude(await readStudy(run), params);
    const files = tables.map((table) => {
      const file = `${study.id}-${table.id}.csv`;
      writeFileSync(join(to, file), csvOf(flatTable(table)));
      return file;
    });
    const record: PaperRecord = {
      network,
      study: study.id,
      inputs: inputs.length,
      seconds: await run.seconds(),
      ofSpectra,
      verdicts,
      tables: files,
      manifest: {
        model: { ...model, file: model.file.split("/").at(-1)! },
        preprocess: { ...preprocess, settings: {} },
        params,
        seed,
        spectra,
        versions,
        created,
      },
    };
    writeFileSync(join(to, `${study.id}.json`), `${JSON.stringify(record, null, 2)}\n`);
  }
}

/** Wall time of all spectra of a run; where J is the same at every image, its spectrum was computed once. */
async function secondsOf(folder: string): Promise<number> {
  const { data, shape } = await (await openRun(new DirectoryStore(folder))).table("seconds");
  const taps = shape[1]!;
  const ofTap = (tap: number) => new Set(data.filter((seconds, at) => at % taps === tap && !Number.isNaN(seconds)));
  return Array.from({ length: taps }, (_, tap) => [...ofTap(tap)])
    .flat()
    .reduce((sum, seconds) => sum + seconds, 0);
}

/** Everything that is kept, networks in the order of their names. */
export function readRecords(): PaperRecord[] {
  if (!existsSync(kept)) return [];
  const networks = readdirSync(kept).sort();
  return studies.flatMap(({ id }) =>
    networks
      .map((network) => join(kept, network, `${id}.json`))
      .filter((file) => existsSync(file))
      .map((file) => JSON.parse(readFileSync(file, "utf8")) as PaperRecord),
  );
}

/** The page, claim by claim, with the figures that bear on each. */
export function paperPage(records: readonly PaperRecord[], figures: readonly PaperFigure[] = []): string {
  const names = Object.keys(claims) as ClaimName[];
  const sections = names.map((name) => {
    const { said, where } = claims[name];
    const rows = records.flatMap(({ network, verdicts }) =>
      verdicts
        .filter(({ on }) => on === name)
        .map(({ claim, verdict, because }) => `| ${network} | ${claim} | **${verdict}** | ${because} |`),
    );
    const found =
      rows.length === 0
        ? "Not measured."
        : ["| network | claim that was tested | verdict | reason |", "| --- | --- | --- | --- |", ...rows].join("\n");
    return `## ${said}\n\nThe paper, ${where}.\n\n${found}\n${figuresOf(figures.filter(({ on }) => on === name))}`;
  });
  const networks = [...new Set(records.map(({ network }) => network))].sort();
  const overview = names.map((name) => {
    const cells = networks.map((network) =>
      tallyOf(
        records
          .filter((record) => record.network === network)
          .flatMap(({ verdicts }) => verdicts.filter(({ on }) => on === name)),
      ),
    );
    return `| [${claims[name].said}](#${anchorOf(claims[name].said)}) | ${cells.join(" | ")} |`;
  });
  const count = records.reduce((sum, { verdicts }) => sum + verdicts.length, 0);
  return `<!-- Written by \`npm run paper:page\` from the studies that it is given. Do not edit this page; run that command. -->

# The paper, claim by claim

This page lists what Mototake and Ikegami (2015) state, assume or leave open, in our words, and what the studies of this project find
on other networks. ${count} claims were tested; each is linked to its results.

| the paper | ${networks.join(" | ")} |
| --- |${networks.map(() => " --- |").join("")}
${overview.join("\n")}

## How a verdict follows

Each verdict follows by a fixed rule from a 95 % interval over images. The interval
comes from the bootstrap, or from the jackknife for the number of directions of a cloud. A claim is *supported* if the whole interval
lies on the side that the claim states, *contradicted* if it lies on the other side, *not supported* if it includes "no effect", and
*undecided* if there is no interval or there are fewer than ${FEWEST_IMAGES} images. The claim that a whole spectrum shrinks uses two intervals:
it is supported if σ is smaller at every index, and contradicted if σ is larger on average. If there were no effects at all, one claim
in 40 would still be supported by chance, and one in 40 contradicted.

A picture with flat parts, such as a digit on black, lies on kinks of ReLU and max-pool. Even the weakest noise moves it off these
kinks, and J changes by a jump. The effects of noise are measured relative to J at the picture itself.

${sections.join("\n")}
## Sources

The tables contain the numbers with their intervals. The stores that they come from are too large for this repository. *Time* is the
wall time of a study on two cores, in part with another study running at the same time. It includes the spectra that this study was
the first to need. *Spectra* is the time of all spectra that the studies of a folder share.

| network | study | inputs | k | seed | settings | time | spectra | tables |
| --- | --- | ---: | ---: | ---: | --- | ---: | ---: | --- |
${records.map(sourceRow).join("\n")}
`;
}

/** The figures of one claim, two side by side, with their caption below. */
function figuresOf(figures: readonly PaperFigure[]): string {
  if (figures.length === 0) return "";
  const pairs = Array.from({ length: Math.ceil(figures.length / 2) }, (_, i) => figures.slice(2 * i, 2 * i + 2));
  const tables = pairs.map((pair) => {
    const cells = pair.map(({ network, file, title }) => `![${title}, ${network}](${file})`);
    const names = pair.map(({ network }) => network);
    return `| ${names.join(" | ")} |\n|${" --- |".repeat(pair.length)}\n| ${cells.join(" | ")} |`;
  });
  return `\n${tables.join("\n\n")}\n\n${figures[0]!.caption} Drawn from the tables below.\n`;
}

/** Of a heading, as hosts of Markdown make it. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} -]/gu, "")
    .replaceAll(" ", "-");
}

/** `2 supported, 1 contradicted` */
function tallyOf(verdicts: readonly Verdict[]): string {
  const counts = new Map<string, number>();
  for (const { verdict } of verdicts) counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  return [...counts].map(([verdict, count]) => `${count} ${verdict}`).join(", ") || "–";
}

function sourceRow({ network, study, inputs, seconds, ofSpectra, tables, manifest }: PaperRecord): string {
  const { params, seed, spectra } = manifest;
  const settings = Object.entries(params).map(([name, value]) => `${name} ${[value].flat().join(", ")}`);
  const links = tables.map((file) => `[${file}](paper/${network}/${file})`);
  const cells = [
    network,
    study,
    inputs,
    spectra.k,
    seed,
    settings.join("; "),
    formatSeconds(seconds),
    ofSpectra === 0 ? "–" : formatSeconds(ofSpectra),
    links.join(", "),
  ];
  return `| ${cells.join(" | ")} |`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const given of process.argv.slice(2)) {
    const [network = "", folder = ""] = given.split("=");
    await keep(network, folder);
  }
  const records = readRecords();
  const figures = paperFigures(records);
  for (const { file, svg } of figures) writeFileSync(join(root, "docs", file), svg);
  writeFileSync(join(root, "docs/paper.md"), paperPage(records, figures));
}
