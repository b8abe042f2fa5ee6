import { afterAll, describe, expect, test } from "vitest";
import { createRng, type Shape } from "../../src/base/index.ts";
import { floatTensor } from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { modeCurve } from "../../src/theory/index.ts";
import {
  type Architecture,
  compileGradient,
  type Initializer,
  initialWeights,
  trainingGraph,
} from "../../src/training/index.ts";
import { haarOrthogonal, transposed } from "../../src/training/orthogonal.ts";

const backend = createBackend({ threads: 1 });
afterAll(() => backend.dispose());

const net = (...widths: number[]): Architecture => ({
  input: [widths[0]!],
  layers: widths.slice(1).map((units) => ({ kind: "dense", units })),
});
const pictures: Architecture = { input: [6, 9, 9], layers: [{ kind: "conv", channels: 16, kernel: 3 }] };

function numbers(of: Architecture, initializer: Initializer, name: string, seed = 1): Float32Array {
  return initialWeights(of, initializer, seed).get(name)!.data as Float32Array;
}

/** The Gram matrix of the shorter side of [rows, columns], minus g² times the identity: its largest entry. */
function awayFromOrthogonal(data: ArrayLike<number>, rows: number, columns: number, gain: number): number {
  const at = (i: number, j: number) => (rows <= columns ? data[i * columns + j]! : data[j * columns + i]!);
  const [short, long] = [Math.min(rows, columns), Math.max(rows, columns)];
  let largest = 0;
  for (let a = 0; a < short; a++) {
    for (let b = 0; b < short; b++) {
      let product = a === b ? -(gain ** 2) : 0;
      for (let j = 0; j < long; j++) product += at(a, j) * at(b, j);
      largest = Math.max(largest, Math.abs(product));
    }
  }
  return largest;
}

describe("random weights have the variance of their formula", () => {
  const wide = net(300, 200);
  test.each<[Initializer, string, Architecture, number]>([
    [{ kind: "gaussian", weightVariance: 3, biasVariance: 0.25 }, "fc1.weight", wide, 3 / 300],
    [{ kind: "gaussian", weightVariance: 3, biasVariance: 0.25 }, "fc1.bias", net(2, 20000), 0.25],
    [{ kind: "he" }, "fc1.weight", wide, 2 / 300],
    [{ kind: "he", distribution: "uniform", gain: 2 }, "fc1.weight", wide, 8 / 300],
    [{ kind: "glorot" }, "fc1.weight", wide, 2 / 500],
    [
      { kind: "glorot", distribution: "uniform" },
      "conv1.weight",
      { input: [60, 9, 9], layers: [{ kind: "conv", channels: 70, kernel: 3 }] },
      2 / (9 * 130),
    ],
  ])("%j of %s", (initializer, name, of, variance) => {
    const data = numbers(of, initializer, name);
    const measured = data.reduce((sum, value) => sum + value ** 2, 0) / data.length;
    // The variance of n squares of Gaussians, relative to their mean, is 2/n; five deviations.
    expect(Math.abs(measured / variance - 1)).toBeLessThan(5 * Math.sqrt(2 / data.length));
    const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
    expect(Math.abs(mean)).toBeLessThan(5 * Math.sqrt(variance / data.length));
  });

  test("a uniform distribution ends at √3 deviations", () => {
    const data = numbers(wide, { kind: "he", distribution: "uniform" }, "fc1.weight");
    const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    expect(largest / Math.sqrt(6 / 300)).toBeGreaterThan(0.999);
    expect(largest / Math.sqrt(6 / 300)).toBeLessThanOrEqual(1 + 1e-6);
  });

  test("biases are zero unless they have a variance", () => {
    for (const kind of ["gaussian", "he", "glorot", "orthogonal"] as const) {
      expect(numbers(wide, { kind }, "fc1.bias").every((value) => value === 0)).toBe(true);
    }
  });
});

describe("orthogonal weights", () => {
  test.each([
    [40, 40],
    [40, 17],
    [17, 40],
    [1, 5],
    [5, 1],
  ])("have orthonormal columns or rows: %i×%i", (outputs, inputs) => {
    const data = numbers(net(inputs, outputs), { kind: "orthogonal", gain: 1.5 }, "fc1.weight");
    expect(awayFromOrthogonal(data, outputs, inputs, 1.5)).toBeLessThan(1e-6);
  });

  test("of convolutions: the flattened kernels, or their centres", () => {
    const flattened = numbers(pictures, { kind: "orthogonal" }, "conv1.weight");
    expect(awayFromOrthogonal(flattened, 16, 54, 1)).toBeLessThan(1e-6);
    const delta = numbers(pictures, { kind: "orthogonal", kernels: "delta", gain: 2 }, "conv1.weight");
    expect(
      awayFromOrthogonal(
        delta.filter((_, i) => i % 9 === 4),
        16,
        6,
        2,
      ),
    ).toBeLessThan(1e-6);
    expect(delta.filter((value, i) => value !== 0 && i % 9 !== 4)).toHaveLength(0);
  });

  test("are uniform by the Haar measure: E tr Q = 0, E (tr Q)² = 1, E (tr Q²) = 1", () => {
    const [size, draws] = [6, 4000];
    const rng = createRng(7, "haar");
    const traces = Array.from({ length: draws }, () => {
      const q = haarOrthogonal(size, size, rng);
      let [once, twice] = [0, 0];
      for (let i = 0; i < size; i++) {
        once += q[i * size + i]!;
        for (let j = 0; j < size; j++) twice += q[i * size + j]! * q[j * size + i]!;
      }
      return [once, once ** 2, twice] as const;
    });
    // For the orthogonal group these moments are exact from size 2 on, with variances 1, 2 and 2 (Diaconis & Shahshahani 1994).
    for (const [moment, [mean, variance]] of [
      [0, 1],
      [1, 2],
      [1, 2],
    ].entries()) {
      const measured = traces.reduce((sum, trace) => sum + trace[moment]!, 0) / draws;
      expect(Math.abs(measured - mean!), `moment ${moment}`).toBeLessThan(4 * Math.sqrt(variance! / draws));
    }
  });
});

describe("a seed and the tensor's own name and shape fix its numbers", () => {
  test.each(["gaussian", "he", "glorot", "orthogonal"] as const)("%s", (kind) => {
    const first = numbers(net(7, 8, 9), { kind }, "fc1.weight");
    expect(numbers(net(7, 8, 30, 2), { kind }, "fc1.weight")).toEqual(first);
    expect(numbers(net(7, 8, 9), { kind }, "fc1.weight", 2)).not.toEqual(first);
    expect(numbers(net(9, 7, 8), { kind }, "fc2.weight")).not.toEqual(numbers(net(7, 8), { kind }, "fc1.weight"));
  });

  test("one stream for all layers is drawn in their order", () => {
    const drawn = (...widths: number[]) => numbers(net(...widths), { kind: "he", stream: "one" }, "fc2.weight");
    expect(drawn(7, 8, 9)).toEqual(drawn(7, 8, 9));
    expect(drawn(7, 8, 9)).not.toEqual(drawn(8, 8, 9));
  });
});

describe("decoupled weights", () => {
  const chain = (...widths: number[]): Architecture => ({
    input: [widths[0]!],
    layers: widths.slice(1).map((units) => ({ kind: "dense", units, bias: false })),
  });
  const basis = (size: number, label: string) => ({
    shape: [size, 3],
    data: haarOrthogonal(size, 3, createRng(1, label)),
  });
  const product = (a: ArrayLike<number>, [rows, inner]: Shape, b: ArrayLike<number>, columns: number) =>
    Float64Array.from({ length: rows! * columns }, (_, at) => {
      let total = 0;
      for (let l = 0; l < inner!; l++)
        total += a[Math.floor(at / columns) * inner! + l]! * b[l * columns + (at % columns)]!;
      return total;
    });

  test("multiply to the bases and strengths that were given, whatever the widths between", () => {
    const [first, last] = [basis(5, "first"), basis(4, "last")];
    const start = [0.5, 0.2, 0.1];
    const weights = initialWeights(chain(5, 8, 3, 4), { kind: "decoupled", start, first, last }, 1);
    const [a, b, c] = ["fc1", "fc2", "fc3"].map((name) => weights.get(`${name}.weight`)!.data as Float32Array);
    const whole = product(c!, [4, 3], product(b!, [3, 8], a!, 5), 5);
    const scaled = last.data.map((value, i) => value * start[i % 3]!);
    const expected = product(scaled, [4, 3], transposed(first.data, 5, 3), 5);
    for (const [i, value] of whole.entries()) expect(value).toBeCloseTo(expected[i]!, 6);
  });

  test("learn as the recursion of one mode says, in float32 to 1e-5 of its strength", async () => {
    const [size, depth, rate, steps] = [12, 5, 0.02, 60];
    const architecture = chain(...Array.from({ length: depth + 1 }, () => size));
    const strengths = Array.from({ length: size }, (_, mode) => 2 - mode / 8);
    const [right, left] = ["right", "left"].map((label) => haarOrthogonal(size, size, createRng(2, label)));
    const bases = { first: { shape: [size, size], data: right! }, last: { shape: [size, size], data: left! } };
    const weights = initialWeights(architecture, { kind: "decoupled", start: 0.3, ...bases }, 1);
    const graph = trainingGraph(architecture, { batch: size, loss: "summedSquaredError" });
    // Whitened inputs: the identity. Targets: the task's map of each, in rows.
    const target = new Float32Array(size * size);
    for (let example = 0; example < size; example++) {
      for (let out = 0; out < size; out++) {
        for (let mode = 0; mode < size; mode++) {
          target[example * size + out]! +=
            left![out * size + mode]! * strengths[mode]! * right![example * size + mode]!;
        }
      }
    }
    const eye = floatTensor(
      [size, size],
      Float32Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0)),
    );
    const gradient = await compileGradient(backend, graph.model, { of: "loss", by: [...graph.weights.keys()] });
    for (let step = 0; step < steps; step++) {
      await gradient.at({ input: eye, target: floatTensor([size, size], target), ...Object.fromEntries(weights) });
      for (const [name, { data }] of weights) {
        const slope = gradient.by.get(name)!;
        for (let i = 0; i < slope.length; i++) (data as Float32Array)[i]! -= rate * slope[i]!;
      }
    }
    await gradient.release();
    let whole: ArrayLike<number> = eye.data as Float32Array;
    for (const { data } of weights.values()) whole = product(data as Float32Array, [size, size], whole, size);
    for (const [mode, strength] of strengths.entries()) {
      let measured = 0;
      for (let i = 0; i < size; i++) {
        for (let j = 0; j < size; j++)
          measured += left![i * size + mode]! * whole[i * size + j]! * right![j * size + mode]!;
      }
      const expected = modeCurve({ depth, strength, start: 0.3 }, rate, steps).at(-1)!;
      expect(Math.abs(measured - expected) / strength).toBeLessThan(1e-5);
    }
  });

  test.each<[string, Architecture, object, string]>([
    ["convolutions", pictures, {}, "Decoupled weights are for dense layers that follow one another."],
    ["more modes than neurons", chain(4, 2, 4), { start: [1, 1, 1] }, "A layer of 2 neurons cannot carry 3 modes."],
    [
      "a basis of another size",
      chain(4, 4),
      { first: { shape: [3, 4], data: new Float32Array(12) } },
      "A basis of decoupled weights is 3×4, where 4×4 is needed.",
    ],
  ])("refuse %s", (_, of, options, what) => {
    const initializer = { kind: "decoupled", start: 1, ...options } as Initializer;
    expect(() => initialWeights(of, initializer, 1)).toThrow(expect.objectContaining({ code: "model-invalid", what }));
  });
});

test("dropout does not change the weights at the start", () => {
  const plain = net(4, 5);
  const dropped: Architecture = { ...plain, layers: [{ kind: "dropout", rate: 0.5 }, ...plain.layers] };
  expect(numbers(dropped, { kind: "he" }, "fc1.weight")).toEqual(numbers(plain, { kind: "he" }, "fc1.weight"));
});
