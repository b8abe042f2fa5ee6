import { Command } from "commander";
import { PushforwardError } from "../../base/index.ts";
import { paramsOf, studies } from "../../studies/index.ts";
import { experimenting, inLaboratory, type LaboratoryOptions, writeStudies } from "./laboratory.ts";
import { wholeNumber } from "./options.ts";

/** The number of triplets of a spectrum: as many as in the paper, or few with --quick. */
const PAPER_K = { whole: 500, quick: 20 };

interface PaperOptions extends Omit<LaboratoryOptions, "k"> {
  readonly k?: number;
  readonly quick?: boolean;
}

/** `pushforward paper MODEL INPUT...`: every study, with the paper's settings, on one page. */
export function paperCommand(version: string): Command {
  const command = new Command("paper").description(
    "run all studies, with the settings of Mototake & Ikegami 2015, and write one page",
  );
  return experimenting(command)
    .option(
      "-k, --k <count>",
      `triplets of each spectrum, as far as a tap has so many (default: ${PAPER_K.whole}, quick: ${PAPER_K.quick})`,
      wholeNumber("-k", 1),
    )
    .action(async (model: string, paths: string[], { quick = false, ...options }: PaperOptions) => {
      const k = options.k ?? (quick ? PAPER_K.quick : PAPER_K.whole);
      const asked = studies.map((study) => ({ study, params: paramsOf(study, { quick }) }));
      await inLaboratory(version, model, paths, { ...options, k }, asked, async (measure) => {
        const refusals: PushforwardError[] = [];
        for (const { study, params } of asked) {
          await measure(study, params).catch((cause: unknown) => {
            // A study that does not suit these inputs is left out.
            if (!(cause instanceof PushforwardError && cause.code === "usage")) throw cause;
            refusals.push(cause);
            process.stderr.write(`note: the study ${study.id} is left out: ${cause.what}\n`);
          });
        }
        if (refusals.length === studies.length) throw refusals[0]!;
      });
      process.stdout.write(`${await writeStudies(options.out)}\n`);
    });
}
