import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile, stat, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Network, openModel } from "../../src/apps/node/index.ts";
import { writeOnnx } from "../../src/apps/node/write-file.ts";
import { createRng, gaussianArray } from "../../src/base/index.ts";
import { buildModel, floatTensor, node, readModel, type Tensor, valueInfo, writeModel } from "../../src/onnx/index.ts";
import { decodeModel } from "../../src/onnx/proto.ts";
import { IN_MEMORY, splitWeights } from "../../src/onnx/split-weights.ts";
import { relativeDistance } from "../laws/vectors.ts";
import { hasOnnxRuntime, python, withoutOnnxRuntime } from "../support/python.ts";
import { createWorkplace, type Workplace } from "./workplace.ts";

/** Layers of 16 MiB: five of them are more than what a graph holds itself. */
const SIZE = 2048;
const LAYERS = 5;
const some = gaussianArray(createRng("large"), 3001).map((value) => value / Math.sqrt(SIZE));
const weights = Array.from({ length: LAYERS }, (_, layer) =>
  floatTensor(
    [SIZE, SIZE],
    Float32Array.from({ length: SIZE * SIZE }, (_entry, i) => some[(i + 7 * layer) % some.length]!),
  ),
);

/** Five matrices with tanh between them. */
const model = buildModel({
  inputs: [valueInfo("x", "float32", [1, SIZE])],
  outputs: [valueInfo(`h${LAYERS}`, "float32", [1, SIZE])],
  nodes: weights.flatMap((_, i) => [
    node({ op: "MatMul", inputs: [i === 0 ? "x" : `h${i}`, `w${i}`], outputs: [`m${i}`] }),
    node({ op: "Tanh", inputs: [`m${i}`], outputs: [`h${i + 1}`] }),
  ]),
  initializers: new Map(weights.map((tensor, i) => [`w${i}`, tensor])),
});

/** Whether two tensors hold the same numbers, compared quickly. */
function sameBytes(a: Tensor, b: Tensor): boolean {
  const [own, other] = [a.data as Float32Array, b.data as Float32Array].map(({ buffer, byteOffset, byteLength }) =>
    Buffer.from(buffer, byteOffset, byteLength),
  );
  return own!.equals(other!);
}

/** The same, but its first matrix is stored turned and is turned back by a node: what is computed from that node is in no file. */
const turned = buildModel({
  ...model.graph,
  nodes: [node({ op: "Transpose", inputs: ["turned"], outputs: ["w0"], attributes: {} }), ...model.graph.nodes],
  initializers: new Map(
    [...model.graph.initializers].map((entry, i) => (i === 0 ? ["turned", transposed(weights[0]!)] : entry)),
  ),
});

function transposed({ data }: Tensor): Tensor {
  const w = data as Float32Array;
  return floatTensor(
    [SIZE, SIZE],
    Float32Array.from({ length: SIZE * SIZE }, (_entry, i) => w[(i % SIZE) * SIZE + Math.floor(i / SIZE)]!),
  );
}

let place: Workplace;
const bytes = writeModel(model);
beforeAll(async () => {
  place = await createWorkplace({ "large.onnx": bytes, "turned.onnx": writeModel(turned) });
  await writeOnnx(place.path("beside.onnx"), { model }, 0);
});
afterAll(() => place.remove());

/** J·v in float64, by the chain rule. */
function reference(x: Float32Array, v: Float32Array): Float64Array {
  let [value, tangent] = [Float64Array.from(x), Float64Array.from(v)];
  for (const { data } of weights) {
    const w = data as Float32Array;
    const times = (row: Float64Array) => {
      const product = new Float64Array(SIZE);
      for (let i = 0; i < SIZE; i++) {
        const factor = row[i]!;
        for (let j = 0; j < SIZE; j++) product[j] = product[j]! + factor * w[i * SIZE + j]!;
      }
      return product;
    };
    const bent = times(value).map(Math.tanh);
    tangent = times(tangent).map((entry, i) => entry * (1 - bent[i]! ** 2));
    value = bent;
  }
  return tangent;
}

const point = gaussianArray(createRng("point"), SIZE);
const v = gaussianArray(createRng("v"), SIZE);

test.each(["large.onnx", "beside.onnx", "turned.onnx"])("%s opens, and J·v is right", async (name) => {
  const net: Network = await openModel(place.path(name));
  try {
    using J = await net.jacobian({ at: point });
    expect(relativeDistance((await J.jvp(v)).data, reference(point, v))).toBeLessThan(2e-6);
  } finally {
    await net.close();
  }
});

test.each(["large.onnx", "beside.onnx.data"])(
  "J·v is that of the file that was opened where %s is another by then",
  async (name) => {
    const opened = name.startsWith("large") ? "large.onnx" : "beside.onnx";
    const whole = await readFile(place.path(name));
    const net = await openModel(place.path(opened));
    try {
      await writeFile(place.path(name), new Uint8Array(whole.length));
      using J = await net.jacobian({ at: point });
      expect(relativeDistance((await J.jvp(v)).data, reference(point, v))).toBeLessThan(2e-6);
    } finally {
      await net.close();
      await writeFile(place.path(name), whole);
    }
  },
);

test("a large model is known by the hash of its file", async () => {
  const net = await openModel(place.path("large.onnx"));
  await net.close();
  expect(net.identity).toEqual({ sha256: createHash("sha256").update(bytes).digest("hex") });
});

/** What the highest resident memory of a process grows by while a file is opened, and then while J·v and Jᵀ·u are computed: bytes. */
function growthOf(file: string): { open: number; jacobian: number } {
  const script = `
    const { openModel } = await import(${JSON.stringify(new URL("../../src/apps/node/index.ts", import.meta.url).href)});
    const most = () => 1024 * process.resourceUsage().maxRSS;
    await (await openModel("examples/digits/digits.onnx")).close();
    const before = most();
    const net = await openModel(${JSON.stringify(place.path(file))});
    const opened = most();
    const J = await net.jacobian({ at: new Float32Array(${SIZE}) });
    await J.jvp(new Float32Array(${SIZE}));
    await J.vjp(new Float32Array(${SIZE}));
    console.log(JSON.stringify({ open: opened - before, jacobian: most() - before }));
    process.exit(0);`;
  const args = ["--import", import.meta.resolve("tsx"), "--input-type=module", "-e", script];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" }));
}

test.each(["large.onnx", "beside.onnx", "turned.onnx"])(
  "%s takes little more memory than twice its weights, and J and Jᵀ two times more",
  (name) => {
    const { open, jacobian } = growthOf(name);
    const weight = 4 * SIZE * SIZE;
    // Read once, and mapped while a pass runs.
    expect(open).toBeLessThan((2 * LAYERS + 2) * weight);
    // Read once, packed for J and for Jᵀ, and a few weights on their way there.
    expect(jacobian).toBeLessThan((3 * LAYERS + 3) * weight);
  },
);

test("without its weights, a large model is the same with external data in memory or in its file", async () => {
  for (const padding of ["", "p", "pp", "ppp", "pppp"]) {
    const file = writeModel({ ...model, producer: padding });
    const own = Buffer.from(file);
    const { light, inFile, pieces, moved } = splitWeights(own, "large.onnx")!;
    expect(Buffer.concat(pieces).equals(file)).toBe(true);
    for (const [bytes, location, from] of [
      [light, IN_MEMORY, own],
      [inFile, "large.onnx", file],
    ] as const) {
      expect(bytes.length).toBeLessThan(10_000);
      const tensors = decodeModel(bytes).graph!.initializer!;
      expect(tensors.map(({ name, dataLocation }) => [name, dataLocation])).toEqual(
        weights.map((_, i) => [`w${i}`, 1]),
      );
      const read = await readModel(bytes, {
        external: async (place, offset, length) => {
          expect(place).toBe(location);
          if (location === IN_MEMORY) expect([offset % 8, moved.has(offset)]).toEqual([0, true]);
          return from.subarray(offset, offset + length!);
        },
      });
      for (const [name, tensor] of read.graph.initializers) {
        expect(sameBytes(tensor, model.graph.initializers.get(name)!)).toBe(true);
        if (location === IN_MEMORY) expect((tensor.data as Float32Array).buffer === own.buffer).toBe(true);
      }
      expect({ ...read.graph, initializers: [] }).toEqual({ ...(await readModel(file)).graph, initializers: [] });
    }
  }
});

test("weights that do not fit into one file are written beside it", async () => {
  expect((await stat(place.path("beside.onnx"))).size).toBeLessThan(10_000);
  expect((await stat(place.path("beside.onnx.data"))).size).toBe(LAYERS * 4 * SIZE * SIZE);
});

test.skipIf(!hasOnnxRuntime())(`other programs read them there (${withoutOnnxRuntime})`, () => {
  const script = `
import onnx, sys
onnx.checker.check_model(sys.argv[1])
a, b = (onnx.load(file).graph.initializer for file in sys.argv[1:])
print(all(onnx.numpy_helper.to_array(x).tobytes() == onnx.numpy_helper.to_array(y).tobytes() for x, y in zip(a, b)))`;
  const printed = execFileSync(python, ["-c", script, place.path("beside.onnx"), place.path("large.onnx")]);
  expect(printed.toString().trim()).toBe("True");
});
