import type { ClassRecord } from "../../images/index.ts";
import type { Network } from "../../jacobian/index.ts";
import type { InputRecord } from "../../results/index.ts";
import { ranked } from "../../studies/index.ts";

/** The predictions of a network for its inputs. */
export interface Predictions {
  /**
   * [inputs][classes], the output of the network; undefined if the input could not be used or a score is not finite.
   */
  readonly scores: readonly (Float32Array | undefined)[];
  /** [classes], the names in the list of classes, or the indices of the outputs if there is no list. */
  readonly names: readonly string[];
}

/** The names in a list of classes, if it is as long as the network's output; otherwise the indices of the outputs. */
export function classNames(classes: readonly ClassRecord[], count: number): readonly string[] {
  return classes.length === count
    ? classes.map(({ name }) => name)
    : Array.from({ length: count }, (_, i) => String(i));
}

/** [points][classes], the output of a network; undefined where there is no point or a score is not finite. */
export async function scoresOf(
  network: Network,
  points: readonly (Float32Array | undefined)[],
): Promise<Predictions["scores"]> {
  const usable = points.filter((point) => point !== undefined);
  const all = (await network.forwardAll(usable, network.output)).values();
  const finite = (own: Float32Array) => (own.every(Number.isFinite) ? own : undefined);
  return points.map((point) => (point === undefined ? undefined : finite(all.next().value!)));
}

/** The records with the predicted class, and whether it is the true class if the two can be compared. */
export function withPredictions<R extends Pick<InputRecord, "label">>(
  records: readonly R[],
  { scores, names }: Predictions,
): readonly (R & Pick<InputRecord, "predicted" | "isRight">)[] {
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

/** Probabilities of the classes: the scores themselves if they are probabilities, otherwise their softmax. */
export function probabilitiesOf(scores: Float32Array): number[] {
  const total = scores.reduce((sum, score) => sum + score, 0);
  if (scores.every((score) => score >= 0) && Math.abs(total - 1) < 1e-3) return Array.from(scores);
  const largest = Math.max(...scores);
  const powers = Array.from(scores, (score) => Math.exp(score - largest));
  const sum = powers.reduce((all, power) => all + power, 0);
  return powers.map((power) => power / sum);
}
