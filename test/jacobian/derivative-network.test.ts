import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { evaluate, linearize, type Operand, transpose } from "../../src/autodiff/index.ts";
import { createRng, gaussianArray, sizeOf } from "../../src/base/index.ts";
import {
  cotangentGraph,
  type DerivativeNetwork,
  exportDerivative,
  gradientGraph,
  Network,
  tangentGraph,
} from "../../src/jacobian/index.ts";
import {
  buildModel,
  floatTensor,
  int,
  node,
  normalize,
  readModel,
  type Tensor,
  valueInfo,
  writeModel,
} from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { evaluateWith } from "../../src/runtime/index.ts";
import { relativeDistance } from "../laws/vectors.ts";
import { flowCases } from "../onnx/flow/cases.ts";
import { evaluate64, interpret } from "../reference/interpret.ts";
import { fromTensor } from "../reference/tensor.ts";
import { attentionBlock, networkWith, operators, smoothNet } from "./second-order-networks.ts";

const backend = createBackend({ threads: 1 });
afterAll(() => backend.dispose());

/** Second derivatives are float32 products of a pass in float64, with a network of some ten layers: far below what is asked, 1e-3. */
const CLOSE = 1e-4;

const open = async (onnx: Parameters<typeof normalize>[0], weights: readonly string[] = []) =>
  new Network(await normalize(onnx, { evaluate: evaluateWith(backend), weights }), backend);

const random = (count: number, ...seed: readonly (number | string)[]) =>
  gaussianArray(createRng("second", ...seed), count);
const signs = (count: number) => random(count, "signs").map((value) => (value < 0 ? -1 : 1));

type Values = Readonly<Record<string, Float32Array | Float64Array>>;

/** J·v or Jᵀ·u of a network in float64 by the reference interpreter, as a function of the values of its inputs. */
async function product64({ model }: Network, kind: "jvp" | "vjp", vector: ArrayLike<number>) {
  const { program, constants, primal } = await linearize(model, { sources: ["x"], targets: ["y"] }, evaluate64);
  const direction = kind === "jvp" ? program : transpose(program);
  return (at: Values): Float64Array => {
    const shaped = Object.entries(at).map(
      ([name, data]) => [name, { ...model.values.get(name)!, data: Float64Array.from(data) }] as const,
    );
    const values = interpret(primal.graph, new Map(shaped));
    const operand = ({ name }: Operand) =>
      constants.has(name) ? fromTensor(constants.get(name)!).data : values.get(name)!.data;
    return evaluate(direction, operand, [Float64Array.from(vector)])[0]!;
  };
}

const STEP = 1e-5;

/** The gradient of ‖product‖² by one of the arguments, by central differences. */
function differences(product: (at: Values) => Float64Array, at: Values, by: string): Float64Array {
  return Float64Array.from(at[by]!, (_, i) => {
    const moved = (step: number) => {
      const data = Float64Array.from(at[by]!);
      data[i]! += step;
      return product({ ...at, [by]: data }).reduce((sum, entry) => sum + entry * entry, 0);
    };
    return (moved(STEP) - moved(-STEP)) / (2 * STEP);
  });
}

describe.each([...Object.keys(operators), "attention"])("through %s", (name) => {
  let network: Network;
  let at: Readonly<Record<string, Float32Array>>;
  beforeAll(async () => {
    network = await open(name === "attention" ? attentionBlock : networkWith(operators[name]!), ["W"]);
    const { data } = network.inputs.find(({ name }) => name === "W")!.value!;
    at = { x: random(sizeOf(network.input.shape), "point"), W: data as Float32Array };
  });

  test.each([
    ["vjp", "x"],
    ["vjp", "W"],
    ["jvp", "x"],
    ["jvp", "W"],
  ] as const)("the gradient of ‖%s(signs)‖² by %s agrees with differences in float64", async (kind, by) => {
    const build = kind === "jvp" ? tangentGraph : cotangentGraph;
    const product: DerivativeNetwork = await build(network, { from: "x", to: "y" });
    const { vector } = product;
    const s = signs(sizeOf(vector!.shape));
    using D = await product.jacobian({ at: { ...at, [vector!.tensor]: s }, from: by, to: product.product });
    const { data } = await D.vjp(D.value);
    const gradient = data.map((entry) => 2 * entry);
    const expected = differences(await product64(network, kind, s), at, by);
    expect(relativeDistance(gradient, expected)).toBeLessThan(CLOSE);
    await product.forget();
  });

  test("no kinks are reported where the network has none", async () => {
    using J = await network.jacobian({ at, from: "x" });
    const forward = await tangentGraph(network, { from: "x", to: "y" });
    const point = {
      ...at,
      tangent: random(
        J.source.reduce((product, extent) => product * extent, 1),
        "tangent",
      ),
    };
    using D = await forward.jacobian({ at: point, from: "x", to: forward.product });
    expect(J.kinks).toEqual([]);
    expect(D.kinks).toEqual([]);
    await forward.forget();
  });

  test("the Hessian of an output is symmetric, and agrees with differences of the gradient", async () => {
    const gradient = await gradientGraph(network, { from: "x", to: "y[0,1]" });
    using H = await gradient.jacobian({ at, from: "x", to: gradient.product });
    const [u, v] = [random(H.value.length, "u"), random(H.value.length, "v")];
    const [Hu, Hv] = [(await H.jvp(u)).data, (await H.jvp(v)).data];
    const inner = (a: Float32Array, b: Float32Array) => a.reduce((sum, entry, i) => sum + entry * b[i]!, 0);
    const norm = (a: Float32Array) => Math.sqrt(inner(a, a));
    expect(Math.abs(inner(u, Hv) - inner(v, Hu))).toBeLessThan(CLOSE * norm(u) * norm(Hv));
    const gradient64 = await product64(network, "vjp", [0, 1, 0, 0]);
    const moved = (step: number) =>
      gradient64({ ...at, x: Float64Array.from(at.x!, (entry, i) => entry + step * v[i]!) });
    const [after, before] = [moved(STEP), moved(-STEP)];
    const difference = after.map((entry, i) => (entry - before[i]!) / (2 * STEP));
    expect(relativeDistance(Hv, difference)).toBeLessThan(CLOSE);
    await gradient.forget();
  });
});

test.each([false, true])(
  "an exported product is a network as well, also where the file computes in float64: %s",
  async (float64) => {
    const network = await open(networkWith(operators.LRN!));
    const { model } = await exportDerivative(network, { kind: "vjp", withPrimal: true, float64 });
    const [fromFile, own] = [await open(await readModel(writeModel(model))), await cotangentGraph(network)];
    const at = { x: random(72, "x"), cotangent: random(4, "u") };
    using theirs = await fromFile.jacobian({ at, from: "x", to: "vjp" });
    using ours = await own.jacobian({ at, from: "x", to: "vjp" });
    expect(relativeDistance((await theirs.dense()).data, (await ours.dense()).data)).toBeLessThan(CLOSE);
    expect(theirs.kinks).toEqual([]);
  },
);

describe("a network with its product", () => {
  let network: Network;
  const x = random(5, "x");
  beforeAll(async () => {
    network = await open(smoothNet);
  });

  test("gives what the Jacobian gives, for one vector and for several", async () => {
    using J = await network.jacobian({ at: x });
    for (const rows of [1, 3]) {
      const forward = await tangentGraph(network, { rows });
      const back = await cotangentGraph(network, { rows });
      const [v, u] = [random(rows * 5, "v"), random(rows * 3, "u")];
      const [value, jvp] = await forward.forward({ x, tangent: v }, [forward.tap("y"), forward.product]);
      const [vjp] = await back.forward({ x, cotangent: u }, [back.product]);
      expect(relativeDistance(value!, J.value)).toBeLessThan(1e-6);
      expect(relativeDistance(jvp!, (await J.jvp(v)).data)).toBeLessThan(1e-6);
      expect(relativeDistance(vjp!, (await J.vjp(u)).data)).toBeLessThan(1e-6);
    }
  });

  test("has the taps of the network and of the product, and not what the derivative keeps", async () => {
    const forward = await tangentGraph(network);
    expect(forward.taps.slice(0, 5).map(({ name }) => name)).toEqual(["x", "tangent", "z", "h", "y"]);
    expect(forward.taps.at(-1)).toEqual(forward.product);
    expect(forward.taps.filter(({ tensor }) => tensor.startsWith("primal"))).toEqual([]);
  });

  test("is linear in the vectors: its Jacobian by them is that of the network", async () => {
    using J = await network.jacobian({ at: x });
    const forward = await tangentGraph(network);
    using byVector = await forward.jacobian({ at: { x, tangent: random(5, "v") }, from: "tangent", to: "jvp" });
    expect(relativeDistance((await byVector.dense()).data, (await J.dense()).data)).toBeLessThan(1e-6);
  });

  test("third derivatives are those of the closed form", async () => {
    const first = await tangentGraph(network);
    const second = await tangentGraph(first, { from: "x", to: first.product });
    const [v, w, u] = [random(5, "v"), random(5, "w"), random(5, "u")];
    const at = { x, [first.vector!.tensor]: v, [second.vector!.tensor]: w };
    using third = await second.jacobian({ at, from: "x", to: second.product });
    // y = tanh(xA)·B, so that D³y[v, w, u] = (tanh‴(xA) ∘ vA ∘ wA ∘ uA)·B.
    const { initializers } = smoothNet.graph;
    const [A, B] = ["A", "B"].map((name) => fromTensor(initializers.get(name)!));
    const times = (row: ArrayLike<number>, { shape, data }: typeof A & object) =>
      Float64Array.from({ length: shape[1]! }, (_, j) =>
        Array.from(row).reduce((sum, entry, i) => sum + entry * data[i * shape[1]! + j]!, 0),
      );
    const [xA, vA, wA, uA] = [x, v, w, u].map((row) => times(row, A!));
    const hidden = xA!.map((z, i) => {
      const t = Math.tanh(z);
      return (1 - t * t) * (6 * t * t - 2) * vA![i]! * wA![i]! * uA![i]!;
    });
    expect(relativeDistance((await third.jvp(u)).data, times(hidden, B!))).toBeLessThan(CLOSE);
  });

  test.each(["MaxPool", "LRN"])("third derivatives through %s are symmetric", async (name) => {
    const net = await open(networkWith(operators[name]!));
    const first = await tangentGraph(net);
    const second = await tangentGraph(first, { from: "x", to: first.product });
    const [at, v, w, u] = ["x", "v", "w", "u"].map((one) => random(72, one)) as [Float32Array, ...Float32Array[]];
    const third = async (...[one, two, three]: readonly (Float32Array | undefined)[]) => {
      const point = { x: at, [first.vector!.tensor]: one!, [second.vector!.tensor]: two! };
      using J = await second.jacobian({ at: point, from: "x", to: second.product });
      return (await J.jvp(three!)).data;
    };
    const whole = await third(v, w, u);
    expect(relativeDistance(await third(u, v, w), whole)).toBeLessThan(CLOSE);
    expect(relativeDistance(await third(w, u, v), whole)).toBeLessThan(CLOSE);
  });

  test("the singular values of a Hessian are certified, and their squares add up to ‖H‖²", async () => {
    const gradient = await gradientGraph(network, { to: "y[0,0]" });
    using H = await gradient.jacobian({ at: x, to: gradient.product });
    const { sigma, certificate } = await H.svd({ k: 5 });
    const { data } = await H.dense();
    const squares = (values: ArrayLike<number>) => Array.from(values).reduce((sum, entry) => sum + entry * entry, 0);
    expect(certificate.missed.kind).toBe("exact");
    expect(squares(sigma) / squares(data)).toBeCloseTo(1, 6);
  });

  test("where all layers are linear in pieces, it is told that the second derivative is zero", async () => {
    const { nodes } = networkWith(operators.Relu!).graph;
    const base = networkWith(operators.Relu!);
    const flat = {
      ...base,
      graph: { ...base.graph, nodes: nodes.map((node) => (node.op === "Tanh" ? { ...node, op: "Relu" } : node)) },
    };
    const gradient = await gradientGraph(await open(flat), { to: "y[0,0]" });
    await expect(gradient.jacobian({ at: new Float32Array(72), to: gradient.product })).rejects.toMatchObject({
      code: "tap-unknown",
      what: expect.stringContaining('"gradient" does not move with "x": the derivative is zero everywhere'),
    });
  });

  test.each([
    [() => gradientGraph(network), "shape-mismatch", 'A gradient is that of one number, and "y" is 3.'],
    [() => tangentGraph(network, { rows: 0 }), "usage", "A network cannot take 0 vectors."],
    [
      () => tangentGraph(network, { from: "y", to: "x" }),
      "tap-unknown",
      '"x" does not depend on "y": no path leads from one to the other.',
    ],
  ])("refuses what cannot be asked", async (make, code, what) => {
    await expect(make()).rejects.toMatchObject({ code, what });
  });
});

describe("a network whose values decide its structure", () => {
  const chosen = flowCases.filter(({ name }) =>
    ["If in a branch of If", "Loop whose condition the input decides"].includes(name),
  );
  expect(chosen).toHaveLength(2);

  test.each(chosen)("$name: has the derivative of each point", async ({ model, points }) => {
    const network = await open(model);
    const tangents = await tangentGraph(network);
    const [v, w] = [random(6, "v"), random(6, "w")];
    const second = async (x: ArrayLike<number>, by: Float32Array, along: Float32Array) => {
      const at = { x: Float32Array.from(x), tangent: by };
      using J = await tangents.jacobian({ at, from: "x", to: tangents.product });
      return { first: J.value, second: (await J.jvp(along)).data };
    };
    for (const x of points) {
      using J = await network.jacobian({ at: Float32Array.from(x) });
      const [one, other] = [await second(x, v, w), await second(x, w, v)];
      expect(relativeDistance(one.first, (await J.jvp(v)).data)).toBeLessThan(1e-6);
      // D²f is symmetric: D(J·v)·w = D(J·w)·v.
      expect(relativeDistance(one.second, other.second)).toBeLessThan(CLOSE);
      expect(Math.hypot(...one.second)).toBeGreaterThan(0);
    }
  });

  test("an input that only decides is an input of the derivative too", async () => {
    const branch = (op: string) => ({
      kind: "graph" as const,
      value: {
        name: op,
        inputs: [],
        outputs: [valueInfo(op, "float32", [3])],
        nodes: [node({ op, inputs: ["x"], outputs: [op] })],
        initializers: new Map(),
      },
    });
    const network = await open(
      buildModel({
        inputs: [valueInfo("x", "float32", [3]), valueInfo("flag", "bool", [])],
        outputs: [valueInfo("y", "float32", [3])],
        nodes: [
          node({
            op: "If",
            inputs: ["flag"],
            outputs: ["y"],
            attributes: { then_branch: branch("Sin"), else_branch: branch("Exp") },
          }),
        ],
        initializers: new Map(),
      }),
    );
    const gradient = await gradientGraph(network, { to: "y[1]" });
    const x = Float32Array.of(0.5, 1, 2);
    for (const [flag, expected] of [
      [1, -Math.sin(1)],
      [0, Math.E],
    ] as const) {
      using H = await gradient.jacobian({ at: { x, flag }, from: "x", to: gradient.product });
      const { data } = await H.dense();
      expect(data[4]).toBeCloseTo(expected, 5);
      expect(data.filter((entry) => entry !== 0)).toHaveLength(1);
    }
  });
});

describe("weights as inputs", () => {
  const x = random(5, "x");

  test("J(weight → output) of a dense layer has the norm of what the layer reads as every singular value", async () => {
    const network = await open(smoothNet, ["B"]);
    using J = await network.jacobian({ at: x, from: "B" });
    const { sigma, certificate } = await J.svd({ k: 3 });
    const [hidden] = await network.forward(x, [network.tap("h")]);
    const norm = Math.hypot(...hidden!);
    for (const value of sigma) expect(value / norm).toBeCloseTo(1, 5);
    expect(certificate.stopped).toBe("all-converged");
    expect(certificate.missed.kind).not.toBe("none");
  });

  test("a point may give them other values", async () => {
    const other = random(35, "other");
    const fed = await open(smoothNet, ["A"]);
    const changed = {
      ...smoothNet,
      graph: {
        ...smoothNet.graph,
        initializers: new Map([...smoothNet.graph.initializers, ["A", floatTensor([5, 7], other)]]),
      },
    };
    const written = await open(changed);
    using theirs = await written.jacobian({ at: x });
    using ours = await fed.jacobian({ at: { x, A: other }, from: "x" });
    using own = await fed.jacobian({ at: x, from: "x" });
    expect(relativeDistance((await ours.dense()).data, (await theirs.dense()).data)).toBeLessThan(1e-6);
    expect(relativeDistance((await own.dense()).data, (await theirs.dense()).data)).toBeGreaterThan(0.1);
  });

  test("the result of a Constant is a weight, and so is an initializer in float16", async () => {
    const { A, B } = Object.fromEntries(smoothNet.graph.initializers) as Record<"A" | "B", Tensor>;
    const constant = node({
      op: "Constant",
      inputs: [],
      outputs: ["A"],
      attributes: { value: { kind: "tensor", value: A } },
    });
    const halves = { type: "float16", shape: [7, 3], data: new Uint16Array(21).fill(0x3800) } as const; // 0.5
    const graph = {
      ...smoothNet.graph,
      nodes: [
        constant,
        ...smoothNet.graph.nodes.slice(0, -1),
        node({ op: "Cast", inputs: ["B"], outputs: ["C"], attributes: { to: int(1) } }),
        node({ op: "MatMul", inputs: ["h", "C"], outputs: ["y"] }),
      ],
      initializers: new Map([["B", halves]]),
    };
    const network = await open({ ...smoothNet, graph }, ["A", "B"]);
    const plain = await open(
      {
        ...smoothNet,
        graph: {
          ...smoothNet.graph,
          initializers: new Map([
            ["A", A],
            ["B", floatTensor([7, 3], new Float32Array(21).fill(0.5))],
          ]),
        },
      },
      ["A", "B"],
    );
    expect(B.type).toBe("float32");
    for (const from of ["A", "B"]) {
      using ours = await network.jacobian({ at: x, from });
      using theirs = await plain.jacobian({ at: x, from });
      expect(relativeDistance((await ours.dense()).data, (await theirs.dense()).data)).toBeLessThan(1e-6);
    }
  });

  test("the Hessian of an output by a weight is symmetric, and keeps the weight's value", async () => {
    const network = await open(smoothNet, ["A"]);
    const gradient = await gradientGraph(network, { from: "A", to: "y[0,1]" });
    using H = await gradient.jacobian({ at: x, from: "A", to: gradient.product });
    const { data } = await H.dense();
    const turned = data.map((_, i) => data[(i % 35) * 35 + Math.floor(i / 35)]!);
    expect(relativeDistance(data, turned)).toBeLessThan(1e-6);
    using J = await network.jacobian({ at: x, from: "A", to: "y[0,1]" });
    expect(relativeDistance(H.value, (await J.dense()).data)).toBeLessThan(1e-6);
  });

  test("a name that is no weight's is refused", async () => {
    await expect(open(smoothNet, ["AA"])).rejects.toMatchObject({
      code: "usage",
      what: '"AA" is not a weight of the network: an initializer, or the result of a Constant, that holds floats.',
      fix: 'Did you mean "A", "B"?',
    });
  });
});
