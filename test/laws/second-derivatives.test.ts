import { describe, expect, test } from "vitest";
import { appendProduct, linearize } from "../../src/autodiff/index.ts";
import { buildModel, floatTensor, type Model, normalize, type Tensor } from "../../src/onnx/index.ts";
import { evaluate64, interpret } from "../reference/interpret.ts";
import { families } from "../rows/index.ts";
import { type Problem, problemOf, to64 } from "../rows/problem.ts";
import { titleOf } from "../rows/row.ts";
import { evaluate } from "../support/ort.ts";
import { jacobian64 } from "./jacobian64.ts";
import { adjointGap, distance, gaussian64, norm } from "./vectors.ts";

/** As for first derivatives. */
const STEP = 1e-5;
const TOLERANCE = 1e-6;

/** The function of a problem's product with random vectors: what the graph of the pass and of the product computes. */
async function productOf(
  { model, point, sources, targets }: Problem,
  kind: "jvp" | "vjp",
): Promise<Problem | undefined> {
  const linearization = await linearize(model, { sources, targets }, evaluate64);
  const { graph, vectors, products } = appendProduct(linearization, kind, linearization.primal.graph, targets);
  const moving = products.filter((name) => name !== undefined);
  if (moving.length === 0) return undefined;
  const shapeOf = (name: string) =>
    graph.inputs.find((input) => input.name === name)!.shape!.map((extent) => (extent === "K" ? 1 : Number(extent)));
  const drawn = vectors.map((name, i): [string, Tensor] => {
    const shape = shapeOf(name);
    const size = shape.reduce((product, extent) => product * extent, 1);
    return [name, floatTensor(shape, gaussian64(size, "vector", i))];
  });
  const all = new Map([...point, ...drawn]);
  const initializers = new Map([...graph.initializers].map(([name, tensor]) => [name, inFloat32(tensor)]));
  const onnx = buildModel({ ...graph, initializers }, model.onnx.opsets);
  const parts = { point: all, sources, targets: moving };
  // The Scan of a product has another form before it is normalized.
  if (onnx.graph.nodes.some(({ op }) => op === "Scan")) {
    return { model: await normalize(onnx, { evaluate, feeds: all, manyRounds: 1 }), ...parts };
  }
  const values = [...interpret(onnx.graph, to64(all))].map(
    ([name, { type, shape }]) => [name, { type, shape }] as const,
  );
  return { model: { onnx, values: new Map(values) } satisfies Model, ...parts };
}

/** Constants that the reference interpreter computed are float64. */
const inFloat32 = (tensor: Tensor): Tensor =>
  tensor.type === "float64" ? floatTensor(tensor.shape, tensor.data as Float64Array) : tensor;

describe.each(Object.entries(families))("%s", (_family, rows) => {
  describe.each(rows.map((row) => [titleOf(row), row] as const))("%s", (_title, row) => {
    test.each(["jvp", "vjp"] as const)(
      "the derivative of its %s agrees with differences, and with its transpose",
      async (kind) => {
        const product = await productOf(problemOf(row), kind);
        if (product === undefined) return; // Its derivative is zero by structure, and so are all further ones.
        const D = await jacobian64(product);
        const [v, u] = [gaussian64(D.n, "v", 0), gaussian64(D.m, "u", 0)];
        const Dv = D.jvp(v);
        const [after, before] = [D.shifted(v, STEP), D.shifted(v, -STEP)];
        const difference = after.map((value, i) => (value - before[i]!) / (2 * STEP));
        const allowed = TOLERANCE * Math.max(norm(Dv), norm(difference)) + 1e-10 * (1 + norm(after));
        expect(distance(Dv, difference)).toBeLessThan(allowed);
        // A second derivative that is zero but for rounding is so next to the product.
        const isZero = Math.max(norm(Dv), norm(difference)) < 1e-10 * (1 + norm(after));
        if (!isZero) expect(adjointGap(u, Dv, D.vjp(u), v)).toBeLessThan(1e-12);
      },
    );
  });
});
