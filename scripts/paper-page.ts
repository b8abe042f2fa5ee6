// Writes docs/paper.md, claim by claim, from what studies of several networks found; keeps their tables and verdicts in
// docs/paper/NETWORK: `npm run paper:page -- digits=studies/ squeezenet=other/`.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { csvOf } from "../src/apps/report/studies.ts";
import { formatSeconds } from "../src/base/index.ts";
import { DirectoryStore } from "../src/platform/node/directory-store.ts";
import { openRun, openStudyRun, type StudyManifest } from "../src/results/index.ts";
import { type ClaimName, claims, FEWEST_IMAGES, readStudy, studies, type Verdict } from "../src/studies/index.ts";
import { root } from "../test/docs/markdown.ts";

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
      writeFileSync(join(to, file), csvOf(table));
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

/** The page, claim by claim. */
export function paperPage(records: readonly PaperRecord[]): string {
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
        : ["| network | held against the data | verdict | because |", "| --- | --- | --- | --- |", ...rows].join("\n");
    return `## ${said}\n\nThe paper, ${where}.\n\n${found}\n`;
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
    return `| ${claims[name].said} | ${cells.join(" | ")} |`;
  });
  const count = records.reduce((sum, { verdicts }) => sum + verdicts.length, 0);
  return `<!-- Written by \`npm run paper:page\` from the studies that it is given: run those. -->

# The paper, claim by claim

What Mototake and Ikegami say, suppose or leave open (2015, in our words), and what the studies of this project find on other
networks. ${count} statements are held against the data. Each verdict follows by rule from a 95 % interval over images, by
bootstrap (of a cloud's directions, by jackknife): *supported* where all of the interval is on the side of no effect that the
statement says, *contradicted* where all of it is on the other side, *not supported* where no effect lies within, *undecided* where
there is no interval, or fewer than ${FEWEST_IMAGES} images. That a whole spectrum shrinks takes two: it is supported where every index
shrinks, contradicted where it grows on the whole. Where there is no effect at all, one statement in 40 still comes out as
supported, and one in 40 as contradicted.

A picture with flat parts, as a digit on black, lies on kinks of ReLU and max-pool: the least noise takes J off them, at once and by
a jump. What noise does there is measured from J at the picture itself.

| the paper | ${networks.join(" | ")} |
| --- |${networks.map(() => " --- |").join("")}
${overview.join("\n")}

${sections.join("\n")}
## Where it is from

Numbers with their intervals are in the tables; the stores that they are made from are too large to keep here. *Time* is
the wall time of a study on two cores, at times beside another, with the spectra that it was the first to need; *spectra* that of
all spectra that the studies of its folder share.

| network | study | inputs | k | seed | settings | time | spectra | tables |
| --- | --- | ---: | ---: | ---: | --- | ---: | ---: | --- |
${records.map(sourceRow).join("\n")}
`;
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
  writeFileSync(join(root, "docs/paper.md"), paperPage(readRecords()));
}
