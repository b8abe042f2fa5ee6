import { afterAll, describe, expect, test } from "vitest";
import { appendProduct, linearize } from "../../src/autodiff/index.ts";
import { createRng } from "../../src/base/index.ts";
import { floatTensor } from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { evaluateWith } from "../../src/runtime/index.ts";
import { compileGibbs } from "../../src/training/gibbs.ts";
import { type Architecture, compileGradient, type Loss, trainingGraph } from "../../src/training/index.ts";
import { interpret } from "../reference/interpret.ts";
import { type Array64, array, fromTensor } from "../reference/tensor.ts";
import {
  countsOf,
  decoded,
  deviation,
  encoded,
  encoder,
  HIDDEN,
  logLikelihood,
  type Machine,
  machine,
  marginal,
  statesOf,
  tensorsOf,
  transitions,
  VISIBLE,
} from "./machine.ts";

const backend = createBackend({ threads: 1 });
afterAll(() => backend.dispose());

const persistent: Loss = { kind: "contrastiveDivergence", persistent: true, chains: 1 };
const states = statesOf(VISIBLE);
const examples = [3, 90, 200, 255].map((code) => states[code]!);
const weightNames = ["fc1.weight", "fc1.bias", "visible.bias"];

/** Mean of ∂(W, c, b) ln p(v) over the examples by central differences in float64, in the order of `weightNames`. */
function slopesByDifferences(of: Machine): number[] {
  const h = 1e-5;
  const moved = (part: "w" | "c" | "b", i: number, by: number) =>
    logLikelihood({ ...of, [part]: of[part].map((value, at) => value + (at === i ? by : 0)) }, examples);
  return (["w", "c", "b"] as const).flatMap((part) =>
    of[part].map((_, i) => (moved(part, i, h) - moved(part, i, -h)) / (2 * h)),
  );
}

describe("the gradient of the free energies is that of the likelihood, which all states are counted for", () => {
  const of = machine(1);
  const expected = slopesByDifferences(of);
  const p = marginal(of);
  const graph = trainingGraph(encoder, { batch: examples.length, loss: persistent });
  const input = floatTensor([examples.length, VISIBLE], examples.flat());

  /** Minus the sum over all states v of p(v) times the gradient with v as the state of the chain. */
  async function weighted(at: (state: readonly number[]) => Promise<readonly ArrayLike<number>[]>): Promise<number[]> {
    const total = new Array<number>(expected.length).fill(0);
    for (const [code, state] of states.entries()) {
      const slopes = (await at(state)).flatMap((slope) => Array.from(slope));
      for (const [i, slope] of slopes.entries()) total[i]! -= p[code]! * slope;
    }
    return total;
  }
  const furthest = (found: readonly number[]) => Math.max(...found.map((slope, i) => Math.abs(slope - expected[i]!)));

  test("in float64", async () => {
    const options = { sources: weightNames, targets: [graph.objective] };
    const linearization = await linearize(graph.model, options, evaluateWith(backend));
    const pass = linearization.primal.graph;
    const { graph: product, products } = appendProduct(linearization, "gradient", pass, [graph.objective]);
    const feeds = new Map<string, Array64>(
      Object.entries({ ...tensorsOf(of), [graph.input]: input }).map(([name, tensor]) => [name, fromTensor(tensor)]),
    );
    const found = await weighted(async (state) => {
      const values = interpret(product, new Map([...feeds, ["negative", array([1, VISIBLE], state)]]));
      return products.map((name) => values.get(name!)!.data);
    });
    expect(furthest(found)).toBeLessThan(1e-9); // that of the differences
  });

  test("as it is compiled", async () => {
    const gradient = await compileGradient(backend, graph.model, { of: graph.objective, by: weightNames });
    const found = await weighted(async (state) => {
      await gradient.at({ ...tensorsOf(of), [graph.input]: input, negative: floatTensor([1, VISIBLE], state) });
      return weightNames.map((name) => gradient.by.get(name)!.slice());
    });
    expect(furthest(found)).toBeLessThan(1e-6);
    await gradient.release();
  });
});

test("the loss that is told is the cross-entropy of the reconstruction from p(h | v)", async () => {
  const of = machine(2);
  const graph = trainingGraph(encoder, { batch: examples.length, loss: "contrastiveDivergence" });
  const feeds = new Map<string, Array64>(
    Object.entries(tensorsOf(of)).map(([name, tensor]) => [name, fromTensor(tensor)]),
  );
  feeds.set(graph.input, array([examples.length, VISIBLE], examples.flat()));
  feeds.set("negative", array([examples.length, VISIBLE], examples.flat()));
  const values = interpret(graph.model.onnx.graph, feeds);
  const crossEntropies = examples.map((v) => {
    const y = decoded(of, encoded(of, v));
    return -v.reduce((sum, unit, i) => sum + Math.log(unit === 1 ? y[i]! : 1 - y[i]!), 0);
  });
  const expected = crossEntropies.reduce((sum, value) => sum + value, 0) / examples.length;
  expect(values.get("loss")!.data[0]).toBeCloseTo(expected, 6);
  // Chains that are at the examples have their free energy.
  expect(values.get(graph.objective)!.data[0]).toBeCloseTo(0, 10);
});

describe("Gibbs chains", () => {
  const CHAINS = 30_000;
  const of = machine(3);
  /** With large weights, chains forget less in a step. */
  const slow = machine(3, 2);
  const weights = new Map(trainingGraph(encoder, { batch: 1, loss: "contrastiveDivergence" }).weights);
  const start = states[77]!;
  const repeated = Float32Array.from({ length: CHAINS * VISIBLE }, (_, i) => start[i % VISIBLE]!);

  test.each([1, 3])("of %i steps end as the exact conditionals say", async (steps) => {
    const gibbs = await compileGibbs(backend, { weights, chains: CHAINS, steps });
    const reached = await gibbs.after(repeated, tensorsOf(slow), createRng(5, "gibbs"));
    const step = transitions(slow);
    let exact: number[] = states.map((state) => (state === start ? 1 : 0));
    for (let i = 0; i < steps; i++) {
      exact = states.map((_, to) => exact.reduce<number>((sum, weight, from) => sum + weight * step[from]![to]!, 0));
    }
    expect(deviation(countsOf(reached), exact)).toBeLessThan(3);
    // The test would notice a step more or less.
    const after = states.map((_, to) =>
      exact.reduce<number>((sum, weight, from) => sum + weight * step[from]![to]!, 0),
    );
    expect(deviation(countsOf(reached), after)).toBeGreaterThan(5);
    await gibbs.release();
  });

  test("that are long end at the joint distribution of the machine, wherever they begin", async () => {
    const gibbs = await compileGibbs(backend, { weights, chains: CHAINS, steps: 20 });
    const rng = createRng(6, "gibbs");
    let reached: Float32Array = repeated;
    for (let i = 0; i < 10; i++) reached = await gibbs.after(reached, tensorsOf(of), rng);
    expect(deviation(countsOf(reached), marginal(of))).toBeLessThan(3);
    // Another machine has another distribution.
    expect(deviation(countsOf(reached), marginal(machine(4)))).toBeGreaterThan(5);
    await gibbs.release();
  });

  test("of a machine without a hidden bias", async () => {
    const net: Architecture = {
      ...encoder,
      layers: [{ kind: "dense", units: HIDDEN, bias: false }, { kind: "sigmoid" }],
    };
    const own = new Map(trainingGraph(net, { batch: 1, loss: "contrastiveDivergence" }).weights);
    expect([...own.keys()]).toEqual(["fc1.weight", "visible.bias"]);
    const gibbs = await compileGibbs(backend, { weights: own, chains: CHAINS, steps: 1 });
    const reached = await gibbs.after(repeated, tensorsOf(of), createRng(7, "gibbs"));
    const exact = transitions({ ...of, c: of.c.map(() => 0) })[states.indexOf(start)]!;
    expect(deviation(countsOf(reached), exact)).toBeLessThan(3);
    await gibbs.release();
  });
});
