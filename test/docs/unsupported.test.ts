import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { operatorOf } from "../../src/autodiff/index.ts";
import { composites } from "../../src/onnx/composites/index.ts";
import { upgrades } from "../../src/onnx/upgrade-table.ts";
import { withoutRule } from "../../src/onnx/without-rule.ts";
import { hasOnnx, python, withoutOnnx } from "../support/python.ts";

/** The operators of the newest version that read and give tensors of real numbers or no tensors, in JSON. */
const LIST = `
import json, re
def is_real(types): return any(re.match(r"(optional\\(|seq\\(|map\\()*(tensor\\((float|double|bfloat|complex)|.*map\\()", t) for t in types)
def moves(schema, typed):
    types = {c.type_param_str: list(c.allowed_type_strs) for c in schema.type_constraints}
    of = lambda parameters: any(is_real(types.get(typed(p), [typed(p)])) for p in parameters)
    return of(schema.inputs) and of(schema.outputs)
def listed(schemas, typed):
    newest = {}
    for s in schemas:
        if s.since_version >= newest.get((s.domain, s.name), s).since_version: newest[s.domain, s.name] = s
    print(json.dumps([f"{d}:{n}".lstrip(":") for (d, n), s in newest.items() if not s.deprecated and moves(s, typed)]))
`;
const OF_ONNX = `${LIST}
import onnx.defs
listed(onnx.defs.get_all_schemas(), lambda p: p.type_str)
`;

function listed(script: string): string[] {
  return JSON.parse(execFileSync(python, ["-c", script], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
}

/** Control flow, sequences and optionals are resolved at the point. */
const FLOW = /^(If|Loop|Scan|Sequence\w+|Optional\w*|SplitToSequence|ConcatFromSequence)$/;

/** Operators of quantized numbers are written with floats. */
const QUANTIZED = /^(ConvInteger|MatMulInteger|QLinear(Conv|MatMul)|(Dynamic)?QuantizeLinear|DequantizeLinear)$/;

const isSupported = (key: string): boolean => {
  const [domain, op] = key.includes(":") ? (key.split(":") as [string, string]) : ["", key];
  return (
    operatorOf({ domain, op })?.rule !== undefined ||
    composites[key] !== undefined ||
    upgrades[key] !== undefined ||
    QUANTIZED.test(key) ||
    FLOW.test(key)
  );
};

test("every operator of ONNX that takes and gives real numbers can be differentiated, or has a reason", ({ skip }) => {
  skip(!hasOnnx(), withoutOnnx);
  const operators = listed(OF_ONNX);
  expect(operators.length).toBeGreaterThan(150);
  const left = operators.filter((key) => !isSupported(key));
  expect(left.length).toBeLessThanOrEqual(4);
  expect(left.filter((key) => !withoutRule.has(key))).toEqual([]);
});
