import { join } from "node:path";
import { Command } from "commander";
import { DirectoryStore } from "../../platform/node/directory-store.ts";
import { openRun } from "../../results/index.ts";

/** `pushforward report DIR`: one self-contained HTML page of a run, and its figures as SVG. */
export function reportCommand(): Command {
  return new Command("report")
    .description("write report.html and the figures of a finished or unfinished run")
    .argument("<run>", "folder of a run, as given to --out")
    .action(async (folder: string) => {
      process.stdout.write(`${await writeReport(folder)}\n`);
    });
}

/** Writes the report of a run into its folder and returns its path. */
async function writeReport(folder: string): Promise<string> {
  const { renderFigures, renderReport } = await import("../report/index.ts"); // half of the start-up time of all commands
  const store = new DirectoryStore(folder);
  const run = await openRun(store);
  const encoder = new TextEncoder();
  await store.set("/report.html", encoder.encode(await renderReport(run)));
  for (const [name, svg] of await renderFigures(run)) await store.set(`/${name}`, encoder.encode(svg));
  return join(folder, "report.html");
}
