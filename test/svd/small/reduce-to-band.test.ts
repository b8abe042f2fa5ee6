import { describe, expect, test } from "vitest";
import { createRng, gaussianArray } from "../../../src/base/index.ts";
import type { Matrix } from "../../../src/runtime/index.ts";
import { multiply, transpose, zeros } from "../../../src/svd/small/matrix.ts";
import { reduceToBand } from "../../../src/svd/small/reduce-to-band.ts";
import { reflectRows } from "../../../src/svd/small/reflector-block.ts";

const product = async (a: Matrix, b: Matrix) => multiply(a, b);

describe("reduceToBand", () => {
  const entries = gaussianArray(createRng(3), 10_000);
  test.each<readonly [string, number, number, (i: number, j: number) => number]>([
    ["random", 50, 7, (i, j) => entries[i * 50 + j]! / 5],
    ["random, width dividing the order", 48, 8, (i, j) => entries[i * 48 + j]! / 5],
    ["more reflectors than one block holds", 100, 3, (i, j) => entries[i * 100 + j]! / 5],
    ["wider than the matrix", 6, 9, (i, j) => entries[i * 6 + j]! / 5],
    ["order width + 1: nothing to do", 9, 8, (i, j) => entries[i * 9 + j]! / 5],
    ["rank one", 40, 4, () => 1],
    ["diagonal", 30, 5, (i, j) => (i === j ? Math.sin(i) : 0)],
    ["underflowing far from the diagonal", 40, 4, (i, j) => (i - j < 3 ? 1 : 1e-170)],
  ])("%s: Qᵀ B Q is the matrix again", async (_, n, width, entry) => {
    const a = zeros(n, n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j <= i; j++) {
        a.data[i * n + j] = entry(i, j);
        a.data[j * n + i] = entry(i, j);
      }
    }
    const { band, reflectors, weights } = await reduceToBand({ ...a, data: a.data.slice() }, width, product);
    const reduced = zeros(n, n);
    for (let i = 0; i < n; i++) {
      for (let j = Math.max(0, i - width); j <= i; j++) {
        const value = band.data[i * (width + 1) + width - i + j]!;
        reduced.data[i * n + j] = value;
        reduced.data[j * n + i] = value;
      }
    }
    await reflectRows(reduced, reflectors, weights, product);
    const restored = transpose(reduced);
    await reflectRows(restored, reflectors, weights, product);
    restored.data.forEach((value, at) => {
      expect(Math.abs(value - a.data[at]!)).toBeLessThan(n * 2 ** -49);
    });
  });
});
