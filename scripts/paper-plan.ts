// What docs/paper keeps is measured on these networks, with these inputs and settings.
import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readDigits } from "../examples/digits/data.ts";
import { writePictures } from "../examples/digits/pictures.ts";
import type { Params } from "../src/studies/index.ts";
import { root } from "../test/docs/markdown.ts";

/** Studies that share a folder, and so the spectra of J(input → tap), the number of triplets and the tolerance. */
export interface Group {
  readonly folder: string;
  readonly taps: readonly string[];
  readonly k: number;
  readonly tol?: number;
  readonly studies: Readonly<Record<string, Params>>;
}

export interface Network {
  readonly model: string;
  /** Writes the inputs to a folder, always the same, and returns the options that say how they are read. */
  prepare(to: string): readonly string[];
  /** The program that writes the network before its training to the file that its option `--initial` names. */
  readonly initial?: string;
  readonly groups: readonly Group[];
}

const digits = join(root, "examples/digits");

const noise = { kinds: ["gaussian", "jpeg"], gaussian: [0.05, 0.2, 0.8], jpeg: [50, 10, 1], images: 6 };
const weakNoise = { ...noise, gaussian: [0.1, 0.4], jpeg: [20, 5], probes: 2 };
const directional = { directions: 4, amplitudes: [0.003, 0.03, 0.1, 0.3], draws: 3 };
const augmented = { within: "augmentation", pairs: 2 };
const ofPictures = { trajectory: {}, manifold: {} };
const withoutSteps = { spectra: { steps: 0 }, vectors: {} };

/** The networks of the paper's page, the longest runs first. Models and pictures are read from a folder. */
export const networksFrom = (data: string): Readonly<Record<string, Network>> => ({
  squeezenet: {
    model: join(data, "models/squeezenet1.1.onnx"),
    prepare: (to) => [
      ...photographs(data, to),
      "--preprocess",
      "imagenet",
      "--labels",
      join(data, "imagenet_classes.tsv"),
    ],
    groups: [
      {
        folder: "depth",
        taps: ["fire5.concat", "fire9.concat", "logits"],
        k: 100,
        studies: { ...withoutSteps, ...ofPictures, pairs: augmented },
      },
      {
        folder: "noise",
        taps: ["logits"],
        k: 12,
        tol: 1e-3,
        studies: {
          noise: weakNoise,
          "directional-noise": { ...directional, amplitudes: [0.003, 0.03, 0.3], draws: 2 },
        },
      },
    ],
  },
  alexnet: {
    model: join(data, "models/alexnet-trunk.onnx"),
    prepare: (to) => [
      ...photographs(data, to),
      "--preprocess",
      "caffe-alexnet",
      "--labels",
      join(data, "imagenet_classes.tsv"),
    ],
    groups: [
      {
        folder: "depth",
        taps: ["pool1", "pool5"],
        k: 32,
        studies: { ...withoutSteps, ...ofPictures },
      },
      {
        folder: "noise",
        taps: ["pool5"],
        k: 10,
        tol: 1e-3,
        studies: { noise: { ...weakNoise, kinds: ["gaussian"] } },
      },
    ],
  },
  ultraface: {
    model: join(data, "models/ultraface/rfb-320.onnx"),
    prepare: (to) => [...people(data, to), "--preprocess", levelsAbout127(to)],
    groups: [
      {
        folder: "depth",
        taps: ["relu13", "boxes"],
        k: 24,
        studies: { ...withoutSteps, ...ofPictures, pairs: augmented },
      },
      {
        folder: "noise",
        taps: ["boxes"],
        k: 10,
        tol: 1e-3,
        studies: {
          noise: { ...weakNoise, kinds: ["gaussian"] },
          "directional-noise": { ...directional, amplitudes: [0.003, 0.03, 0.3], draws: 2 },
        },
      },
    ],
  },
  resnet20: {
    model: join(data, "models/resnet20-cifar10.onnx"),
    prepare: (to) => [...cifar(data, to, 2), "--preprocess", "cifar10"],
    groups: [
      {
        folder: "depth",
        taps: ["layer2.2.out", "layer3.2.out", "logits"],
        k: 50,
        studies: { ...withoutSteps, ...ofPictures, pairs: { pairs: 1 } },
      },
      {
        folder: "noise",
        taps: ["logits"],
        k: 10,
        studies: { noise: { ...weakNoise, probes: 16 }, "directional-noise": directional },
      },
    ],
  },
  digits: {
    model: join(digits, "digits.onnx"),
    prepare: (to) => {
      writePictures(readDigits(), 20, to);
      return [join(to, "images"), "--labels", join(to, "labels.tsv"), "--preprocess", join(digits, "preprocess.json")];
    },
    initial: join(digits, "train.ts"),
    groups: [
      {
        folder: "depth",
        taps: ["relu1", "pool1", "pool2", "relu4", "relu5", "logits"],
        k: 100,
        studies: { ...withoutSteps, ...ofPictures, pairs: { pairs: 4 }, "directional-noise": directional },
      },
      { folder: "noise", taps: ["relu4", "logits"], k: 50, studies: { noise } },
    ],
  },
});

/** Six photographs of different classes: number 69 in the order of their names, and each 15th after it. */
function photographs(data: string, to: string): string[] {
  const all = readdirSync(join(data, "images")).sort();
  return copied(
    Array.from({ length: 6 }, (_, i) => join(data, "images", all[69 + 15 * i]!)),
    to,
  );
}

/** Photographs in which the network finds faces, and a table that gives each a class of its own: there are no true classes of detections. */
function people(data: string, to: string): string[] {
  const names = ["academic_gown", "bobsled", "cowboy_hat", "pickelhaube", "stage", "trombone"];
  const files = readdirSync(join(data, "images")).filter((file) =>
    names.some((name) => file.endsWith(`_${name}.JPEG`)),
  );
  const labels = join(to, "labels.tsv");
  const inputs = copied(
    files.sort().map((file) => join(data, "images", file)),
    to,
  );
  writeFileSync(labels, files.map((file, i) => `${file}\tpicture ${i + 1}\n`).join(""));
  return [...inputs, "--labels", labels];
}

/** The preprocessing of UltraFace: (level − 127) / 128. */
function levelsAbout127(to: string): string {
  const file = join(to, "preprocess.json");
  const preset = { name: "ultraface", colour: "RGB", resize: { exact: [240, 320] }, scale: 1, mean: [127], std: [128] };
  writeFileSync(file, JSON.stringify(preset));
  return file;
}

/** The first pictures of each class of CIFAR-10, in a folder for each class. */
function cifar(data: string, to: string, perClass: number): string[] {
  const from = join(data, "cifar10");
  const folders = readdirSync(from).sort();
  for (const folder of folders) {
    const files = readdirSync(join(from, folder)).sort().slice(0, perClass);
    copied(
      files.map((file) => join(from, folder, file)),
      join(to, "images", folder),
    );
  }
  return [join(to, "images")];
}

function copied(files: readonly string[], to: string): string[] {
  const folder = join(to, "images");
  mkdirSync(folder, { recursive: true });
  for (const file of files) copyFileSync(file, join(folder, file.split("/").at(-1)!));
  return [folder];
}
