import { afterAll, expect, test } from "vitest";
import { unsupportedBetween } from "../../src/autodiff/index.ts";
import { createRng, gaussianArray, messageOf, PushforwardError } from "../../src/base/index.ts";
import { type Model, normalize, type OnnxModel, readModel, type Tensor } from "../../src/onnx/index.ts";
import { toFloat32 } from "../../src/onnx/precision.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { emittedJacobian } from "../laws/emitted.ts";
import { adjointGap, norm, relativeDistance } from "../laws/vectors.ts";
import type { Problem } from "../rows/problem.ts";
import { type NodeTest, nodeTests } from "../support/onnx-node.ts";
import { evaluate } from "../support/ort.ts";
import { sharedDir, withoutShared } from "../support/shared.ts";

/** Differences in float32: rounding 6e-8 / STEP and curvature STEP² leave two digits. */
const STEP = 2 ** -8;
const DIFFERENCE = 2e-2;
const ADJOINT = 8 * 2 ** -23;
/** The least number of cases that must pass both checks, or, at kinks and at inputs that are not finite, the first. */
const FLOOR = { differences: 775, adjoint: 55 };

const backend = createBackend({ threads: 1 });
afterAll(() => backend.dispose());

/** What came of a case: `differences` passed both checks, `adjoint` only the first, anything else says why neither. */
type Outcome = "differences" | "adjoint" | (string & {});

const isFloat = (type: string | undefined) => type === "float32";

/** The model with all inputs bound but those to differentiate by: a shape or an axis handed in must be known. */
function bind(model: OnnxModel, feeds: ReadonlyMap<string, Tensor>, free: readonly string[]): OnnxModel {
  const { graph } = model;
  const bound = [...feeds].filter(([name]) => !free.includes(name));
  return {
    ...model,
    graph: {
      ...graph,
      inputs: graph.inputs.filter(({ name }) => free.includes(name)),
      initializers: new Map([...graph.initializers, ...bound]),
    },
  };
}

/** Central differences of the targets along v, flat; `undefined` at a kink or jump, where two steps disagree. */
async function differencesOf({ model, point, sources, targets }: Problem, v: readonly Float32Array[]) {
  const executable = await backend.compile({
    ...model.onnx,
    graph: {
      ...model.onnx.graph,
      outputs: targets.map((name) => ({ name, ...model.values.get(name)! })),
    },
  });
  const at = async (step: number) => {
    const feeds: Record<string, Tensor> = Object.fromEntries(point);
    sources.forEach((name, i) => {
      const { data, ...type } = point.get(name)!;
      feeds[name] = { ...type, data: (data as Float32Array).map((value, j) => value + step * v[i]![j]!) };
    });
    const results = await executable.run(feeds, targets);
    return Float32Array.from(targets.flatMap((name) => [...(results[name]!.data as Float32Array)]));
  };
  const start = await at(0);
  /** Slopes to the right and to the left. */
  const slopes = async (step: number) => {
    const [after, before] = [await at(step), await at(-step)];
    return [
      after.map((value, i) => (value - start[i]!) / step),
      before.map((value, i) => (start[i]! - value) / step),
    ] as const;
  };
  const [wide, narrow] = [await slopes(STEP), await slopes(STEP / 2)];
  await executable.release();
  const middle = ([right, left]: typeof wide) => right.map((value, i) => (value + left[i]!) / 2);
  // The two sides of a kink stay apart however small the step; those of a smooth function meet.
  const [far, near] = [relativeDistance(...wide), relativeDistance(...narrow)];
  const isSmooth = near < DIFFERENCE / 2 || near < 0.75 * far;
  return isSmooth && relativeDistance(middle(wide), middle(narrow)) < DIFFERENCE / 2 ? middle(narrow) : undefined;
}

async function check(model: Model, point: ReadonlyMap<string, Tensor>, sources: readonly string[]): Promise<Outcome> {
  const outputs = model.onnx.graph.outputs.map(({ name }) => name);
  const targets = outputs.filter((name) => isFloat(model.values.get(name)?.type));
  if (targets.length === 0) return "no output of real numbers";
  const missing = unsupportedBetween(model, { sources, targets });
  if (missing.length > 0) return `no rule: ${[...new Set(missing.map(({ op }) => op))].sort().join(", ")}`;
  const moving: Problem = { model, point, sources, targets };
  const J = await emittedJacobian(backend, moving);
  try {
    if (J.m === 0) return "stands still";
    const parts = sources.map((name, i) =>
      gaussianArray(createRng("v", i), (point.get(name)!.data as Float32Array).length),
    );
    const v = Float32Array.from(parts.flatMap((part) => [...part]));
    const u = gaussianArray(createRng("u"), J.m);
    const [Jv, Jtu] = [await J.jvp(v, 1), await J.vjp(u, 1)];
    if (!Number.isFinite(norm(Jv))) return "no finite derivative at the case's input";
    expect(adjointGap(u, Jv, Jtu, v)).toBeLessThan(ADJOINT);
    const follows = targets.filter((_, i) => J.linearization.program.targets[i] !== undefined);
    const difference = await differencesOf({ ...moving, targets: follows }, parts);
    if (difference === undefined) return "adjoint";
    expect(relativeDistance(Jv, difference)).toBeLessThan(DIFFERENCE);
    return "differences";
  } finally {
    await J.release();
  }
}

/** By all inputs of real numbers at once, or, where one of them steers a shape or has no derivative, by the first. */
async function outcomeOf({ name, model: bytes, inputs }: NodeTest): Promise<Outcome> {
  const raw = await readModel(bytes, { file: name });
  const feeds = new Map(raw.graph.inputs.map((input, i) => [input.name, inputs[i]!]));
  const real = [...feeds.keys()].filter((input) => isFloat(feeds.get(input)!.type));
  if (real.length === 0) return "no float32 input";
  let refusal: Outcome = "";
  for (const sources of real.length === 1 ? [real] : [real, real.slice(0, 1)]) {
    const point = new Map(sources.map((source) => [source, toFloat32(feeds.get(source)!)]));
    const model = await normalize(bind(raw, feeds, sources), { feeds: point, evaluate }).catch(() => undefined);
    if (model === undefined) return "does not normalize or run";
    try {
      refusal = await check(model, point, sources);
      if (!refusal.startsWith("no rule")) return refusal;
    } catch (error) {
      if (!(error instanceof PushforwardError)) throw error;
      refusal = `${error.code}: ${error.what}`;
    }
  }
  return refusal;
}

test("the format's own cases: J and Jᵀ are adjoint, and J is what differences show", { timeout: 300_000 }, async ({
  skip,
  annotate,
}) => {
  skip(sharedDir === undefined, withoutShared);
  const counts = new Map<Outcome, number>();
  const failures: Record<string, string> = {};
  for (const one of nodeTests()) {
    try {
      const outcome = await outcomeOf(one);
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    } catch (error) {
      failures[one.name] = messageOf(error);
    }
  }
  for (const [outcome, count] of counts) await annotate(`${count}: ${outcome}`);
  expect(failures).toEqual({});
  expect(counts.get("differences")).toBeGreaterThanOrEqual(FLOOR.differences);
  expect(counts.get("adjoint")).toBeGreaterThanOrEqual(FLOOR.adjoint);
});
