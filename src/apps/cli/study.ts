import { Command } from "commander";
import { PushforwardError } from "../../base/index.ts";
import { paramsOf, type Study, studies } from "../../studies/index.ts";
import { runDynamics } from "./dynamics.ts";
import { experimenting, type LaboratoryOptions, runStudies, writeStudies } from "./laboratory.ts";
import { wholeNumber } from "./options.ts";
import { searchStudyCommand } from "./search-study.ts";

/** The default number of triplets of a spectrum. */
const STUDY_K = 100;

interface StudyOptions extends LaboratoryOptions {
  readonly set: readonly string[];
  readonly quick?: boolean;
}

/** `pushforward study NAME MODEL INPUT...`: one question about a network or a training, with its tables, figures and page. */
export function studyCommand(version: string): Command {
  const names = studies.map(({ id }) => id).join(", ");
  const command = new Command("study")
    .description(`answer one question about a network with tables, figures and a page: ${names}`)
    .argument("<name>", "name of the study");
  command.addCommand(searchStudyCommand());
  return experimenting(command)
    .option("-k, --k <count>", "triplets of each spectrum, as far as a tap has so many", wholeNumber("-k", 1), STUDY_K)
    .option("--set <name=value>", "set a parameter of the study; may be repeated", collected, [])
    .action(async (name: string, model: string, paths: string[], options: StudyOptions, own: Command) => {
      const study = studyNamed(name);
      const asked = { study, params: paramsOf(study, options) };
      if (study.ofTraining) {
        const hasTaps = own.getOptionValueSource("taps") !== "default";
        await runDynamics(version, model, paths, { ...options, hasTaps }, asked);
      } else await runStudies(version, model, paths, options, [asked]);
      process.stdout.write(`${await writeStudies(options.out)}\n`);
    });
}

const collected = (value: string, before: readonly string[]): string[] => [...before, value];

function studyNamed(name: string): Study {
  const study = studies.find(({ id }) => id === name);
  if (study !== undefined) return study;
  throw new PushforwardError("usage", {
    what: `There is no study "${name}".`,
    fix: `The studies are ${studies.map(({ id }) => id).join(", ")}.`,
  });
}
