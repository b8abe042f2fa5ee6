import { PushforwardError } from "../../base/index.ts";
import type { InputRecord } from "../../results/index.ts";
import { ranked } from "../../studies/index.ts";
import type { Network } from "../node/index.ts";
import type { InputLabels } from "../node/labels.ts";
import type { Inputs } from "./inputs.ts";

/** The predictions of a network for its inputs. */
export interface Predictions {
  /**
   * [inputs][classes], the output of the network; undefined if the input could not be used or a score is not finite.
   */
  readonly scores: readonly (Float32Array | undefined)[];
  /** [classes], the names in the list of classes, or the indices of the outputs if there is no list. */
  readonly names: readonly string[];
}

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
    names: fits ? classes.map(({ name }) => name) : Array.from({ length: classCount }, (_, i) => String(i)),
  };
}

/** [points][classes], the output of a network; undefined where there is no point or a score is not finite. */
export async function scoresOf(network: Network, points: Inputs["points"]): Promise<Predictions["scores"]> {
  const usable = points.filter((point) => point !== undefined);
  const all = (await network.forwardAll(usable, network.output)).values();
  const finite = (own: Float32Array) => (own.every(Number.isFinite) ? own : undefined);
  return points.map((point) => (point === undefined ? undefined : finite(all.next().value!)));
}

/** The records with the predicted class, and whether it is the true class if the two can be compared. */
export function withPredictions(
  records: readonly InputRecord[],
  { scores, names }: Predictions,
): readonly InputRecord[] {
  return records.map((record, i) => {
    const own = scores[i];
    if (own === undefined) return record;
    const predicted = names[ranked(own)[0]!]!;
    const { label } = record;
    // A label that is not among the names of the outputs cannot be compared with the prediction.
    const isKnown = label !== undefined && names.includes(label);
    return { ...record, predicted, ...(isKnown ? { isRight: predicted === label } : {}) };
  });
}
