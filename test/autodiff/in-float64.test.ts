import { afterAll, describe, expect, test } from "vitest";
import { inFloat64 } from "../../src/autodiff/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { interpret } from "../reference/interpret.ts";
import { rows } from "../rows/index.ts";
import { problemOf, to64 } from "../rows/problem.ts";
import type { OpRow } from "../rows/row.ts";

const backend = createBackend({ threads: 1 });
afterAll(() => backend.dispose());

/**
 * Operators that run in float32 between casts; Resize, whose weights are the runtime's in float32; and two whose definition here
 * differs by float32 attributes alone.
 */
const leftOut = new Set(
  "Erf Gelu Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh Resize Hardmax Range Shrink".split(" "),
);

/** Operators with attributes that a file holds in float32: their definitions here take float64 ones. */
const roundedAttributes = new Set(
  "LeakyRelu Elu Selu HardSigmoid HardSwish BatchNormalization LayerNormalization".split(" "),
);

/** The relative difference of an operator's output in float64 from its definition, and whether float32 would hold it. */
async function compare(row: OpRow): Promise<{ difference: number; isFloat32: boolean }> {
  const { model, point } = problemOf(row);
  const { graph } = inFloat64(model.onnx, (name) => model.values.get(name));
  const [output] = model.onnx.graph.outputs;
  const wide = `${output!.name}/float64`;
  const outputs = [{ ...output!, name: wide, type: "float64" as const }];
  const executable = await backend.compile({ ...model.onnx, graph: { ...graph, outputs } });
  const found = (await executable.run(Object.fromEntries(point), [wide]))[wide]!.data as Float64Array;
  await executable.release();
  const truth = interpret(model.onnx.graph, to64(point)).get(output!.name)!.data;
  const scale = truth.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  const difference = found.reduce((max, value, i) => Math.max(max, Math.abs(value - truth[i]!)), 0) / (scale || 1);
  return { difference, isFloat32: found.every((value) => Math.fround(value) === value) };
}

const tried = rows.filter(
  (row): row is OpRow => "op" in row && problemOf(row).model.onnx.graph.outputs[0]!.type === "float32",
);

describe("the pass that decides over kinks runs in float64", () => {
  const rowsWith = (isRounded: boolean) =>
    tried.filter(({ op, opset }) => !leftOut.has(op) && opset === undefined && roundedAttributes.has(op) === isRounded);

  test.each(rowsWith(false))("$op $note", async (row) => {
    // Sums of at most some hundred terms: 100 · 2⁻⁵³ would be 1.1e-14.
    expect((await compare(row)).difference).toBeLessThan(1e-12);
  });

  test.each(rowsWith(true))("$op $note, but for its attributes", async (row) => {
    const { difference, isFloat32 } = await compare(row);
    expect(difference).toBeLessThan(2 ** -23);
    expect(difference < 1e-12 || !isFloat32).toBe(true);
  });
});
