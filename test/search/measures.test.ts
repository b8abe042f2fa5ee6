import { afterAll, describe, expect, test } from "vitest";
import { createRng } from "../../src/base/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { largestCurvature } from "../../src/search/curvature.ts";
import { measuredInputs, searchExamples } from "../../src/search/examples.ts";
import { rateTimesCurvature } from "../../src/search/facts.ts";
import { gradientBalance } from "../../src/search/gradient-balance.ts";
import { LogSigmaMeter } from "../../src/search/log-sigma.ts";
import { costInSteps, measureGradient, measureSpectrum } from "../../src/search/measure.ts";
import { expectedGrowth } from "../../src/search/theory-growth.ts";
import { jacobiSvd, layerPass, sigmoid } from "../../src/theory/index.ts";
import {
  type Architecture,
  initialWeights,
  type Layer,
  type LossName,
  type Recipe,
  type Weights,
} from "../../src/training/index.ts";

const backend = await createBackend({ threads: 1 });
afterAll(() => backend.dispose());

/** A net of two hidden layers in plain numbers, in float64. */
function forward(weights: Weights, kind: "tanh" | "relu", input: ArrayLike<number>, layers: number): number[] {
  let state = Array.from(input);
  for (let l = 1; l <= layers; l++) {
    const matrix = weights.get(`fc${l}.weight`)!.data as Float32Array;
    const bias = Array.from(weights.get(`fc${l}.bias`)!.data as Float32Array);
    const sums = bias.map((b, i) => state.reduce((sum, x, j) => sum + matrix[i * state.length + j]! * x, b));
    state = l === 3 ? sums : sums.map((sum) => (kind === "tanh" ? Math.tanh(sum) : Math.max(0, sum)));
  }
  return state;
}

/** Central differences of f at x, [outputs][inputs]. */
function differences(f: (x: Float64Array) => number[], x: Float64Array): number[][] {
  const columns = Array.from(x, (_, j) => {
    const [right, left] = [1, -1].map((sign) => f(x.map((value, i) => value + (i === j ? sign * 1e-5 : 0))));
    return right!.map((value, i) => (value - left![i]!) / 2e-5);
  });
  return columns[0]!.map((_, i) => columns.map((column) => column[i]!));
}

const net = (kind: "tanh" | "relu", rate = 0): Architecture => ({
  input: [6],
  layers: [
    { kind: "dense", units: 5 },
    { kind },
    { kind: "dropout", rate },
    { kind: "dense", units: 4 },
    { kind },
    { kind: "dense", units: 3 },
  ],
});
const initializer = { kind: "gaussian", weightVariance: 2, biasVariance: 0.1 } as const;

describe("singular values of J(input → last hidden layer)", () => {
  const rng = createRng("images");
  const images = Array.from({ length: 5 }, () => Float32Array.from({ length: 6 }, () => rng.gaussian()));

  test.each(["tanh", "relu"] as const)("%s: the medians are those of central differences", async (kind) => {
    const weights = initialWeights(net(kind), initializer, 3);
    const meter = await LogSigmaMeter.open(backend, net(kind));
    const { spread, centre } = await meter.at(weights, images);
    await meter.release();
    const logs = images.flatMap((image) => {
      const J = differences((x) => forward(weights, kind, x, 2), Float64Array.from(image));
      const { sigma } = jacobiSvd(J.flat(), 4, 6);
      const active = [1, 2].map((l) => forward(weights, kind, image, l).filter((h) => kind === "tanh" || h > 0).length);
      return Array.from(sigma.slice(0, Math.min(4, ...active)), Math.log);
    });
    expect(spread).toBeCloseTo(middle(logs.map(Math.abs)), 4);
    expect(centre).toBeCloseTo(middle(logs), 4);
  });

  test("dropout adds ½ ln(1/ρ) to every ln σ", async () => {
    const weights = initialWeights(net("tanh"), initializer, 3);
    const [without, half] = await Promise.all([0, 0.5].map((rate) => LogSigmaMeter.open(backend, net("tanh", rate))));
    const [a, b] = [await without!.at(weights, images), await half!.at(weights, images)];
    expect(b.centre - a.centre).toBeCloseTo(Math.LN2 / 2, 10);
  });

  test("orthogonal linear layers have no spread", async () => {
    const linear: Architecture = {
      input: [8],
      layers: Array.from({ length: 4 }, () => ({ kind: "dense", units: 8 }) as const),
    };
    const meter = await LogSigmaMeter.open(backend, linear);
    const at = await meter.at(initialWeights(linear, { kind: "orthogonal" }, 1), [new Float32Array(8).fill(1)]);
    expect(at.spread).toBeLessThan(1e-6);
  });

  test("a network without a hidden layer is refused", async () => {
    await expect(LogSigmaMeter.open(backend, { input: [3], layers: [{ kind: "dense", units: 2 }] })).rejects.toThrow(
      "no hidden layer",
    );
  });
});

test("fewer examples than are measured otherwise are measured once each, and no others", async () => {
  const [count, heldOut] = [5, 2];
  const data = (examples: number) => ({
    shape: [6],
    inputs: Float32Array.from({ length: 6 * examples }, (_, i) => 2 + Math.sin(i)),
    targets: { kind: "labels", labels: Int32Array.from({ length: examples }, (_, i) => i % 3) } as const,
  });
  const examples = searchExamples({ training: data(count), heldOut: data(heldOut), heldOutIndices: [0, 1] });
  const inputs = measuredInputs(examples, 16);
  expect(Array.from(inputs).sort()).toEqual(Array.from(data(count).inputs).sort());
  expect(measuredInputs(examples, 3)).toEqual(inputs.slice(0, 18));
  const recipe: Recipe = {
    ...{ network: net("tanh"), initializer, loss: "softmaxCrossEntropy", optimizer: { kind: "sgd", rate: 0.01 } },
    ...{ batch: 2, steps: 9, seed: 3 },
  };
  const { start } = await measureSpectrum(backend, recipe, examples);
  const meter = await LogSigmaMeter.open(backend, recipe.network);
  const images = Array.from({ length: count }, (_, i) => inputs.subarray(6 * i, 6 * i + 6));
  expect(start).toEqual(await meter.at(initialWeights(recipe.network, initializer, 3), images));
  await meter.release();
  // Each image takes as many products as J has rows, 4, and two passes for each and for the values.
  const difference = costInSteps(recipe, 16).spectrum - costInSteps(recipe, count).spectrum;
  expect(difference).toBeCloseTo((11 * 2 * 5) / (3 * 2), 10);
});

test("layers that begin with given weights are measured with them", async () => {
  const data = {
    shape: [6],
    inputs: Float32Array.from({ length: 36 }, (_, i) => Math.sin(i)),
    targets: { kind: "labels", labels: Int32Array.from({ length: 6 }, (_, i) => i % 3) } as const,
  };
  const examples = searchExamples({ training: data, heldOut: data, heldOutIndices: [0, 1, 2, 3, 4, 5] });
  const recipe = (seed: number): Recipe => ({
    ...{ network: net("tanh"), initializer, loss: "softmaxCrossEntropy", optimizer: { kind: "sgd", rate: 0.01 } },
    ...{ batch: 6, steps: 9, seed },
  });
  const given = initialWeights(net("tanh"), initializer, 8);
  const measure = async (seed: number, begun?: Weights) => [
    (await measureSpectrum(backend, recipe(seed), examples, begun)).start,
    await measureGradient(backend, recipe(seed), examples, begun),
  ];
  expect(await measure(3, given)).toEqual(await measure(8));
  expect(await measure(3)).not.toEqual(await measure(8));
});

describe("the largest eigenvalue of the Gauss-Newton matrix", () => {
  const rng = createRng("batch");
  const batch = 4;
  const inputs = Float32Array.from({ length: batch * 6 }, () => rng.gaussian());

  /** JᵀHJ from central differences by all weights, and its largest eigenvalue. */
  function reference(weights: Weights, loss: LossName): number {
    const names = [...weights.keys()];
    const flat = Float64Array.from(names.flatMap((name) => Array.from(weights.get(name)!.data as Float32Array)));
    const outputs = (values: Float64Array) => {
      let at = 0;
      const own = new Map(
        names.map((name) => {
          const { shape, data } = weights.get(name)!;
          at += data.length;
          return [name, { type: "float64", shape, data: values.slice(at - data.length, at) }] as const;
        }),
      ) as unknown as Weights;
      return Array.from({ length: batch }, (_, b) => forward(own, "tanh", inputs.subarray(6 * b, 6 * b + 6), 3)).flat();
    };
    const J = differences(outputs, flat);
    const y = outputs(flat);
    // H of one example by its own outputs, from its definition.
    const H = (b: number, i: number, j: number): number => {
      if (loss === "summedSquaredError") return i === j ? 1 : 0;
      if (loss === "meanSquaredError") return i === j ? 2 / (3 * batch) : 0;
      const z = y.slice(3 * b, 3 * b + 3);
      const total = z.reduce((sum, value) => sum + Math.exp(value), 0);
      const p = z.map((value) => Math.exp(value) / total);
      return ((i === j ? p[i]! : 0) - p[i]! * p[j]!) / batch;
    };
    let v = Float64Array.from(flat, (_, i) => Math.cos(i));
    let value = 0;
    for (let step = 0; step < 300; step++) {
      const change = J.map((row) => row.reduce((sum, entry, i) => sum + entry * v[i]!, 0));
      const pulled = change.map((_, r) => {
        const b = Math.floor(r / 3);
        return [0, 1, 2].reduce((sum, j) => sum + H(b, r % 3, j) * change[3 * b + j]!, 0);
      });
      const next = Float64Array.from(flat, (_, i) => J.reduce((sum, row, r) => sum + row[i]! * pulled[r]!, 0));
      value = Math.hypot(...next);
      v = next.map((entry) => entry / value);
    }
    return value;
  }

  test.each(["softmaxCrossEntropy", "summedSquaredError", "meanSquaredError"] as const)("%s", async (loss) => {
    const weights = initialWeights(net("tanh"), initializer, 5);
    const { value } = await largestCurvature(backend, { network: net("tanh"), loss }, weights, inputs);
    // The power method ends where λ changes by less than 1 %; what is left of it is a few times that at most.
    expect(Math.abs(value / reference(weights, loss) - 1)).toBeLessThan(0.05);
  });

  test("by the weights that are trained alone", async () => {
    const weights = initialWeights(net("tanh"), initializer, 5);
    const of = { network: net("tanh"), loss: "meanSquaredError" } as const;
    // Of the last layer y = W·h + b of 3 outputs, JᵀHJ is 2/(3·B)·Σ (h, 1)·(h, 1)ᵀ for each output.
    const last = await largestCurvature(backend, { ...of, train: ["fc3"] }, weights, inputs);
    const hidden = Array.from({ length: batch }, (_, b) => [
      ...forward(weights, "tanh", inputs.subarray(6 * b, 6 * b + 6), 2),
      1,
    ]);
    const [largest] = jacobiSvd(hidden.flat(), batch, 5).sigma;
    expect(Math.abs(last.value / ((2 * largest! ** 2) / (3 * batch)) - 1)).toBeLessThan(0.05);
    expect(last.value).toBeLessThan((await largestCurvature(backend, of, weights, inputs)).value);
  });

  test("momentum: descent on a parabola diverges exactly where η·λ says it is unstable", () => {
    for (const momentum of [0, 0.5, 0.9]) {
      for (const nesterov of [false, true]) {
        for (const [factor, isStable] of [
          [0.98, true],
          [1.02, false],
        ] as const) {
          const { stability } = rateTimesCurvature({ kind: "momentum", rate: 1, momentum, nesterov }, 1)!;
          const curvature = (2 / stability) * factor; // η·λ is 2·factor with momentum folded in
          let [w, m] = [1, 0];
          for (let step = 0; step < 4000; step++) {
            const g = curvature * w;
            m = momentum * m + g;
            w -= nesterov ? g + momentum * m : m;
          }
          expect(Math.abs(w) < 1).toBe(isStable);
        }
      }
    }
  });
});

test("theory: the growth that it expects is that of wide networks, dropout apart", async () => {
  const network: Architecture = {
    input: [400],
    layers: Array.from({ length: 5 }, (_, i) => [
      { kind: "dense", units: 400 } as const,
      ...(i < 4 ? [{ kind: "tanh" } as const] : []),
    ]).flat(),
  };
  const recipe = {
    network,
    initializer: { kind: "gaussian", weightVariance: 1.7, biasVariance: 0.05 },
    loss: "softmaxCrossEntropy",
    optimizer: { kind: "sgd", rate: 1 },
    batch: 1,
    steps: 1,
  } as const;
  const rng = createRng("input");
  const image = Float32Array.from({ length: 400 }, () => rng.gaussian());
  const power = image.reduce((sum, x) => sum + x * x, 0) / 400;
  const { logSigma, depth } = expectedGrowth(recipe, power);
  expect(depth).toBe(4);
  const { openGraph } = await import("../../src/jacobian/index.ts");
  const { inferenceModel, valuesOf } = await import("../../src/training/index.ts");
  const hidden = { ...network, layers: network.layers.slice(0, -1) };
  const opened = await openGraph(inferenceModel(hidden, new Map()), backend);
  const logs: number[] = [];
  for (let seed = 0; seed < 6; seed++) {
    const weights = initialWeights(hidden, recipe.initializer, seed);
    using J = await opened.jacobian({ at: { input: image, ...valuesOf(weights) } });
    const { data } = await J.dense();
    logs.push(Math.log(data.reduce((sum, entry) => sum + entry * entry, 0) / 400) / 2);
  }
  await opened.forget();
  // χ of each of 4 layers of 400 neurons scatters by about 1/√400 over 6 draws.
  expect(Math.abs(logs.reduce((sum, log) => sum + log, 0) / 6 - logSigma)).toBeLessThan(0.05);
  const dropped = {
    ...recipe,
    network: {
      ...network,
      layers: [...network.layers.slice(0, 2), { kind: "dropout", rate: 0.5 } as const, ...network.layers.slice(2)],
    },
  };
  const linear = {
    ...dropped,
    network: {
      ...dropped.network,
      layers: dropped.network.layers.map((layer) => (layer.kind === "tanh" ? ({ kind: "linear" } as const) : layer)),
    },
  };
  expect(expectedGrowth(linear, power).logSigma).toBeCloseTo(2 * Math.log(1.7) + Math.LN2 / 2, 10);
});

test("theory: layers of one network that differ in a gain or an offset alone count each as they would by themselves", () => {
  const growth = (power: number, ...activations: Layer[]) => {
    const hidden = activations.flatMap((activation): Layer[] => [{ kind: "dense", units: 8 }, activation]);
    const recipe: Recipe = {
      network: { input: [8], layers: [...hidden, { kind: "dense", units: 2 }] },
      ...{ initializer: { kind: "gaussian" }, loss: "softmaxCrossEntropy", optimizer: { kind: "sgd", rate: 1 } },
      ...{ batch: 1, steps: 1 },
    };
    return expectedGrowth(recipe, power).logSigma;
  };
  expect(growth(1, { kind: "linear" }, { kind: "linear", gain: 3 })).toBeCloseTo(Math.log(3), 9);
  // E f(z) = 1/2 for the logistic f, so that with this offset o the power stays 1: E (f − o)² = E f² − o + o².
  const plain: Layer = { kind: "sigmoid" };
  const square = layerPass({ activation: sigmoid(), weightVariance: 1 }, 1).power;
  const keeping: Layer = { ...plain, offset: (1 - Math.sqrt(5 - 4 * square)) / 2 };
  const steep: Layer = { ...plain, gain: 4 };
  expect(growth(1, keeping, steep)).toBeCloseTo(growth(1, keeping) + growth(1, steep), 9);
  const tanh: Layer = { kind: "tanh" };
  expect(growth(1, keeping, plain, tanh)).toBeCloseTo(growth(1, keeping) + growth(1, plain) + growth(square, tanh), 9);
});

test("the balance of gradients is 0 where both layers have the same gradient by symmetry", async () => {
  // y = w₂·w₁·x with w₁ = w₂: the two derivatives are equal.
  const network: Architecture = {
    input: [1],
    layers: [
      { kind: "dense", units: 1, bias: false },
      { kind: "dense", units: 1, bias: false },
    ],
  };
  const weight = { type: "float32", shape: [1, 1], data: Float32Array.of(0.7) } as const;
  const feeds = {
    input: { type: "float32", shape: [2, 1], data: Float32Array.of(1, 2) },
    target: { type: "float32", shape: [2, 1], data: Float32Array.of(1, 1) },
  } as const;
  const recipe = {
    network,
    loss: "meanSquaredError",
    batch: 2,
    steps: 1,
    initializer: { kind: "he" },
    optimizer: { kind: "sgd", rate: 1 },
  } as const;
  const same = new Map([
    ["fc1.weight", weight],
    ["fc2.weight", weight],
  ]);
  expect(await gradientBalance(backend, recipe, same, feeds)).toBeCloseTo(0, 6);
  // dL/dw₁ = w₂·s and dL/dw₂ = w₁·s.
  const twice = new Map([
    ["fc1.weight", weight],
    ["fc2.weight", { ...weight, data: Float32Array.of(1.4) }],
  ]);
  expect(await gradientBalance(backend, recipe, twice, feeds)).toBeCloseTo(Math.LN2, 6);
  // Of one layer that is trained, the first and the last are the same.
  expect(await gradientBalance(backend, { ...recipe, train: ["fc2"] }, twice, feeds)).toBe(0);
});

function middle(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[Math.ceil(sorted.length / 2) - 1]! + sorted[Math.floor(sorted.length / 2)]!) / 2;
}
