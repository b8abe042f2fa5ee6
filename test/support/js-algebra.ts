import { Block, type BlockAlgebra, HostTensor, type Matrix, type Placement } from "../../src/runtime/index.ts";
import { multiply } from "../../src/svd/small/matrix.ts";

/**
 * The block algebra in plain loops: the oracle for the backends' own, and the algebra of tests without a backend.
 * Sums in float64 throughout, so `exact` changes nothing.
 */
export const jsAlgebra: BlockAlgebra = {
  rounding: 0,
  upload: hostBlock,
  allocate: (rows, length) => hostBlock(new Float32Array(rows * length), rows, length),

  async copy(x, into) {
    dataOf(into).set(dataOf(x));
    return into;
  },

  async stack(blocks) {
    const data = blocks.flatMap((one) => Array.from(dataOf(one)));
    return hostBlock(
      Float32Array.from(data),
      blocks.reduce((rows, one) => rows + one.rows, 0),
      blocks[0]!.length,
    );
  },

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

  async combine(c, q, placement) {
    return placed(
      combination(c, q, (_row, total) => Float32Array.from(total)),
      placement,
    );
  },

  async subtract(w, c, q, placement) {
    const rest = combination(c, q, (row, total) => rowOf(w, row).map((entry, i) => entry - total[i]!), w.length);
    return placed(rest, placement);
  },

  async multiply(a, b) {
    return multiply(a, b);
  },

  async mix(terms, placement) {
    const [{ block: first }] = terms;
    const data = new Float32Array(first.rows * first.length);
    const arrays = terms.map(({ block }) => dataOf(block));
    for (let at = 0; at < data.length; at++) {
      data[at] = terms.reduce((sum, { weight }, i) => sum + weight * arrays[i]![at]!, 0);
    }
    return placed(hostBlock(data, first.rows, first.length), placement);
  },

  async select(x, positions, placement) {
    const data = Array.from({ length: x.rows }, (_, row) =>
      Array.from(positions, (position) => rowOf(x, row)[position]!),
    );
    return placed(hostBlock(Float32Array.from(data.flat()), x.rows, positions.length), placement);
  },

  async scatter(x, positions, length, placement) {
    const data = new Float32Array(x.rows * length);
    dataOf(x).forEach((entry, at) => {
      data[Math.floor(at / x.length) * length + positions[at % x.length]!] = entry;
    });
    return placed(hostBlock(data, x.rows, length), placement);
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

/** A block in the memory of JavaScript. */
export function hostBlock(data: Float32Array, rows: number, length = rows === 0 ? 0 : data.length / rows): Block {
  return new Block(new HostTensor({ type: "float32", shape: [rows, length], data }));
}

/** The entries of a block in the memory of JavaScript, which are its memory. */
export const dataOf = (block: Block): Float32Array => (block.tensor() as HostTensor).data as Float32Array;

async function placed(result: Block, { into }: Placement = {}): Promise<Block> {
  return into === undefined ? result : jsAlgebra.copy(result, into);
}

const rowOf = (block: Block, row: number): Float32Array =>
  dataOf(block).subarray(row * block.length, (row + 1) * block.length);

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
  return hostBlock(data, c.rows, length);
}
