import { createRng, gaussianArray, sizeOf } from "../base/index.ts";
import type { Jacobian, Tap } from "../jacobian/index.ts";
import type { Lab } from "./lab.ts";

/** A token of an input. */
interface Place {
  readonly input: number;
  readonly token: number;
}

/** J·w at one token, and the direction w. */
interface Single extends Place {
  readonly product: Float64Array;
}

/** The most numbers of a block of tangents. */
const MOST_NUMBERS = 2 ** 22;
/** The step of the differences, as a part of the length of the state. */
const STEP = 2 ** -7;

const widthOf = ({ shape }: Tap) => shape[1]!;
/** The direction along which J is compared with differences. */
const directionAt = (lab: Lab, tap: Tap) => gaussianArray(createRng(lab.seed, "lens", tap.name), widthOf(tap));

/** Visits the places, with one Jacobian for each input. */
async function atPlaces(
  lab: Lab,
  [from, to]: readonly [Tap, Tap],
  places: readonly Place[],
  visit: (J: Jacobian, place: Place, i: number) => Promise<void>,
) {
  for (const [input, { point }] of lab.inputs.entries()) {
    const own = places.flatMap((place, i) => (place.input === input ? [{ place, i }] : []));
    if (own.length === 0) continue;
    using J = await lab.jacobian(point, from, to);
    for (const { place, i } of own) await visit(J, place, i);
  }
}

/** The products with directions at one token, read at the same token: [directions, width of the target]. */
async function productsAt(
  lab: Lab,
  J: Jacobian,
  token: number,
  directions: Float32Array,
  [n, m]: readonly [number, number],
) {
  const count = directions.length / n;
  const [source, target] = [sizeOf(J.source), sizeOf(J.target)];
  const rows = Math.max(1, Math.floor(MOST_NUMBERS / Math.max(source, target)));
  const found = new Float32Array(count * m);
  for (let from = 0; from < count; from += rows) {
    const some = Math.min(rows, count - from);
    const tangents = new Float32Array(some * source);
    for (let i = 0; i < some; i++) {
      tangents.set(directions.subarray((from + i) * n, (from + i + 1) * n), i * source + token * n);
    }
    using block = lab.algebra.upload(tangents, some);
    using product = await J.apply(block);
    const numbers = await product.read();
    for (let i = 0; i < some; i++) {
      const start = i * target + token * m;
      found.set(numbers.subarray(start, start + m), (from + i) * m);
    }
  }
  return found;
}

/** The mean over places of J(from[t] → to[t]), [m, n] row-major in float64; and J·w at those places that are checked. */
export async function meanAtTokens(
  lab: Lab,
  from: Tap,
  to: Tap,
  places: readonly Place[],
  checked: ReadonlySet<number>,
) {
  const [n, m] = [widthOf(from), widthOf(to)];
  const unit = Float32Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
  const w = directionAt(lab, from);
  const mean = new Float64Array(m * n);
  const single: Single[] = [];
  await atPlaces(lab, [from, to], places, async (J, place, i) => {
    const columns = await productsAt(lab, J, place.token, unit, [n, m]);
    const product = new Float64Array(m);
    for (let column = 0; column < n; column++) {
      for (let row = 0; row < m; row++) {
        const entry = columns[column * m + row]!;
        mean[row * n + column]! += entry / places.length;
        product[row]! += entry * w[column]!;
      }
    }
    if (checked.has(i)) single.push({ ...place, product });
  });
  return { mean, single };
}

/**
 * The mean over places of J(last[t] → output[t]) times vectors: [vectors, outputs]; `undefined` if the output of the network has no
 * scores for each token.
 */
export async function readoutOf(lab: Lab, last: Tap, places: readonly Place[], vectors: Float32Array) {
  const { output } = lab.network;
  const isForTokens = output.shape.length === 2 && output.shape[0] === last.shape[0] && lab.network.moves(last, output);
  if (!isForTokens || output.tensor === last.tensor) return undefined;
  const [n, m] = [widthOf(last), widthOf(output)];
  const mean = new Float64Array((vectors.length / n) * m);
  await atPlaces(lab, [last, output], places, async (J, { token }) => {
    const scores = await productsAt(lab, J, token, vectors, [n, m]);
    scores.forEach((score, i) => {
      mean[i]! += score / places.length;
    });
  });
  return mean;
}

/** The largest relative difference between J·w and central differences of the network, over places. */
export async function differencesAt(lab: Lab, from: Tap, to: Tap, single: readonly Single[]): Promise<number> {
  const [n, m] = [widthOf(from), widthOf(to)];
  const w = directionAt(lab, from);
  const length = Math.hypot(...w);
  let largest = 0;
  for (const { input, token, product } of single) {
    const { point } = lab.inputs[input]!;
    const [state] = await lab.network.forward(point, [from]);
    const step = (STEP * Math.hypot(...state!.subarray(token * n, (token + 1) * n))) / length;
    const moved = [step, -step].map((by) => {
      const values = state!.slice();
      w.forEach((value, i) => {
        values[token * n + i]! += by * value;
      });
      return values;
    });
    const [after, before] = await lab.network.forwardFrom(point, from, moved, to);
    const slope = product.map((_, i) => (after![token * m + i]! - before![token * m + i]!) / (2 * step));
    const apart = Math.hypot(...slope.map((value, i) => value - product[i]!));
    largest = Math.max(largest, apart / Math.max(Math.hypot(...slope), Math.hypot(...product), Number.MIN_VALUE));
  }
  return largest;
}
