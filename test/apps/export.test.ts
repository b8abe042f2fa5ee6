import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type DerivativeKind,
  type ExportOptions,
  exportDerivative,
  type Network,
  type OpenModelOptions,
  openModel,
} from "../../src/apps/node/index.ts";
import { createRng, gaussianArray, type Shape, sizeOf } from "../../src/base/index.ts";
import { writeNpy } from "../../src/images/npy.ts";
import {
  buildModel,
  float,
  floatTensor,
  int,
  ints,
  node,
  type OnnxModel,
  type Tensor,
  valueInfo,
  writeModel,
} from "../../src/onnx/index.ts";
import { relativeDistance } from "../laws/vectors.ts";
import { runBytes } from "../support/ort.ts";
import { hasOnnxRuntime, python, withoutOnnxRuntime } from "../support/python.ts";
import { sharedDir, sharedPath, withoutShared } from "../support/shared.ts";
import { type Outcome, pushforward } from "./command-line.ts";
import { convnet, recurrentNet, residualNet } from "./networks.ts";
import { createWorkplace, type Workplace } from "./workplace.ts";

/** Rounding of float32 passes and products, relative to norms. */
const ROUNDING = 2e-6;
const random = (count: number, ...seed: readonly (number | string)[]) => gaussianArray(createRng(...seed), count);

/** y = softmax((x t0)² / √(1 + v0²)), s times, whose tensors have the names that exported graphs would like to use. */
const namesakes = buildModel({
  inputs: [valueInfo("tangent", "float32", [1, 3]), valueInfo("s", "float32", [])],
  outputs: [valueInfo("jvp", "float32", [1, 4])],
  nodes: [
    node({ op: "MatMul", inputs: ["tangent", "t0"], outputs: ["v0"] }),
    node({ op: "Mul", inputs: ["v0", "v0"], outputs: ["y0"] }),
    node({ op: "Add", inputs: ["y0", "scalar_-0.5"], outputs: ["ints_1"] }),
    node({ op: "Sqrt", inputs: ["ints_1"], outputs: ["jvp/t1"] }),
    node({ op: "Div", inputs: ["y0", "jvp/t1"], outputs: ["t3"] }),
    node({ op: "Softmax", inputs: ["t3"], outputs: ["kept/v0"], attributes: { axis: int(-1) } }),
    node({ op: "Mul", inputs: ["kept/v0", "s"], outputs: ["t4"] }),
    node({ op: "LeakyRelu", inputs: ["t4"], outputs: ["jvp"], attributes: { alpha: float(0.1) } }),
  ],
  initializers: new Map([
    ["t0", floatTensor([3, 4], random(12, "t0"))],
    ["scalar_-0.5", floatTensor([1], [1])],
  ]),
});

const linearNet = buildModel({
  inputs: [valueInfo("x", "float32", [1, 2])],
  outputs: [valueInfo("y", "float32", [1, 3])],
  nodes: [node({ op: "MatMul", inputs: ["x", "w"], outputs: ["y"] })],
  initializers: new Map([["w", floatTensor([2, 3], random(6, "w"))]]),
});

const softmaxNet = buildModel({
  inputs: [valueInfo("x", "float32", [1, 5])],
  outputs: [valueInfo("p", "float32", [1, 5])],
  nodes: [node({ op: "Softmax", inputs: ["x"], outputs: ["p"], attributes: { axis: int(-1) } })],
  initializers: new Map(),
});

/** An LSTM over the steps of GELU(xW + b), with x rounded to codes. The batch and the number of steps are open. */
const standard = buildModel({
  inputs: [valueInfo("x", "float32", ["N", "S", 4])],
  outputs: [valueInfo("y", "float32", ["S", 1, "N", 3])],
  nodes: [
    node({ op: "QuantizeLinear", inputs: ["x", "scale", "zero"], outputs: ["codes"] }),
    node({ op: "DequantizeLinear", inputs: ["codes", "scale", "zero"], outputs: ["levels"] }),
    node({ op: "MatMul", inputs: ["levels", "w"], outputs: ["product"] }),
    node({ op: "BiasGelu", domain: "com.microsoft", inputs: ["product", "b"], outputs: ["gelu"] }),
    node({ op: "Transpose", inputs: ["gelu"], outputs: ["steps"], attributes: { perm: ints([1, 0, 2]) } }),
    node({ op: "LSTM", inputs: ["steps", "in", "back"], outputs: ["y"], attributes: { hidden_size: int(3) } }),
  ],
  initializers: new Map<string, Tensor>([
    ["scale", floatTensor([], [0.02])],
    ["zero", { type: "uint8", shape: [], data: Uint8Array.of(128) }],
    ["w", floatTensor([4, 6], random(24, "w"))],
    ["b", floatTensor([6], random(6, "b"))],
    ["in", floatTensor([1, 12, 6], random(72, "in"))],
    ["back", floatTensor([1, 12, 3], random(36, "back"))],
  ]),
});
const mixed = { ...standard, opsets: new Map([...standard.opsets, ["com.microsoft", 1]]) };

interface Case {
  readonly model: OnnxModel;
  readonly from?: string;
  readonly to?: string;
  readonly opening?: OpenModelOptions;
}
const cases: Readonly<Record<string, Case>> = {
  convnet: { model: convnet() },
  "inside a convnet": { model: convnet(), from: "conv1", to: "conv2" },
  "between parts of taps": { model: convnet(), from: "conv1[0,1]", to: "conv2[0,1:3,2]" },
  "with branches": { model: residualNet(), to: "sum2" },
  "with names that are taken": { model: namesakes, opening: { inputs: { s: 2 } } },
  "that is linear": { model: linearNet },
  "with open axes, codes, a step in time, and an operator of ONNX Runtime's": {
    model: mixed,
    opening: { inputShape: [5, 4], quantized: "straight-through" },
  },
  "whose derivative keeps its value": { model: softmaxNet },
};

let place: Workplace;
beforeAll(async () => {
  const files = Object.entries(cases).map(([name, { model }]) => [`${name}.onnx`, writeModel(model)]);
  place = await createWorkplace({
    ...Object.fromEntries(files),
    "recurrent.onnx": writeModel(recurrentNet()),
    "x.npy": writeNpy({ shape: [1, 12, 12], data: random(144, "point", 0) }),
  });
});
afterAll(() => place.remove());

const floats = (shape: Shape, data: Float32Array): Tensor => ({ type: "float32", shape, data });

describe.each(Object.entries(cases))("a network %s", (name, { opening, ...ends }) => {
  let net: Network;
  let point: Float32Array;
  let source: Shape;
  let target: Shape;
  beforeAll(async () => {
    net = await openModel(place.path(`${name}.onnx`), opening);
    point = random(sizeOf(net.input.shape), "point", 0);
    using J = await net.jacobian({ at: point, ...endsOf(ends) });
    ({ source, target } = J);
  });
  afterAll(() => net.close());

  const written = async (kind: DerivativeKind, options: Omit<ExportOptions, "kind"> = {}) => {
    const derivative = await exportDerivative(net, { kind, ...endsOf(ends), ...options });
    return { ...derivative, run: (feeds: Map<string, Tensor>) => runBytes(derivative.bytes(), feeds) };
  };
  const input = () => new Map([[net.input.tensor, floats([1, ...net.input.shape], point)]]);

  describe.each(["jvp", "vjp"] as const)("%s", (kind) => {
    const given = kind === "jvp" ? "tangent" : "cotangent";
    const sides = () => (kind === "jvp" ? [source, target] : [target, source]) as [Shape, Shape];
    const block = (K: number) => floats([K, ...sides()[0]], random(K * sizeOf(sides()[0]), kind, K));
    /** What this library computes for the block. */
    const expected = async ({ data }: Tensor) => {
      using J = await net.jacobian({ at: point, ...endsOf(ends) });
      return (await J[kind](data as Float32Array)).data;
    };

    test.each([1, 3])("computes the pass inside, with %i vectors", async (K) => {
      const file = await written(kind, { withPrimal: true });
      const [own] = file.inputs.filter(({ shape }) => shape?.[0] === "K");
      const vectors = block(K);
      const results = [...(await file.run(new Map([...input(), [own!.name, vectors]]))).values()];
      const [value, product] = results as [Tensor, Tensor];
      expect(product.shape).toEqual([K, ...sides()[1]]);
      expect(relativeDistance(product.data as Float32Array, await expected(vectors))).toBeLessThan(ROUNDING);
      const whole = ends.to === undefined ? net.output : net.tap(ends.to.split("[")[0]!);
      const [wanted] = await net.forward(point, [whole]);
      expect(relativeDistance(value.data as Float32Array, wanted!)).toBeLessThan(ROUNDING);
    });

    test.each([false, true])("takes what the pass keeps by its names (float64: %s)", async (float64) => {
      const [pass, file] = [await written("linear", { float64 }), await written(kind)];
      const kept = await pass.run(input());
      const names = pass.outputs.slice(1).map((output) => output.name);
      expect(names.filter((one) => !one.startsWith("kept/"))).toEqual([]);
      expect(file.inputs[0]!.name).toBe(given);
      expect(
        file.inputs
          .slice(1)
          .map((one) => one.name)
          .sort(),
      ).toEqual([...names].sort());
      const vectors = block(2);
      const feeds = new Map([[given, vectors], ...names.map((one) => [one, kept.get(one)!] as const)]);
      const product = (await file.run(feeds)).get(kind)!;
      expect(relativeDistance(product.data as Float32Array, await expected(vectors))).toBeLessThan(ROUNDING);
    });

    test("is a constant of one point", async () => {
      const file = await written(kind, { at: point });
      expect(file.inputs.map((one) => one.name)).toEqual([given]);
      const vectors = block(2);
      const product = (await file.run(new Map([[given, vectors]]))).get(kind)!;
      expect(relativeDistance(product.data as Float32Array, await expected(vectors))).toBeLessThan(ROUNDING);
    });

    test("says what it is", async () => {
      const { metadata } = await written(kind, { withPrimal: true });
      const shapes = { source_shape: JSON.stringify(source), target_shape: JSON.stringify(target) };
      const all = { kind, ...shapes, kept: "computed", pass: "float32", model_sha256: net.identity.sha256 };
      for (const [key, value] of Object.entries(all)) expect(metadata).toHaveProperty([`pushforward.${key}`], value);
    });
  });
});

const endsOf = ({ from, to }: Pick<Case, "from" | "to">) => ({
  ...(from === undefined ? {} : { from }),
  ...(to === undefined ? {} : { to }),
});

/** 3x where the sum of x is positive, and −x elsewhere. */
const decided = buildModel({
  inputs: [valueInfo("x", "float32", [1, 2])],
  outputs: [valueInfo("y", "float32", [1, 2])],
  nodes: [
    node({ op: "ReduceSum", inputs: ["x"], outputs: ["sum"], attributes: { keepdims: int(0) } }),
    node({ op: "Greater", inputs: ["sum", "zero"], outputs: ["positive"] }),
    node({
      ...{ op: "If", inputs: ["positive"], outputs: ["y"] },
      attributes: Object.fromEntries(
        [3, -1].map((factor) => [
          factor > 0 ? "then_branch" : "else_branch",
          {
            kind: "graph",
            value: {
              ...{ name: `times${factor}`, inputs: [], outputs: [valueInfo("z", "float32", [1, 2])] },
              nodes: [node({ op: "Mul", inputs: ["x", "factor"], outputs: ["z"] })],
              initializers: new Map([["factor", floatTensor([], [factor])]]),
            },
          } as const,
        ]),
      ),
    }),
  ],
  initializers: new Map([["zero", floatTensor([], [0])]]),
});

test("a network whose structure values decide is exported at a point, where it is that of the point", async () => {
  await place.put("decided.onnx", writeModel(decided));
  const net = await openModel(place.path("decided.onnx"));
  try {
    for (const kind of ["jvp", "vjp", "linear"] as const) {
      await expect(exportDerivative(net, { kind, withPrimal: kind !== "linear" })).rejects.toThrow(
        "Values of the inputs decide what the network computes",
      );
    }
    for (const [at, factor] of [
      [1, 3],
      [-1, -1],
    ] as const) {
      const file = await exportDerivative(net, { kind: "jvp", at: Float32Array.of(at, at) });
      const product = (await runBytes(file.bytes(), new Map([["tangent", floats([1, 2], Float32Array.of(1, 2))]]))).get(
        "jvp",
      )!;
      expect([...(product.data as Float32Array)]).toEqual([factor, 2 * factor]);
    }
  } finally {
    await net.close();
  }
});

test.skipIf(sharedDir === undefined)(`networks as PyTorch exports them (${withoutShared})`, async () => {
  for (const name of ["index_assignment.dynamo", "bert_sdpa_op23.fixed", "mamba_eager.legacy", "tf_nhwc.fixed"]) {
    const net = await openModel(sharedPath("zoo", `${name}.onnx`));
    try {
      const { input } = net;
      const at = random(sizeOf(input.shape), name);
      using J = await net.jacobian({ at });
      const u = random(2 * sizeOf(J.target), "u");
      const file = await exportDerivative(net, { kind: "vjp", withPrimal: true });
      const own = file.inputs.find(({ name: one }) => one === input.tensor)!;
      const feeds = new Map([
        [input.tensor, floats(own.shape as Shape, at)],
        ["cotangent", floats([2, ...J.target], u)],
      ]);
      const found = (await runBytes(file.bytes(), feeds)).get("vjp")!;
      expect(relativeDistance(found.data as Float32Array, (await J.vjp(u)).data), name).toBeLessThan(ROUNDING);
    } finally {
      await net.close();
    }
  }
});

describe("the command", () => {
  const run = (...args: readonly string[]): Promise<Outcome> => pushforward(args, { cwd: place.folder });

  test("writes the file, and tells its inputs and outputs", async () => {
    const { code, stdout } = await run(
      "export",
      "convnet.onnx",
      "--jvp",
      "--with-primal",
      "--to",
      "conv2",
      "--out",
      "J.onnx",
    );
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `J.onnx

        name     type     shape
──────  ───────  ───────  ─────────
input   picture  float32  1×1×12×12
input   tangent  float32  K×1×12×12
output  conv2    float32  1×6×6×6
output  jvp      float32  K×6×6×6
`,
    });
    expect((await readFile(place.path("J.onnx"))).length).toBeGreaterThan(1000);
  });

  test("prints JSON, and takes a point from a file", async () => {
    const { code, stdout } = await run(
      "export",
      "convnet.onnx",
      "--vjp",
      "--at",
      "x.npy",
      "--json",
      "--out",
      "Jt.onnx",
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      file: "Jt.onnx",
      inputs: [{ name: "cotangent", type: "float32", shape: ["K", 10] }],
      outputs: [{ name: "vjp", type: "float32", shape: ["K", 1, 12, 12] }],
      metadata: { "pushforward.kind": "vjp", "pushforward.kept": "constants" },
    });
  });

  test.each([
    [["convnet.onnx"], 2, /It is not said what to export/],
    [["convnet.onnx", "--jvp", "--vjp"], 2, /One file holds one graph/],
    [["convnet.onnx", "--jvp", "--with-primal", "--at", "x.npy"], 2, /either constants of one point or computed/],
    [["convnet.onnx", "--linear", "--with-primal"], 2, /The pass itself is asked for/],
    [["convnet.onnx", "--jvp", "--to", "conv3"], 2, /There is no tap "conv3"/],
    [["convnet.onnx", "--jvp", "--from", "relu2", "--to", "conv1"], 2, /"conv1" does not depend on "relu2"/],
    [["convnet.onnx", "--jvp", "--out", "convnet.onnx"], 2, /written over the network itself/],
    [["convnet.onnx", "--jvp", "--out", "nowhere/J.onnx"], 2, /nowhere/],
  ])("refuses %j", async (args, code, message) => {
    const out = args.includes("--out") ? [] : ["--out", "refused.onnx"];
    const outcome = await run("export", ...args, ...out);
    expect(outcome).toMatchObject({ code, stdout: "" });
    expect(outcome.stderr).toMatch(message);
    expect(await place.list()).not.toContain("refused.onnx");
  });
});

describe.skipIf(!hasOnnxRuntime())(`Python (${withoutOnnxRuntime})`, () => {
  const script = fileURLToPath(new URL("check-derivative.py", import.meta.url));

  test.each(Object.entries(cases))(
    "%s: onnx.checker accepts every file, and ONNX Runtime there agrees",
    async (name, { opening, ...ends }) => {
      const net = await openModel(place.path(`${name}.onnx`), opening);
      try {
        const point = random(sizeOf(net.input.shape), "point", 0);
        using J = await net.jacobian({ at: point, ...endsOf(ends) });
        const v = random(2 * sizeOf(J.source), "v");
        const u = random(2 * sizeOf(J.target), "u");
        await place.put("point.npy", writeNpy({ shape: [1, ...net.input.shape], data: point }));
        await place.put("v.npy", writeNpy({ shape: [2, ...J.source], data: v }));
        await place.put("u.npy", writeNpy({ shape: [2, ...J.target], data: u }));
        await place.put("Jv.npy", writeNpy(await J.jvp(v)));
        await place.put("Jtu.npy", writeNpy(await J.vjp(u)));
        const write = async (file: string, options: ExportOptions) =>
          place.put(file, (await exportDerivative(net, { ...endsOf(ends), ...options }, "1.2.3")).bytes());
        for (const kind of ["jvp", "vjp"] as const) {
          await write(`${kind}.onnx`, { kind });
          await write(`${kind}-inside.onnx`, { kind, withPrimal: true });
          await write(`${kind}-at.onnx`, { kind, at: point });
        }
        await write("linear.onnx", { kind: "linear" });
        const printed = execFileSync(python, [script, place.folder], { encoding: "utf8" });
        const worst = JSON.parse(printed) as Record<string, number>;
        expect(Object.keys(worst)).toHaveLength(6);
        for (const by of Object.values(worst)) expect(by).toBeLessThan(ROUNDING);
      } finally {
        await net.close();
      }
    },
  );
});
