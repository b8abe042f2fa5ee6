import { describe, expect, test } from "vitest";
import { createRng, gaussianArray, sizeOf } from "../../src/base/index.ts";
import {
  buildModel,
  floatTensor,
  normalize,
  type OnnxModel,
  type Tensor,
  valueInfo,
  writeModel,
} from "../../src/onnx/index.ts";
import { mismatch } from "../support/close.ts";
import { evaluate, runBytes } from "../support/ort.ts";
import { type Variant, variantNode, variants } from "./variants.ts";

/** float32 arithmetic in another order: some rounding errors, relative to numbers of order one. */
const rounding = { rtol: 1e-5, atol: 1e-5 };

function modelOf(row: Variant): OnnxModel {
  const node = variantNode(row);
  const model = buildModel(
    {
      inputs: Object.entries(row.in).map(([name, shape]) => valueInfo(name, "float32", shape)),
      outputs: node.outputs.filter(Boolean).map((name) => ({ name, type: undefined, shape: undefined })),
      nodes: [node],
      initializers: new Map(Object.entries(row.constants ?? {})),
    },
    row.opset,
  );
  return row.domain === undefined ? model : { ...model, opsets: new Map(model.opsets).set(row.domain, 1) };
}

describe.each(variants)("$op of opset $opset $note", (row) => {
  const model = modelOf(row);
  const feeds = new Map(
    Object.entries(row.in).map(([name, shape]): [string, Tensor] => [
      name,
      floatTensor(shape, gaussianArray(createRng("variants", row.op, name), sizeOf(shape))),
    ]),
  );

  test("takes today's form and gives the same outputs", async () => {
    const { onnx } = await normalize(model, { evaluate });
    expect(onnx.graph.nodes.map(({ op }) => op)).toEqual(row.becomes);
    expect(onnx.graph.nodes.at(-1)?.name).toBe("old");
    expect(onnx.opsets.get("")).toBe(Math.max(18, row.opset));

    const names = model.graph.outputs.map(({ name }) => name);
    const want = await runBytes(writeModel(model), feeds);
    const got = await evaluate(onnx, feeds, names);
    for (const name of names) expect(mismatch(got.get(name)!, want.get(name)!, rounding)).toBeUndefined();
  });
});
