import type { Jacobian } from "../jacobian/index.ts";
import type { UnitResult } from "../results/index.ts";
import { andMore, type Compared, type Fault, worstOf } from "./fault.ts";

/**
 * The residuals of a unit's stored pairs (u, v), multiplied anew.
 *
 * Of the same vectors, two evaluations of a residual differ by the rounding of their products alone. The floor of a triplet is the residual
 * that rounding can cause alone, so each evaluation is within it of the exact one, and by the triangle inequality the two are within twice
 * the floor of each other, on any machine: the certificate holds if the new residual is at most the stored one and twice the floor.
 */
export interface Multiplied {
  readonly faults: readonly Fault[];
  /** The residuals of the pairs that are stored whole. */
  readonly residuals: readonly Compared[];
}

/** In floors: the rounding of the stored residual and of the new one. */
const EVALUATIONS = 2;

/** Inner products are summed in float64 both times, so that they differ by far less than half a unit in the last digit of float32. */
const ROUNDED = 2 ** -24;

/**
 * Checks the stored pairs (u, v) of a unit: their residuals by products with J and Jᵀ, which nothing of the solver enters, that their lengths
 * are 1, and that they are as orthogonal as the unit says.
 *
 * @param count how many vectors of each side the run stores
 */
export async function multiplyVectors(J: Jacobian, unit: UnitResult, count: number): Promise<Multiplied> {
  const { m, n, vectors } = unit;
  const isWhole = (rows: Float32Array, length: number, row: number) =>
    rows.subarray(row * length, (row + 1) * length).every(Number.isFinite);
  const rows = [...vectors.index.keys()].filter((row) => isWhole(vectors.u, m, row) && isWhole(vectors.v, n, row));
  const faults: Fault[] = [];
  if (rows.length < count) faults.push({ what: `${count - rows.length} of ${count} pairs of vectors are missing` });
  if (rows.length === 0) return { faults, residuals: [] };
  const u = rowsOf(vectors.u, m, rows);
  const v = rowsOf(vectors.v, n, rows);
  const index = rows.map((row) => vectors.index[row]!);
  const residuals = await residualsOf(J, unit, { index, u, v });
  faults.push(...worstOf("residual", residuals));
  faults.push(...(await tiltOf(J, "u", u, index, unit.orthogonality.u + ROUNDED)));
  faults.push(...(await tiltOf(J, "v", v, index, unit.orthogonality.v + ROUNDED)));
  return { faults, residuals };
}

function rowsOf(data: Float32Array, length: number, rows: readonly number[]): Float32Array {
  const picked = new Float32Array(rows.length * length);
  for (const [to, row] of rows.entries()) picked.set(data.subarray(row * length, (row + 1) * length), to * length);
  return picked;
}

async function residualsOf(
  J: Jacobian,
  { m, n, sigma, residual, floor, floors }: UnitResult,
  { index, u, v }: { readonly index: readonly number[]; readonly u: Float32Array; readonly v: Float32Array },
): Promise<Compared[]> {
  const compared: Compared[] = [];
  for (let from = 0; from < index.length; from += J.preferredRows) {
    const to = Math.min(index.length, from + J.preferredRows);
    const [us, vs] = [u.subarray(from * m, to * m), v.subarray(from * n, to * n)];
    const { data: Jv } = await J.jvp(vs);
    const { data: Jtu } = await J.vjp(us);
    for (let row = 0; row < to - from; row++) {
      const at = index[from + row]!;
      const square = squareOf(Jv, sigma[at]!, us, row, m) + squareOf(Jtu, sigma[at]!, vs, row, n);
      const allowed = residual[at]! + EVALUATIONS * (floors?.[at] ?? floor);
      compared.push({ index: at, found: Math.sqrt(square), allowed });
    }
  }
  return compared;
}

/** ‖a − σb‖² of one row, in float64. */
function squareOf(a: Float32Array, sigma: number, b: Float32Array, row: number, length: number): number {
  let sum = 0;
  for (let at = row * length; at < (row + 1) * length; at++) sum += (a[at]! - sigma * b[at]!) ** 2;
  return sum;
}

/** Where rows are less orthonormal than allowed: by their lengths, and by the angles between them. */
async function tiltOf(
  { algebra }: Jacobian,
  side: "u" | "v",
  data: Float32Array,
  index: readonly number[],
  allowed: number,
): Promise<Fault[]> {
  const count = index.length;
  using block = algebra.upload(data, count);
  const { data: gram } = await algebra.gram(block, block, { exact: true });
  const lengths = index.map((at, row) => ({ index: at, found: Math.abs(gram[row * (count + 1)]! - 1), allowed }));
  const faults = worstOf(`|‖${side}‖² − 1|`, lengths);
  let [worst, pair, bad] = [0, "", 0];
  for (let row = 0; row < count; row++) {
    for (let other = 0; other < row; other++) {
      const inner = Math.abs(gram[row * count + other]!);
      if (inner > allowed) bad++;
      if (inner > worst) [worst, pair] = [inner, `${index[other]! + 1} and ${index[row]! + 1}`];
    }
  }
  if (bad > 0) {
    faults.push({ what: `inner product of ${side} of triplets ${pair}${andMore(bad)}`, found: worst, allowed });
  }
  return faults;
}
