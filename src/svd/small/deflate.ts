const EPS = 2 ** -52;

/** Row a becomes cosine·a − sine·b, row b sine·a + cosine·b. */
interface Rotation {
  readonly a: number;
  readonly b: number;
  readonly cosine: number;
  readonly sine: number;
}

/** Which eigenvectors of diag(d) a rank-one correction changes. */
export interface Deflation {
  /** The indices of those that it changes; their values d are ascending and distinct. */
  readonly active: readonly number[];
  /** The others. */
  readonly idle: readonly number[];
  /** Rotations to apply to the vectors first, in this order. */
  readonly rotations: readonly Rotation[];
}

/**
 * Sets aside the eigenvectors that the correction ρ z zᵀ does not change: those orthogonal to z, and, after a rotation, all but one
 * of those that share a value. `d` (ascending) and `z` are changed accordingly.
 */
export function deflate(d: Float64Array, z: Float64Array, rho: number): Deflation {
  const n = d.length;
  const largest = d.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  const tolerance = 8 * EPS * Math.max(largest, rho);
  const active: number[] = [];
  const idle: number[] = [];
  const rotations: Rotation[] = [];
  for (let i = 0; i < n; i++) {
    if (rho * Math.abs(z[i]!) <= tolerance) {
      idle.push(i);
      continue;
    }
    const before = active.at(-1);
    if (before !== undefined) {
      const radius = Math.hypot(z[before]!, z[i]!);
      const cosine = z[i]! / radius;
      const sine = z[before]! / radius;
      const gap = d[i]! - d[before]!;
      if (Math.abs(gap * cosine * sine) <= tolerance) {
        rotations.push({ a: before, b: i, cosine, sine });
        z[i] = radius;
        z[before] = 0;
        const left = d[before]! * cosine * cosine + d[i]! * sine * sine;
        d[i] = d[before]! * sine * sine + d[i]! * cosine * cosine;
        d[before] = left;
        active.pop();
        idle.push(before);
      }
    }
    active.push(i);
  }
  return { active, idle, rotations };
}

/** Applies a rotation to its two rows. */
export function rotate(a: Float64Array, b: Float64Array, cosine: number, sine: number): void {
  for (let c = 0; c < a.length; c++) {
    const x = a[c]!;
    const y = b[c]!;
    a[c] = cosine * x - sine * y;
    b[c] = sine * x + cosine * y;
  }
}
