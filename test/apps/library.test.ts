import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  controlKinds,
  type Jacobian,
  type Network,
  openControl,
  openModel,
  PushforwardError,
} from "../../src/apps/node/index.ts";
import { createRng, gaussianArray, sizeOf } from "../../src/base/index.ts";
import { floatTensor, writeModel } from "../../src/onnx/index.ts";
import { jacobian64 } from "../laws/jacobian64.ts";
import { adjointGap, distance, norm, relativeDistance } from "../laws/vectors.ts";
import { sharedDir, sharedPath, withoutShared } from "../support/shared.ts";
import { convnet, residualNet } from "./networks.ts";
import { createWorkplace, type Workplace } from "./workplace.ts";

/** Rounding of float32 products, relative to norms. */
const ROUNDING = 2e-6;
const random = (count: number, ...seed: readonly (number | string)[]) => gaussianArray(createRng(...seed), count);

let place: Workplace;
let net: Network;
beforeAll(async () => {
  place = await createWorkplace({
    "net.onnx": writeModel(convnet()),
    "residual.onnx": writeModel(residualNet()),
  });
  net = await openModel(place.path("net.onnx"));
});
afterAll(async () => {
  await net.close();
  await place.remove();
});

/** [rows, inner] × [inner, columns], row-major, in float64. */
function product(a: Float32Array, b: Float32Array, inner: number): Float64Array {
  const [rows, columns] = [a.length / inner, b.length / inner];
  const result = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let l = 0; l < inner; l++) {
      const weight = a[i * inner + l]!;
      for (let j = 0; j < columns; j++)
        result[i * columns + j] = result[i * columns + j]! + weight * b[l * columns + j]!;
    }
  }
  return result;
}

async function refusal(attempt: Promise<unknown>): Promise<string> {
  return attempt.then(
    () => "no refusal",
    (error: unknown) => {
      expect(error).toBeInstanceOf(PushforwardError);
      const { code, message } = error as PushforwardError;
      return `${code}: ${message}\n${(error as PushforwardError).format()}`;
    },
  );
}

describe("J of a small network", () => {
  const at = random(144, "at");
  let J: Jacobian;
  beforeAll(async () => {
    J = await net.jacobian({ at, from: "input", to: "relu2" });
  });

  test("has the shapes of its taps", () => {
    expect({ source: J.source, target: J.target }).toEqual({ source: [1, 12, 12], target: [6, 6, 6] });
  });

  test("dense() is J in float64, to rounding", async () => {
    const { shape, data } = await J.dense();
    expect(shape).toEqual([216, 144]);
    const point = new Map([["picture", floatTensor([1, 1, 12, 12], at)]]);
    const truth = await jacobian64({ model: net.model, point, sources: ["picture"], targets: ["relu2"] });
    const columns = Array.from({ length: 144 }, (_, j) => truth.jvp(new Float64Array(144).fill(1, j, j + 1)));
    const expected = Float64Array.from({ length: 216 * 144 }, (_, i) => columns[i % 144]![Math.floor(i / 144)]!);
    expect(relativeDistance(data, expected)).toBeLessThan(ROUNDING);
  });

  test("jvp() and vjp() take and give K vectors, and are J and its transpose", async () => {
    const dense = (await J.dense()).data;
    for (const K of [1, 3, 33]) {
      const dx = { shape: [K, 1, 12, 12], data: random(K * 144, "dx", K) };
      const dy = await J.jvp(dx);
      expect(dy.shape).toEqual([K, 6, 6, 6]);
      const ct = { shape: dy.shape, data: random(K * 216, "ct", K) };
      const back = await J.vjp(ct);
      expect(back.shape).toEqual([K, 1, 12, 12]);
      expect(relativeDistance(back.data, product(ct.data, dense, 216))).toBeLessThan(ROUNDING);
      expect(adjointGap(ct.data, dy.data, back.data, dx.data)).toBeLessThan(ROUNDING);
      expect((await J.jvp(dx.data)).data).toEqual(dy.data);
      expect((await J.vjp(ct.data)).data).toEqual(back.data);
    }
  });

  test("svd() gives k triplets with their certificate, which its own products confirm", async () => {
    const { sigma, u, v, certificate } = await J.svd({ k: 5 });
    expect([sigma.length, u.length, v.length]).toEqual([5, 5 * 216, 5 * 144]);
    expect(certificate.status).toEqual(new Array(5).fill("converged"));
    const scaled = (rows: Float32Array) => rows.map((entry, i) => entry * sigma[Math.floor(i / (rows.length / 5))]!);
    expect(distance((await J.jvp(v)).data, scaled(u))).toBeLessThan(ROUNDING * norm(scaled(u)));
    expect(distance((await J.vjp(u)).data, scaled(v))).toBeLessThan(ROUNDING * norm(scaled(v)));
  });

  test("leads from the input to the output unless taps are named", async () => {
    const whole = await net.jacobian({ at });
    expect({ source: whole.source, target: whole.target }).toEqual({ source: [1, 12, 12], target: [10] });
  });

  test("takes a point with its shape, with and without a batch axis", async () => {
    const expected = (await J.dense()).data;
    for (const shape of [
      [1, 12, 12],
      [1, 1, 12, 12],
    ]) {
      const same = await net.jacobian({ at: { shape, data: at }, to: "relu2" });
      expect((await same.dense()).data).toEqual(expected);
    }
  });
});

describe("a control", () => {
  const at = random(144, "at");
  const points = [0, 1, 2].map((i) => random(144, "point", i));

  test.each(controlKinds)("%s: has another J, and its bytes are a file of the same network", async (kind) => {
    const control = await openControl(net, { kind, seed: 3, draw: 2, points });
    try {
      expect(control.control).toMatchObject({ kind, seed: 3, draw: 2 });
      expect(control.taps).toEqual(net.taps);
      const [trained, drawn] = [await net.jacobian({ at }), await control.jacobian({ at })];
      const dense = (await drawn.dense()).data;
      expect(relativeDistance(dense, (await trained.dense()).data)).toBeGreaterThan(0.5);
      await place.put("control.onnx", control.bytes());
      const file = await openModel(place.path("control.onnx"));
      try {
        expect((await (await file.jacobian({ at })).dense()).data).toEqual(dense);
        expect(file.identity).toEqual(control.identity);
      } finally {
        await file.close();
      }
    } finally {
      await control.close();
    }
    // The network that it was drawn from stays open.
    expect((await (await net.jacobian({ at })).dense()).shape).toEqual([10, 144]);
  });
});

test("a control of a network whose weights are inputs draws these too, and its bytes hold them", async () => {
  const at = random(144, "at");
  const trained = await openModel(place.path("net.onnx"), { weights: ["w1"] });
  const control = await openControl(trained, { kind: "permuted", seed: 3, draw: 2 });
  const plain = await openControl(net, { kind: "permuted", seed: 3, draw: 2 });
  const other = await openControl(trained, { kind: "permuted", seed: 4, draw: 2 });
  try {
    const dense = (await (await control.jacobian({ at })).dense()).data;
    expect(relativeDistance(dense, (await (await plain.jacobian({ at })).dense()).data)).toBeLessThan(ROUNDING);
    expect(control.identity).not.toEqual(other.identity);
    await place.put("open.onnx", control.bytes());
    const file = await openModel(place.path("open.onnx"), { weights: ["w1"] });
    expect((await (await file.jacobian({ at })).dense()).data).toEqual(dense);
    await file.close();
  } finally {
    for (const opened of [trained, control, plain, other]) await opened.close();
  }
});

describe("what cannot be had is refused", () => {
  test.each([
    {
      what: "a point of another shape",
      attempt: () => net.jacobian({ at: { shape: [12, 13], data: new Float32Array(156) } }),
      says: [
        'shape-mismatch: The value of input "picture" is 12×13, but the network takes 1×1×12×12.',
        'error: The value of input "picture" is 12×13, but the network takes 1×1×12×12.',
        "  at  file FOLDER/net.onnx, tap picture",
        "  do  Give an array of this shape. A preprocessing can produce it from a picture; a number stands for the same value everywhere.",
      ],
    },
    {
      what: "a point of another length",
      attempt: () => net.jacobian({ at: new Float32Array(10) }),
      says: [
        'shape-mismatch: The value of input "picture" is 10 numbers, but the network takes 1×1×12×12.',
        'error: The value of input "picture" is 10 numbers, but the network takes 1×1×12×12.',
        "  at  file FOLDER/net.onnx, tap picture",
        "  do  Give an array of this shape. A preprocessing can produce it from a picture; a number stands for the same value everywhere.",
      ],
    },
    {
      what: "an unknown tap",
      attempt: () => net.jacobian({ at: new Float32Array(144), to: "logit" }),
      says: [
        'tap-unknown: There is no tap "logit".',
        'error: There is no tap "logit".',
        "  at  file FOLDER/net.onnx, tap logit",
        '  do  Did you mean "logits"? `pushforward inspect` lists all taps.',
      ],
    },
    {
      what: "a target before its source",
      attempt: () => net.jacobian({ at: new Float32Array(144), from: "relu2", to: "relu1" }),
      says: [
        'tap-unknown: "relu1" does not depend on "relu2": no path leads from one to the other.',
        'error: "relu1" does not depend on "relu2": no path leads from one to the other.',
        "  at  file FOLDER/net.onnx, tap relu1",
        "  do  Choose a target after the source; `pushforward inspect` lists the taps in order.",
      ],
    },
    {
      what: "a tangent of another length",
      attempt: async () => (await net.jacobian({ at: new Float32Array(144) })).jvp(new Float32Array(100)),
      says: [
        "shape-mismatch: A tangent has 144 numbers; 100 are no whole number of them.",
        "error: A tangent has 144 numbers; 100 are no whole number of them.",
        "  do  Give [K, 1, 12, 12].",
      ],
    },
    {
      what: "a tangent of another shape",
      attempt: async () =>
        (await net.jacobian({ at: new Float32Array(144) })).jvp({ shape: [1, 8, 18], data: new Float32Array(144) }),
      says: [
        "shape-mismatch: A tangent is [1, 8, 18] with 144 numbers; J takes [K, 1, 12, 12].",
        "error: A tangent is [1, 8, 18] with 144 numbers; J takes [K, 1, 12, 12].",
        "  do  Give K vectors of that shape, or their numbers alone.",
      ],
    },
    {
      what: "no cotangent",
      attempt: async () => (await net.jacobian({ at: new Float32Array(144) })).vjp(new Float32Array(0)),
      says: [
        "shape-mismatch: A cotangent has 10 numbers; 0 are no whole number of them.",
        "error: A cotangent has 10 numbers; 0 are no whole number of them.",
        "  do  Give [K, 10].",
      ],
    },
    {
      what: "more triplets than there are",
      attempt: async () => (await net.jacobian({ at: new Float32Array(144) })).svd({ k: 11 }),
      says: [
        "shape-mismatch: k is 11, but must be an integer from 1 to 10.",
        "error: k is 11, but must be an integer from 1 to 10.",
        "  at  option k",
        "  do  J is 10×144: it has 10 singular values.",
      ],
    },
    {
      what: "a file that is not there",
      attempt: () => openModel("nowhere.onnx"),
      says: [
        "file-unreadable: There is no such file.",
        "error: There is no such file.",
        "  at  file nowhere.onnx",
        "  do  Check the path.",
      ],
    },
  ])("$what", async ({ attempt, says }) => {
    expect((await refusal(attempt())).replaceAll(place.folder, "FOLDER")).toBe(says.join("\n"));
  });
});

/** ‖J(a→c) − J(b→c)·J(a→b)‖ in units of ‖J(a→c)‖, on K random vectors. */
async function chainGap(network: Network, at: Float32Array, [a, b, c]: readonly [string, string, string]) {
  const [whole, late, early] = [
    await network.jacobian({ at, from: a, to: c }),
    await network.jacobian({ at, from: b, to: c }),
    await network.jacobian({ at, from: a, to: b }),
  ];
  const v = random(4 * sizeOf(whole.source), "chain", a, b, c);
  return relativeDistance((await late.jvp(await early.jvp(v))).data, (await whole.jvp(v)).data);
}

describe("a residual network of our own", () => {
  let residual: Network;
  const at = random(72, "residual");
  beforeAll(async () => {
    residual = await openModel(place.path("residual.onnx"));
  });
  afterAll(() => residual.close());

  test("has its cuts where all paths pass", () => {
    const cuts = residual.taps.filter(({ cut }) => cut).map(({ name }) => name);
    expect(cuts).toEqual(["picture", "stem", "sum1", "sum2", "out"]);
  });

  test.each(["stem", "sum1", "sum2"])("J(input → out) = J(b → out) · J(input → b) at %s", async (b) => {
    expect(await chainGap(residual, at, ["input", b, "out"])).toBeLessThan(ROUNDING);
  });

  test.each(["a1", "a2", "b1", "b2"])("inside a branch, at %s, it is another matrix", async (b) => {
    expect(await chainGap(residual, at, ["input", b, "out"])).toBeGreaterThan(0.1);
  });
});

describe.skipIf(sharedDir === undefined)(`ResNet-20 (skipped: ${withoutShared})`, () => {
  let resnet: Network;
  const at = random(3 * 32 * 32, "resnet");
  beforeAll(async () => {
    resnet = await openModel(sharedPath("data", "models", "resnet20-cifar10.onnx"));
  });
  afterAll(() => resnet.close());

  const blocks = [1, 2, 3].flatMap((layer) => [0, 1, 2].map((block) => `layer${layer}.${block}`));

  test.each(blocks)("%s: its output is a cut, what lies inside is none", (block) => {
    expect(resnet.tap(`${block}.out`).cut).toBe(true);
    for (const inside of ["conv1", "bn1", "relu1", "conv2", "bn2"]) {
      expect(resnet.tap(`${block}.${inside}`).cut).toBe(false);
    }
  });

  test.each([
    { a: "input", b: "layer1.2.out", c: "logits" },
    { a: "layer1.0.out", b: "layer2.0.out", c: "layer3.2.out" },
    { a: "layer1.2.conv1", b: "layer2.1.add", c: "avgpool" },
  ] as const)("J(a → c) = J(b → c) · J(a → b) at a cut: a $a, b $b, c $c", async ({ a, b, c }) => {
    expect(await chainGap(resnet, at, [a, b, c])).toBeLessThan(1e-5); // 20 layers
  });

  test("at layer2.1.bn2, which is no cut, it is another matrix", async () => {
    expect(await chainGap(resnet, at, ["input", "layer2.1.bn2", "logits"])).toBeGreaterThan(0.05);
  });
});

describe.skipIf(sharedDir === undefined)(`names of taps (skipped: ${withoutShared})`, () => {
  const models = ["mnist.onnx", "resnet20-cifar10.onnx", "squeezenet1.1.onnx", "alexnet-trunk.onnx"];

  test.each(models)("%s: short names are unique, and lead to the tap as tensors and nodes do", async (model) => {
    const network = await openModel(sharedPath("data", "models", model));
    try {
      const names = network.taps.map(({ name }) => name);
      expect(new Set(names).size).toBe(names.length);
      for (const tap of network.taps) {
        expect(network.tap(tap.name)).toEqual(tap);
        expect(network.tap(tap.tensor)).toEqual(tap);
      }
      expect(network.tap("input")).toEqual(network.input);
    } finally {
      await network.close();
    }
  });

  test("mnist.onnx: one Jacobian by tensor, by node and by short name", async () => {
    const network = await openModel(sharedPath("data", "models", "mnist.onnx"));
    try {
      const { tensor, node } = network.tap("relu1");
      expect([tensor, node]).toEqual(["ReLU32_Output_0", "ReLU32"]);
      const at = random(784, "digit");
      const v = random(784, "v");
      const [byName, byTensor, byNode] = await Promise.all(
        ["relu1", tensor, node].map(async (to) => (await (await network.jacobian({ at, to })).jvp(v)).data),
      );
      expect(byTensor).toEqual(byName);
      expect(byNode).toEqual(byName);
    } finally {
      await network.close();
    }
  });
});
