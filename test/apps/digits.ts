import { fileURLToPath } from "node:url";

const example = (name: string): string => fileURLToPath(new URL(`../../examples/digits/${name}`, import.meta.url));

/** Images of the example, two a class. */
export const digitNames = ["2-0009", "2-0356", "4-0025", "4-0030"];

/** What a command is told to take the example's network and some of its images, prepared and labelled. */
export const digits: readonly string[] = [
  example("digits.onnx"),
  ...digitNames.map((name) => example(`images/${name}.png`)),
  "--preprocess",
  example("preprocess.json"),
  "--labels",
  example("labels.tsv"),
];

/** The same for studies of two taps that take a second or two each, stored in `studies`. */
export const quickly = [...digits, "--taps", "pool1,logits", "-k", "12", "--quick", "--out", "studies"];
