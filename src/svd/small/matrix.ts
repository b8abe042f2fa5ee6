import type { Matrix } from "../../runtime/index.ts";

/** A float64 matrix of zeros. */
export function zeros(rows: number, columns: number): Matrix {
  return { rows, columns, data: new Float64Array(rows * columns) };
}

/** diag(values) */
export function diagonal(values: Float64Array): Matrix {
  const result = zeros(values.length, values.length);
  for (let i = 0; i < values.length; i++) result.data[i * (values.length + 1)] = values[i]!;
  return result;
}

/** Row `index`, sharing the matrix's memory. */
export function rowOf({ columns, data }: Matrix, index: number): Float64Array {
  return data.subarray(index * columns, (index + 1) * columns);
}

/** Rows `from` to `to` (exclusive), sharing the matrix's memory. */
export function rowRange({ columns, data }: Matrix, from: number, to: number): Matrix {
  return { rows: to - from, columns, data: data.subarray(from * columns, to * columns) };
}

/** The rows of a, then those of b. */
export function stack(a: Matrix, b: Matrix): Matrix {
  const data = new Float64Array(a.data.length + b.data.length);
  data.set(a.data);
  data.set(b.data, a.data.length);
  return { rows: a.rows + b.rows, columns: a.columns, data };
}

export function transpose({ rows, columns, data }: Matrix): Matrix {
  const result = zeros(columns, rows);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) result.data[j * rows + i] = data[i * columns + j]!;
  return result;
}

/** diag(weights) · A */
export function scaleRows(a: Matrix, weights: Float64Array): Matrix {
  return { ...a, data: a.data.map((entry, i) => entry * weights[Math.floor(i / a.columns)]!) };
}

/** A·Bᵀ */
export function multiplyTransposed(a: Matrix, b: Matrix): Matrix {
  const result = zeros(a.rows, b.rows);
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < b.rows; j++)
      result.data[i * b.rows + j] = dotAt(a.data, i * a.columns, b.data, j * a.columns, a.columns);
  }
  return result;
}

/** A·B */
export function multiply(a: Matrix, b: Matrix): Matrix {
  const result = zeros(a.rows, b.columns);
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < a.columns; j++)
      addAt(result.data, i * b.columns, a.data[i * a.columns + j]!, b.data, j * b.columns, b.columns);
  }
  return result;
}

/** a − weights·b, in place; `weights` [a.rows, b.rows]. */
export function subtractProduct(a: Matrix, weights: Matrix, b: Matrix): void {
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < b.rows; j++)
      addAt(a.data, i * a.columns, -weights.data[i * b.rows + j]!, b.data, j * b.columns, b.columns);
  }
}

/** ‖x‖ of one row. */
export function rowNorm(a: Matrix, row: number): number {
  return Math.sqrt(dotAt(a.data, row * a.columns, a.data, row * a.columns, a.columns));
}

function dotAt(x: Float64Array, xAt: number, y: Float64Array, yAt: number, count: number): number {
  let even = 0;
  let odd = 0;
  const whole = count & ~1;
  for (let c = 0; c < whole; c += 2) {
    even += x[xAt + c]! * y[yAt + c]!;
    odd += x[xAt + c + 1]! * y[yAt + c + 1]!;
  }
  if (whole < count) even += x[xAt + whole]! * y[yAt + whole]!;
  return even + odd;
}

function addAt(to: Float64Array, toAt: number, weight: number, x: Float64Array, xAt: number, count: number): void {
  if (weight === 0) return;
  for (let c = 0; c < count; c++) to[toAt + c] = to[toAt + c]! + weight * x[xAt + c]!;
}
