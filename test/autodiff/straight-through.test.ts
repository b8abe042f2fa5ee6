import { afterAll, describe, expect, test } from "vitest";
import { createRng, gaussianArray, sizeOf } from "../../src/base/index.ts";
import { Network } from "../../src/jacobian/index.ts";
import {
  buildModel,
  floatTensor,
  int,
  node,
  normalize,
  type OnnxModel,
  type Tensor,
  toNumbers,
  valueInfo,
} from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { emittedJacobian } from "../laws/emitted.ts";
import { adjointGap, distance, norm } from "../laws/vectors.ts";
import { type QuantizedCase, quantizedCases } from "../onnx/quantized-cases.ts";
import { interpret } from "../reference/interpret.ts";
import { fromTensor } from "../reference/tensor.ts";
import { evaluate } from "../support/ort.ts";

const backend = createBackend({ threads: 1 });
afterAll(() => backend.dispose());

const pointOf = (shape: readonly number[]) => floatTensor(shape, gaussianArray(createRng("x"), sizeOf(shape)));

/** The nearest point with odd codes, which rounding does not change: so nothing before a second rounding differs without it. */
function onGrid(x: Tensor, { graph }: OnnxModel): Tensor {
  const [scale, zero] = ["s", "z"].map((name) => toNumbers(graph.initializers.get(name)!)[0]!) as [number, number];
  const level = (value: number) => scale * (2 * Math.round((value / scale + zero) / 2) + 1 - zero);
  return { ...x, data: (x.data as Float32Array).map(level) };
}

/** Central differences of what the graph would compute without rounding. */
const STEP = 1e-5;
/** J is computed in float32. */
const TOLERANCE = 4e-6;

describe("J passes rounding as if nothing were rounded", () => {
  test.each(quantizedCases.map((one): [string, QuantizedCase] => [one.name, one]))(
    "%s",
    async (_, { model, input }) => {
      const normalized = await normalize(model, { evaluate, quantized: "straight-through" });
      expect(normalized.quantized).toBe("straight-through");
      const point = new Map([["x", onGrid(pointOf(input), model)]]);
      const J = await emittedJacobian(backend, { model: normalized, point, sources: ["x"], targets: ["y"] });
      const v = gaussianArray(createRng("v"), J.n);
      const Jv = await J.jvp(v, 1);
      // The reference interpreter does not round.
      const start = fromTensor(point.get("x")!);
      const at = (step: number) => {
        const x = { ...start, data: start.data.map((value, i) => value + step * v[i]!) };
        return interpret(normalized.onnx.graph, new Map([["x", x]])).get("y")!.data;
      };
      const [after, before] = [at(STEP), at(-STEP)];
      const difference = after.map((value, i) => (value - before[i]!) / (2 * STEP));
      expect(norm(Jv)).toBeGreaterThan(0);
      expect(distance(difference, Jv)).toBeLessThan(TOLERANCE * norm(Jv));
      const u = gaussianArray(createRng("u"), J.m);
      expect(adjointGap(u, Jv, await J.vjp(u, 1), v)).toBeLessThan(1e-6);
      await J.release();
    },
  );
});

const step: Tensor = floatTensor([], [0.05]);
const zero: Tensor = { type: "int8", shape: [], data: Int8Array.of(-3) };
const weights = floatTensor([3, 2], [1, -2, 0.5, 3, -1, 0.25]);

/** x [1, 3] · W between two roundings of x, or of x and of the product. */
const product = buildModel(
  {
    inputs: [valueInfo("x", "float32", [1, 3])],
    outputs: [valueInfo("y", "float32", [1, 2])],
    nodes: [
      node({ op: "QuantizeLinear", inputs: ["x", "step", "zero"], outputs: ["q"] }),
      node({ op: "DequantizeLinear", inputs: ["q", "step", "zero"], outputs: ["d"] }),
      node({ op: "MatMul", inputs: ["d", "w"], outputs: ["y"] }),
    ],
    initializers: new Map([
      ["step", step],
      ["zero", zero],
      ["w", weights],
    ]),
  },
  17,
);

test("numbers beyond the range have no derivative; those within have that of the product", async () => {
  const network = new Network(await normalize(product, { evaluate, quantized: "straight-through" }), backend);
  // The codes reach from −128 to 127, so x from −6.25 to 6.5, and half a step beyond.
  const J = await network.jacobian({ at: Float32Array.of(1.234, 6.51, -6.3), from: "x", to: "y" });
  using v = J.algebra.upload(Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1), 3);
  using Jv = await J.apply(v);
  expect([...(await Jv.read())]).toEqual([1, -2, 0.5, 3, 0, 0]);
  await network.close();
});

test("without the choice, the reason says what to choose", async () => {
  const model = await normalize(product, { evaluate });
  const network = new Network(model, backend);
  await expect(network.jacobian({ at: 0, to: "y" })).rejects.toMatchObject({
    code: "op-unsupported",
    what: 'J(x → y) cannot be computed. Quantize "q": it rounds to quantized numbers, which tangents pass only with --quantized straight-through (in the library: quantized).',
  });
  await network.close();
});

test("the scale of a dynamic quantization is held fixed", async () => {
  const model = buildModel(
    {
      inputs: [valueInfo("x", "float32", [4, 3])],
      outputs: [valueInfo("y", "float32", [4, 2])],
      nodes: [
        node({ op: "DynamicQuantizeLinear", inputs: ["x"], outputs: ["q", "s", "z"] }),
        node({ op: "MatMulInteger", inputs: ["q", "w", "z"], outputs: ["sums"] }),
        node({ op: "Cast", inputs: ["sums"], outputs: ["floats"], attributes: { to: int(1) } }),
        node({ op: "Mul", inputs: ["floats", "s"], outputs: ["y"] }),
      ],
      initializers: new Map([["w", { type: "int8", shape: [3, 2], data: Int8Array.of(1, -2, 3, 4, -5, 6) } as Tensor]]),
    },
    13,
  );
  const network = new Network(await normalize(model, { evaluate, quantized: "straight-through" }), backend);
  const J = await network.jacobian({ at: pointOf([4, 3]).data as Float32Array, from: "x", to: "y" });
  const direction = gaussianArray(createRng("v"), 12);
  using v = J.algebra.upload(direction, 1);
  using Jv = await J.apply(v);
  const found = await Jv.read();
  const w = toNumbers(model.graph.initializers.get("w")!);
  for (let row = 0; row < 4; row++) {
    for (let column = 0; column < 2; column++) {
      const expected = [0, 1, 2].reduce((sum, k) => sum + direction[3 * row + k]! * w[2 * k + column]!, 0);
      expect(found[2 * row + column]).toBeCloseTo(expected, 5);
    }
  }
  await network.close();
});
