import { CLASSES, type ClassStatistics } from "./class-statistics.ts";
import statistics from "./digits-statistics.json" with { type: "json" };

/** Examples for which descent has the same gradients as for the digits: one for each principal component. */
export interface DigitTask {
  /** [components, components], one example a row. */
  readonly inputs: Float32Array;
  /** [components, 10] */
  readonly targets: Float32Array;
  /** Of each component; the first is 1. */
  readonly variances: readonly number[];
}

/** The classes of the 9000 training digits, from so many of their principal components. */
export const digitTask = (components: number): DigitTask => taskOf(statistics, components);

/**
 * The gradient of a linear network's squared error depends on the data only by Σ¹¹, here diagonal, and Σ³¹: examples √Σ¹¹ with targets
 * Σ³¹·Σ¹¹^(−½) have the same.
 *
 * @see Saxe, McClelland & Ganguli 2014, equation 2
 */
export function taskOf(of: ClassStatistics, components: number): DigitTask {
  const variances = of.variances.slice(0, components);
  const inputs = new Float32Array(components ** 2);
  const targets = new Float32Array(components * CLASSES);
  for (const [i, variance] of variances.entries()) {
    inputs[i * (components + 1)] = Math.sqrt(variance);
    for (let label = 0; label < CLASSES; label++) {
      targets[i * CLASSES + label] = of.correlations[label * of.variances.length + i]! / Math.sqrt(variance);
    }
  }
  return { inputs, targets, variances };
}
