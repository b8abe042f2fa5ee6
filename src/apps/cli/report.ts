import { dirname } from "node:path";
import { Command } from "commander";
import { openStore, within } from "../../platform/node/open-store.ts";
import { openRun, openStudyRun } from "../../results/index.ts";
import { hasStudies } from "../progress/parts.ts";
import { writeStudies } from "./laboratory.ts";
import { writeFiles } from "./write-files.ts";

/** `pushforward report DIR`: one self-contained HTML page of a run, and its figures as SVG; or the page of studies. */
export function reportCommand(): Command {
  return new Command("report")
    .description("write report.html and the figures of a finished or unfinished run, or studies.html of studies")
    .argument("<folder>", "folder of a run or of studies, or s3://bucket/prefix of a run, as given to --out")
    .action(async (folder: string) => {
      const ofStudies = await studiesFolder(folder);
      const page = ofStudies === undefined ? await writeReport(folder) : await writeStudies(ofStudies);
      process.stdout.write(`${page}\n`);
    });
}

/**
 * The folder of studies: the given one, or the one that contains the given study; undefined if the given folder is
 * neither.
 */
async function studiesFolder(folder: string): Promise<string | undefined> {
  const store = openStore(folder);
  if (await store.has("/zarr.json")) {
    return openStudyRun(store).then(
      () => dirname(folder),
      () => undefined, // It is then opened as a run, and an error of that says what is wrong with it.
    );
  }
  return (await hasStudies(store)) ? folder : undefined;
}

/** Writes the report of a run into its folder and returns its path. */
async function writeReport(folder: string): Promise<string> {
  const { renderFigures, renderReport } = await import("../report/index.ts"); // half of the start-up time of all commands
  const store = openStore(folder);
  const run = await openRun(store);
  await writeFiles(folder, [["report.html", await renderReport(run)]]);
  await writeFiles(folder, await renderFigures(run));
  return within(folder, "report.html");
}
