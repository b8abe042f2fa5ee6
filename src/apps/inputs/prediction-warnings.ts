import type { InputRecord } from "../../results/index.ts";
import { type Predictions, probabilitiesOf } from "./predictions.ts";

/**
 * The mean evenness above which predictions look like chance, by the number of classes. With the right preprocessing, it was
 * 0.15 for SqueezeNet on ImageNet (0.60 for the worst of 30 pictures), 0.08 for ResNet-20 and 0.002 for digits. With levels
 * divided by 255 twice, it was 0.84 to 1.00. With few classes, high values are more common.
 */
const evenFrom = (classes: number): number => (classes < 10 ? 0.97 : 0.8);
/**
 * One class for all inputs is warned of from this many inputs on, if uniform chance would give it at most once in a
 * thousand times.
 */
const MANY_INPUTS = 5;
const RARE = 1e-3;
/** Wrong predictions for most labelled inputs are warned of from this many labelled inputs on. */
const MANY_LABELS = 3;

/**
 * What looks wrong with predictions, in sentences, as if the preprocessing were wrong: σ depends on it, and nothing else would show the
 * mistake.
 */
export function predictionWarnings(
  records: readonly Pick<InputRecord, "label" | "predicted" | "isRight">[],
  predictions: Predictions | undefined,
): string[] {
  if (predictions === undefined) return [];
  const { scores, names } = predictions;
  const told = records.filter((_, i) => scores[i] !== undefined);
  if (told.length === 0) return [];
  const lines: string[] = [];
  const known = told.filter(({ isRight }) => isRight !== undefined);
  const wrong = known.filter(({ isRight }) => !isRight).length;
  if (known.length >= MANY_LABELS && 2 * wrong > known.length) {
    lines.push(
      `the network predicts another class than the label for ${wrong} of ${known.length} inputs. The preprocessing, the labels or the ` +
        "order of the classes may be wrong.",
    );
  }
  const all = scores.filter((own) => own !== undefined);
  const even = all.reduce((sum, own) => sum + evenness(probabilitiesOf(own)), 0) / all.length;
  if (even > evenFrom(names.length)) {
    lines.push(
      "the network's scores are nearly the same for all classes, as if it could not see the inputs. The preprocessing may be wrong.",
    );
  }
  const [common, count] = mostCommon(told.map(({ predicted }) => predicted!));
  const labels = new Set(told.map(({ label }) => label));
  const mayBeAlike = labels.size === 1 && !labels.has(undefined);
  const isRare = names.length ** (1 - count) <= RARE;
  if (count === told.length && count >= MANY_INPUTS && isRare && !mayBeAlike) {
    lines.push(
      `the network predicts the class ${common} for all ${count} inputs. If their true classes differ, the preprocessing may be wrong.`,
    );
  }
  return lines;
}

/**
 * The entropy of probabilities, divided by the entropy of equal probabilities; 1 if the network cannot tell the classes
 * apart.
 */
function evenness(shares: readonly number[]): number {
  const entropy = shares.reduce((sum, share) => (share > 0 ? sum - share * Math.log(share) : sum), 0);
  return entropy / Math.log(shares.length);
}

/** The name that occurs most often, and how often. */
export function mostCommon(names: readonly string[]): readonly [name: string, count: number] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].reduce((a, b) => (b[1] > a[1] ? b : a));
}
