import { afterAll, describe, expect, test } from "vitest";
import { createRng, gaussianArray } from "../../../src/base/index.ts";
import { Network } from "../../../src/jacobian/index.ts";
import { floatTensor, normalize, writeModel } from "../../../src/onnx/index.ts";
import { createBackend } from "../../../src/platform/node/backend.ts";
import { evaluateWith } from "../../../src/runtime/index.ts";
import { adjointGap, relativeDistance } from "../../laws/vectors.ts";
import { withSession } from "../../support/ort.ts";
import { type FlowCase, flowCases } from "./cases.ts";

const backend = createBackend({ threads: 1 });
afterAll(() => backend.dispose());

/** Differences in float32 of functions of order one: rounding 6e-8 / STEP and curvature STEP² leave three digits. */
const STEP = 2 ** -7;
const DIFFERENCE = 5e-3;

/** What the file itself computes in ONNX Runtime. */
const withFile = <T>({ model }: FlowCase, use: (f: (x: ArrayLike<number>) => Promise<Float32Array>) => Promise<T>) =>
  withSession(writeModel(model), (run) => {
    const { name, shape } = model.graph.inputs[0]!;
    return use(async (x) => {
      const results = await run(new Map([[name, floatTensor(shape as number[], x)]]), ["y"]);
      return results.get("y")!.data as Float32Array;
    });
  });

describe.each(flowCases)("$name", (one) => {
  test.each([
    ["one after the other", Number.POSITIVE_INFINITY],
    ["as a repetition where that is possible", 1],
  ])(
    "with its rounds %s, it is at each point what the file computes, and J what differences show",
    async (_, manyRounds) => {
      const options = { evaluate: evaluateWith(backend), manyRounds };
      const network = new Network(await normalize(one.model, options), backend);
      const met = new Set<Network>();
      await withFile(one, async (f) => {
        for (const point of one.points) {
          const x = Float32Array.from(point);
          met.add(await network.at(x));
          using J = await network.jacobian({ at: x, from: "x", to: "y" });
          const y = await f(x);
          expect(relativeDistance(J.value, y)).toBeLessThan(1e-6);
          if (J.value.length === 0) continue;
          const v = gaussianArray(createRng("v"), x.length);
          const u = gaussianArray(createRng("u"), y.length);
          const [Jv, Jtu] = [(await J.jvp(v)).data, (await J.vjp(u)).data];
          expect(adjointGap(u, Jv, Jtu, v)).toBeLessThan(1e-6);
          const [after, before] = [
            await f(x.map((a, i) => a + STEP * v[i]!)),
            await f(x.map((a, i) => a - STEP * v[i]!)),
          ];
          const difference = after.map((value, i) => (value - before[i]!) / (2 * STEP));
          expect(relativeDistance(Jv, difference)).toBeLessThan(DIFFERENCE);
        }
      });
      expect(met.size).toBe(one.structures);
    },
  );
});
