import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { buildModel, valueInfo, writeModel } from "../../src/onnx/index.ts";
import { formatFacts } from "../../src/onnx/operator-facts.ts";
import { rows } from "../rows/index.ts";
import { problemOf } from "../rows/problem.ts";
import type { OpRow } from "../rows/row.ts";
import { hasOnnx, python, withoutOnnx } from "../support/python.ts";

/** Whether ONNX's own shape inference knows every output of each model, given the shapes of inputs but not their values. */
const INFER = `
import base64, json, sys, onnx, onnx.shape_inference
def known(data):
    graph = onnx.shape_inference.infer_shapes(onnx.load_from_string(base64.b64decode(data))).graph
    shapes = [output.type.tensor_type for output in graph.output]
    return all(t.HasField("shape") and all(d.HasField("dim_value") for d in t.shape.dim) for t in shapes)
print(json.dumps([known(data) for data in json.load(sys.stdin)]))
`;

/** A row whose inputs are all inputs of the graph, in base64. */
function withoutValues(row: OpRow): string {
  const { opsets, graph } = problemOf(row).model.onnx;
  const given = [...graph.initializers].map(([name, { type, shape }]) => valueInfo(name, type, shape));
  const outputs = graph.outputs.map(({ name, type }) => ({ name, type, shape: undefined }));
  const bare = { ...graph, inputs: [...graph.inputs, ...given], initializers: new Map(), outputs };
  return Buffer.from(writeModel(buildModel(bare, opsets.get("")))).toString("base64");
}

/** Functions of others, for which ONNX infers no shapes; their outputs have the shape of their first input. */
const notInferred = new Set(["GroupNormalization", "MeanVarianceNormalization"]);
/** Whether values decide the shapes of its outputs depends on its body. */
const ofBody = new Set(["Scan"]);

test("the shape of an output depends on values where ONNX cannot infer it without them", ({ skip }) => {
  skip(!hasOnnx(), withoutOnnx);
  const isTried = (row: (typeof rows)[number]): row is OpRow =>
    "op" in row && row.domain === undefined && !ofBody.has(row.op) && Object.values(row.in).length > 0;
  const tried = rows.filter(isTried);
  const input = JSON.stringify(tried.map(withoutValues));
  const known = JSON.parse(execFileSync(python, ["-c", INFER], { input, encoding: "utf8" })) as boolean[];
  const shaped = new Set(tried.filter(({ op }, i) => !known[i] && !notInferred.has(op)).map(({ op }) => op));
  const declared = new Set(tried.map(({ op }) => op).filter((op) => formatFacts(op).shapedBy !== undefined));
  expect([...declared].sort()).toEqual([...shaped].sort());
});

/** The number of outputs that operators must have, and those that have as many as a node lists, as ONNX's own schemas say. */
const SCHEMAS = `
import json, onnx.defs
Variadic = onnx.defs.OpSchema.FormalParameterOption.Variadic
schemas = [schema for schema in onnx.defs.get_all_schemas() if schema.domain == ""]
found = {s.name: "as listed" if any(o.option == Variadic for o in s.outputs) else max(s.min_output, 1) for s in schemas}
print(json.dumps(found))
`;

test("the outputs that an operator must name are those of ONNX's schemas", ({ skip }) => {
  skip(!hasOnnx(), withoutOnnx);
  const required = JSON.parse(execFileSync(python, ["-c", SCHEMAS], { encoding: "utf8" })) as Record<string, unknown>;
  for (const [op, count] of Object.entries(required)) expect([op, formatFacts(op).outputs ?? 1]).toEqual([op, count]);
});
