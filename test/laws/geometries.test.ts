import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { createBackend } from "../../src/platform/node/backend.ts";
import { interpret } from "../reference/interpret.ts";
import { fromTensor } from "../reference/tensor.ts";
import { problemOf, to64 } from "../rows/problem.ts";
import type { OpRow, RowAttributes } from "../rows/row.ts";
import { emittedJacobian } from "./emitted.ts";
import { jacobian64 } from "./jacobian64.ts";
import { gaussian64, relativeDistance } from "./vectors.ts";

const ROUNDING = 32 * 2 ** -23;
const STEP = 1e-5;

const backend = createBackend({ threads: 1 });
afterAll(() => backend.dispose());

const axis = fc.record({
  extent: fc.integer({ min: 1, max: 8 }),
  kernel: fc.integer({ min: 1, max: 4 }),
  stride: fc.integer({ min: 1, max: 4 }),
  dilation: fc.integer({ min: 1, max: 3 }),
  begin: fc.integer({ min: 0, max: 3 }),
  end: fc.integer({ min: 0, max: 3 }),
  extra: fc.integer({ min: 0, max: 3 }),
});
const geometry = fc.record({
  axes: fc.array(axis, { minLength: 1, maxLength: 2 }),
  batch: fc.integer({ min: 1, max: 2 }),
  group: fc.integer({ min: 1, max: 2 }),
  wide: fc.integer({ min: 1, max: 2 }),
});
type Geometry = typeof geometry extends fc.Arbitrary<infer T> ? T : never;

const reach = ({ kernel, dilation }: Geometry["axes"][number]) => (kernel - 1) * dilation + 1;
const windowAttributes = ({ axes }: Geometry): RowAttributes => ({
  strides: axes.map(({ stride }) => stride),
  dilations: axes.map(({ dilation }) => dilation),
  pads: [...axes.map(({ begin }) => begin), ...axes.map(({ end }) => end)],
});

const conv = (g: Geometry): OpRow => ({
  op: "Conv",
  in: {
    X: [g.batch, 2 * g.group, ...g.axes.map(({ extent }) => extent)],
    W: [g.wide * g.group, 2, ...g.axes.map(({ kernel }) => kernel)],
  },
  by: ["X", "W"],
  attrs: { ...windowAttributes(g), group: g.group },
});

const convTranspose = (g: Geometry): OpRow => ({
  op: "ConvTranspose",
  in: {
    X: [g.batch, 2 * g.group, ...g.axes.map(({ extent }) => extent)],
    W: [2 * g.group, g.wide, ...g.axes.map(({ kernel }) => kernel)],
  },
  by: ["X", "W"],
  attrs: { ...windowAttributes(g), group: g.group, output_padding: g.axes.map(({ extra }) => extra) },
});

const averagePool = (g: Geometry): OpRow => ({
  op: "AveragePool",
  in: { X: [g.batch, 2, ...g.axes.map(({ extent }) => extent)] },
  attrs: {
    ...windowAttributes(g),
    kernel_shape: g.axes.map(({ kernel }) => kernel),
    ceil_mode: g.group - 1,
    count_include_pad: g.wide - 1,
  },
  opset: 22,
});

const maxPool = (g: Geometry): OpRow => ({
  ...averagePool(g),
  op: "MaxPool",
  from: "distinct",
  attrs: withoutCount(g),
});
const withoutCount = (g: Geometry): RowAttributes => {
  const { count_include_pad: _, ...attrs } = averagePool(g).attrs!;
  return attrs;
};

/** At least one window fits the padded input. */
const fits = ({ axes }: Geometry) => axes.every((a) => a.extent + a.begin + a.end >= reach(a));
/** ONNX asks that padding be less than the kernel, so that no window lies in the padding alone. */
const poolFits = (g: Geometry) => fits(g) && g.axes.every((a) => a.begin < a.kernel && a.end < a.kernel);
/** The padding leaves some of what the windows reach; ONNX Runtime asks that output padding be less than the stride. */
const grows = ({ axes }: Geometry) =>
  axes.every((a) => (a.extent - 1) * a.stride + reach(a) > a.begin + a.end && a.extra < a.stride);

test.each([
  ["Conv", conv, fits],
  ["ConvTranspose", convTranspose, grows],
  ["AveragePool", averagePool, poolFits],
  ["MaxPool", maxPool, poolFits],
] as const)("any %s: forward, differences, J and Jᵀ", { timeout: 60_000 }, async (_op, rowOf, suits) => {
  const law = fc.asyncProperty(geometry.filter(suits), async (g) => {
    const problem = problemOf(rowOf(g));
    const expected = interpret(problem.model.onnx.graph, to64(problem.point)).get("Y0")!;
    // A dilated window may still find nothing but padding.
    fc.pre(expected.data.every(Number.isFinite));
    const truth = await jacobian64(problem);
    const v = gaussian64(truth.n, "v");
    const u = gaussian64(truth.m, "u");
    const [Jv, Jtu] = [truth.jvp(v), truth.vjp(u)];
    const [after, before] = [truth.shifted(v, STEP), truth.shifted(v, -STEP)];
    const difference = after.map((value, i) => (value - before[i]!) / (2 * STEP));
    expect(relativeDistance(Jv, difference)).toBeLessThan(1e-6);

    const J = await emittedJacobian(backend, problem);
    expect(relativeDistance(fromTensor(J.outputs.get("Y0")!).data, expected.data)).toBeLessThan(ROUNDING);
    expect(relativeDistance(await J.jvp(Float32Array.from(v), 1), Jv)).toBeLessThan(ROUNDING);
    expect(relativeDistance(await J.vjp(Float32Array.from(u), 1), Jtu)).toBeLessThan(ROUNDING);
    await J.release();
  });
  await fc.assert(law, { numRuns: 60, seed: 1 });
});
