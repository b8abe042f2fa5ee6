import { expect, test } from "vitest";
import { formatProgram, linearize } from "../../src/autodiff/index.ts";
import { jacobian64 } from "../laws/jacobian64.ts";
import { evaluate64 } from "../reference/interpret.ts";
import { concatenation, gatedStep, longAttention, residualNetwork } from "../rows/graphs.ts";
import { problemOf } from "../rows/problem.ts";
import type { GraphRow } from "../rows/row.ts";

test("a program and its transpose print one line a step", async () => {
  const { program, transposed } = await jacobian64(problemOf({ ...residualNetwork, targets: ["a2"] }));
  expect(formatProgram(program)).toMatchInlineSnapshot(`
    "sources %0[1,2,6,6]
    %1 = conv[1,3,6,6](%0; W1) strides=1,1 dilations=1,1 pads=1,1,1,1 group=1
    %2 = scale[1,3,6,6](%1; primal/Add4)
    %3 = conv[1,3,6,6](%2; W2) strides=1,1 dilations=1,1 pads=1,1,1,1 group=1
    %4 = add[1,3,6,6](%2, %3)
    %5 = scale[1,3,6,6](%4; primal/Cast29)
    targets %5"
  `);
  expect(formatProgram(transposed)).toMatchInlineSnapshot(`
    "sources %0[1,3,6,6]
    %1 = scale[1,3,6,6](%0; primal/Cast29)
    %2 = convTranspose[1,3,6,6](%1; W2) strides=1,1 dilations=1,1 pads=1,1,1,1 group=1 size=6,6
    %3 = add[1,3,6,6](%1, %2)
    %4 = scale[1,3,6,6](%3; primal/Add4)
    %5 = convTranspose[1,2,6,6](%4; W1) strides=1,1 dilations=1,1 pads=1,1,1,1 group=1 size=6,6
    targets %5"
  `);
});

test("a target that stands still prints as 0", async () => {
  const { program } = await jacobian64(problemOf({ op: "Sign", in: { X: [2, 3] } }));
  expect(formatProgram(program)).toBe("sources %0[2,3]\ntargets 0");
});

test("work that no target needs is not recorded", async () => {
  const { program } = await jacobian64(problemOf({ ...residualNetwork, by: ["B2"], targets: ["c2"] }));
  expect(program.steps.map(({ op }) => op)).toEqual(["reshape", "broadcast"]);
});

test("a convolution of a concatenation goes part by part, and its transpose slices nothing", async () => {
  const { program, transposed } = await jacobian64(problemOf(concatenation));
  expect(program.steps.map(({ op }) => op)).toEqual(["conv", "conv", "conv", "conv", "add"]);
  expect(transposed.steps.map(({ op }) => op)).not.toContain("slice");
  const both = await jacobian64(problemOf({ ...concatenation, targets: ["parts", "Y"] }));
  expect(both.program.steps.filter(({ op }) => op === "concat")).toHaveLength(1);
});

const tiles: GraphRow = {
  nodes: [
    { op: "Split", in: ["X"], out: ["a", "b", "c"], attrs: { axis: 1, num_outputs: 3 } },
    { op: "Tanh", in: ["a"], out: ["ta"] },
    { op: "Sigmoid", in: ["b"], out: ["sb"] },
    { op: "Mul", in: ["ta", "sb"], out: ["ab"] },
    { op: "Mul", in: ["ab", "c"], out: ["Y"] },
  ],
  in: { X: [1, 6, 2] },
  targets: ["Y"],
  note: "parts of one tensor",
};

test("the cotangents of slices of one tensor are joined, and none is padded", async () => {
  const { transposed } = await jacobian64(problemOf(tiles));
  const ops = transposed.steps.map(({ op }) => op);
  expect(ops).not.toContain("pad");
  expect(ops.filter((op) => op === "concat")).toHaveLength(1);
  // Without the middle part, the parts around it keep their zeros.
  const gap = await jacobian64(
    problemOf({ ...tiles, nodes: tiles.nodes.toSpliced(2, 1), in: { X: [1, 6, 2], sb: [1, 2, 2] } }),
  );
  expect(formatProgram(gap.transposed).match(/(pad|concat).*/g)).toEqual([
    expect.stringMatching(/^pad.* axis=-2 before=2 after=0$/),
    expect.stringMatching(/^concat/),
  ]);
});

test("slopes before slices that tile a tensor stay as they are", async () => {
  const nodes = [{ op: "Exp", in: ["W"], out: ["X"] }, ...tiles.nodes];
  const { model, sources, targets } = problemOf({ ...tiles, nodes, in: { W: [1, 6, 2] } });
  const { program } = await linearize(model, { sources, targets, apart: true }, evaluate64);
  const first = program.steps.find(({ op }) => op === "scale");
  expect(first?.operands.map(({ name }) => name)).toEqual(["X"]);
});

test("a step of an LSTM scales its four gates at once, and cuts them out afterwards", async () => {
  const { program } = await jacobian64(problemOf({ ...gatedStep, by: ["X"], targets: ["c"] }));
  expect(program.steps.map(({ op }) => op).sort()).toEqual(
    // The output gate is not needed, so that the input gate stands alone, and the two others side by side.
    ["add", "add", "matmul", "scale", "scale", "slice", "slice", "slice", "slice"],
  );
  const whole = await jacobian64(problemOf(gatedStep));
  expect(whole.program.steps.filter(({ op }) => op === "scale")).toHaveLength(3); // The gates, the memory, and what it gives.
});

test("what Softmax subtracts from every row is subtracted behind the product with the values", async () => {
  const { program } = await jacobian64(problemOf(longAttention));
  const sizes = program.steps.flatMap(({ op, output }) => (op === "broadcast" ? [output.shape] : []));
  expect(sizes).toEqual([[1, 5, 3]]);
});
