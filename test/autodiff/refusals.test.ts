import { describe, expect, test } from "vitest";
import { linearize } from "../../src/autodiff/index.ts";
import { PushforwardError } from "../../src/base/index.ts";
import { floatTensor } from "../../src/onnx/index.ts";
import { evaluate64 } from "../reference/interpret.ts";
import { type Problem, problemOf } from "../rows/problem.ts";
import type { Row } from "../rows/row.ts";

async function refusal({ model, sources, targets }: Problem): Promise<string> {
  const error = await linearize(model, { sources, targets }, evaluate64).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(PushforwardError);
  expect((error as PushforwardError).code).toBe("op-unsupported");
  return (error as PushforwardError).format();
}

const rows: readonly (readonly [reason: string, row: Row, message: string])[] = [
  [
    "statistics that move with the batch",
    {
      op: "BatchNormalization",
      in: { X: [2, 3], scale: [3], B: [3], mean: [3], var: { shape: [3], from: "positive" } },
      attrs: { training_mode: 1 },
    },
    "it is in training mode.",
  ],
  [
    "an attribute that the rule does not know",
    { op: "SpaceToDepth", in: { X: [1, 1, 2, 2] }, attrs: { blocksize: 2, mode: "CRD" } },
    "its attribute mode is not known to the rule of SpaceToDepth.",
  ],
  [
    "an axis that is computed",
    {
      nodes: [
        { op: "ArgMax", in: ["X"], out: ["axis"], attrs: { axis: 0, keepdims: 0 } },
        { op: "CumSum", in: ["X", "axis"], out: ["Y"] },
      ],
      in: { X: floatTensor([2], [2, 1]) },
      targets: ["Y"],
      note: "",
    },
    "input 1 of CumSum must not depend on the network's input.",
  ],
];

describe("what cannot be differentiated says so", () => {
  test.each(rows)("%s", async (_reason, row, message) => {
    const text = await refusal(problemOf(row));
    expect(text).toMatch(/^error: J\(.*\) cannot be computed\. \w+ "\S*": /);
    expect(text).toContain(`": ${message}`);
    expect(text).toContain("do  Choose a target before these nodes");
  });

  test("all nodes without a rule are named at once", async () => {
    const problem = problemOf({
      nodes: [
        { op: "Relu", in: ["X"], out: ["a"] },
        { op: "Identity", in: ["a"], out: ["b"] },
        { op: "Sum", in: ["b", "b"], out: ["Y"] },
      ],
      in: { X: [2] },
      targets: ["Y"],
      note: "",
    });
    const { onnx } = problem.model;
    const nodes = onnx.graph.nodes.map((node) =>
      node.op === "Relu" ? node : { ...node, op: node.op === "Sum" ? "StringSplit" : "NonMaxSuppression" },
    );
    const model = { ...problem.model, onnx: { ...onnx, graph: { ...onnx.graph, nodes } } };
    expect(await refusal({ ...problem, model })).toMatchInlineSnapshot(`
      "error: J(X → Y) cannot be computed. NonMaxSuppression "b": it has no rule: its results are whole numbers, truth values or texts, where tangents end. StringSplit "Y": it has no rule: its results are whole numbers, truth values or texts, where tangents end.
        at  node b, op NonMaxSuppression
        do  Choose a target before these nodes (\`pushforward inspect\` lists the taps in reach), or add a rule: CONTRIBUTING.md."
    `);
  });
});
