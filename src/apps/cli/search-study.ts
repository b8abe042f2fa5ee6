import { join } from "node:path";
import { Command } from "commander";
import { formatNumber, PushforwardError, plural } from "../../base/index.ts";
import { DirectoryStore } from "../../platform/node/directory-store.ts";
import { openSearchRun } from "../../results/index.ts";
import { parseSpace, replayStudy, replayTables, TABLE } from "../../search/index.ts";
import { interruptible } from "./interruptible.ts";
import { wholeNumber } from "./options.ts";
import { Progress } from "./progress.ts";
import { formatTable } from "./table.ts";
import { writeFiles } from "./write-files.ts";

interface SearchStudyOptions {
  readonly out: string;
  readonly replays: number;
  readonly trainings: number;
}

/** `pushforward study search TABLE --out FOLDER`: strategies of a search, replayed on candidates that are all trained. */
export function searchStudyCommand(): Command {
  return new Command("search")
    .description(`replay strategies of \`pushforward search\` on a table of trained candidates (search --by ${TABLE})`)
    .argument("<table>", `folder of a search --by ${TABLE}; candidates that are not finished are left out`)
    .option(
      "--replays <count>",
      "orders of the candidates on which every strategy is replayed",
      wholeNumber("--replays", 4),
      2000,
    )
    .option(
      "--trainings <count>",
      "the cost at which the claim is decided, in full trainings",
      wholeNumber("--trainings", 1),
      10,
    )
    .usage("<table> --out <folder> [options]")
    .addHelpText("after", "\nAs for all studies, --out <folder> says where the results go, here CSV, SVG and PNG.")
    .action((table: string, _: object, own: Command) => runSearchStudy(table, own.optsWithGlobals()));
}

async function runSearchStudy(table: string, { out, replays, trainings }: SearchStudyOptions): Promise<void> {
  const run = await openSearchRun(new DirectoryStore(table));
  const { space: given, strategy, seed, candidates: drawn } = run.manifest;
  if (strategy !== TABLE) {
    throw new PushforwardError("usage", {
      what: `This search is one by ${strategy}, which leaves most candidates untrained.`,
      where: { file: table },
      fix: `Make a table with \`pushforward search SPACE.json --by ${TABLE}\`.`,
    });
  }
  const space = parseSpace(given, table);
  const candidates = Array.from(drawn.keys(), (index) => space.draw(seed, index));
  await interruptible(async (signal) => {
    const progress = new Progress([1]);
    const found = await replayStudy(replayTables(run, candidates), {
      ...{ replays, trainings },
      proceed: async (share) => {
        progress.update("replays", share);
        await new Promise(setImmediate); // so that an interrupt is heard
        if (signal.aborted)
          throw new PushforwardError("interrupted", {
            what: "The replays were interrupted.",
            fix: "Run the command again.",
          });
      },
    }).finally(() => progress.end());
    const { renderReplays } = await import("../report/index.ts"); // half of the start-up time of all commands
    const { columns, rows, files } = await renderReplays(found);
    await writeFiles(out, files);
    const { candidates: count, seeds, verdict, minusTheory } = found;
    const texts = rows.map((row) => row.map((cell) => (typeof cell === "number" ? formatNumber(cell) : cell)));
    const right = columns.map((_, i) => i).slice(1);
    const theory = [minusTheory.value, minusTheory.low, minusTheory.high].map((value) => formatNumber(value));
    process.stdout.write(
      `${formatTable(columns, texts, right)}\n\n${count} candidates, ${plural(seeds, "seed")}, ${replays} replays. ` +
        `spectrum − theory: ${theory[0]} (${theory[1]} … ${theory[2]}).\n` +
        `That the filter by spectra lowers the error at the cost of ${plural(trainings, "full training")}: ${verdict}.\n${join(out, "replays.svg")}\n`,
    );
  });
}
