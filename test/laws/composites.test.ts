import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRng, gaussianArray } from "../../src/base/index.ts";
import { composites } from "../../src/onnx/composites/index.ts";
import { normalize, type OnnxModel, operatorKey } from "../../src/onnx/index.ts";
import { formatFacts } from "../../src/onnx/operator-facts.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { interpret } from "../reference/interpret.ts";
import { fromTensor } from "../reference/tensor.ts";
import { compositeFamilies } from "../rows/composites/index.ts";
import { type Problem, problemOf, to64 } from "../rows/problem.ts";
import { titleOf } from "../rows/row.ts";
import { evaluate } from "../support/ort.ts";
import { type EmittedJacobian, emittedJacobian } from "./emitted.ts";
import { jacobian64 } from "./jacobian64.ts";
import { adjointGap, cut, distance, gaussian64, join, norm, relativeDistance } from "./vectors.ts";

/** Rounding costs 1e-16 / STEP, curvature STEP²: both far below what a wrong factor makes. */
const STEP = 1e-5;
/** Constants of the expansion are float32: 6e-8 each. */
const TOLERANCE = 2e-6;
const ADJOINT = 8 * 2 ** -23;
const ROUNDING = 64 * 2 ** -23;

const backend = createBackend({ threads: 1 });
afterAll(() => backend.dispose());

const importing = (model: OnnxModel): OnnxModel => ({
  ...model,
  opsets: new Map([...model.opsets, ["com.microsoft", 1], ["ai.onnx.preview", 1], ["ai.onnx.preview.training", 1]]),
});

/** They may be respelled, and no more. */
const stayThemselves = ["Einsum", "Pow"];

/** The problem with all sources as inputs, also those whose values the row gives. */
function withSourcesAsInputs(problem: Problem): Problem {
  const { onnx } = problem.model;
  const { initializers, inputs } = onnx.graph;
  const given = new Map([...initializers].filter(([name]) => problem.sources.includes(name)));
  const graph = {
    ...onnx.graph,
    inputs: [...inputs, ...[...given].map(([name, { type, shape }]) => ({ name, type, shape }))],
    initializers: new Map([...initializers].filter(([name]) => !given.has(name))),
  };
  const model = { ...problem.model, onnx: { ...onnx, graph } };
  return { ...problem, model, point: new Map([...problem.point, ...given]) };
}

/** f(x + step · v) by the definition, all targets. */
function shifted({ model, point, sources, targets }: Problem, v: Float64Array, step: number): Float64Array {
  const feeds = new Map([...to64(model.onnx.graph.initializers), ...to64(point)]);
  const parts = cut(
    v,
    sources.map((source) => feeds.get(source)!.data.length),
  );
  sources.forEach((source, i) => {
    const x = feeds.get(source)!;
    feeds.set(source, { ...x, data: x.data.map((value, at) => value + step * parts[i]![at]!) });
  });
  const values = interpret(model.onnx.graph, feeds);
  return join(targets.map((name) => values.get(name)!.data));
}

describe.each(Object.entries(compositeFamilies))("%s", (_family, rows) => {
  describe.each(rows.map((row) => [titleOf(row), row] as const))("%s", (_title, row) => {
    let defined: Problem;
    let expanded: Problem;
    let J: EmittedJacobian;
    beforeAll(async () => {
      defined = withSourcesAsInputs(problemOf(row));
      const { point, model } = defined;
      const normalized = await normalize(importing(model.onnx), { feeds: point, evaluate });
      expanded = { ...defined, model: normalized };
      J = await emittedJacobian(backend, expanded);
    });
    afterAll(() => J?.release());

    test("it is written with operators that are no composites", () => {
      const left = expanded.model.onnx.graph.nodes.filter(
        ({ domain, op }) => domain !== "" || (composites[op] !== undefined && !stayThemselves.includes(op)),
      );
      expect(left.map(({ op }) => op)).toEqual([]);
    });

    test("these compute what the definition says", () => {
      const values = interpret(defined.model.onnx.graph, to64(defined.point));
      for (const [name, actual] of J.outputs) {
        const expected = values.get(name)!;
        expect(actual.shape).toEqual(expected.shape);
        expect(relativeDistance(fromTensor(actual).data, expected.data)).toBeLessThan(ROUNDING);
      }
    });

    test("so does ONNX Runtime's own kernel", async ({ skip }) => {
      skip(row.withoutForward !== undefined, row.withoutForward);
      const { model, point, targets } = defined;
      const values = interpret(model.onnx.graph, to64(point));
      const theirs = await evaluate(importing(model.onnx), point, targets);
      for (const name of targets) {
        expect(relativeDistance(fromTensor(theirs.get(name)!).data, values.get(name)!.data)).toBeLessThan(ROUNDING);
      }
    });

    test("Jv = (f(x + hv) − f(x − hv)) / 2h of the definition", async () => {
      const exact = await jacobian64(expanded);
      const v = gaussian64(exact.n, "v");
      const Jv = exact.jvp(v);
      const [after, before] = [shifted(defined, v, STEP), shifted(defined, v, -STEP)];
      const difference = after.map((value, i) => (value - before[i]!) / (2 * STEP));
      const allowed = TOLERANCE * Math.max(norm(Jv), norm(difference)) + 1e-10 * (1 + norm(after));
      expect(distance(Jv, difference)).toBeLessThan(allowed);
    });

    test("⟨u, Jv⟩ = ⟨Jᵀu, v⟩ for a block, and J is what its float64 form is", async () => {
      const K = 3;
      const [v, u] = [gaussianArray(createRng("v"), K * J.n), gaussianArray(createRng("u"), K * J.m)];
      const Jv = await J.jvp(v, K);
      expect(adjointGap(u, Jv, await J.vjp(u, K), v)).toBeLessThan(ADJOINT);
      const first = J.jvp64(Float64Array.from(v.subarray(0, J.n)));
      if (first.length === J.m) expect(relativeDistance(Jv.subarray(0, J.m), first)).toBeLessThan(ROUNDING);
    });
  });
});

/** They are tried by test/onnx/recurrent.test.ts, test/onnx/draws.test.ts and test/onnx/machine-learning.test.ts. */
const isTriedElsewhere = (key: string) =>
  ["GRU", "LSTM", "RNN"].includes(key) || formatFacts(key).isRandom === true || key.startsWith("ai.onnx.ml:");

test("every composite that has a float input has a row", () => {
  const tried = new Set(Object.values(compositeFamilies).flatMap((rows) => rows.map(operatorKey)));
  const untried = Object.keys(composites).filter((key) => !tried.has(key) && !isTriedElsewhere(key));
  expect(untried.filter((key) => !key.startsWith("com.microsoft:"))).toEqual([]);
});
