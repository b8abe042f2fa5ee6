import { Command } from "commander";
import { PushforwardError } from "../../base/index.ts";
import { paramsOf, type Study, studies } from "../../studies/index.ts";
import { runDynamics } from "./dynamics.ts";
import { type FeaturesOptions, runFeatures } from "./features.ts";
import { endStudies, experimenting, runStudies } from "./laboratory.ts";
import { wholeNumber } from "./options.ts";
import { searchStudyCommand } from "./search-study.ts";

/** The default number of triplets of a spectrum. */
const STUDY_K = 100;

interface StudyOptions extends FeaturesOptions {
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
  experimenting(command)
    .option("-k, --k <count>", "triplets of each spectrum, as far as a tap has so many", wholeNumber("-k", 1), STUDY_K)
    .option(
      "--data <folder>",
      "of the study features: the folder that paths in recipes are relative to (default: this one)",
    )
    .option("--set <name=value>", "set a parameter of the study; may be repeated", collected, [])
    .action(async (name: string, model: string, paths: string[], options: StudyOptions, own: Command) => {
      const study = studyNamed(name);
      const asked = { study, params: paramsOf(study, options) };
      let left: number;
      if (!study.ofEncoders) requireInputs(study, paths);
      if (study.ofEncoders) {
        refuseInputs(study, paths);
        left = await runFeatures(version, model, options, asked);
      } else if (study.ofTraining) {
        const hasTaps = own.getOptionValueSource("taps") !== "default";
        left = await runDynamics(version, model, paths, { ...options, hasTaps }, asked);
      } else left = await runStudies(version, model, paths, options, [asked]);
      await endStudies(options.out, left);
    });
  command.registeredArguments.at(-1)!.argOptional(); // A study of encoders has inputs of its own.
  return command;
}

function refuseInputs({ id }: Study, paths: readonly string[]): void {
  if (paths.length === 0) return;
  throw new PushforwardError("usage", {
    what: `The study ${id} measures trainings at the examples that they held out, and takes no inputs.`,
    where: { file: paths[0]! },
    fix: `Leave it out: pushforward study ${id} FOLDER --out OUT.`,
  });
}

function requireInputs({ id }: Study, paths: readonly string[]): void {
  if (paths.length > 0) return;
  throw new PushforwardError("usage", {
    what: `The study ${id} needs inputs to measure the network at.`,
    fix: "Name them after the network: pictures, folders of pictures, or .npy arrays.",
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
