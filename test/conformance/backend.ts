import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRng, gaussianArray, type Shape, sizeOf } from "../../src/base/index.ts";
import {
  type Attributes,
  buildModel,
  castTo,
  floatTensor,
  intTensor,
  node,
  type OnnxModel,
  type Tensor,
  valueInfo,
} from "../../src/onnx/index.ts";
import type { Backend, Block, Matrix } from "../../src/runtime/index.ts";

const EPS = 2 ** -23;

const step = (op: string, inputs: string[], output: string, attributes: Attributes = {}) =>
  node({ op, inputs, outputs: [output], attributes });

/** y = −x and z = x·xᵀ, for blocks of any size. */
const twoOutputs = buildModel({
  inputs: [valueInfo("x", "float32", ["r", "n"])],
  outputs: [valueInfo("y", "float32", ["r", "n"]), valueInfo("z", "float32", ["r", "r"])],
  initializers: new Map(),
  nodes: [step("Neg", ["x"], "y"), step("Transpose", ["x"], "t"), step("MatMul", ["x", "t"], "z")],
});

const typed = (type: Tensor["type"]): OnnxModel =>
  buildModel({
    inputs: [valueInfo("x", type, ["n"])],
    outputs: [valueInfo("y", "float32", ["n"])],
    initializers: new Map(),
    nodes: [step("Cast", ["x"], "y", castTo("float32"))],
  });

const counted = (shape: Shape, from = 0): Tensor =>
  floatTensor(
    shape,
    Array.from({ length: sizeOf(shape) }, (_, i) => from + i),
  );

/** What every backend must do. `open` gives a new one; the last test disposes of it. The algebra is tested with `runs` random sizes. */
export function describeBackend(name: string, open: () => Promise<Backend>, runs = 12): void {
  describe(`${name} conforms`, () => {
    let backend: Backend;
    beforeAll(async () => {
      backend = await open();
    });
    afterAll(() => backend.dispose());

    test("says what it is and what it can", () => {
      expect(["cpu", "webgpu", "cuda"]).toContain(backend.device);
      expect(backend.description).toMatch(/^onnxruntime\S* \d+\.\d+\.\d+ /);
      expect(backend.can.largestTensor).toBeGreaterThanOrEqual(2 ** 26);
    });

    describe("tensors", () => {
      test("come back as they were put there", async () => {
        const tensors: Tensor[] = [
          counted([2, 3]),
          counted([]),
          counted([0, 4]),
          intTensor([1, -(2 ** 40), 3]),
          { type: "uint8", shape: [3], data: Uint8Array.of(0, 7, 255) },
          { type: "bool", shape: [3], data: Uint8Array.of(0, 1, 1) },
          { type: "int32", shape: [2], data: Int32Array.of(-5, 6) },
          { type: "float64", shape: [1], data: Float64Array.of(Math.PI) },
          { type: "string", shape: [1], data: ["text"] },
        ];
        for (const tensor of tensors) {
          const there = backend.upload(tensor);
          expect([there.type, there.shape]).toEqual([tensor.type, tensor.shape]);
          expect({ ...(await there.read()) }).toMatchObject({ ...tensor });
          there.dispose();
          there.dispose();
        }
      });

      test("have views in the same memory, also at odd places, and views of views", async () => {
        const whole = backend.upload(counted([4, 5]));
        const read = async (tensor: ReturnType<Backend["upload"]>) =>
          Array.from((await tensor.read()).data as Float32Array);
        expect(await read(whole.view(0, [2, 2]))).toEqual([0, 1, 2, 3]);
        const view = whole.view(7, [3, 3]);
        expect([view.shape, await read(view)]).toEqual([
          [3, 3],
          [7, 8, 9, 10, 11, 12, 13, 14, 15],
        ]);
        expect(await read(view.view(4, [2]))).toEqual([11, 12]);
        expect(await read(view.view(9, [0, 3]))).toEqual([]);
        view.dispose();
        expect(await read(whole)).toHaveLength(20);
      });

      test("feed graphs, from views too", async () => {
        const executable = await backend.compile(twoOutputs);
        const whole = backend.upload(counted([4, 3]));
        const { y, z } = await executable.run({ x: whole.view(3, [2, 3]) }, ["y", "z"]);
        expect([y!.shape, Array.from(y!.data as Float32Array)]).toEqual([
          [2, 3],
          [-3, -4, -5, -6, -7, -8],
        ]);
        expect([z!.shape, Array.from(z!.data as Float32Array)]).toEqual([
          [2, 2],
          [50, 86, 86, 149],
        ]);
        await executable.release();
        await executable.release();
      });

      test.each(["float32", "uint8", "bool", "int32", "int64"] as const)("of %s feed graphs", async (type) => {
        const executable = await backend.compile(typed(type));
        const data = { float32: Float32Array, uint8: Uint8Array, bool: Uint8Array, int32: Int32Array };
        const tensor = type === "int64" ? intTensor([1, 0]) : { type, shape: [2], data: data[type].of(1, 0) };
        const { y } = await executable.compute({ x: backend.upload(tensor) }, ["y"]);
        expect((await y!.read()).data).toEqual(Float32Array.of(1, 0));
        await executable.release();
      });
    });

    describe("results that stay", () => {
      test("feed the next graph", async () => {
        const executable = await backend.compile(twoOutputs);
        const first = await executable.compute({ x: counted([2, 3]) }, ["y"]);
        const second = await executable.compute({ x: first.y! }, ["y", "z"]);
        expect(Array.from((await second.y!.read()).data as Float32Array)).toEqual([0, 1, 2, 3, 4, 5]);
        expect(Array.from((await second.z!.read()).data as Float32Array)).toEqual([5, 14, 14, 50]);
        for (const tensor of [first.y!, second.y!, second.z!]) tensor.dispose();
        await executable.release();
      });

      test("are written to the memory given for them, and nothing else is", async () => {
        const executable = await backend.compile(twoOutputs);
        const memory = backend.upload(counted([30], 100));
        for (const [start, rows, length] of [
          [0, 2, 3],
          [7, 3, 2],
          [11, 1, 5],
          [24, 2, 3],
        ] as const) {
          const before = Float32Array.from((await memory.read()).data as Float32Array);
          const x = counted([rows, length], 1);
          const into = memory.view(start, [rows, length]);
          const { y } = await executable.compute({ x }, ["y"], { y: into });
          expect(y).toBe(into);
          before.set(
            (x.data as Float32Array).map((entry) => -entry),
            start,
          );
          expect((await memory.read()).data).toEqual(before);
        }
        await executable.release();
      });

      test("may be read from and written to parts of one tensor", async () => {
        const executable = await backend.compile(twoOutputs);
        const memory = backend.allocate([4, 3]);
        await executable.compute({ x: counted([2, 3]) }, ["y"], { y: memory.view(0, [2, 3]) });
        await executable.compute({ x: memory.view(0, [2, 3]) }, ["y"], { y: memory.view(6, [2, 3]) });
        expect(Array.from((await memory.read()).data as Float32Array)).toEqual([
          -0, -1, -2, -3, -4, -5, 0, 1, 2, 3, 4, 5,
        ]);
        await executable.release();
      });
    });

    test("refuses a graph that nothing can run, with the node", async () => {
      const model = buildModel({
        inputs: [valueInfo("x", "float32", [2])],
        outputs: [valueInfo("y", "float32", [2])],
        initializers: new Map(),
        nodes: [step("NoSuchOperator", ["x"], "y")],
      });
      await expect(backend.compile(model)).rejects.toMatchObject({
        code: "backend-failed",
        what: expect.stringContaining("NoSuchOperator"),
      });
    });

    test("refuses feeds that do not fit, and goes on", async () => {
      const executable = await backend.compile(
        buildModel({
          inputs: [valueInfo("a", "float32", ["r", "n"]), valueInfo("b", "float32", ["p", "q"])],
          outputs: [valueInfo("y", "float32", ["r", "q"])],
          initializers: new Map(),
          nodes: [step("MatMul", ["a", "b"], "y")],
        }),
      );
      const x = backend.upload(counted([2, 3]));
      await expect(executable.run({ a: x, b: x }, ["y"])).rejects.toMatchObject({ code: "backend-failed" });
      await expect(executable.compute({ a: x, b: x }, ["y"])).rejects.toMatchObject({ code: "backend-failed" });
      const { y } = await executable.compute({ a: x, b: counted([3, 1]) }, ["y"]);
      expect((await y!.read()).data).toEqual(Float32Array.of(5, 14));
      await executable.release();
    });

    describe("the algebra agrees with sums in float64", () => describeAlgebra(() => backend, runs));

    test("is disposed of twice", async () => {
      await backend.dispose();
      await backend.dispose();
    });
  });
}

const sizes = fc.record({
  seed: fc.nat(1000),
  r: fc.integer({ min: 1, max: 9 }),
  s: fc.integer({ min: 1, max: 20 }),
  n: fc.constantFrom(1, 7, 300, 8192, 8200, 20_000),
});

/** Rows and their length of a block, beside its entries. */
interface Rows {
  readonly rows: number;
  readonly length: number;
  readonly data: Float32Array;
}

function describeAlgebra(backendOf: () => Backend, runs: number): void {
  const random = (seed: number, rows: number, length: number): Rows => ({
    rows,
    length,
    data: gaussianArray(createRng(seed, rows, length), rows * length),
  });
  const there = ({ data, rows }: Rows): Block => backendOf().algebra.upload(data, rows);
  const matrix = (seed: number, rows: number, columns: number): Matrix => ({
    rows,
    columns,
    data: Float64Array.from(gaussianArray(createRng(seed, "matrix"), rows * columns)),
  });
  const inner = (a: Rows, i: number, b: Rows, j: number): number => {
    let sum = 0;
    for (let k = 0; k < a.length; k++) sum += a.data[i * a.length + k]! * b.data[j * b.length + k]!;
    return sum;
  };
  const combined = (c: Matrix, q: Rows): number[] =>
    Array.from({ length: c.rows * q.length }, (_, at) => {
      const [row, column] = [Math.floor(at / q.length), at % q.length];
      let sum = 0;
      for (let k = 0; k < q.rows; k++) sum += c.data[row * c.columns + k]! * q.data[k * q.length + column]!;
      return sum;
    });
  const largest = (a: ArrayLike<number>) => Array.from(a).reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  const gap = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
    expect(a.length).toBe(b.length);
    return largest(Array.from(b, (value, i) => value - a[i]!));
  };
  /** The error of inner products of random vectors of length n: of sums in float64, or in pieces. Few entries may be large ones. */
  const exactly = (n: number) => (backendOf().can.float64 ? 1e-12 : EPS) * (n + 16);
  const law = (check: (size: { seed: number; r: number; s: number; n: number }) => Promise<void>) =>
    fc.assert(fc.asyncProperty(sizes, check), { numRuns: runs });

  test("gram", () =>
    law(async ({ seed, r, s, n }) => {
      const [a, b] = [random(seed, r, n), random(seed + 1, s, n)];
      const expected = Array.from({ length: r * s }, (_, at) => inner(a, Math.floor(at / s), b, at % s));
      const { algebra } = backendOf();
      const single = await algebra.gram(there(a), there(b));
      expect([single.rows, single.columns]).toEqual([r, s]);
      expect(gap(single.data, expected)).toBeLessThan(EPS * (n + 64 * Math.sqrt(n) + 16));
      for (const exact of [true, "in pieces"] as const) {
        const limit = exact === true ? 1e-12 * (n + 16) : exactly(n);
        expect(gap((await algebra.gram(there(a), there(b), { exact })).data, expected)).toBeLessThan(limit);
      }
      const one = there(a);
      const self = Array.from({ length: r * r }, (_, at) => inner(a, Math.floor(at / r), a, at % r));
      expect(gap((await algebra.gram(one, one, { exact: true })).data, self)).toBeLessThan(1e-12 * (n + 16));
    }));

  test("gram of many rows with themselves", async () => {
    for (const rows of [33, 131]) {
      const a = random(rows, rows, 9000);
      const block = there(a);
      const { data } = await backendOf().algebra.gram(block, block, { exact: true });
      const expected = Array.from({ length: rows * rows }, (_, at) => inner(a, Math.floor(at / rows), a, at % rows));
      expect(gap(data, expected)).toBeLessThan(1e-12 * 9000);
    }
  });

  test("dots and squaredDifference, exact also where everything cancels", () =>
    law(async ({ seed, r, n }) => {
      const [a, b] = [random(seed, r, n), random(seed + 1, r, n)];
      const { algebra } = backendOf();
      const expected = Array.from({ length: r }, (_, i) => inner(a, i, b, i));
      expect(gap(await algebra.dots(there(a), there(b)), expected)).toBeLessThan(exactly(n));
      const s = Float64Array.from(gaussianArray(createRng(seed, "s"), r));
      const squares = Array.from(s, (value, i) => {
        let sum = 0;
        for (let k = i * n; k < (i + 1) * n; k++) sum += (a.data[k]! - value * b.data[k]!) ** 2;
        return sum;
      });
      const difference = await algebra.squaredDifference(there(a), s, there(b));
      expect(gap(difference, squares)).toBeLessThan(16 * exactly(n));
      const same = await algebra.squaredDifference(there(a), new Float64Array(r).fill(1), there(a));
      expect(same).toEqual(new Float64Array(r));
    }));

  test("products of small numbers are not lost", async () => {
    const [r, n, scale] = [3, 500, 2 ** -90];
    const a = random(3, r, n);
    const small = there({ ...a, data: a.data.map((entry) => entry * scale) });
    const { algebra } = backendOf();
    const squares = Array.from({ length: r }, (_, i) => inner(a, i, a, i));
    const measured = [
      await algebra.dots(small, small),
      await algebra.squaredDifference(small, new Float64Array(r), small),
      (await algebra.gram(small, small, { exact: "in pieces" })).data.filter((_, at) => at % (r + 1) === 0),
    ];
    for (const sums of measured) {
      expect(
        gap(
          sums.map((value) => value / scale / scale),
          squares,
        ),
      ).toBeLessThan(exactly(n));
    }
  });

  test("combine and subtract", () =>
    law(async ({ seed, r, s, n }) => {
      const [c, q, w] = [matrix(seed, r, s), random(seed + 1, s, n), random(seed + 2, r, n)];
      const { algebra } = backendOf();
      const expected = combined(c, q);
      const most = EPS * largest(expected);
      const rounding = 16 * Math.sqrt(s) * EPS * largest(expected);
      expect(gap(await (await algebra.combine(c, there(q))).read(), expected)).toBeLessThan(rounding);
      const exact = await (await algebra.combine(c, there(q), { exact: true })).read();
      expect(gap(exact, expected)).toBeLessThan(most);
      const rest = await (await algebra.subtract(there(w), c, there(q))).read();
      const left = expected.map((value, i) => w.data[i]! - value);
      expect(gap(rest, left)).toBeLessThan(2 * rounding);
    }));

  test("mix, copy and stack", async () => {
    const { algebra } = backendOf();
    const [a, b, c] = [random(1, 5, 300), random(2, 5, 300), random(3, 5, 300)];
    const terms = [
      { weight: 2, block: there(a) },
      { weight: -0.5, block: there(b) },
      { weight: 3, block: there(c) },
    ] as const;
    const expected = a.data.map((entry, i) => 2 * entry - b.data[i]! / 2 + 3 * c.data[i]!);
    expect(gap(await (await algebra.mix(terms)).read(), expected)).toBeLessThan(8 * EPS * largest(expected));
    const memory = algebra.allocate(12, 300);
    const copied = await algebra.copy(there(a), memory.range(3, 8));
    expect(await copied.read()).toEqual(a.data);
    await algebra.mix(terms, { into: memory.range(7, 12) });
    expect(await memory.range(3, 7).read()).toEqual(a.data.subarray(0, 4 * 300));
    expect(gap(await memory.range(7, 12).read(), expected)).toBeLessThan(8 * EPS * largest(expected));
    const stack = await algebra.stack([there(a), memory.range(3, 4), there(b)]);
    expect(await stack.read()).toEqual(Float32Array.from([...a.data, ...a.data.subarray(0, 300), ...b.data]));
  });

  test("select, and scatter into memory that was used", () =>
    law(async ({ seed, r, n }) => {
      const { algebra } = backendOf();
      const a = random(seed, r, n);
      const positions = Uint32Array.from({ length: Math.ceil(n / 3) }, (_, j) => n - 1 - 3 * j);
      const selected = await algebra.select(there(a), positions);
      const expected = Array.from({ length: r }, (_, row) => Array.from(positions, (at) => a.data[row * n + at]!));
      expect(await selected.read()).toEqual(Float32Array.from(expected.flat()));
      const used = algebra.upload(new Float32Array(r * n).fill(7), r);
      const scattered = await algebra.scatter(selected, positions, n, { into: used });
      const isSelected = new Set(positions);
      expect(await scattered.read()).toEqual(a.data.map((entry, at) => (isSelected.has(at % n) ? entry : 0)));
    }));

  test("blocks without rows give products without entries, or zeros", async () => {
    const { algebra } = backendOf();
    const some = random(1, 3, 10);
    const none = algebra.upload(new Float32Array(0), 0, 10);
    expect((await algebra.gram(none, there(some))).data).toHaveLength(0);
    const zeros = await algebra.combine({ rows: 2, columns: 0, data: new Float64Array(0) }, none);
    expect([zeros.rows, await zeros.read()]).toEqual([2, new Float32Array(20)]);
    const same = await algebra.subtract(there(some), { rows: 3, columns: 0, data: new Float64Array(0) }, none);
    expect(await same.read()).toEqual(some.data);
  });
}
