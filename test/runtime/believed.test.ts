import { afterAll, describe, expect, test } from "vitest";
import {
  buildModel,
  castTo,
  floatTensor,
  intTensor,
  node,
  type OnnxModel,
  type Tensor,
  valueInfo,
} from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import type { Backend, Executable } from "../../src/runtime/index.ts";
import { type Fault, faulty, scale } from "../support/faulty-device.ts";

const cpu = createBackend({ threads: 1 });
afterAll(() => cpu.dispose());

/** y = A·Bᵀ of kept A and a block of vectors B. */
const product: OnnxModel = buildModel({
  name: "the product",
  inputs: [valueInfo("x", "float32", ["K", 4]), valueInfo("kept", "float32", [4, 3])],
  outputs: [valueInfo("y", "float32", ["K", 3])],
  initializers: new Map(),
  nodes: [node({ op: "MatMul", inputs: ["x", "kept"], outputs: ["y"] })],
});
const kept = floatTensor([4, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
const vectors = (rows: number): Tensor => floatTensor([rows, 4], new Float32Array(4 * rows).fill(1));
const sums = [22, 26, 30];

/** The product of some vectors of ones on the device, read. */
async function productOn(backend: Backend, executable: Executable, rows = 2): Promise<number[]> {
  const { y } = await executable.compute({ x: backend.upload(vectors(rows)), kept: backend.upload(kept) }, ["y"]);
  return Array.from((await y!.read()).data as Float32Array);
}

test("a graph that the device computes rightly stays there, and the CPU's is freed", async () => {
  const { backend, told, counts } = faulty({ spoil: (y) => scale(y, 1 + 2 ** -22) });
  const executable = await backend.compile(product);
  const y = await productOn(backend, executable);
  expect(y).not.toEqual([...sums, ...sums]); // It comes from the device: rounded otherwise.
  expect([told, backend.exceptions]).toEqual([[], []]);
  expect(counts.runs).toBe(3); // Compared twice, and computed.
  await productOn(backend, executable);
  expect(counts.runs).toBe(4);
  await executable.release();
  await executable.release();
  expect(counts.released).toBe(1);
  await backend.dispose();
});

describe.each<Fault & { what: string; says: RegExp }>([
  { what: "off by its own size", says: /wrongly/, spoil: (y) => scale(y, -1) },
  { what: "wrong in one entry", says: /wrongly/, spoil: (y) => (y[1]! += 0.5) },
  { what: "wrong in one of two runs", says: /wrongly/, spoil: (y, run) => (y[0]! += run % 2 === 0 ? 1 : 0) },
  {
    what: "less exact than float32",
    says: /wrongly/,
    spoil: (y) => scale(y, 1 + 1e-4),
  },
  { what: "not a number", says: /wrongly/, spoil: (y) => y.fill(Number.NaN) },
  { what: "refused when it is compiled", says: /cannot compute the product \(no such kernel\)/, refuses: "to compile" },
  { what: "refused when it runs", says: /cannot compute the product \(device lost\)/, refuses: "to run" },
])("a graph that is $what", ({ says, ...fault }) => {
  test("runs on the CPU, which is said once", async () => {
    const { backend, told } = faulty(fault);
    const [executable, again] = [await backend.compile(product), await backend.compile(product)];
    expect(await productOn(backend, executable)).toEqual([...sums, ...sums]);
    expect(await productOn(backend, executable, 3)).toEqual([...sums, ...sums, ...sums]);
    expect(await productOn(backend, again)).toEqual([...sums, ...sums]);
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(says);
    expect(told[0]).toMatch(/^The device webgpu .* the product.*; it is computed on the CPU\.$/);
    expect(backend.exceptions).toEqual(told);
    await backend.dispose();
  });
});

test("results of the CPU come where they are asked for", async () => {
  const { backend } = faulty({ spoil: (y, _run, { graph }) => graph.name === "the product" && y.fill(0) });
  const executable = await backend.compile(product);
  const memory = backend.upload(floatTensor([9], [1, 2, 3, 4, 5, 6, 7, 8, 9]));
  const into = memory.view(5, [1, 3]);
  const { y } = await executable.compute({ x: backend.upload(vectors(1)), kept }, ["y"], { y: into });
  expect(y).toBe(into);
  expect(Array.from((await memory.read()).data as Float32Array)).toEqual([1, 2, 3, 4, 5, ...sums, 9]);
  await backend.dispose();
});

test("each class of shapes is compared: what is right for two vectors may be wrong for four", async () => {
  const { backend, told } = faulty({ spoil: (y) => y.length === 12 && y.fill(0) });
  const executable = await backend.compile(product);
  expect(await productOn(backend, executable, 2)).toEqual([...sums, ...sums]);
  expect(told).toEqual([]);
  expect(await productOn(backend, executable, 4)).toEqual([...sums, ...sums, ...sums, ...sums]);
  expect(told).toHaveLength(1);
  await backend.dispose();
});

test("the block is random even where vectors are zero, and kept values are those of the point", async () => {
  const { backend, told } = faulty({ spoil: (y) => scale(y, 2) });
  const executable = await backend.compile(product);
  const zeros = backend.upload(floatTensor([1, 4], [0, 0, 0, 0]));
  const { y } = await executable.compute({ x: zeros, kept: backend.upload(kept) }, ["y"]);
  expect((await y!.read()).data).toEqual(new Float32Array(3));
  expect(told).toHaveLength(1);
  await backend.dispose();
});

test("what has its operands in JavaScript runs on the CPU, and so does float64", async () => {
  const { backend, counts } = faulty();
  const executable = await backend.compile(product);
  const { y } = await executable.run({ x: vectors(1), kept }, ["y"]);
  expect(Array.from(y!.data as Float32Array)).toEqual(sums);
  const there = await executable.compute({ x: vectors(1), kept }, ["y"]);
  expect(Array.from((await there.y!.read()).data as Float32Array)).toEqual(sums);
  const inFloat64 = buildModel({
    inputs: [valueInfo("x", "float32", ["n"])],
    outputs: [valueInfo("y", "float32", ["n"])],
    initializers: new Map(),
    nodes: [
      node({ op: "Cast", inputs: ["x"], outputs: ["d"], attributes: castTo("float64") }),
      node({ op: "Neg", inputs: ["d"], outputs: ["e"] }),
      node({ op: "Cast", inputs: ["e"], outputs: ["y"], attributes: castTo("float32") }),
    ],
  });
  const negated = await backend.compile(inFloat64);
  const result = await negated.compute({ x: backend.upload(floatTensor([2], [1, 2])) }, ["y"]);
  expect(Array.from((await result.y!.read()).data as Float32Array)).toEqual([-1, -2]);
  expect(counts.compiled).toBeLessThanOrEqual(1); // Only the graph that puts the result in its place, if any.
  await backend.dispose();
});

test("integers must be equal", async () => {
  const model = buildModel({
    name: "positions",
    inputs: [valueInfo("x", "float32", ["n", 5])],
    outputs: [valueInfo("y", "int64", ["n", 1])],
    initializers: new Map(),
    nodes: [node({ op: "ArgMax", inputs: ["x"], outputs: ["y"], attributes: { axis: { kind: "int", value: 1 } } })],
  });
  const { backend, told } = faulty({ refuses: "to run" });
  const executable = await backend.compile(model);
  const { y } = await executable.compute({ x: backend.upload(floatTensor([1, 5], [1, 3, 2, 5, 4])) }, ["y"]);
  expect((await y!.read()).data).toEqual(intTensor([3]).data);
  expect(told).toHaveLength(1);
  await backend.dispose();
});
