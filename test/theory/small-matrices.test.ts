import { Matrix, SingularValueDecomposition } from "ml-matrix";
import { describe, expect, test } from "vitest";
import { createRng, gaussianArray } from "../../src/base/index.ts";
import { circularConvolution, endToEndCurve, jacobiSvd, modeTime, paddedConvolution } from "../../src/theory/index.ts";

const rng = createRng(3, "small matrices");

describe("the decomposition by Jacobi rotations", () => {
  test.each([
    [7, 7],
    [12, 5],
    [4, 9],
  ])("%d × %d: σ are those of another library, and the vectors give the matrix", (rows, columns) => {
    const matrix = gaussianArray(rng, rows * columns);
    const { sigma, left, right } = jacobiSvd(matrix, rows, columns);
    const other = new SingularValueDecomposition(Matrix.from1DArray(rows, columns, matrix), { autoTranspose: true });
    expect([...sigma]).toEqual(other.diagonal.slice(0, sigma.length).map((value) => expect.closeTo(value, 12)));
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) {
        const entry = sigma.reduce((sum, value, i) => sum + value * left[i]![r]! * right[i]![c]!, 0);
        expect(entry).toBeCloseTo(matrix[r * columns + c]!, 12);
      }
    }
  });

  test("a matrix without full rank has vectors of zeros for σ = 0", () => {
    const { sigma, left } = jacobiSvd([1, 2, 2, 4], 2, 2);
    expect([...sigma]).toEqual([expect.closeTo(5, 12), expect.closeTo(0, 12)]);
    expect(left[0]!.every(Number.isFinite)).toBe(true);
    expect([...jacobiSvd([0, 0, 0, 0], 2, 2).left[1]!]).toEqual([0, 0]);
  });
});

describe("convolutions", () => {
  const shape = [2, 3, 3, 5] as const;
  const data = gaussianArray(rng, 2 * 3 * 3 * 5);
  const [height, width] = [6, 7];

  /** The matrix of the convolution by its definition, at whose edges the picture goes round. */
  function circular(): Matrix {
    const [outputs, inputs, rows, columns] = shape;
    const matrix = Matrix.zeros(outputs * height * width, inputs * height * width);
    for (let o = 0; o < outputs; o++) {
      for (let i = 0; i < inputs; i++) {
        for (let y = 0; y < height; y++) {
          for (let x = 0; x < width; x++) {
            for (let v = 0; v < rows; v++) {
              for (let h = 0; h < columns; h++) {
                const [down, across] = [(y + v - 1 + height) % height, (x + h - 2 + width) % width];
                const [row, column] = [(o * height + y) * width + x, (i * height + down) * width + across];
                matrix.set(row, column, matrix.get(row, column) + data[((o * inputs + i) * rows + v) * columns + h]!);
              }
            }
          }
        }
      }
    }
    return matrix;
  }

  test("a circular one has the singular values of its whole matrix", () => {
    const whole = new SingularValueDecomposition(circular(), { autoTranspose: true });
    const sigma = circularConvolution({ shape, data }, height, width);
    expect(sigma).toHaveLength(2 * height * width);
    for (const [i, value] of sigma.entries()) expect(value).toBeCloseTo(whole.diagonal[i]!, 9);
  });

  test("one with zeros around the picture is the circular one where nothing goes round", () => {
    const padded = paddedConvolution({ shape, data }, height, width);
    const round = circular();
    const inner = 2 * width + 3;
    for (let column = 0; column < round.columns; column++) {
      expect(padded[inner * round.columns + column]).toBe(round.get(inner, column));
    }
    // In the corner only a part of the kernel meets the picture.
    const corner = padded.subarray(0, round.columns).filter((entry) => entry !== 0);
    expect(corner).toHaveLength(3 * 2 * 3);
  });
});

describe("the product of balanced matrices", () => {
  test.each([2, 5])("depth %d: from a decoupled start, modes take the time of their equation", (depth) => {
    const [strengths, start] = [[1.3, 0.7], 0.05];
    const task = [strengths[0]!, 0, 0, strengths[1]!];
    const curve = endToEndCurve({ depth, width: 2, task, start: [start, 0, 0, start] }, 0.01, 800);
    for (const [mode, strength] of strengths.entries()) {
      for (const at of [100, 300, 800]) {
        const end = curve[at]![3 * mode]!;
        if (end > 0.99 * strength) continue;
        expect(modeTime({ depth, strength, start }, end) / depth).toBeCloseTo(0.01 * at, 5);
      }
    }
  });

  test("depth 1 is linear regression: the gap shrinks exponentially", () => {
    const [start, task] = [
      [0.3, -0.2, 0.5, 0.1],
      [1, 0.4, -0.6, 0.8],
    ];
    const end = endToEndCurve({ depth: 1, width: 2, task, start }, 0.02, 50)[50]!;
    for (const [i, entry] of end.entries()) expect(entry).toBeCloseTo(task[i]! + (start[i]! - task[i]!) / Math.E, 7);
  });
});
