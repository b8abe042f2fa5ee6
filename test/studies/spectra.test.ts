import { afterAll, describe, expect, test } from "vitest";
import { buildModel, floatTensor, node, type OnnxModel, valueInfo } from "../../src/onnx/index.ts";
import { spectra } from "../../src/studies/spectra.ts";
import { convnet } from "../apps/networks.ts";
import { type Laboratory, laboratory } from "./laboratory.ts";

const opened: Laboratory[] = [];
afterAll(() => Promise.all(opened.map((one) => one.close())));

async function open(options: Parameters<typeof laboratory>[0]): Promise<Laboratory> {
  const one = await laboratory(options);
  opened.push(one);
  return one;
}

const factors = [
  [3, 2, 1, 0.7],
  [0.1, 4, 2, 1],
  [5, 0.2, 1, 3],
];

/** y = D_3·D_2·D_1·x with diagonal matrices: σ and what each factor adds to them are known. */
function diagonalChain(): OnnxModel {
  const matrix = (entries: readonly number[]) =>
    floatTensor(
      [4, 4],
      Float32Array.from({ length: 16 }, (_, at) => (at % 5 === 0 ? entries[at / 5]! : 0)),
    );
  const names = ["x", "one", "two", "three"];
  return buildModel({
    inputs: [valueInfo("x", "float32", [1, 4])],
    outputs: [valueInfo("three", "float32", [1, 4])],
    initializers: new Map(factors.map((entries, i) => [`d${i}`, matrix(entries)])),
    nodes: factors.map((_, i) =>
      node({ op: "MatMul", inputs: [names[i]!, `d${i}`], outputs: [names[i + 1]!], name: names[i + 1]! }),
    ),
  });
}

describe("spectra", () => {
  test("of a linear chain: σ, and what each step adds to its logarithm", async () => {
    const { study } = await open({ model: diagonalChain(), taps: ["one", "two", "three"], count: 2, k: 4, vectors: 4 });
    const { values } = await study(spectra, { set: ["directions=4"] });
    const order = [0, 1, 2, 3]
      .map((i) => ({ i, sigma: factors.reduce((product, entries) => product * entries[i]!, 1) }))
      .sort((a, b) => b.sigma - a.sigma);
    const last = 2 * 2; // tap "three", image 0
    order.forEach(({ i, sigma }, rank) => {
      expect(values.sigma!.data[last * 4 + rank]! / sigma).toBeCloseTo(1, 5);
      factors.forEach((entries, step) => {
        expect(values.growth!.data[(last * 3 + step) * 4 + rank]!).toBeCloseTo(Math.log(entries[i]!), 4);
      });
    });
    const sorted = [...factors[2]!].sort((a, b) => b - a);
    for (const [rank, value] of sorted.entries()) {
      expect(values.step_sigma!.data[last * 4 + rank]! / value).toBeCloseTo(1, 5);
    }
  });

  test("of a network with kinks: steps add up to log σ at every tap", async () => {
    const { study } = await open({
      model: convnet(),
      taps: ["conv1", "relu1", "pool1", "logits"],
      count: 2,
      vectors: 4,
    });
    const { values } = await study(spectra, { set: ["directions=4"] });
    for (let cell = 0; cell < 4 * 2; cell++) {
      for (let direction = 0; direction < 4; direction++) {
        const steps = [0, 1, 2, 3].map((step) => values.growth!.data[(cell * 4 + step) * 4 + direction]!);
        const sum = steps.filter((value) => !Number.isNaN(value)).reduce((total, value) => total + value, 0);
        expect(sum).toBeCloseTo(Math.log(values.sigma!.data[cell * 6 + direction]!), 4);
      }
    }
  });

  test("one image has no interval, and its verdicts are undecided", async () => {
    const { study } = await open({ model: convnet(), taps: ["relu1", "logits"], count: 1 });
    const { verdicts, charts } = spectra.conclude(await study(spectra), {});
    expect(verdicts.map(({ verdict }) => verdict)).toEqual(["undecided", "undecided"]);
    expect(charts.map(({ id }) => id)).toEqual(["spectra", "steps", "ranks", "growth"]);
  });

  test("whether few σ are large is open where most of the computed ones are, and there may be more", async () => {
    const few = async (k: number) => {
      const { study } = await open({ model: convnet(), taps: ["relu1", "logits"], count: 6, k });
      return spectra.conclude(await study(spectra), {}).verdicts[1]!;
    };
    const part = await few(4);
    expect(part.verdict).toBe("undecided");
    expect(part.because).toMatch(
      /at least 0\.400 .*, from those computed; at most 1\.00 .*, from the number of active rows\.$/,
    );
    const whole = await few(12);
    expect(whole.verdict).toBe("contradicted");
    expect(whole.because).toMatch(/at logits that exceed σ₁\/10: 1\.00 \(the same for all 6 images\)\.$/);
  });

  test("one tap does not tell whether spectra grow steeper", async () => {
    const { study } = await open({ model: convnet(), taps: ["logits"], count: 6 });
    const [steeper] = spectra.conclude(await study(spectra), {}).verdicts;
    expect(steeper).toMatchObject({
      verdict: "undecided",
      because: "There is only one tap, or one singular value.",
    });
  });

  test("spectra are computed once for all studies, and once for all images where J is the same at each", async () => {
    const { lab } = await open({ model: convnet(), taps: ["logits", "conv1"], count: 2 });
    const [one, two] = [await lab.spectrum(0, 2), await lab.spectrum(1, 2)];
    expect(two).toEqual(one);
    const first = await lab.spectrum(0, 1);
    const again = await lab.spectrum(0, 1);
    expect(again.seconds).toBe(first.seconds);
    expect(again).toEqual(first);
  });
});
