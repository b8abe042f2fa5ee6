/**
 * Writes src/experiments/digits-statistics.json: all that full-batch gradient descent of a linear network needs of the 9000 training
 * digits, in the basis of their first 128 principal components. `variances` are those of the components, and `correlations` [10, 128]
 * those of the classes with them; the first variance and the largest singular value of the correlations are 1.
 *
 *     npx tsx examples/digits/statistics.ts
 */
import { writeFileSync } from "node:fs";
import { jacobiSvd } from "../../src/theory/index.ts";
import { readDigits } from "./data.ts";

const COMPONENTS = 128;
const CLASSES = 10;

const {
  inputs: images,
  targets: { labels },
} = readDigits().training;
const size = images.length / labels.length;
const means = new Float64Array(size);
for (const [i, pixel] of images.entries()) means[i % size]! += pixel / labels.length;

const covariance = new Float64Array(size * size);
const crossed = new Float64Array(CLASSES * size);
for (const [image, label] of labels.entries()) {
  const centred = means.map((mean, i) => images[image * size + i]! - mean);
  for (let i = 0; i < size; i++) {
    const scaled = centred[i]! / labels.length;
    crossed[label * size + i]! += scaled;
    for (let j = 0; j < size; j++) covariance[i * size + j]! += scaled * centred[j]!;
  }
}
const { sigma, right } = jacobiSvd(covariance, size, size);
const components = right.slice(0, COMPONENTS);
const correlations = Array.from({ length: CLASSES }, (_, label) =>
  components.map((component) => component.reduce((sum, entry, i) => sum + entry * crossed[label * size + i]!, 0)),
);
const largest = jacobiSvd(correlations.flat(), CLASSES, COMPONENTS).sigma[0]!;
const rounded = (value: number) => Number(value.toPrecision(6));
const statistics = {
  variances: Array.from(sigma.subarray(0, COMPONENTS), (value) => rounded(value / sigma[0]!)),
  correlations: correlations.flat().map((value) => rounded(value / largest)),
};
writeFileSync(
  new URL("../../src/experiments/digits-statistics.json", import.meta.url),
  `${JSON.stringify(statistics)}\n`,
);
