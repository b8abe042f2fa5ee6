/**
 * Writes src/experiments/digits-statistics.json: all that full-batch gradient descent of a linear network needs of the 9000 training
 * digits, in the basis of their first 128 principal components, as `ClassStatistics`.
 *
 *     npx tsx examples/digits/statistics.ts
 */
import { writeFileSync } from "node:fs";
import { classStatistics } from "../../src/experiments/class-statistics.ts";
import { readDigits } from "./data.ts";

const COMPONENTS = 128;

const { inputs, targets } = readDigits().training;
const { variances, correlations } = classStatistics(inputs, targets.labels, COMPONENTS);
const rounded = (value: number) => Number(value.toPrecision(6));
const statistics = { variances: variances.map(rounded), correlations: correlations.map(rounded) };
writeFileSync(
  new URL("../../src/experiments/digits-statistics.json", import.meta.url),
  `${JSON.stringify(statistics)}\n`,
);
