const EPS = 2 ** -52;

/**
 * Diagonalizes a symmetric tridiagonal matrix by the implicit QL method, turning the rows of z [n, n] with it: `diagonal`
 * becomes the eigenvalues, unsorted. `offDiagonal[i]` couples i−1 and i.
 *
 * @see Golub & Van Loan 2013, §8.3.5
 */
export function implicitQl(diagonal: Float64Array, offDiagonal: Float64Array, z: Float64Array, n: number): void {
  const e = new Float64Array(n);
  e.set(offDiagonal.subarray(1));
  const d = diagonal;
  const norm = d.reduce((max, entry, i) => Math.max(max, Math.abs(entry) + Math.abs(e[i]!)), 0);
  const negligible = (i: number): boolean =>
    Math.abs(e[i]!) <= EPS * (Math.abs(d[i]!) + Math.abs(d[i + 1]!)) + EPS ** 1.25 * norm;
  const cosines = new Float64Array(n);
  const sines = new Float64Array(n);

  for (let low = 0; low < n; low++) {
    for (;;) {
      let high = low;
      while (high < n - 1 && !negligible(high)) high++;
      if (high === low) break;
      e[high] = 0;
      // Wilkinson's shift, from the leading two by two block.
      const half = (d[low + 1]! - d[low]!) / (2 * e[low]!);
      const root = Math.sqrt(half * half + 1);
      let g = d[high]! - d[low]! + e[low]! / (half + (half >= 0 ? root : -root));
      let sine = 1;
      let cosine = 1;
      let carried = 0;
      let first = low;
      for (let i = high - 1; i >= low; i--) {
        const f = sine * e[i]!;
        const b = cosine * e[i]!;
        const r = Math.sqrt(f * f + g * g);
        e[i + 1] = r;
        if (r === 0) {
          // The matrix splits here: keep what was done and start again on the smaller part.
          d[i + 1] = d[i + 1]! - carried;
          e[high] = 0;
          first = i + 1;
          break;
        }
        sine = f / r;
        cosine = g / r;
        sines[i] = sine;
        cosines[i] = cosine;
        const base = d[i + 1]! - carried;
        const t = (d[i]! - base) * sine + 2 * cosine * b;
        carried = sine * t;
        d[i + 1] = base + carried;
        g = cosine * t - b;
      }
      rotateRows(z, n, first, high, cosines, sines);
      if (first > low) continue;
      d[low] = d[low]! - carried;
      e[low] = g;
      e[high] = 0;
    }
  }
}

/** Applies the rotations of rows (i, i+1) for i from `high` − 1 down to `low`, two at a time. */
function rotateRows(
  z: Float64Array,
  n: number,
  low: number,
  high: number,
  cosines: Float64Array,
  sines: Float64Array,
): void {
  let i = high - 1;
  for (; i > low; i -= 2) {
    const [c1, s1, c2, s2] = [cosines[i]!, sines[i]!, cosines[i - 1]!, sines[i - 1]!];
    const upper = (i + 1) * n;
    const middle = i * n;
    const lower = (i - 1) * n;
    for (let col = 0; col < n; col++) {
      const x = z[upper + col]!;
      const y = z[middle + col]!;
      const w = z[lower + col]!;
      const t = c1 * y - s1 * x;
      z[upper + col] = s1 * y + c1 * x;
      z[middle + col] = s2 * w + c2 * t;
      z[lower + col] = c2 * w - s2 * t;
    }
  }
  if (i === low) {
    const [c, s] = [cosines[i]!, sines[i]!];
    const upper = (i + 1) * n;
    const middle = i * n;
    for (let col = 0; col < n; col++) {
      const x = z[upper + col]!;
      const y = z[middle + col]!;
      z[upper + col] = s * y + c * x;
      z[middle + col] = c * y - s * x;
    }
  }
}
