import { afterAll, describe, expect, test } from "vitest";
import { createRng, gaussianArray, sizeOf } from "../../src/base/index.ts";
import { Network } from "../../src/jacobian/index.ts";
import {
  type Attributes,
  buildModel,
  float,
  floatTensor,
  int,
  ints,
  intTensor,
  node,
  normalize,
  type OnnxModel,
  type Tensor,
  text,
  valueInfo,
  writeModel,
} from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { evaluateWith } from "../../src/runtime/index.ts";
import { withSession } from "../support/ort.ts";

const backend = createBackend({ threads: 1 });
afterAll(() => backend.dispose());

/** Resize and its ancestors are linear, so that differences are exact but for rounding. */
const ROUNDING = 2e-6;

const shape = [1, 1, 5, 7];

interface Case {
  readonly name: string;
  readonly op: string;
  readonly opset: number;
  readonly inputs: readonly (Tensor | undefined)[];
  readonly attributes: Attributes;
}

const scales = (...values: number[]) => floatTensor([values.length], values);
const none = floatTensor([0], []);
const coordinates: Readonly<Record<number, readonly string[]>> = {
  11: ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_half_pixel_for_nn"],
  13: ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"],
  18: ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"],
  19: ["half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric"],
};

/** What Resize can be told beside its mode, for versions from 11 on. */
const details: readonly (readonly [mode: string, attributes: Attributes, from: number])[] = [
  ["linear", {}, 11],
  ["cubic", {}, 11],
  ["cubic", { cubic_coeff_a: float(-0.5), exclude_outside: int(1) }, 11],
  ...["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"].map(
    (nearest) => ["nearest", { nearest_mode: text(nearest) }, 11] as const,
  ),
  ["linear", { antialias: int(1) }, 18],
  ["cubic", { antialias: int(1), cubic_coeff_a: float(-0.5), exclude_outside: int(1) }, 18],
];

/** Wanted sizes by how a node states them; every pair enlarges one axis and shrinks the other, or goes one way. */
const wanted: readonly (readonly [note: string, inputs: readonly (Tensor | undefined)[], attributes: Attributes])[] = [
  ["sizes", [undefined, undefined, intTensor([1, 1, 8, 4])], {}],
  ["one row", [undefined, undefined, intTensor([1, 1, 1, 9])], {}],
  ["scales", [undefined, scales(1, 1, 1.3, 0.7)], {}],
];

const policies: readonly (readonly [note: string, inputs: readonly (Tensor | undefined)[], attributes: Attributes])[] =
  [
    ...["stretch", "not_larger", "not_smaller"].flatMap((policy) =>
      [
        [9, 10],
        [3, 6],
        [7, 4],
      ].map(
        (sizes) =>
          [
            `${policy} ${sizes}`,
            [undefined, undefined, intTensor(sizes)],
            { keep_aspect_ratio_policy: text(policy), axes: ints([2, 3]) },
          ] as const,
      ),
    ),
  ];

const modern: readonly Case[] = [11, 13, 18, 19].flatMap((opset) =>
  coordinates[opset]!.flatMap((transformation) =>
    details
      .filter(([, , from]) => opset >= from)
      .flatMap(([mode, detail]) =>
        [...wanted, ...(opset >= 18 ? policies : [])].map(([note, inputs, attributes]) => ({
          name: `${transformation} ${mode} ${JSON.stringify(Object.values(detail).map(({ value }) => value))} ${note}`,
          op: "Resize",
          opset,
          // Before opset 13 an empty tensor says that an input is not given.
          inputs: opset < 13 ? inputs.map((tensor) => tensor ?? none) : inputs,
          attributes: {
            ...detail,
            ...attributes,
            mode: text(mode),
            coordinate_transformation_mode: text(transformation),
          },
        })),
      ),
  ),
);

const old: readonly Case[] = ["nearest", "linear"].flatMap((mode): Case[] => [
  ...[
    [2, 1.7],
    [0.6, 0.5],
    [2, 0.6],
    [0.5, 1.3],
    [1, 0.6],
  ].map((by) => ({
    name: `${mode} by ${by}`,
    op: "Resize",
    opset: 10,
    inputs: [scales(1, 1, ...by)],
    attributes: { mode: text(mode) },
  })),
  {
    name: `${mode} by an input`,
    op: "Upsample",
    opset: 9,
    inputs: [scales(1, 1, 2, 1.7)],
    attributes: { mode: text(mode) },
  },
  {
    name: `${mode} by an attribute`,
    op: "Upsample",
    opset: 7,
    inputs: [],
    attributes: { mode: text(mode), scales: { kind: "floats", value: [1, 1, 2, 1.7] } as const },
  },
]);

/** The node with its steering inputs computed in the graph, as exporters leave them. */
function modelOf({ op, opset, inputs, attributes }: Case): OnnxModel {
  const given = inputs.map((tensor, i) => (tensor === undefined ? "" : `s${i}`));
  const computed = given
    .filter(Boolean)
    .map((name) => node({ op: "Identity", inputs: [`${name}/stored`], outputs: [name] }));
  return buildModel(
    {
      inputs: [valueInfo("x", "float32", shape)],
      outputs: [{ name: "y", type: undefined, shape: undefined }],
      nodes: [...computed, node({ op, inputs: ["x", ...given], outputs: ["y"], attributes })],
      initializers: new Map(inputs.flatMap((tensor, i) => (tensor === undefined ? [] : [[`s${i}/stored`, tensor]]))),
    },
    opset,
  );
}

/**
 * J by differences, [m, n] row-major: (f(x + e) − f(x − e))/2 of the original, as ONNX Runtime runs it; `undefined` where it
 * does not.
 */
function byDifferences(bytes: Uint8Array): Promise<Float32Array | undefined> {
  const n = sizeOf(shape);
  const x = gaussianArray(createRng("resize"), n);
  return withSession(bytes, async (run) => {
    const at = async (i: number, step: number) => {
      const moved = x.map((value, j) => (j === i ? value + step : value));
      return (await run(new Map([["x", floatTensor(shape, moved)]]))).get("y")!.data as Float32Array;
    };
    const first = await at(0, 0);
    const J = new Float32Array(first.length * n);
    for (let i = 0; i < n; i++) {
      const [after, before] = [await at(i, 1), await at(i, -1)];
      for (let row = 0; row < first.length; row++) J[row * n + i] = (after[row]! - before[row]!) / 2;
    }
    return J;
  }).catch(() => undefined);
}

/** Compares J of a case with its differences. */
async function check(one: Case): Promise<"right" | "not run by ONNX Runtime"> {
  const model = modelOf(one);
  const want = await byDifferences(writeModel(model));
  if (want === undefined) return "not run by ONNX Runtime";
  const network = new Network(await normalize(model, { evaluate: evaluateWith(backend) }), backend);
  const got = (await (await network.jacobian({ at: 0 })).dense()).data;
  await network.forget();
  expect([one.name, got.length]).toEqual([one.name, want.length]);
  const gap = Math.max(...got.map((entry, i) => Math.abs(entry - want[i]!)));
  expect(gap, `${one.name}, opset ${one.opset}`).toBeLessThan(ROUNDING);
  return "right";
}

describe("J of Resize is what differences of ONNX Runtime's output give", () => {
  test.each(old)("$op of opset $opset: $name", async (one) => {
    expect(await check(one)).toBe("right");
  });

  test.each([11, 13, 18, 19])(
    "opset %i: modes, coordinates and policies",
    async (opset) => {
      // All 1161 cases were tried once; 11 is coprime to the length of every list, so that all values are still met.
      const cases = modern.filter((one) => one.opset === opset).filter((_, i) => i % 11 === 0);
      for (const one of cases) expect([one.name, await check(one)]).toEqual([one.name, "right"]);
    },
    60_000,
  );
});
