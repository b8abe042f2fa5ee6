import { afterAll, describe, expect, test } from "vitest";
import { createRng, gaussianArray, sizeOf } from "../../src/base/index.ts";
import { type Jacobian, Network } from "../../src/jacobian/index.ts";
import {
  type Attributes,
  buildModel,
  floatTensor,
  int,
  ints,
  intTensor,
  node,
  normalize,
  type Tensor,
  text,
  valueInfo,
} from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { evaluateWith } from "../../src/runtime/index.ts";

const backend = createBackend({ threads: 1 });
afterAll(() => backend.dispose());

type Step = readonly [op: string, inputs: string, output: string, attributes?: Attributes];

/** J from x to y of a graph at a point, its rows, and what it says of kinks. */
async function jacobianAt(
  steps: readonly Step[],
  x: Tensor,
  weights: Readonly<Record<string, Tensor>>,
  shape?: number[],
) {
  const model = buildModel({
    inputs: [valueInfo("x", "float32", x.shape)],
    outputs: [{ name: "y", type: "float32", shape }],
    nodes: steps.map(([op, inputs, output, attributes = {}]) =>
      node({ op, inputs: inputs.split(" "), outputs: output.split(" "), attributes }),
    ),
    initializers: new Map(Object.entries(weights)),
  });
  const network = new Network(await normalize(model, { evaluate: evaluateWith(backend) }), backend);
  const J = await network.jacobian({ at: x.data as Float32Array });
  const rows = await rowsOf(J);
  await network.forget();
  return { rows, kinks: J.kinks };
}

async function rowsOf(J: Jacobian): Promise<number[][]> {
  const [m, n] = [sizeOf(J.target), sizeOf(J.source)];
  const unit = Float32Array.from({ length: m * m }, (_, i) => (i % (m + 1) === 0 ? 1 : 0));
  const data = await (await J.applyTranspose(J.algebra.upload(unit, m))).read();
  return Array.from({ length: m }, (_, i) => [...data.subarray(i * n, (i + 1) * n)]);
}

const vector = (...values: number[]) => floatTensor([values.length], values);
const scalar = (value: number) => floatTensor([], [value]);

describe("numbers that are equal on paper are equal, in whatever order they are summed", () => {
  const channels = 24;
  const kernel = gaussianArray(createRng("kernel"), channels * 9);
  const mixing = gaussianArray(createRng("mixing"), 2 * channels);

  /** A flat picture through a convolution, then sums over its channels in the order given, then something with a kink. */
  const flat = async (order: readonly number[], kink: readonly Step[], more: Readonly<Record<string, Tensor>> = {}) => {
    const x = floatTensor([1, 1, 8, 8], new Float32Array(64).fill(0.7));
    const w1 = floatTensor(
      [channels, 1, 3, 3],
      order.flatMap((c) => [...kernel.subarray(c * 9, c * 9 + 9)]),
    );
    const w2 = floatTensor(
      [2, channels, 1, 1],
      [0, 1].flatMap((o) => order.map((c) => mixing[o * channels + c]!)),
    );
    const steps: Step[] = [["Conv", "x w1", "c1"], ["Sigmoid", "c1", "s"], ["Conv", "s w2", "c2"], ...kink];
    return jacobianAt(steps, x, { w1, w2, ...more });
  };
  const inOrder = Array.from({ length: channels }, (_, c) => c);
  const orders = [inOrder, [...inOrder].reverse(), inOrder.map((c) => (c * 7) % channels)];

  test.each<[string, readonly Step[], Readonly<Record<string, Tensor>>]>([
    ["MaxPool", [["MaxPool", "c2", "y", { kernel_shape: ints([2, 2]), strides: ints([2, 2]) }]], {}],
    ["GlobalMaxPool", [["GlobalMaxPool", "c2", "y"]], {}],
    ["ReduceMax", [["ReduceMax", "c2 axes", "y"]], { axes: intTensor([2, 3]) }],
    ["ReduceMin", [["ReduceMin", "c2 axes", "y"]], { axes: intTensor([2, 3]) }],
    // x minus its own mean is 0 wherever x is flat: at the kink of all of these.
    ...["Relu", "Abs", "LeakyRelu"].map((op): [string, readonly Step[], Record<string, Tensor>] => [
      op,
      [
        ["ReduceMean", "c2 axes", "mean"],
        ["Sub", "c2 mean", "centred"],
        ["Concat", "c2 centred", "both", { axis: int(1) }],
        [op, "both", "y"],
      ],
      { axes: intTensor([2, 3]) },
    ]),
    [
      "Max of two inputs",
      [
        ["ReduceMean", "c2 axes", "mean"],
        ["Max", "c2 mean", "y"],
      ],
      { axes: intTensor([2, 3]) },
    ],
    [
      "Where by comparison",
      [
        ["ReduceMean", "c2 axes", "mean"],
        ["Greater", "c2 mean", "is"],
        ["Where", "is c2 mean", "y"],
      ],
      { axes: intTensor([2, 3]) },
    ],
    [
      "a truth value that says whether numbers differ",
      [
        ["ReduceMean", "c2 axes", "mean"],
        ["Sub", "c2 mean", "centred"],
        ["Concat", "c2 centred", "both", { axis: int(1) }],
        ["Cast", "both", "differs", { to: int(9) }],
        ["Where", "differs both three", "y"],
      ],
      { axes: intTensor([2, 3]), three: scalar(3) },
    ],
    [
      "Hardmax as a mask",
      [
        ["Hardmax", "c2", "first", { axis: int(2) }],
        ["Mul", "first c2", "y"],
      ],
      {},
    ],
    [
      "the indices of a MaxPool",
      [
        ["MaxPool", "c2", "largest places", { kernel_shape: ints([2, 2]) }],
        ["Reshape", "c2 flat", "all"],
        ["Gather", "all places", "picked"],
        ["Add", "picked largest", "y"],
      ],
      { flat: intTensor([-1]) },
    ],
    [
      "MaxPool behind LRN and an average pool",
      [
        ["LRN", "c2", "l", { size: int(3) }],
        ["AveragePool", "l", "a", { kernel_shape: ints([3, 3]) }],
        ["MaxPool", "a", "y", { kernel_shape: ints([2, 2]) }],
      ],
      {},
    ],
  ])("%s", async (_name, kink, more) => {
    const [first, ...others] = await Promise.all(orders.map((order) => flat(order, kink, more)));
    expect(first!.kinks.reduce((sum, { neurons, windows }) => sum + neurons + windows, 0)).toBeGreaterThan(0);
    const numbers = first!.rows.flat();
    const largest = Math.max(...numbers.map(Math.abs));
    for (const { rows, kinks } of others) {
      expect(kinks).toEqual(first!.kinks);
      const apart = rows.flat().map((value, i) => Math.abs(value - numbers[i]!));
      expect(Math.max(...apart)).toBeLessThan(1e-5 * largest);
    }
  });

  test.each(["linear", "cubic"])("a flat picture stays flat behind Resize: %s", async (mode) => {
    const { rows, kinks } = await jacobianAt(
      [
        ["Sigmoid", "x", "s"],
        ["Resize", "s  scales", "r", { mode: text(mode) }],
        ["GlobalMaxPool", "r", "y"],
      ],
      floatTensor([1, 1, 2, 9], new Float32Array(18).fill(0.3)),
      { scales: floatTensor([4], [1, 1, 3.3, 1.7]) },
    );
    // The first of 6 · 15 equal entries, which the entries near the corner make; the weights of one entry add up to 1.
    const slope = Math.exp(-0.3) / (1 + Math.exp(-0.3)) ** 2;
    expect(kinks).toEqual([{ tap: "y", neurons: 0, windows: 1 }]);
    expect(rows[0]!.reduce((sum, value) => sum + value)).toBeCloseTo(slope, 6);
    expect(rows[0]!.map((value, i) => (value === 0 ? -1 : i % 9)).every((column) => column < 3)).toBe(true);
  });

  test("the first of a window is taken, though a later one is larger by rounding", async () => {
    // 1e-12 is less than 1e-10 of the largest magnitude, 4; 1e-9 is more.
    const at = (shift: number) =>
      jacobianAt(
        [
          ["Mul", "x factor", "z"],
          ["Add", "x z", "s"],
          ["MaxPool", "s", "y", { kernel_shape: ints([2]) }],
        ],
        floatTensor([1, 1, 3], [1, 1, 4]),
        {
          factor: floatTensor([1, 1, 3], [0, shift, 0]),
        },
      );
    expect((await at(1e-12)).rows[0]!.map(Math.sign)).toEqual([1, 0, 0]);
    expect((await at(1e-9)).rows[0]!.map(Math.sign)).toEqual([0, 1, 0]);
  });

  test("masks are no ordinary magnitudes", async () => {
    for (const mask of [-1e9, -3e38, Number.NEGATIVE_INFINITY]) {
      const { rows } = await jacobianAt(
        [
          ["Where", "keep x low", "s"],
          ["ReduceMax", "s", "y", { keepdims: int(0) }],
        ],
        vector(1, 1.0001, 5),
        { keep: { type: "bool", shape: [3], data: Uint8Array.of(1, 1, 0) }, low: scalar(mask) },
      );
      expect(rows).toEqual([[0, 1, 0]]);
    }
  });

  test("large numbers beside small ones are equal within their own rounding", async () => {
    // 3e6 − 2e-5, 3e6 and 5: the first two differ by less than 1e-10 of themselves.
    const x = floatTensor([1, 1, 3], [1, 1, 5]);
    const weights = {
      shift: floatTensor([1, 1, 3], [-2e-5 / 3e6, 0, 0]),
      scales: floatTensor([1, 1, 3], [3e6, 3e6, 1]),
      axes: intTensor([2]),
    };
    const behind: Step[][] = [
      [["ReduceMax", "s axes", "y"]],
      [["GlobalMaxPool", "s", "y"]],
      [["MaxPool", "s", "y", { kernel_shape: ints([3]) }]],
    ];
    for (const kink of behind) {
      const { rows } = await jacobianAt(
        [["Mul", "x shift", "d"], ["Add", "x d", "moved"], ["Mul", "moved scales", "s"], ...kink],
        x,
        weights,
      );
      expect(rows[0]!.map(Math.sign)).toEqual([1, 0, 0]);
    }
  });

  test("numbers that are all large are ordinary", async () => {
    const { rows } = await jacobianAt([["ReduceMax", "x", "y", { keepdims: int(0) }]], vector(3e7, 3e7, 2e7), {});
    expect(rows).toEqual([[1, 0, 0]]);
  });
});

describe("a window that meets nothing but padding", () => {
  test("has no derivative: nothing moves it", async () => {
    // Its two places are −1 and 2, of an input with the places 0 and 1.
    const attributes = { kernel_shape: ints([2]), dilations: ints([3]), pads: ints([1, 1]) };
    const { rows } = await jacobianAt([["MaxPool", "x", "y", attributes]], floatTensor([1, 1, 2], [1, 2]), {});
    expect(rows).toEqual([[0, 0]]);
  });

  test.each(["MaxPool", "LpPool"])("of two axes, of which one is met: %s", async (op) => {
    const attributes = { kernel_shape: ints([2, 1]), dilations: ints([3, 1]), pads: ints([1, 0, 1, 0]) };
    const { rows } = await jacobianAt([[op, "x", "y", attributes]], floatTensor([1, 1, 2, 2], [1, 2, 3, 4]), {});
    expect(rows).toEqual([
      [0, 0, 0, 0],
      [0, 0, 0, 0],
    ]);
  });
});

describe("infinite slopes in a branch that is not taken", () => {
  test.each<[string, readonly Step[], number[], number[]]>([
    [
      "Where(x > 0, √x, 0)",
      [
        ["Sqrt", "x", "r"],
        ["Greater", "x zero", "is"],
        ["Where", "is r zero", "y"],
      ],
      [-1, 0, 4, 9],
      [0, 0, 1 / 4, 1 / 6],
    ],
    [
      "Where(x > 0, x log x, 0)",
      [
        ["Log", "x", "l"],
        ["Mul", "x l", "r"],
        ["Greater", "x zero", "is"],
        ["Where", "is r zero", "y"],
      ],
      [-1, 0, 1, Math.E],
      [0, 0, 1, 2],
    ],
    [
      "√x times a constant mask",
      [
        ["Sqrt", "x", "r"],
        ["Mul", "r select", "y"],
      ],
      [0, 0, 4, 0],
      [0, 0, 1 / 4, 0],
    ],
    [
      "√x times a mask that a comparison makes",
      [
        ["Sqrt", "x", "r"],
        ["Greater", "x zero", "is"],
        ["Cast", "is", "mask", { to: int(1) }],
        ["Mul", "mask r", "y"],
      ],
      [0, 1, 4, 0],
      [0, 1 / 2, 1 / 4, 0],
    ],
    [
      "√ of what ReLU lets through",
      [
        ["Relu", "x", "p"],
        ["Sqrt", "p", "y"],
      ],
      [-1, -4, 4, 1],
      [0, 0, 1 / 4, 1 / 2],
    ],
    [
      "the arc cosine of what Clip holds at 1 and −1",
      [
        ["Clip", "x minus one", "c"],
        ["Acos", "c", "y"],
      ],
      [2, -3, 0, 0.6],
      [0, 0, -1, -1.25],
    ],
    [
      "√x without the entries that Slice leaves out, padded with zeros",
      [
        ["Sqrt", "x", "r"],
        ["Slice", "r two four", "s"],
        ["Pad", "s ahead", "y"],
      ],
      [0, 0, 4, 1],
      [0, 0, 1 / 4, 1 / 2],
    ],
    [
      "√x where Gather takes it, in two rows, among others",
      [
        ["Reshape", "x rows", "m"],
        ["Sqrt", "m", "r"],
        ["Gather", "r last", "g", { axis: int(1) }],
        ["Mul", "m nothing", "n"],
        ["Slice", "n nil unit unit", "k"],
        ["Concat", "k g", "c", { axis: int(1) }],
        ["Reshape", "c flat", "y"],
      ],
      [0, 4, 0, 1],
      [0, 1 / 4, 0, 1 / 2],
    ],
    [
      "Max(1, 1/x)",
      [
        ["Reciprocal", "x", "r"],
        ["Neg", "r", "n"],
        ["Max", "n one", "y"],
      ],
      [0, 2, -0.5, 1],
      [0, 0, 4, 0],
    ],
    [
      "ReLU(log x)",
      [
        ["Log", "x", "l"],
        ["Relu", "l", "y"],
      ],
      [0, 0.5, 2, 4],
      [0, 0, 0.5, 0.25],
    ],
    ["x to the powers 2, 0, 1, 3", [["Pow", "x powers", "y"]], [0, 0, 0, 0], [0, 0, 1, 0]],
    [
      "the largest of √x, 0 among them",
      [
        ["Sqrt", "x", "r"],
        ["ReduceMax", "r", "m", { keepdims: int(1) }],
        ["Mul", "m select", "y"],
      ],
      [0, 0, 4, 1],
      [0, 0, 1 / 4, 0],
    ],
  ])("%s", async (_name, steps, at, slopes) => {
    const weights = {
      zero: scalar(0),
      one: scalar(1),
      minus: scalar(-1),
      nothing: scalar(0),
      powers: vector(2, 0, 1, 3),
      select: vector(0, 0, 1, 0),
      two: intTensor([2]),
      four: intTensor([4]),
      ahead: intTensor([2, 0]),
      rows: intTensor([2, 2]),
      flat: intTensor([-1]),
      last: intTensor([1]),
      nil: intTensor([0]),
      unit: intTensor([1]),
    };
    const { rows } = await jacobianAt(steps, vector(...at), weights);
    const apart = rows.flatMap((row, i) => row.map((value, j) => Math.abs(value - (i === j ? slopes[i]! : 0))));
    expect(Math.max(...apart)).toBeLessThan(1e-6);
  });

  test("x / ‖x‖ where ‖x‖ > 0, row by row: the row of zeros has no slope, the other the projector", async () => {
    const { rows } = await jacobianAt(
      [
        ["Mul", "x x", "q"],
        ["ReduceSum", "q axes", "s"],
        ["Sqrt", "s", "n"],
        ["Div", "x n", "d"],
        ["Greater", "n zero", "is"],
        ["Where", "is d zero", "y"],
      ],
      floatTensor([2, 2], [0, 0, 3, 4]),
      { axes: intTensor([1]), zero: scalar(0) },
    );
    // (1 − uuᵀ)/‖x‖ with u = (0.6, 0.8) and ‖x‖ = 5
    const expected = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.128, -0.096, 0, 0, -0.096, 0.072];
    rows.flat().forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, 6);
    });
  });
});

describe("how much of J is a convention", () => {
  test("neurons at 0 and tied windows are counted by tap", async () => {
    const { kinks } = await jacobianAt(
      [
        ["Identity", "x", "i"],
        ["Relu", "i", "relu"],
        ["MaxPool", "relu", "y", { kernel_shape: ints([2]) }],
      ],
      floatTensor([1, 1, 6], [0, 0, 3, 3, -1, -1]),
      {},
    );
    // ReLU′ is a convention at the two zeros. Windows: (0,0) and (−1,−1) are dead, (3,3) is a tie, (0,3) and (3,−1) are none.
    expect(kinks).toEqual([
      { tap: "relu", neurons: 2, windows: 0 },
      { tap: "y", neurons: 0, windows: 1 },
    ]);
  });

  test("a point in general position is at none", async () => {
    const { kinks } = await jacobianAt([["Relu", "x", "y"]], vector(1, -2, 3), {});
    expect(kinks).toEqual([]);
  });
});
