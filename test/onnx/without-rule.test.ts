import { afterAll, expect, test } from "vitest";
import { differentiable } from "../../src/autodiff/operators/index.ts";
import { composites } from "../../src/onnx/composites/index.ts";
import { buildModel, filled, int, node, normalize, type OnnxModel, valueInfo } from "../../src/onnx/index.ts";
import { whyWithoutRule, withoutRule } from "../../src/onnx/without-rule.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { evaluateWith } from "../../src/runtime/index.ts";

const backend = createBackend({ threads: 1 });
afterAll(() => backend.dispose());

test("no operator both has a rule, or is taken apart, and is listed as one that has none", () => {
  const listed = [...withoutRule.keys()];
  expect(listed.filter((key) => composites[key] !== undefined || Object.hasOwn(differentiable, key))).toEqual([]);
});

test("the reason of an operator: from the table, or that nobody knows its operator set", () => {
  expect(whyWithoutRule({ domain: "com.microsoft", op: "EPContext" })).toContain("compiled for one device");
  expect(whyWithoutRule({ domain: "", op: "EPContext" })).toBeUndefined();
  expect(whyWithoutRule({ domain: "acme", op: "EPContext" })).toBe(
    "the operator set acme belongs neither to ONNX nor to ONNX Runtime",
  );
});

/** y = relu of a decoder's attention, for which ONNX Runtime has a kernel on a card only. */
const withoutKernel = (): OnnxModel => {
  const built = buildModel({
    inputs: [valueInfo("x", "float32", [1, 1, 4])],
    outputs: [valueInfo("y", "float32", [1, 1, 4])],
    nodes: [
      node({
        op: "DecoderMaskedSelfAttention",
        domain: "com.microsoft",
        inputs: ["x", "w", "b", "", "past", "", "length"],
        outputs: ["a", "present"],
        attributes: { num_heads: int(2), past_present_share_buffer: int(1) },
        name: "attention",
      }),
      node({ op: "Relu", inputs: ["a"], outputs: ["y"] }),
    ],
    initializers: new Map([
      ["w", filled([4, 12], 0.5)],
      ["b", filled([12], 0.5)],
      ["past", filled([2, 1, 2, 3, 2], 0.5)],
      ["length", { type: "int32", shape: [1], data: Int32Array.of(2) }],
    ]),
  });
  return { ...built, opsets: new Map([...built.opsets, ["com.microsoft", 1]]) };
};

test("a network that ONNX Runtime has no kernel for is refused with the same reason", async () => {
  const opened = normalize(withoutKernel(), { evaluate: evaluateWith(backend) });
  await expect(opened).rejects.toMatchObject({
    code: "op-unsupported",
    what: "The model does not run, and its operator DecoderMaskedSelfAttention has no rule: ONNX Runtime has no kernel for it on a CPU; use the model from before it was optimized for another device.",
    where: { node: "attention", op: "DecoderMaskedSelfAttention" },
  });
});
