import { readFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { drawControl } from "../../src/controls/index.ts";
import { type Model, normalize, readModel } from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { evaluateWith } from "../../src/runtime/index.ts";
import { evaluate } from "../support/ort.ts";
import { sharedDir, sharedPath, withoutShared } from "../support/shared.ts";
import { randomPoints, weightsIn } from "./networks.ts";

const backend = createBackend();
afterAll(() => backend.dispose());

const points = randomPoints(2, 3 * 224 * 224);

/** The root mean square of the output of each Conv, bias aside, over the points: the whole graph runs in ONNX Runtime. */
async function rootMeanSquares(model: Model): Promise<number[]> {
  const { graph } = model.onnx;
  const convolutions = graph.nodes.filter(({ op }) => op === "Conv");
  const fetches = convolutions.map(({ outputs }) => outputs[0]!);
  const outputs = fetches.map((name) => ({ name, type: undefined, shape: undefined }));
  const sums = new Map(fetches.map((name) => [name, { sum: 0, count: 0 }]));
  for (const data of points) {
    const x = { type: "float32" as const, shape: [1, 3, 224, 224], data };
    const feeds = new Map([[graph.inputs[0]!.name, x]]);
    const values = await evaluate({ ...model.onnx, graph: { ...graph, outputs } }, feeds, fetches);
    for (const { inputs, outputs } of convolutions) {
      const y = values.get(outputs[0]!)!.data as Float32Array;
      const bias = weightsIn(model, inputs[2]!);
      const total = sums.get(outputs[0]!)!;
      for (let i = 0; i < y.length; i++) total.sum += (y[i]! - bias[Math.floor((i * bias.length) / y.length)]!) ** 2;
      total.count += y.length;
    }
  }
  return [...sums.values()].map(({ sum, count }) => Math.sqrt(sum / count));
}

const sorted = (model: Model, name: string) => weightsIn(model, name).toSorted();

describe.skipIf(sharedDir === undefined)(`SqueezeNet (${sharedDir === undefined ? withoutShared : "shared"})`, () => {
  test("permuted keeps the weights of all 26 convolutions; matched reaches their root mean squares within 1 %", async () => {
    const file = await readModel(readFileSync(sharedPath("data", "models", "squeezenet1.1.onnx")));
    const model = await normalize(file, { evaluate: evaluateWith(backend) });
    const permuted = await drawControl(model, { kind: "permuted", seed: 0, draw: 1, points, backend });
    const matched = await drawControl(model, { kind: "matched", seed: 0, draw: 1, points, backend });
    expect(permuted.layers).toHaveLength(26);
    for (const { weights } of permuted.layers) {
      expect(sorted(permuted.model, weights)).toEqual(sorted(model, weights));
      expect(weightsIn(permuted.model, weights)).not.toEqual(weightsIn(model, weights));
    }
    const trained = await rootMeanSquares(model);
    const ratios = async (control: Model) => (await rootMeanSquares(control)).map((rms, i) => rms / trained[i]!);
    for (const ratio of await ratios(matched.model)) expect(Math.abs(ratio - 1)).toBeLessThan(0.01);
    // Without gains, they are far from it.
    const unmatched = await ratios(permuted.model);
    expect(Math.max(...unmatched.map((ratio) => Math.abs(Math.log(ratio))))).toBeGreaterThan(Math.log(1.5));
  }, 60_000);
});
