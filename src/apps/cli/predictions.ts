import { PushforwardError } from "../../base/index.ts";
import type { InputRecord } from "../../results/index.ts";
import type { NetworkFile } from "../node/index.ts";
import type { Inputs } from "./inputs.ts";
import type { InputLabels } from "./labels.ts";

/** The predictions of a network for its inputs. */
export interface Predictions {
  /** [inputs][classes], as the network gives them; undefined where the input could not be used or a score is not finite. */
  readonly scores: readonly (Float32Array | undefined)[];
  /** [classes], from the list of the classes, else the numbers of the outputs. */
  readonly names: readonly string[];
}

/**
 * The scores of every input; undefined where the network's output is no list of scores.
 *
 * @throws PushforwardError `usage` for a list of classes that was asked for and has another length than the output; one
 * that lies beside the inputs is told on standard error and left out
 */
export async function predict(
  network: NetworkFile,
  { points }: Inputs,
  { classes, file, asked }: InputLabels,
): Promise<Predictions | undefined> {
  const { classCount } = network;
  if (classCount === 0) return undefined;
  const fits = classes.length === classCount;
  if (classes.length > 0 && !fits) {
    const count = `${classes.length} ${classes.length === 1 ? "class" : "classes"}`;
    const what = `The list has ${count}, and the network gives ${classCount} scores.`;
    const fix =
      "Give a list with one line for each output of the network, in their order. A table of inputs and their classes begins " +
      "with the line `file,class`, or its names of files have their endings.";
    if (asked) throw new PushforwardError("usage", { what, where: { file: file!, option: "--labels" }, fix });
    process.stderr.write(`warning: ${what} ${file} is not used to name them. ${fix}\n`);
  }
  const usable = points.filter((point) => point !== undefined);
  const all = (await network.forwardAll(usable, network.output)).values();
  const finite = (own: Float32Array) => (own.every(Number.isFinite) ? own : undefined);
  return {
    scores: points.map((point) => (point === undefined ? undefined : finite(all.next().value!))),
    names: fits ? classes.map(({ name }) => name) : Array.from({ length: classCount }, (_, i) => String(i)),
  };
}

/** The records with the class that the network gives, and whether it is the true one where that can be told. */
export function withPredictions(
  records: readonly InputRecord[],
  { scores, names }: Predictions,
): readonly InputRecord[] {
  return records.map((record, i) => {
    const own = scores[i];
    if (own === undefined) return record;
    const predicted = names[ranked(own)[0]!]!;
    const { label } = record;
    // A label that is none of the outputs' names cannot be compared with one of them.
    const isKnown = label !== undefined && names.includes(label);
    return { ...record, predicted, ...(isKnown ? { isRight: predicted === label } : {}) };
  });
}

/** The indices of the scores in decreasing order of the scores; among equal scores the smaller index is first. */
export const ranked = (scores: Float32Array): number[] =>
  Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]! || a - b);
