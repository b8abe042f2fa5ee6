import { availableParallelism } from "node:os";
import { Command } from "commander";
import { formatNumber, formatShare, PushforwardError, plural, quoted } from "../../base/index.ts";
import { type Found, ranking, shares, strategies, TABLE } from "../../search/index.ts";
import { movedTo } from "../node/moved-recipe.ts";
import { type SearchResult, search } from "../node/search.ts";
import { interruptible } from "./interruptible.ts";
import { threadCount, wholeNumber } from "./options.ts";
import { Progress } from "./progress.ts";
import { writeFiles } from "./write-files.ts";

interface SearchCommandOptions {
  readonly by: string;
  readonly budget: number;
  readonly seed: number;
  readonly seeds: number;
  readonly jobs: number;
  readonly out: string;
  readonly json?: boolean;
}

/** `pushforward search SPACE.json --by STRATEGY --out FOLDER`: looks for good hyper-parameters. */
export function searchCommand(): Command {
  const names = Object.entries(strategies).map(([name, { about }]) => `${name}: ${about}`);
  return new Command("search")
    .description(
      "search a space of recipes for the one that trains best, with spectra of untrained networks as a guide",
    )
    .argument("<space>", "a recipe in which values are replaced by ranges (.json)")
    .option("--by <strategy>", "how candidates are chosen; see below", "spectrum")
    .option("--budget <trainings>", "full trainings that the search may cost", wholeNumber("--budget", 1), 40)
    .option(
      "--seed <seed>",
      "seed of the candidates; a strategy sees the same as all others",
      wholeNumber("--seed", 0),
      0,
    )
    .option(
      "--seeds <count>",
      `with --by ${TABLE}: seeds that each candidate is trained with`,
      wholeNumber("--seeds", 1),
      1,
    )
    .option(
      "--jobs <count>",
      "candidates trained side by side, each on one thread",
      threadCount("--jobs"),
      availableParallelism(),
    )
    .requiredOption("--out <folder>", "folder of the search, which the same command continues")
    .option("--json", "print one JSON object for each result")
    .addHelpText(
      "after",
      `\nStrategies:\n  ${names.join("\n  ")}\n  ${TABLE}: measures and trains every candidate, for \`study search\``,
    )
    .action(runSearch);
}

async function runSearch(space: string, { json = false, ...options }: SearchCommandOptions): Promise<void> {
  let progress: Progress | undefined;
  await interruptible(async (signal) => {
    const result = await search(space, {
      ...options,
      signal,
      onBegin: ({ candidates, left, done }) => {
        process.stderr.write(`note: ${plural(candidates, "candidate")}\n`);
        if (done > 0) process.stderr.write(`note: the search goes on; ${plural(done, "result")} stored before\n`);
        progress = new Progress(left);
      },
      onFound: (found, { rung = 0 }) => {
        // A training that ends early has the same error at all rungs that follow.
        if ((found.place.rung ?? 0) <= rung) progress?.finish(described(found));
        if (json) process.stdout.write(`${JSON.stringify(found)}\n`);
      },
    })
      .catch((cause: unknown) => {
        throw withCommand(cause, space, options);
      })
      .finally(() => progress?.end());
    await writeSearch(result, space, options.out);
  });
  process.stdout.write(json ? "" : `${options.out}\n`);
}

function described({ part, place: { candidate, rung = 0 }, values }: Found): string {
  const name = `candidate ${candidate}`;
  if (part === "gradient")
    return `${name}: ln of the gradients' ratio ${formatNumber(Number(values.gradient_balance))}`;
  if (part === "spectrum") {
    const [start, after] = values.log_sigma as readonly [number, number];
    const numbers = `median |ln σ| ${formatNumber(start)}, after the first steps ${formatNumber(after)}`;
    return `${name}: ${numbers}, λ ${formatNumber(Number(values.curvature))}`;
  }
  const error = Number(values.validation_error);
  return `${name}: ${formatShare(shares[rung]!)} of the training, error ${formatShare(error)}`;
}

/** An interrupted search says with which command it goes on. */
function withCommand(cause: unknown, space: string, { by, out, budget, seed, seeds }: SearchCommandOptions): unknown {
  if (!(cause instanceof PushforwardError && cause.code === "interrupted")) return cause;
  const more = `${seed === 0 ? "" : ` --seed ${seed}`}${seeds === 1 ? "" : ` --seeds ${seeds}`}`;
  return new PushforwardError("interrupted", {
    what: "The search was interrupted. What was found is stored.",
    fix: `Go on with: pushforward search ${quoted(space)} --by ${by} --budget ${budget}${more} --out ${quoted(out)}`,
  });
}

/** The name of the recipe of the best candidate. */
const BEST = "best.json";

/** Writes the recipe of the best candidate, the table, the figure and the page. */
async function writeSearch({ run, candidates }: SearchResult, file: string, out: string): Promise<void> {
  const { renderSearch } = await import("../report/index.ts"); // half of the start-up time of all commands
  const [first] = ranking(run, candidates);
  if (first !== undefined) {
    const recipe = movedTo(out, file, { ...candidates[first.candidate]!.recipe, seed: run.manifest.seeds[0]! });
    await writeFiles(out, [[BEST, `${JSON.stringify(recipe, undefined, 2)}\n`]]);
  }
  await writeFiles(out, await renderSearch({ run, candidates, ...(first && { best: BEST }) }));
}
