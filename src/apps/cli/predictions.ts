import { PushforwardError } from "../../base/index.ts";
import { classNames, type Predictions, scoresOf } from "../inputs/predictions.ts";
import type { Network } from "../node/index.ts";
import type { InputLabels } from "../node/labels.ts";
import type { Inputs } from "./inputs.ts";

/**
 * The scores of every input; undefined if the network's output is not a list of scores.
 *
 * If the list of classes has another length than the output, a list that the user named is an error. A list that was only found
 * beside the inputs is not used, and standard error says so.
 *
 * @throws PushforwardError `usage` for a list of another length that the user named
 */
export async function predict(
  network: Network,
  { points }: Inputs,
  { classes, file, asked }: InputLabels,
): Promise<Predictions | undefined> {
  const { classCount } = network;
  if (classCount === 0) return undefined;
  const fits = classes.length === classCount;
  if (classes.length > 0 && !fits) {
    const count = `${classes.length} ${classes.length === 1 ? "class" : "classes"}`;
    const what = `The list has ${count}, but the network gives ${classCount} scores.`;
    const fix =
      "Give a list with one line for each output of the network, in their order. A table of inputs and their classes must begin " +
      "with the line `file,class`, or its file names must include their endings.";
    if (asked) throw new PushforwardError("usage", { what, where: { file: file!, option: "--labels" }, fix });
    process.stderr.write(`warning: ${what} ${file} is not used to name them. ${fix}\n`);
  }
  return {
    scores: await scoresOf(network, points),
    names: classNames(classes, classCount),
  };
}
