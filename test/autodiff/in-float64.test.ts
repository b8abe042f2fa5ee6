import { afterAll, describe, expect, test } from "vitest";
import { inFloat64 } from "../../src/autodiff/index.ts";
import { differentiable } from "../../src/autodiff/operators/index.ts";
import { Network } from "../../src/jacobian/index.ts";
import {
  buildModel,
  type DataType,
  node,
  normalize,
  type OnnxModel,
  type Tensor,
  valueInfo,
} from "../../src/onnx/index.ts";
import { NEWEST_RUN } from "../../src/onnx/opset-range.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { evaluateWith } from "../../src/runtime/index.ts";
import { interpret } from "../reference/interpret.ts";
import { rows } from "../rows/index.ts";
import { problemOf, to64 } from "../rows/problem.ts";
import type { OpRow } from "../rows/row.ts";

const backend = createBackend({ threads: 1 });
afterAll(() => backend.dispose());

/**
 * Resize, whose weights are the runtime's in float32; Shrink, whose definition here differs by float32 attributes alone; and what rounds,
 * whose definition here does not.
 */
const leftOut = new Set(["Resize", "Shrink", "Quantize", "QuantizeFloat"]);

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
    tried.filter(
      ({ op, opset }) =>
        differentiable[op]!.float64 !== "none" &&
        !leftOut.has(op) &&
        opset === undefined &&
        roundedAttributes.has(op) === isRounded,
    );

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

/** A row in float64 throughout. */
function widened(row: OpRow): OnnxModel {
  const { onnx } = problemOf(row).model;
  const wide = <T extends { readonly type?: DataType | undefined }>(one: T) =>
    one.type === "float32" ? { ...one, type: "float64" as const } : one;
  const initializers = [...onnx.graph.initializers].map(
    ([name, tensor]) => [name, tensor.type === "float32" ? wideTensor(tensor) : tensor] as const,
  );
  const { inputs, outputs } = onnx.graph;
  const graph = { ...onnx.graph, inputs: inputs.map(wide), outputs: outputs.map(wide) };
  return { ...onnx, graph: { ...graph, initializers: new Map(initializers) } };
}

const wideTensor = ({ shape, data }: Tensor): Tensor => ({
  type: "float64",
  shape,
  data: Float64Array.from(data as Float32Array),
});

/**
 * Opset 18 has GroupNormalization as a function of others, which computes in float64; that of opset 21 computes in float32 in between.
 * Sigmoid has a kernel, but not what it is fused to with a product.
 */
const byFunction = new Set(["GroupNormalization", "Sigmoid"]);

const rowsOf = (op: string) => rows.filter((row): row is OpRow => "op" in row && row.op === op);

describe("ONNX Runtime has no float64 kernel where an entry says so, or writes the node with other operators", () => {
  const without = Object.keys(differentiable).filter((op) => {
    const { float64 = "kernel" } = differentiable[op]!;
    return float64 !== "kernel" && float64 !== "first output" && !byFunction.has(op);
  });
  test.each(without.filter((op) => rowsOf(op).length > 0))("%s", async (op) => {
    // In the newest operator set too: since 22, some activations have kernels in float32 alone.
    const models = rowsOf(op)
      .map(widened)
      .flatMap((model) => [model, { ...model, opsets: new Map(model.opsets).set("", NEWEST_RUN) }]);
    const compiled = await Promise.allSettled(models.map((model) => backend.compile(model)));
    for (const one of compiled) if (one.status === "fulfilled") await one.value.release();
    expect(compiled.some(({ status }) => status === "rejected")).toBe(true);
  });
});

describe("a float64 kernel that an entry claims is there in the newest operator set too", () => {
  const claimed = Object.keys(differentiable).filter((op) => (differentiable[op]!.float64 ?? "kernel") === "kernel");
  test.each(claimed)("%s", async (op) => {
    for (const row of rowsOf(op).filter(({ opset = 18 }) => opset <= NEWEST_RUN)) {
      const { model, point } = problemOf(row);
      const { onnx } = model;
      const newest = { ...onnx, opsets: new Map(onnx.opsets).set("", NEWEST_RUN) };
      const executable = await backend.compile(inFloat64(newest, (name) => model.values.get(name)));
      await executable.run(
        Object.fromEntries(point),
        onnx.graph.outputs.map(({ name }) => name),
      );
      await executable.release();
    }
  });
});

test("x · Sigmoid(x) before the source, which ONNX Runtime fuses where it is not asked for the sigmoid", async () => {
  const op = (name: string, inputs: readonly string[], output: string) => node({ op: name, inputs, outputs: [output] });
  const nodes = [op("Sigmoid", ["x"], "gate"), op("Mul", ["x", "gate"], "silu"), op("Tanh", ["silu"], "y")];
  const [inputs, outputs] = ["x", "y"].map((name) => [valueInfo(name, "float32", [2])]);
  const model = buildModel({ inputs: inputs!, outputs: outputs!, nodes, initializers: new Map() });
  const network = new Network(await normalize(model, { evaluate: evaluateWith(backend) }), backend);
  const at = Float32Array.of(-800, 1.5);
  using J = await network.jacobian({ at, from: "silu", to: "y" });
  const silu = 1.5 / (1 + Math.exp(-1.5));
  const { data } = await J.dense();
  [1, 0, 0, 1 - Math.tanh(silu) ** 2].forEach((entry, i) => {
    expect(data[i]).toBeCloseTo(entry, 6);
  });
});
