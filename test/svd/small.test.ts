import { describe, expect, test } from "vitest";

import { createRng, gaussianArray } from "../../src/base/index.ts";
import type { Matrix } from "../../src/runtime/index.ts";
import { divideAndConquer } from "../../src/svd/small/divide.ts";
import { symmetricEigen } from "../../src/svd/small/eigen.ts";
import { implicitQl } from "../../src/svd/small/implicit-ql.ts";
import { multiply, multiplyTransposed, scaleRows, transpose } from "../../src/svd/small/matrix.ts";
import { jacobiSingularValues, orthonormalRows } from "../support/spectra.ts";

const matrixOf = (rows: number, columns: number, data: ArrayLike<number>): Matrix => ({
  rows,
  columns,
  data: Float64Array.from(data),
});

function expectOrthonormal(rows: Matrix, tolerance: number): void {
  const gram = multiplyTransposed(rows, rows);
  gram.data.forEach((entry, at) => {
    expect(Math.abs(entry - (at % (rows.rows + 1) === 0 ? 1 : 0))).toBeLessThan(tolerance);
  });
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < actual.length; i++) expect(Math.abs(actual[i]! - expected[i]!)).toBeLessThan(tolerance);
}

const product = async (a: Matrix, b: Matrix) => multiply(a, b);

describe("divideAndConquer", () => {
  const n = 150;
  const rows: readonly [string, (i: number) => readonly [diagonal: number, offDiagonal: number]][] = [
    ["second differences", () => [2, -1]],
    ["Wilkinson", (i) => [Math.abs(i - 75), 1]],
    ["Wilkinson's of 21, glued by 1e-8", (i) => [Math.abs((i % 21) - 10), i % 21 === 0 ? 1e-8 : 1]],
    ["one value, couplings below rounding", () => [1, 1e-17]],
    ["zeros with a few entries", (i) => (i % 3 === 0 ? [1, 1e-9] : [0, 0])],
    ["graded", (i) => [10 ** (-i / 10), 10 ** (-i / 10) / 3]],
    ["negative couplings", (i) => [Math.sin(i), -Math.cos(3 * i)]],
  ];

  test.each(rows)("%s: Tx = λx with orthonormal x, λ ascending as by QL", async (_, entries) => {
    const diagonal = Float64Array.from({ length: n }, (_, i) => entries(i)[0]);
    const offDiagonal = Float64Array.from({ length: n }, (_, i) => entries(i)[1]);
    const { values, vectors } = await divideAndConquer(diagonal, offDiagonal, product);
    const direct = diagonal.slice();
    implicitQl(direct, offDiagonal, new Float64Array(n * n), n);
    const norm = Math.max(...direct.map(Math.abs));
    const rounding = n * 2 ** -49 * norm;
    expectClose(values, direct.sort(), rounding);
    expectOrthonormal(vectors, n * 2 ** -49);
    const at = (row: number, i: number) => (i < 0 || i >= n ? 0 : vectors.data[row * n + i]!);
    for (let row = 0; row < n; row++) {
      for (let i = 0; i < n; i++) {
        const image =
          diagonal[i]! * at(row, i) + offDiagonal[i]! * at(row, i - 1) + (offDiagonal[i + 1] ?? 0) * at(row, i + 1);
        expect(Math.abs(image - values[row]! * at(row, i))).toBeLessThan(rounding);
      }
    }
  });
});

describe("divideAndConquer for the largest values", () => {
  const n = 170;
  const diagonal = Float64Array.from({ length: n }, (_, i) => Math.sin(i * i));
  const offDiagonal = Float64Array.from({ length: n }, (_, i) => 0.3 + 0.2 * Math.cos(i));

  test.each([0, 1, 30, 170])("%i vectors: the last of all, and carried products xᵀC in their place", async (count) => {
    const all = await divideAndConquer(diagonal, offDiagonal, product);
    const some = await divideAndConquer(diagonal, offDiagonal, product, { count });
    expect(some.values).toEqual(all.values);
    expect(some.vectors.rows).toBe(count);
    expectClose(some.vectors.data, all.vectors.data.subarray((n - count) * n), 1e-12);

    const carried = matrixOf(n, 3, gaussianArray(createRng(5), n * 3));
    const ends = await divideAndConquer(diagonal, offDiagonal, product, { count, carried });
    expect(ends.vectors.columns).toBe(3);
    expectClose(ends.values, all.values, n * 2 ** -50);
    expectClose(ends.vectors.data, multiply(some.vectors, carried).data, 1e-11);
  });
});

describe("symmetricEigen", () => {
  const symmetric = async (n: number, eigenvalues: readonly number[]): Promise<Matrix> => {
    const rows = orthonormalRows(n, n, n);
    const turn: Matrix = { rows: n, columns: n, data: Float64Array.from(rows.flatMap((row) => Array.from(row))) };
    return multiply(transpose(turn), scaleRows(turn, Float64Array.from(eigenvalues)));
  };
  const rows: readonly [string, number, (i: number) => number][] = [
    ["one entry", 1, () => -3],
    ["two", 2, (i) => i - 1],
    ["spread", 40, (i) => 20 - i],
    ["all equal", 17, () => 2],
    ["clusters", 33, (i) => Math.floor(i / 11)],
    ["zero", 9, () => 0],
    ["tiny", 12, (i) => 1e-200 * (i + 1)],
    ["huge", 12, (i) => 1e200 * (i - 6)],
    ["graded", 30, (i) => 10 ** -i],
    ["spread, divided", 130, (i) => 60 - i],
    ["clusters, divided", 130, (i) => Math.floor(i / 26)],
    ["rank 50, divided", 120, (i) => (i < 50 ? 1 + i : 0)],
    ["graded, divided", 110, (i) => 10 ** (-i / 8)],
  ];

  test.each(rows)("%s: Ax = λx with orthonormal x, λ descending", async (_, n, value) => {
    const eigenvalues = Array.from({ length: n }, (_, i) => value(i)).sort((a, b) => b - a);
    const scale = Math.max(...eigenvalues.map(Math.abs)) || 1;
    const a = await symmetric(n, eigenvalues);
    const { values, vectors } = await symmetricEigen(a, product);
    const rounding = n * 2 ** -49;
    expectClose(
      values.map((v) => v / scale),
      eigenvalues.map((v) => v / scale),
      rounding,
    );
    expectOrthonormal(vectors, rounding);
    const unit = { ...a, data: a.data.map((entry) => entry / scale) };
    expectClose(
      multiply(vectors, unit).data,
      scaleRows(
        vectors,
        values.map((v) => v / scale),
      ).data,
      rounding,
    );
  });

  test("the first few vectors are those of the whole", async () => {
    const a = await symmetric(
      21,
      Array.from({ length: 21 }, (_, i) => 1 / (i + 1)),
    );
    const [some, all] = [await symmetricEigen(a, product, 6), await symmetricEigen(a, product)];
    expect(some.values).toEqual(all.values);
    expect(some.vectors.rows).toBe(6);
    expectClose(some.vectors.data, all.vectors.data.subarray(0, 6 * 21), 1e-14);
  });

  test("order 503, by way of a band: a reflected diagonal, of which the upper triangle is not read", async () => {
    const [n, count] = [503, 6];
    const eigenvalues = Array.from({ length: n }, (_, i) => Math.cos(i / 100));
    const normal = gaussianArray(createRng(8), n);
    const square = normal.reduce((sum, entry) => sum + entry * entry, 0);
    const mean = eigenvalues.reduce((sum, value, i) => sum + value * normal[i]! ** 2, 0) / square;
    // (I − 2uuᵀ) D (I − 2uuᵀ) with u = normal / ‖normal‖
    const entry = (i: number, j: number) =>
      (i === j ? eigenvalues[i]! : 0) -
      (2 * normal[i]! * normal[j]! * (eigenvalues[i]! + eigenvalues[j]! - 2 * mean)) / square;
    const a = matrixOf(
      n,
      n,
      Array.from({ length: n * n }, (_, at) => entry(Math.floor(at / n), at % n)),
    );
    const lower = { ...a, data: a.data.map((value, at) => (at % n > Math.floor(at / n) ? 0.7 : value)) };
    const rounding = n * 2 ** -50;
    const { values, vectors } = await symmetricEigen(lower, product, count);
    expectClose(
      values,
      eigenvalues.sort((x, y) => y - x),
      rounding,
    );
    expectOrthonormal(vectors, rounding);
    expectClose(multiply(vectors, a).data, scaleRows(vectors, values).data, rounding);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])(
    "an entry %d is refused, where the iteration would not end",
    async (entry) => {
      const matrix = { rows: 3, columns: 3, data: Float64Array.of(1, 0, 0, entry, 1, 0, 0, 0, 1) };
      await expect(symmetricEigen(matrix, async (a, b) => multiply(a, b))).rejects.toMatchObject({
        code: "not-finite",
      });
    },
  );

  test("exactly dependent rows: what reflections leave underflows, and is nothing", async () => {
    const rows = matrixOf(
      24,
      30,
      Array.from({ length: 720 }, (_, at) => ((at % 120) + 3 * (at % 30)) % 11),
    );
    const gram = multiplyTransposed(rows, rows);
    const expected = jacobiSingularValues(rows.data, 24, 30).map((sigma) => sigma ** 2);
    expectClose((await symmetricEigen(gram, product)).values, expected, 1e-11 * expected[0]!);
  });

  test("a Hilbert matrix, against Jacobi rotations", async () => {
    const n = 12;
    const hilbert = matrixOf(
      n,
      n,
      Array.from({ length: n * n }, (_, at) => 1 / (Math.floor(at / n) + (at % n) + 1)),
    );
    expectClose((await symmetricEigen(hilbert, product)).values, jacobiSingularValues(hilbert.data, n, n), 1e-14);
  });
});
