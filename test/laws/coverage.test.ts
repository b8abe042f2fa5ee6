import { describe, expect, test } from "vitest";
import { linearOps } from "../../src/autodiff/linear-ops/table.ts";
import { differentiable } from "../../src/autodiff/operators/index.ts";
import { families, rows } from "../rows/index.ts";
import { problemOf } from "../rows/problem.ts";
import type { Row } from "../rows/row.ts";
import { jacobian64 } from "./jacobian64.ts";

const opsOf = (row: Row) => ("op" in row ? [row.op] : row.nodes.map(({ op }) => op));

/** Rows that a family has at least, so that none is lost unseen. */
const FLOORS: Readonly<Record<string, number>> = {
  activation: 43,
  arithmetic: 102,
  convolution: 61,
  indexing: 100,
  "linear-algebra": 78,
  normalization: 37,
  pooling: 114,
  quantized: 8,
  reduction: 91,
  repetitions: 8,
  shape: 148,
  graphs: 10,
};

describe("coverage", () => {
  test("every operator has a row", () => {
    const tried = new Set(rows.flatMap(opsOf));
    expect(Object.keys(differentiable).filter((op) => !tried.has(op))).toEqual([]);
  });

  test("every linear operation is met, in a program or its transpose", async () => {
    const met = new Set<string>();
    for (const row of rows) {
      const { program, transposed } = await jacobian64(problemOf(row));
      for (const { op } of [...program.steps, ...transposed.steps]) met.add(op);
    }
    expect([...met].sort()).toEqual(Object.keys(linearOps).sort());
  });

  test.each(Object.entries(families))("%s keeps its rows", (family, own) => {
    expect(own.length).toBeGreaterThanOrEqual(FLOORS[family]!);
  });

  test("what does not move with its input has no tangent at all", async () => {
    const still = ["Sign", "Floor", "Ceil", "Round", "IsNaN", "IsInf", "Equal", "Greater", "GreaterOrEqual", "Less"];
    still.push("LessOrEqual", "Hardmax", "ArgMax", "ArgMin", "Shape", "Size", "NonZero", "EyeLike", "MelWeightMatrix");
    for (const row of rows.filter((row) => "op" in row && still.includes(row.op))) {
      const { program } = await jacobian64(problemOf(row));
      expect(program.steps).toEqual([]);
      expect(program.targets).toEqual([undefined]);
    }
  });
});
