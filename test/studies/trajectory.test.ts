import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openModel } from "../../src/apps/node/index.ts";
import { createRng, gaussianArray } from "../../src/base/index.ts";
import { createStudyRun, MemoryStore, type StudyManifest } from "../../src/results/index.ts";
import { Lab, readStudy, runStudy, type StudyData } from "../../src/studies/index.ts";
import { trajectory } from "../../src/studies/trajectory.ts";

type Network = Awaited<ReturnType<typeof openModel>>;
const model = new URL("../../examples/digits/digits.onnx", import.meta.url).pathname;
let network: Network;
beforeAll(async () => {
  network = await openModel(model);
});
afterAll(() => network.close());

/** Runs the study on images of random numbers around two centres, one a class. */
async function studied(count: number, apart: number, events: Parameters<typeof runStudy>[3] = {}): Promise<StudyData> {
  const size = network.input.shape.reduce((product, extent) => product * extent, 1);
  const centres = [0, 1].map((label) => gaussianArray(createRng("centre", label), size));
  const inputs = Array.from({ length: count }, (_, i) => ({
    name: `image${i}`,
    point: gaussianArray(createRng("image", i), size).map((value, at) => 0.1 * value + apart * centres[i % 2]![at]!),
  }));
  const lab = new Lab({ network, inputs, taps: [network.input, network.tap("relu1"), network.output], seed: 0 });
  const manifest: StudyManifest = {
    format: "pushforward-study",
    formatVersion: 1,
    study: trajectory.id,
    params: {},
    model: { file: "digits.onnx", sha256: "00" },
    inputs: inputs.map(({ name }, i) => ({ name, file: name, sha256: name, label: i % 2 === 0 ? "even" : "odd" })),
    preprocess: { name: "none", unit: "1", settings: {} },
    seed: 0,
    backend: "cpu",
    versions: {},
    created: "",
    ...trajectory.design(lab, {}),
  };
  const run = await createStudyRun(new MemoryStore(), manifest);
  await runStudy(trajectory, run, lab, events);
  return readStudy(run);
}

describe("trajectory", () => {
  test("distances are those of the activations, and the plane holds what it says", async () => {
    const data = await studied(6, 0.3);
    const points = Array.from({ length: 6 }, (_, i) => data.inputs[i]!.name);
    expect(points).toEqual(data.axes.image);
    const { shape, data: distance } = data.values.distance!;
    expect(shape).toEqual([3, 6, 6]);
    const position = data.values.position!.data;
    for (let tap = 0; tap < 3; tap++) {
      for (let i = 0; i < 6; i++) {
        expect(distance[tap * 36 + 7 * i]).toBe(0);
        for (let j = 0; j < i; j++) {
          const [there, back] = [distance[tap * 36 + i * 6 + j]!, distance[tap * 36 + j * 6 + i]!];
          expect(back).toBeCloseTo(there, 6);
          // A projection shortens.
          const [a, b] = [i, j].map((image) => position.subarray(tap * 12 + 2 * image, tap * 12 + 2 * image + 2));
          expect(Math.hypot(a![0]! - b![0]!, a![1]! - b![1]!)).toBeLessThanOrEqual(there * (1 + 1e-6));
        }
      }
    }
  });

  test("distances at the logits are what forward passes give", async () => {
    const data = await studied(4, 0.3);
    const size = network.input.shape.reduce((product, extent) => product * extent, 1);
    const logits = await Promise.all(
      [0, 1].map(async (i) => {
        const centre = gaussianArray(createRng("centre", i % 2), size);
        const point = gaussianArray(createRng("image", i), size).map((value, at) => 0.1 * value + 0.3 * centre[at]!);
        return (await network.forward(point, [network.output]))[0]!;
      }),
    );
    const expected = Math.hypot(...logits[0]!.map((value, at) => value - logits[1]![at]!));
    expect(data.values.distance!.data[2 * 16 + 1]! / expected).toBeCloseTo(1, 5);
  });

  test("classes that lie apart are told apart, and those that do not are not", async () => {
    const separationAtInput = async (apart: number) => {
      const { tables } = trajectory.conclude(await studied(12, apart), {});
      const { columns, rows } = tables[0]!;
      return ["separation, low", "separation", "separation, high"].map((name) =>
        Number(rows[0]![columns.indexOf(name)]),
      );
    };
    const [low] = await separationAtInput(0.3);
    expect(low).toBeGreaterThan(1.5);
    const [below, , above] = await separationAtInput(0);
    expect(below).toBeLessThan(1);
    expect(above).toBeGreaterThan(1);
  });

  test("the charts show every tap, and verdicts carry their numbers", async () => {
    const { charts, verdicts } = trajectory.conclude(await studied(8, 0.3), {});
    expect(charts.map(({ id }) => id)).toEqual(["correlation", "separation", "movement"]);
    expect(charts[2]!.panels.map(({ title }) => title)).toEqual([network.input.name, "relu1", network.output.name]);
    for (const { because } of verdicts) expect(because).toMatch(/95 % interval .* n = 8/);
  });

  test("an interrupted study goes on where it stopped", async () => {
    const aborter = new AbortController();
    const told: string[] = [];
    const events = {
      signal: aborter.signal,
      onCell: (names: string) => {
        told.push(names);
        aborter.abort();
      },
    };
    await expect(studied(4, 0.3, events)).rejects.toThrow("Interrupted; what was finished is kept.");
    expect(told).toEqual([`tap ${network.input.name}`]);
  });

  test("two images are too few", () => {
    const lab = new Lab({ network, inputs: [], taps: [network.input], seed: 0 });
    expect(() => trajectory.design(lab, {})).toThrow("needs at least 3 inputs; there are 0.");
  });
});
