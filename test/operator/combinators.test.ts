import { describe, expect, test } from "vitest";
import { createRng, gaussianArray, PushforwardError } from "../../src/base/index.ts";
import {
  compose,
  denseMatrix,
  dotTest,
  type LinearOperator,
  sliceSource,
  sliceTarget,
  sourceSize,
  sum,
  targetSize,
  toDense,
  transposeOf,
} from "../../src/operator/index.ts";
import { dataOf, hostBlock, jsAlgebra } from "../support/js-algebra.ts";
import { operatorOf } from "../support/spectra.ts";

const matrix = (m: number, n: number, seed: number): Float32Array => gaussianArray(createRng(seed), m * n);
const [a, b, c] = [matrix(4, 6, 1), matrix(6, 5, 2), matrix(4, 6, 3)];
const [A, B, C] = [operatorOf(a, 4, 6), operatorOf(b, 6, 5), operatorOf(c, 4, 6)];

const at = (rows: Float32Array, columns: number, i: number, j: number): number => rows[i * columns + j]!;
const table = (m: number, n: number, entry: (i: number, j: number) => number): Float32Array =>
  Float32Array.from({ length: m * n }, (_, index) => entry(Math.floor(index / n), index % n));

const product = table(4, 5, (i, j) => {
  let total = 0;
  for (let l = 0; l < 6; l++) total += at(a, 6, i, l) * at(b, 5, l, j);
  return total;
});

const rows: readonly { name: string; J: LinearOperator; dense: Float32Array }[] = [
  { name: "denseMatrix", J: A, dense: a },
  { name: "transposeOf", J: transposeOf(A), dense: table(6, 4, (i, j) => at(a, 6, j, i)) },
  { name: "transposeOf twice", J: transposeOf(transposeOf(A)), dense: a },
  { name: "compose", J: compose(A, B), dense: product },
  {
    name: "compose, transposed",
    J: compose(transposeOf(B), transposeOf(A)),
    dense: table(5, 4, (i, j) => at(product, 5, j, i)),
  },
  { name: "sum", J: sum(A, C), dense: a.map((entry, i) => entry + c[i]!) },
  { name: "sliceTarget", J: sliceTarget(A, [3, 0]), dense: table(2, 6, (i, j) => at(a, 6, [3, 0][i]!, j)) },
  { name: "sliceSource", J: sliceSource(A, [5, 1, 2]), dense: table(4, 3, (i, j) => at(a, 6, i, [5, 1, 2][j]!)) },
];

describe.each(rows)("$name", ({ J, dense }) => {
  test("is its matrix, by J and by Jᵀ", async () => {
    const [m, n] = [targetSize(J), sourceSize(J)];
    const other = await toDense(transposeOf(J));
    expectClose(await toDense(J), dense);
    expectClose(
      table(m, n, (i, j) => at(other, m, j, i)),
      dense,
    );
  });

  test("is adjoint to float32 rounding", async () => {
    expect(await dotTest(J, 7)).toBeLessThan(2 ** -23);
  });
});

test("dotTest sees a transpose with one entry off by a hundredth", async () => {
  const wrong = operatorOf(
    a.map((entry, i) => entry * (i === 9 ? 1.01 : 1)),
    4,
    6,
  );
  const J: LinearOperator = { ...A, applyTranspose: wrong.applyTranspose };
  expect(await dotTest(J)).toBeGreaterThan(1e-5);
});

test("dotTest of a zero operator is 0", async () => {
  expect(await dotTest(operatorOf(new Float32Array(24), 4, 6))).toBe(0);
});

test("toDense of an operator larger than its block", async () => {
  const large = matrix(40, 70, 4);
  const J = operatorOf(large, 40, 70);
  expectClose(await toDense(J), large);
  expectClose(
    await toDense(transposeOf(J)),
    table(70, 40, (i, j) => at(large, 70, j, i)),
  );
});

describe("active rows", () => {
  const withActive = (J: LinearOperator, active: readonly number[]): LinearOperator => ({
    ...J,
    activeRows: async () => Uint32Array.from(active),
  });

  test("are those of the last factor, the union of summands, and positions in a slice", async () => {
    expect(await compose(withActive(A, [1, 3]), B).activeRows?.()).toEqual(Uint32Array.of(1, 3));
    expect(await sum(withActive(A, [1, 3]), withActive(C, [0, 3])).activeRows?.()).toEqual(Uint32Array.of(0, 1, 3));
    expect(await sliceTarget(withActive(A, [1, 3]), [3, 0, 1]).activeRows?.()).toEqual(Uint32Array.of(0, 2));
    expect(await sliceSource(withActive(A, [1, 3]), [0]).activeRows?.()).toEqual(Uint32Array.of(1, 3));
  });

  test("are unknown where a part does not tell, and after transposing", async () => {
    expect(await sum(withActive(A, [1]), C).activeRows?.()).toBeUndefined();
    expect(await compose(A, B).activeRows?.()).toBeUndefined();
    expect(await transposeOf(withActive(A, [1])).activeRows?.()).toBeUndefined();
  });
});

test.each([
  ["compose of the wrong order", () => compose(B, A), "B's target is 4, but A's source is 5."],
  ["sum of different sources", () => sum(A, B), "A's source is 6, but B's source is 5."],
  ["an index out of range", () => sliceTarget(A, [4]), "Index 4 into the target is out of range."],
  ["an index given twice", () => sliceSource(A, [2, 2]), "Index 2 into the source is given twice."],
  [
    "a matrix of the wrong size",
    () => denseMatrix([1, 2, 3], { source: [2], target: [2] }, jsAlgebra),
    "A matrix from 2 to 2 has 4 entries, not 3.",
  ],
])("%s is refused", (_, make, message) => {
  expect(make).toThrow(PushforwardError);
  expect(make).toThrow(message);
});

test("products keep the rows apart", async () => {
  const v = hostBlock(matrix(3, 6, 9), 3);
  const together = await A.apply(v);
  for (let row = 0; row < 3; row++) {
    const alone = await A.apply(v.range(row, row + 1));
    expect(dataOf(together.range(row, row + 1))).toEqual(dataOf(alone));
  }
});

function expectClose(actual: Float32Array, expected: Float32Array): void {
  expect(actual.length).toBe(expected.length);
  actual.forEach((entry, i) => {
    expect(Math.abs(entry - expected[i]!)).toBeLessThan(1e-5); // sums of six products of size 1 in float32
  });
}
