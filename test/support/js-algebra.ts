import { type Block, type BlockAlgebra, block, type Matrix } from "../../src/operator/index.ts";
import { multiply } from "../../src/svd/small/matrix.ts";

/**
 * The block algebra in plain loops: the oracle for the backends' own, and the algebra of tests without a backend.
 * Sums in float64 throughout, so `exact` changes nothing.
 */
export const jsAlgebra: BlockAlgebra = {
  async gram(a, b) {
    const data = new Float64Array(a.rows * b.rows);
    for (let i = 0; i < a.rows; i++) {
      const x = rowOf(a, i);
      for (let j = 0; j < b.rows; j++) {
        const y = rowOf(b, j);
        let even = 0;
        let odd = 0;
        const whole = x.length & ~1;
        for (let c = 0; c < whole; c += 2) {
          even += x[c]! * y[c]!;
          odd += x[c + 1]! * y[c + 1]!;
        }
        if (whole < x.length) even += x[whole]! * y[whole]!;
        data[i * b.rows + j] = even + odd;
      }
    }
    return { rows: a.rows, columns: b.rows, data };
  },

  async combine(c, q) {
    return combination(c, q, (_row, total) => Float32Array.from(total));
  },

  async subtract(w, c, q) {
    return combination(c, q, (row, total) => rowOf(w, row).map((entry, i) => entry - total[i]!), w.length);
  },

  async multiply(a, b) {
    return multiply(a, b);
  },

  async mix([a, b, c]) {
    const mixed = (_: number, at: number) =>
      a.weight * a.block.data[at]! + b.weight * b.block.data[at]! + c.weight * c.block.data[at]!;
    return { ...a.block, data: a.block.data.map(mixed) };
  },

  async select(x, positions) {
    const data = Array.from({ length: x.rows }, (_, row) =>
      Array.from(positions, (position) => rowOf(x, row)[position]!),
    );
    return { rows: x.rows, length: positions.length, data: Float32Array.from(data.flat()) };
  },

  async scatter(x, positions, length) {
    const data = new Float32Array(x.rows * length);
    x.data.forEach((entry, at) => {
      data[Math.floor(at / x.length) * length + positions[at % x.length]!] = entry;
    });
    return { rows: x.rows, length, data };
  },

  async dots(a, b) {
    return Float64Array.from({ length: a.rows }, (_, row) => {
      const y = rowOf(b, row);
      return rowOf(a, row).reduce((sum, entry, c) => sum + entry * y[c]!, 0);
    });
  },

  async squaredDifference(a, s, b) {
    return Float64Array.from({ length: a.rows }, (_, row) => {
      const [x, y] = [rowOf(a, row), rowOf(b, row)];
      let total = 0;
      for (let c = 0; c < x.length; c++) total += (x[c]! - s[row]! * y[c]!) ** 2;
      return total;
    });
  },
};

const rowOf = ({ data, length }: Block, row: number): Float32Array => data.subarray(row * length, (row + 1) * length);

function combination(
  c: Matrix,
  q: Block,
  finish: (row: number, total: Float64Array) => Float32Array,
  length = q.length,
): Block {
  const data = new Float32Array(c.rows * length);
  for (let i = 0; i < c.rows; i++) {
    const total = new Float64Array(length);
    for (let j = 0; j < q.rows; j++) {
      const weight = c.data[i * c.columns + j]!;
      if (weight === 0) continue;
      const x = rowOf(q, j);
      for (let col = 0; col < length; col++) total[col] = total[col]! + weight * x[col]!;
    }
    data.set(finish(i, total), i * length);
  }
  return block(data, c.rows);
}
