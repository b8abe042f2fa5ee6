import { execFileSync } from "node:child_process";
import { readdir, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Network, openModel } from "../../src/apps/node/index.ts";
import { writeOnnx } from "../../src/apps/node/write-file.ts";
import { createRng, gaussianArray } from "../../src/base/index.ts";
import { buildModel, floatTensor, node, readModel, type Tensor, valueInfo, writeModel } from "../../src/onnx/index.ts";
import { decodeModel } from "../../src/onnx/proto.ts";
import { withoutWeights } from "../../src/onnx/without-weights.ts";
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

let place: Workplace;
const bytes = writeModel(model);
beforeAll(async () => {
  place = await createWorkplace({ "large.onnx": bytes });
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

test.each(["large.onnx", "beside.onnx"])("%s opens, and J·v is right with its weights in files", async (name) => {
  const net: Network = await openModel(place.path(name));
  try {
    using J = await net.jacobian({ at: point });
    expect(relativeDistance((await J.jvp(v)).data, reference(point, v))).toBeLessThan(2e-6);
    const folders = (await readdir(tmpdir())).filter((folder) => folder.startsWith("pushforward-weights-"));
    expect(folders.length).toBeGreaterThan(0);
  } finally {
    await net.close();
  }
});

test("the process leaves no files of weights behind", async () => {
  const script = `
    import { readdirSync } from "node:fs";
    import { tmpdir } from "node:os";
    const { openModel } = await import(${JSON.stringify(new URL("../../src/apps/node/index.ts", import.meta.url).href)});
    const before = new Set(readdirSync(tmpdir()));
    const net = await openModel(${JSON.stringify(place.path("large.onnx"))});
    console.log(readdirSync(tmpdir()).filter((name) => name.startsWith("pushforward-weights-") && !before.has(name)).join());
    process.exit(0);`;
  const args = ["--import", import.meta.resolve("tsx"), "--input-type=module", "-e", script];
  const folder = execFileSync(process.execPath, args, { encoding: "utf8" }).trim();
  expect(folder).toMatch(/^pushforward-weights-/);
  expect(await readdir(tmpdir())).not.toContain(folder);
});

test("without its weights, a large file is the same model with external data in itself", async () => {
  const light = withoutWeights(bytes, "large.onnx")!;
  expect(light.length).toBeLessThan(10_000);
  const tensors = decodeModel(light).graph!.initializer!;
  expect(tensors.map(({ name, dataLocation }) => [name, dataLocation])).toEqual(weights.map((_, i) => [`w${i}`, 1]));
  const read = await readModel(light, {
    external: async (location, offset, length) => {
      expect(location).toBe("large.onnx");
      return bytes.slice(offset, offset + length!);
    },
  });
  for (const [name, tensor] of read.graph.initializers)
    expect(sameBytes(tensor, model.graph.initializers.get(name)!)).toBe(true);
  expect({ ...read.graph, initializers: [] }).toEqual({ ...(await readModel(bytes)).graph, initializers: [] });
});

test("weights of any place in a file are read without a copy", async () => {
  for (const padding of ["", "p", "pp", "ppp"]) {
    const own = writeModel({ ...model, producer: padding });
    const { graph } = await readModel(own, { owned: true });
    for (const [name, tensor] of graph.initializers) {
      expect((tensor.data as Float32Array).buffer === own.buffer).toBe(true);
      expect(sameBytes(tensor, model.graph.initializers.get(name)!)).toBe(true);
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
