import { describe, expect, test } from "vitest";
import { constant, type LinearProgram, linearize } from "../../src/autodiff/index.ts";
import { differentiable } from "../../src/autodiff/operators/index.ts";
import { sizeOf } from "../../src/base/index.ts";
import { type Node, readAttributes } from "../../src/onnx/index.ts";
import { formatFacts } from "../../src/onnx/operator-facts.ts";
import { evaluate64, interpret } from "../reference/interpret.ts";
import { rows } from "../rows/index.ts";
import { problemOf, to64 } from "../rows/problem.ts";
import type { OpRow } from "../rows/row.ts";

/** Of each operator, on all rows: the kinds of its kinks, and whether it kept values that depend on the point. */
async function observed() {
  const kinks = new Map<string, Set<string>>();
  const keeps = new Set<string>();
  for (const row of rows) {
    const { model, sources, targets } = problemOf(row);
    const found = await linearize(model, { sources, targets, apart: true }, evaluate64);
    const opOf = (tensor: string) => model.onnx.graph.nodes.find(({ outputs }) => outputs.includes(tensor))!.op;
    for (const { of, kind } of found.kinks?.of ?? []) kinks.set(opOf(of), (kinks.get(opOf(of)) ?? new Set()).add(kind));
    for (const { of } of found.kept) keeps.add(opOf(of!));
  }
  return { kinks, keeps };
}

/** The multiply-adds of the convolutions and matrix products of a program, from the shapes of its steps. */
function countIn({ steps }: LinearProgram): number {
  return steps.reduce((total, { op, inputs: [x], operands: [w], output }) => {
    switch (op) {
      case "conv":
        return total + sizeOf(output.shape) * sizeOf(w!.shape.slice(1));
      case "convTranspose": // It adds what each entry of x spreads.
        return total + sizeOf(x!.shape) * sizeOf(w!.shape.slice(1));
      case "convWeight": // The tangent is that of the weights.
        return total + sizeOf(output.shape) * sizeOf(x!.shape.slice(1));
      case "matmul":
        return total + sizeOf(output.shape) * x!.shape.at(-1)!;
      case "matmulLeft":
        return total + sizeOf(output.shape) * x!.shape.at(-2)!;
      default:
        return total;
    }
  }, 0);
}

/** The operands of an Einsum of three or more have different costs. */
const hasOneCost = ({ op, in: inputs }: OpRow) => op !== "Einsum" || Object.keys(inputs).length < 3;

/**
 * Not the axis of a CumSum, nor the scale of a Resize that keeps the extent: they are values and no shapes. A transposed convolution
 * by its weights is computed as a plain one of more entries.
 */
const isCounted = (row: OpRow) => {
  const { op, by, note } = row;
  return (
    hasOneCost(row) && op !== "CumSum" && note !== "over all axes" && !(op === "ConvTranspose" && by?.includes("W"))
  );
};

test.each(rows.filter((row): row is OpRow => "op" in row && isCounted(row)))(
  "the multiply-adds of $op $note are those that its rule records",
  async (row) => {
    const { model, sources, targets } = problemOf(row);
    const { program } = await linearize(model, { sources, targets, apart: true }, evaluate64);
    const [node] = model.onnx.graph.nodes as [Node];
    const shaped = (name: string) => ({ shape: model.values.get(name)?.shape ?? [] });
    const shapes = { inputs: node.inputs.map(shaped), outputs: node.outputs.map(shaped) };
    const attributes = readAttributes(node.attributes, differentiable[row.op]!.attributes ?? []);
    const cost = differentiable[row.op]!.multiplyAdds?.({ ...shapes, attributes }) ?? 0;
    const moving = node.inputs.slice(0, 2).filter((input) => sources.includes(input));
    expect(cost * moving.length).toBe(countIn(program));
  },
);

describe("the entry of an operator states what its rule does", async () => {
  const { kinks, keeps } = await observed();
  test.each(Object.entries(differentiable))("%s", (op, entry) => {
    expect({ kinks: entry.kinks === undefined ? [] : [entry.kinks] }).toEqual({ kinks: [...(kinks.get(op) ?? [])] });
    expect({ keeps: entry.keeps !== undefined }).toEqual({ keeps: keeps.has(op) });
  });
});

/**
 * DepthToSpace and SpaceToDepth are taps, though J to them has the same σ as J to their inputs: stored runs have their names. Unique
 * leaves out equal entries, which no row has.
 */
const stayTaps = new Set(["DepthToSpace", "SpaceToDepth", "Unique"]);

/** Whether all rows of an operator hand on the entries of their first input, each once. */
function handsOn(op: string): boolean {
  const tried = rows.filter((row): row is OpRow => "op" in row && row.op === op);
  return tried.every((row) => {
    const { model, point } = problemOf(row);
    const values = interpret(model.onnx.graph, to64(point));
    const [x, y] = [Object.keys(row.in)[0]!, "Y0"].map((name) => values.get(name)!);
    const sorted = (data: ArrayLike<number>) => [...Float32Array.from(data)].sort();
    return y!.type !== "float32" || sorted(y!.data).join() === sorted(x!.data).join();
  });
}

test("what only rearranges the entries of its input is declared, and an infinity passes through it", () => {
  const moving = Object.keys(differentiable).filter((op) => differentiable[op]!.rule !== constant);
  const found = moving.filter((op) => handsOn(op) && differentiable[op]!.multiplyAdds === undefined);
  const declared = moving.filter((op) => differentiable[op]!.rearranges);
  const passes = (op: string) => formatFacts(op).moves === "first input" || formatFacts(op).infinity === "passes";
  expect(declared.filter((op) => !passes(op))).toEqual([]);
  expect(declared.sort()).toEqual(found.filter((op) => !stayTaps.has(op)).sort());
});

test("what multiplies by an input that may be weights says how they form filters", () => {
  const multiplying = Object.keys(differentiable).filter((op) => differentiable[op]!.multiplyAdds !== undefined);
  const weighted = Object.keys(differentiable).filter((op) => differentiable[op]!.weights !== undefined);
  // The matrices of a Resize are made by its rule, and that of an Inverse is its result.
  expect(weighted.sort()).toEqual(multiplying.filter((op) => op !== "Resize" && op !== "Inverse").sort());
});
