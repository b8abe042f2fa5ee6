import { formatShape, PushforwardError, type Shape, sizeOf } from "../base/index.ts";
import type { Block, BlockAlgebra, Matrix } from "../runtime/index.ts";
import { type LinearOperator, sourceSize, targetSize } from "./linear-operator.ts";

/** A block size with which a plain matrix product is fast. */
const DENSE_ROWS = 32;

/**
 * The operator of a given matrix, [m, n] row-major. Products are summed in float64 and rounded once, so J and Jᵀ are adjoint up to
 * float32 rounding.
 *
 * @throws PushforwardError `shape-mismatch` unless the matrix has m · n entries
 */
export function denseMatrix(
  matrix: ArrayLike<number>,
  { source, target }: { readonly source: Shape; readonly target: Shape },
  algebra: BlockAlgebra,
): LinearOperator {
  const [m, n] = [sizeOf(target), sizeOf(source)];
  if (matrix.length !== m * n) {
    throw new PushforwardError("shape-mismatch", {
      what: `A matrix from ${formatShape(source)} to ${formatShape(target)} has ${m * n} entries, not ${matrix.length}.`,
      fix: "Give the matrix row-major, one row for each entry of the target.",
    });
  }
  const J = algebra.upload(matrix instanceof Float32Array ? matrix : Float32Array.from(matrix), m, n);
  return {
    source,
    target,
    preferredRows: DENSE_ROWS,
    algebra,
    async apply(v) {
      const { rows, data } = await algebra.gram(v, J, { exact: true });
      return algebra.upload(Float32Array.from(data), rows, m);
    },
    applyTranspose: async (u) => algebra.combine(await asMatrix(u), J, { exact: true }),
  };
}

/**
 * The whole matrix of J, [m, n] row-major, from products with unit vectors: products with Jᵀ if m ≤ n, otherwise with J. It is meant
 * for small operators and tests, because the result has m · n entries.
 */
export async function toDense(J: LinearOperator): Promise<Float32Array> {
  const [m, n] = [targetSize(J), sourceSize(J)];
  const dense = new Float32Array(m * n);
  const byRows = m <= n;
  const side = byRows ? m : n;
  for (let from = 0; from < side; from += J.preferredRows) {
    const count = Math.min(J.preferredRows, side - from);
    using unit = unitRows(
      J.algebra,
      Uint32Array.from({ length: count }, (_, i) => from + i),
      side,
    );
    if (byRows) {
      using rows = await J.applyTranspose(unit);
      dense.set(await rows.read(), from * n);
    } else {
      using product = await J.apply(unit);
      const columns = await product.read();
      for (let c = 0; c < count; c++) {
        for (let row = 0; row < m; row++) dense[row * n + from + c] = columns[c * m + row]!;
      }
    }
  }
  return dense;
}

/** Unit vectors: row i is 1 at `positions[i]` and 0 elsewhere. */
export function unitRows(algebra: BlockAlgebra, positions: Uint32Array, length: number): Block {
  const data = new Float32Array(positions.length * length);
  positions.forEach((position, row) => {
    data[row * length + position] = 1;
  });
  return algebra.upload(data, positions.length, length);
}

async function asMatrix(block: Block): Promise<Matrix> {
  return { rows: block.rows, columns: block.length, data: Float64Array.from(await block.read()) };
}
