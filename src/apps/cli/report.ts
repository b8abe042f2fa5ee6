import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import { DirectoryStore } from "../../platform/node/directory-store.ts";
import { openRun } from "../../results/index.ts";

/** `pushforward report DIR`: one self-contained HTML page of a run, and its figures as SVG. */
export function reportCommand(): Command {
  return new Command("report")
    .description("write report.html and the figures of a run, finished or not")
    .argument("<run>", "folder of a run, as given to --out")
    .action(async (folder: string) => {
      process.stdout.write(`${await writeReport(folder)}\n`);
    });
}

/** Writes the report of a run into its folder and returns its path. */
async function writeReport(folder: string): Promise<string> {
  const { renderFigures, renderReport } = await import("../report/index.ts"); // half of the start-up time of all commands
  const run = await openRun(new DirectoryStore(folder));
  const report = join(folder, "report.html");
  await writeFile(report, await renderReport(run));
  for (const [name, svg] of await renderFigures(run)) await writeFile(join(folder, name), svg);
  return report;
}
