import { describe, expect, test } from "vitest";
import { createRng, gaussianArray } from "../../../src/base/index.ts";
import type { Matrix } from "../../../src/runtime/index.ts";
import { bandedEigen } from "../../../src/svd/small/banded-eigen.ts";
import type { SymmetricBand } from "../../../src/svd/small/chase-bulges.ts";
import { symmetricEigen } from "../../../src/svd/small/eigen.ts";
import { multiply, multiplyTransposed, rowOf, scaleRows, transpose, zeros } from "../../../src/svd/small/matrix.ts";

const product = async (a: Matrix, b: Matrix) => multiply(a, b);

/** The band with entry(i, j) for i − width ≤ j ≤ i, and NaN where nothing may be read. */
function bandOf(order: number, width: number, entry: (i: number, j: number) => number): SymmetricBand {
  const data = new Float64Array(order * (width + 1)).fill(Number.NaN);
  for (let i = 0; i < order; i++) {
    for (let j = Math.max(0, i - width); j <= i; j++) data[i * (width + 1) + width - i + j] = entry(i, j);
  }
  return { order, width, data };
}

function denseOf({ order, width, data }: SymmetricBand): Matrix {
  const dense = zeros(order, order);
  for (let i = 0; i < order; i++) {
    for (let j = Math.max(0, i - width); j <= i; j++) {
      const entry = data[i * (width + 1) + width - i + j]!;
      dense.data[i * order + j] = entry;
      dense.data[j * order + i] = entry;
    }
  }
  return dense;
}

function randomBand(order: number, width: number): SymmetricBand {
  const entries = gaussianArray(createRng(order + width), order * (width + 1));
  return bandOf(order, width, (i, j) => entries[i * (width + 1) + i - j]!);
}

/** max |AX − XΛ| and max |XᵀX − I| over the entries; rows of `vectors` are the columns of X. */
function defects(dense: Matrix, values: Float64Array, vectors: Matrix) {
  const images = multiply(vectors, dense).data;
  const residual = images.reduce(
    (max, entry, at) => Math.max(max, Math.abs(entry - values[Math.floor(at / vectors.columns)]! * vectors.data[at]!)),
    0,
  );
  const gram = multiplyTransposed(vectors, vectors).data;
  const orthogonality = gram.reduce(
    (max, entry, at) => Math.max(max, Math.abs(entry - (at % (vectors.rows + 1) === 0 ? 1 : 0))),
    0,
  );
  return { residual, orthogonality };
}

const bands: readonly (readonly [string, SymmetricBand])[] = [
  ["one entry", bandOf(1, 0, () => -3)],
  ["one entry, room for more", bandOf(1, 4, () => 2)],
  ["two by two", bandOf(2, 1, (i, j) => i + j)],
  ["width beyond the order", randomBand(5, 8)],
  ["diagonal", bandOf(50, 0, (i) => Math.sin(i))],
  ["tridiagonal", randomBand(90, 1)],
  ["width 2", randomBand(101, 2)],
  ["width 5", randomBand(147, 5)],
  ["width 32", randomBand(150, 32)],
  ["width 32, order 33", randomBand(33, 32)],
  ["width 50", randomBand(160, 50)],
  ["dense", randomBand(70, 69)],
  ["zero", bandOf(60, 7, () => 0)],
  ["all ones", bandOf(90, 89, () => 1)],
  ["decoupled blocks", bandOf(120, 9, (i, j) => (Math.floor(i / 20) === Math.floor(j / 20) ? 1 / (1 + i + j) : 0))],
  [
    "equal blocks: multiple values",
    bandOf(120, 11, (i, j) => (Math.floor(i / 12) === Math.floor(j / 12) ? i % 12 : 0)),
  ],
  ["zero blocks on the diagonal", bandOf(96, 15, (i, j) => (i - j > 7 ? Math.cos(i * j) : 0))],
  ["far diagonal only", bandOf(100, 13, (i, j) => (i - j === 13 ? 1 : 0))],
  ["clusters", bandOf(130, 6, (i, j) => (i === j ? i % 3 : 1e-10 * Math.sin(i + j)))],
  ["graded down", bandOf(110, 8, (i, j) => 10 ** (-(i + j) / 20))],
  ["graded up", bandOf(110, 8, (i, j) => 10 ** ((i + j) / 20 - 11))],
  ["tiny", bandOf(80, 4, (i, j) => 1e-150 * Math.sin(1 + i + 3 * j))],
  ["huge", bandOf(80, 4, (i, j) => 1e150 * Math.sin(1 + i + 3 * j))],
];

describe("bandedEigen", () => {
  test.each(bands)("%s: Ax = λx with orthonormal x, λ as of the dense matrix, ends those of x", async (_, band) => {
    const dense = denseOf(band);
    const n = band.order;
    const reference = await symmetricEigen(dense, product);
    const norm = Math.max(...reference.values.map(Math.abs));
    const rounding = n * 2 ** -50;
    const problem = bandedEigen(band, product);
    const { values, vectors } = await problem.vectors(n);
    const { residual, orthogonality } = defects(dense, values, vectors);
    expect(residual).toBeLessThanOrEqual(rounding * norm);
    expect(orthogonality).toBeLessThanOrEqual(rounding);
    values.forEach((value, i) => {
      expect(Math.abs(value - reference.values[i]!)).toBeLessThanOrEqual(rounding * norm);
    });

    // Vectors of one value may come out turned against each other, but not XᵀX and XᵀΛX at the last entries.
    const ends = await problem.ends(n);
    const length = Math.min(band.width, n);
    expect([ends.vectors.rows, ends.vectors.columns]).toEqual([n, length]);
    const columns = transpose(ends.vectors);
    const unit = multiply(columns, ends.vectors);
    const corner = multiply(columns, scaleRows(ends.vectors, ends.values));
    for (let a = 0; a < length; a++) {
      for (let b = 0; b < length; b++) {
        const entry = dense.data[(n - length + a) * n + n - length + b]!;
        expect(Math.abs(unit.data[a * length + b]! - (a === b ? 1 : 0))).toBeLessThanOrEqual(rounding);
        expect(Math.abs(corner.data[a * length + b]! - entry)).toBeLessThanOrEqual(rounding * norm);
      }
    }
  });

  test("ends are the last entries of the vectors, and the first few are those of the whole", async () => {
    const problem = bandedEigen(randomBand(140, 6), product);
    const [all, some, ends] = [await problem.vectors(140), await problem.vectors(9), await problem.ends(9)];
    expect(some.values).toEqual(all.values);
    expect([some.vectors.rows, ends.vectors.rows]).toEqual([9, 9]);
    for (let i = 0; i < 9; i++) {
      const [x, last] = [rowOf(some.vectors, i), rowOf(ends.vectors, i)];
      rowOf(all.vectors, i).forEach((entry, c) => {
        expect(Math.abs(x[c]! - entry)).toBeLessThan(1e-12);
      });
      last.forEach((entry, c) => {
        expect(Math.abs(x[134 + c]! - entry)).toBeLessThan(1e-12);
      });
    }
  });

  test.each([
    [12, 31],
    [31, 12],
    [40, 5],
  ])("second differences on a grid of %i by %i: the known values", async (across, down) => {
    const sameLine = (i: number, j: number) => Math.floor(i / across) === Math.floor(j / across);
    const band = bandOf(across * down, across, (i, j) =>
      i === j ? 4 : i - j === across || (i - j === 1 && sameLine(i, j)) ? -1 : 0,
    );
    const wave = (k: number, n: number) => 2 - 2 * Math.cos((Math.PI * (k + 1)) / (n + 1));
    const expected = Float64Array.from(
      { length: band.order },
      (_, at) => wave(at % across, across) + wave(Math.floor(at / across), down),
    )
      .sort()
      .reverse();
    const { values } = await bandedEigen(band, product).ends(1);
    values.forEach((value, i) => {
      expect(Math.abs(value - expected[i]!)).toBeLessThan(band.order * 2 ** -50 * 8);
    });
  });
});
