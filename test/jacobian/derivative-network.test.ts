import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { evaluate, linearize, type Operand, transpose } from "../../src/autodiff/index.ts";
import { createRng, gaussianArray, sizeOf } from "../../src/base/index.ts";
import {
  cotangentGraph,
  type DerivativeNetwork,
  gradientGraph,
  Network,
  tangentGraph,
} from "../../src/jacobian/index.ts";
import { floatTensor, normalize } from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { evaluateWith } from "../../src/runtime/index.ts";
import { relativeDistance } from "../laws/vectors.ts";
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

/** ‖Jᵀs‖² or ‖Js‖² of a network in float64 by the reference interpreter, as a function of the values of its inputs. */
async function squaredNorm64({ model }: Network, kind: "jvp" | "vjp", s: Float32Array) {
  const { program, constants, primal } = await linearize(model, { sources: ["x"], targets: ["y"] }, evaluate64);
  const direction = kind === "jvp" ? program : transpose(program);
  return (at: Values): number => {
    const shaped = Object.entries(at).map(
      ([name, data]) => [name, { ...model.values.get(name)!, data: Float64Array.from(data) }] as const,
    );
    const values = interpret(primal.graph, new Map(shaped));
    const operand = ({ name }: Operand) =>
      constants.has(name) ? fromTensor(constants.get(name)!).data : values.get(name)!.data;
    const [product] = evaluate(direction, operand, [Float64Array.from(s)]);
    return product!.reduce((sum, entry) => sum + entry * entry, 0);
  };
}

/** The gradient of a function by one of its arguments, by central differences. */
function differences(of: (at: Values) => number, at: Values, by: string): Float64Array {
  const h = 1e-5;
  return Float64Array.from(at[by]!, (_, i) => {
    const moved = (step: number) => {
      const data = Float64Array.from(at[by]!);
      data[i]! += step;
      return of({ ...at, [by]: data });
    };
    return (moved(h) - moved(-h)) / (2 * h);
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
    const expected = differences(await squaredNorm64(network, kind, s), at, by);
    expect(relativeDistance(gradient, expected)).toBeLessThan(CLOSE);
    await product.forget();
  });

  test("the Hessian of an output is symmetric, and agrees with differences of the gradient", async () => {
    const gradient = await gradientGraph(network, { from: "x", to: "y[0,1]" });
    using H = await gradient.jacobian({ at, from: "x", to: gradient.product });
    const [u, v] = [random(H.value.length, "u"), random(H.value.length, "v")];
    const [Hu, Hv] = [(await H.jvp(u)).data, (await H.jvp(v)).data];
    const inner = (a: Float32Array, b: Float32Array) => a.reduce((sum, entry, i) => sum + entry * b[i]!, 0);
    const norm = (a: Float32Array) => Math.sqrt(inner(a, a));
    expect(Math.abs(inner(u, Hv) - inner(v, Hu))).toBeLessThan(CLOSE * norm(u) * norm(Hv));
    expect(relativeDistance((await H.vjp(v)).data, Hv)).toBeLessThan(CLOSE);
    await gradient.forget();
  });
});

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

  test("the spectrum of a Hessian is certified", async () => {
    const gradient = await gradientGraph(network, { to: "y[0,0]" });
    using H = await gradient.jacobian({ at: x, to: gradient.product });
    const { sigma, certificate } = await H.svd({ k: 2 });
    const { data } = await H.dense();
    const squares = data.reduce((sum, entry) => sum + entry * entry, 0);
    expect(certificate.stopped).toBe("all-converged");
    expect(sigma[0]! ** 2 + sigma[1]! ** 2).toBeLessThan(squares * (1 + 1e-5));
    expect(sigma[0]! ** 2 * 5).toBeGreaterThan(squares);
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

  test("a name that is no weight's is refused", async () => {
    await expect(open(smoothNet, ["AA"])).rejects.toMatchObject({
      code: "usage",
      what: '"AA" is not a weight of the network: an initializer, or the result of a Constant, that holds floats.',
      fix: 'Did you mean "A", "B"?',
    });
  });
});
