import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { composites } from "../../src/onnx/composites/index.ts";
import { buildModel, float, int, type Node, node, normalize, valueInfo } from "../../src/onnx/index.ts";
import { upgrades } from "../../src/onnx/upgrade-table.ts";
import { evaluate } from "../support/ort.ts";
import { hasOnnx, python, withoutOnnx } from "../support/python.ts";

const modelOf = (one: Node, opset: number) => ({
  ...buildModel(
    {
      inputs: [valueInfo("x", "float32", [1, 2])],
      outputs: [{ name: "y", type: undefined, shape: undefined }],
      nodes: [one],
      initializers: new Map(),
    },
    opset,
  ),
  opsets: new Map([
    ["", opset],
    ["com.microsoft", 1],
  ]),
});

describe("a rewriting refuses an attribute that it does not know", () => {
  test.each([
    ["old", "Softmax", "", 12],
    ["fused", "QuickGelu", "com.microsoft", 18],
  ])("of an %s operator", async (_kind, op, domain, opset) => {
    const one = node({
      op,
      domain,
      inputs: ["x"],
      outputs: ["y"],
      attributes: { temperature: float(2), extra: int(1) },
      name: "odd",
    });
    await expect(normalize(modelOf(one, opset), { evaluate: async () => new Map() })).rejects.toMatchObject({
      code: "op-unsupported",
      what: `The attributes temperature, extra of ${op} are not supported.`,
      where: { node: "odd", op },
    });
  });

  test("and passes those that it knows", async () => {
    const one = node({ op: "Softmax", inputs: ["x"], outputs: ["y"], attributes: { axis: int(1) } });
    const { onnx } = await normalize(modelOf(one, 12), { evaluate });
    expect(onnx.graph.nodes.map(({ op }) => op)).toEqual(["Softmax"]);
  });
});

/** Attributes by operator and version, as the schemas of ONNX list them: of opset 7 and later. */
const SCHEMAS = `
import json, onnx.defs
found = {}
for schema in onnx.defs.get_all_schemas_with_history():
    if schema.domain == "":
        found.setdefault(schema.name, []).append((schema.since_version, sorted(schema.attributes)))
print(json.dumps(found))
`;

/** The attributes of an operator of ONNX in the versions that were in force in opset 7 and later, and before opset `before`; `undefined` for others. */
function schemaAttributes(): (op: string, before: number) => string[] | undefined {
  const listed = execFileSync(python, ["-c", SCHEMAS], { encoding: "utf8" });
  const schemas = JSON.parse(listed) as Record<string, [version: number, attributes: string[]][]>;
  return (op, before) => {
    const versions = schemas[op];
    if (versions === undefined) return undefined;
    const first = Math.max(...versions.map(([version]) => version).filter((version) => version <= 7), 0);
    const inForce = versions.filter(([version]) => version >= first && version < before);
    return [...new Set(inForce.flatMap(([, own]) => own))].sort();
  };
}

test("the attributes declared for old operators are those of ONNX's schemas", ({ skip }) => {
  skip(!hasOnnx(), withoutOnnx);
  const attributesOf = schemaAttributes();
  for (const [op, { before, attributes }] of Object.entries(upgrades)) {
    expect([op, [...attributes].sort()]).toEqual([op, attributesOf(op, before)]);
  }
});

test("those declared for operators that are taken apart are those of ONNX's schemas", ({ skip }) => {
  skip(!hasOnnx(), withoutOnnx);
  const attributesOf = schemaAttributes();
  const declared = new Map(Object.entries(composites).map(([op, { attributes }]) => [op, [...attributes].sort()]));
  const known = [...declared.keys()].filter((op) => attributesOf(op, Number.POSITIVE_INFINITY) !== undefined);
  expect(known.length).toBeGreaterThan(8);
  for (const op of known) expect([op, declared.get(op)]).toEqual([op, attributesOf(op, Number.POSITIVE_INFINITY)]);
});

/** The same for the operators that ONNX Runtime adds. */
const CONTRIBUTED = `
import json
from onnxruntime.capi.onnxruntime_pybind11_state import get_all_operator_schema
print(json.dumps({f"{s.domain}:{s.name}".lstrip(":"): sorted(s.attributes) for s in get_all_operator_schema()}))
`;

function contributed(): Record<string, string[]> | undefined {
  try {
    return JSON.parse(
      execFileSync(python, ["-c", CONTRIBUTED], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }),
    );
  } catch {
    return undefined;
  }
}

test("those declared for fused operators are those of ONNX Runtime's schemas", ({ skip }) => {
  const schemas = contributed();
  skip(schemas === undefined, "skipped: no Python with an onnxruntime that lists its schemas, see PUSHFORWARD_PYTHON");
  const known = Object.entries(composites).filter(([key]) => key.includes(":") && schemas?.[key] !== undefined);
  expect(known.length).toBeGreaterThan(8);
  for (const [key, { attributes }] of known) expect([key, [...attributes].sort()]).toEqual([key, schemas?.[key]]);
});
