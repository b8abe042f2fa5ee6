/**
 * Makes k rows of length n orthonormal in place, in the order of the rows: Gram-Schmidt, twice for each row, in float64.
 *
 * @param replace gives n numbers for a row of which nothing is left
 * @returns for each row, the length of what the rows before it leave of it (R_ii of the QR decomposition), and the length that it had
 */
export function orthonormalize(
  rows: readonly Float64Array[],
  replace: () => Float64Array,
): { readonly left: number; readonly before: number }[] {
  return rows.map((row, i) => {
    const before = lengthOf(row);
    project(row, rows, i);
    const left = project(row, rows, i);
    if (left > 0) scale(row, 1 / left);
    else {
      row.set(replace());
      project(row, rows, i);
      scale(row, 1 / project(row, rows, i));
    }
    return { left, before };
  });
}

/** Takes from a row its parts along the first `count` rows, which are orthonormal. Returns the length of what is left. */
function project(row: Float64Array, rows: readonly Float64Array[], count: number): number {
  for (let j = 0; j < count; j++) {
    const other = rows[j]!;
    let part = 0;
    for (let e = 0; e < row.length; e++) part += row[e]! * other[e]!;
    for (let e = 0; e < row.length; e++) row[e]! -= part * other[e]!;
  }
  return lengthOf(row);
}

function lengthOf(row: Float64Array): number {
  let squares = 0;
  for (const entry of row) squares += entry * entry;
  return Math.sqrt(squares);
}

function scale(row: Float64Array, factor: number): void {
  for (let e = 0; e < row.length; e++) row[e]! *= factor;
}
