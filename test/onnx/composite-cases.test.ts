import { expect, test } from "vitest";
import type { Shape } from "../../src/base/index.ts";
import { composites } from "../../src/onnx/composites/index.ts";
import { isRandom } from "../../src/onnx/fold.ts";
import {
  floatTensor,
  type Node,
  normalize,
  operatorKey,
  readModel,
  type Tensor,
  toNumbers,
} from "../../src/onnx/index.ts";
import { toFloat32 } from "../../src/onnx/precision.ts";
import { relativeDistance } from "../laws/vectors.ts";
import { mismatch, onnxTolerance, type Tolerance } from "../support/close.ts";
import { nodeTests } from "../support/onnx-node.ts";
import { evaluate } from "../support/ort.ts";
import { sharedDir, withoutShared } from "../support/shared.ts";

/** The least number of cases that contain a composite, a little below what there was when this was written. */
const FLOOR = 85;

/** Half-precision cases are computed in single precision here: they may differ by roundings of 2^-11 (2^-8 for bfloat16). */
const halfTolerance: Tolerance = { rtol: 2e-2, atol: 5e-3 };

test("the format's own cases of composites give their outputs, also where ONNX Runtime lacks the operator", {
  timeout: 300_000,
}, async ({ skip }) => {
  skip(sharedDir === undefined, withoutShared);
  const failures: Record<string, string> = {};
  let passed = 0;
  for (const { name, model: bytes, inputs, outputs } of nodeTests()) {
    const model = await readModel(bytes, { file: name });
    const isComposite = (node: Node) => composites[operatorKey(node)] !== undefined;
    // What is drawn at random is tried by draws.test.ts.
    if (!model.graph.nodes.some(isComposite) || model.graph.nodes.some(isRandom)) continue;
    const feeds = new Map(model.graph.inputs.map((input, i) => [input.name, inputs[i]!]));
    try {
      const { onnx } = await normalize(model, { feeds, evaluate });
      const single = new Map(
        onnx.graph.inputs.map(({ name: input, type = "float32", shape = [] }): [string, Tensor] => {
          const given = toFloat32(feeds.get(input)!);
          return [input, given.type === type ? given : floatTensor(shape as Shape, toNumbers(given))];
        }),
      );
      const fetches = model.graph.outputs.map((output) => output.name);
      const computed = fetches.filter((fetch) => !onnx.graph.initializers.has(fetch));
      const results = new Map([...onnx.graph.initializers, ...(await evaluate(onnx, single, computed))]);
      const isHalf = [...inputs, ...outputs].some(({ type }) => type.endsWith("float16"));
      fetches.forEach((fetch, i) => {
        const [got, want] = [results.get(fetch)!, toFloat32(outputs[i]!)];
        const gap = mismatch(got, want, isHalf ? halfTolerance : onnxTolerance);
        if (gap === undefined) return;
        // Entries that are sums of larger numbers are off by the rounding of these.
        if (got.type !== "float32" || got.data.length !== want.data.length) throw new Error(`${fetch}: ${gap}`);
        const isRounding = relativeDistance(got.data as Float32Array, want.data as Float32Array) < 1e-6;
        if (!isRounding) throw new Error(`${fetch}: ${gap}`);
      });
      passed++;
    } catch (error) {
      failures[name] = (error as Error).message;
    }
  }
  expect(failures).toEqual({});
  expect(passed).toBeGreaterThanOrEqual(FLOOR);
});
