import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { differentiable, families } from "../../src/autodiff/operators/index.ts";
import { hasOnnx, python, withoutOnnx } from "../support/python.ts";

/** Attributes of ONNX that a rule does not know, so that a node with one is refused. */
const unknown: Readonly<Record<string, readonly string[]>> = {
  // Repetitions have none: their rounds lie along first axes.
  Scan: ["scan_input_axes", "scan_output_axes"],
  // Since opset 28; ONNX Runtime does not run it yet.
  SpaceToDepth: ["mode"],
};

/** Attributes of every operator, from the version in force at opset 18 on, as ONNX's own schemas list them. */
const SCHEMAS = `
import json, onnx.defs
found = {}
for schema in onnx.defs.get_all_schemas_with_history():
    if schema.domain == "":
        found.setdefault(schema.name, []).append(schema)
def names(versions):
    start = max([v.since_version for v in versions if v.since_version <= 18], default=0)
    return sorted({name for v in versions if v.since_version >= start for name in v.attributes})
print(json.dumps({op: names(versions) for op, versions in found.items()}))
`;

test("what is declared is what ONNX's schemas list", ({ skip }) => {
  skip(!hasOnnx(), withoutOnnx);
  const schemas = JSON.parse(execFileSync(python, ["-c", SCHEMAS], { encoding: "utf8" })) as Record<string, string[]>;
  // The others are this project's own, or ONNX Runtime's.
  const isOfOnnx = ([op]: readonly [string, unknown]) => !(op in families.quantized!) && op !== "Inverse";
  for (const [op, { attributes: known = [] }] of Object.entries(differentiable).filter(isOfOnnx)) {
    expect([op, [...known, ...(unknown[op] ?? [])].sort()]).toEqual([op, schemas[op]]);
  }
});
