import { Command } from "commander";
import { paperStudies, paramsOf } from "../../studies/index.ts";
import { endStudies, experimenting, type LaboratoryOptions, runStudies } from "./laboratory.ts";
import { wholeNumber } from "./options.ts";

/** The number of triplets of a spectrum: as many as in the paper, or few with --quick. */
const PAPER_K = { whole: 500, quick: 20 };

interface PaperOptions extends Omit<LaboratoryOptions, "k"> {
  readonly k?: number;
  readonly quick?: boolean;
}

/** `pushforward paper MODEL INPUT...`: every study of the paper, with its settings, on one page. */
export function paperCommand(version: string): Command {
  const command = new Command("paper").description(
    "run all studies of the paper, with the settings of Mototake & Ikegami 2015, and write one page",
  );
  return experimenting(command)
    .option(
      "-k, --k <count>",
      `triplets of each spectrum, as far as a tap has so many (default: ${PAPER_K.whole}, quick: ${PAPER_K.quick})`,
      wholeNumber("-k", 1),
    )
    .action(async (model: string, paths: string[], { quick = false, ...options }: PaperOptions) => {
      const k = options.k ?? (quick ? PAPER_K.quick : PAPER_K.whole);
      const asked = paperStudies.map((study) => ({ study, params: paramsOf(study, { quick }) }));
      // A study that does not suit these inputs, such as pairs of images without classes, is left out.
      const left = await runStudies(version, model, paths, { ...options, k }, asked, { leaveOut: true });
      await endStudies(options.out, left);
    });
}
