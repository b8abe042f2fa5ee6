import { createRng, gaussianArray, sizeOf } from "../base/index.ts";
import type { Jacobian, Tap } from "../jacobian/index.ts";
import type { LinearOperator } from "../operator/index.ts";
import type { Lab } from "./lab.ts";
import { type Text, widthOf } from "./lens-texts.ts";

/** The most numbers of a block of tangents. */
const MOST_NUMBERS = 2 ** 22;
/** The step of the differences, relative to the root mean square of the states. */
const STEP = 2 ** -6;
/** The directions along which the lens is compared with differences. */
const DIRECTIONS = 4;

/** Visits the texts, with one Jacobian for each. */
async function atTexts(
  lab: Lab,
  [from, to]: readonly [Tap, Tap],
  texts: readonly Text[],
  visit: (J: Jacobian, text: Text) => Promise<void>,
): Promise<void> {
  for (const text of texts) {
    using J = await lab.jacobian(lab.inputs[text.input]!.point, from, to);
    await visit(J, text);
  }
}

/**
 * Multiplies blocks in which every vector has one direction at each of some tokens, and 0 at the others.
 *
 * @param directions [count, width]
 * @param visit is passed each product, with the number of its direction
 */
async function spread(
  lab: Lab,
  { apply, source, target }: Pick<LinearOperator, "apply" | "source" | "target">,
  tokens: readonly number[],
  directions: Float32Array,
  width: number,
  visit: (product: Float32Array, direction: number) => void,
): Promise<void> {
  const [n, m] = [sizeOf(source), sizeOf(target)];
  const count = directions.length / width;
  const most = Math.max(1, Math.floor(MOST_NUMBERS / Math.max(n, m)));
  for (let first = 0; first < count; first += most) {
    const rows = Math.min(most, count - first);
    const vectors = new Float32Array(rows * n);
    for (let row = 0; row < rows; row++) {
      const direction = directions.subarray((first + row) * width, (first + row + 1) * width);
      for (const token of tokens) vectors.set(direction, row * n + token * width);
    }
    using block = lab.algebra.upload(vectors, rows);
    using products = await apply(block);
    const numbers = await products.read();
    for (let row = 0; row < rows; row++) visit(numbers.subarray(row * m, (row + 1) * m), first + row);
  }
}

const countOf = (texts: readonly Text[]): number => texts.reduce((sum, { tokens }) => sum + tokens.length, 0);

/**
 * The mean over tokens t of Σₛ J(from[t] → to[s]), times directions: [directions, width of `to`] in float64. The sum is over all tokens s
 * of the text; of a causal network, only t and later ones move.
 */
export async function meanTimes(
  lab: Lab,
  [from, to]: readonly [Tap, Tap],
  texts: readonly Text[],
  directions: Float32Array,
): Promise<Float64Array> {
  const [n, m] = [widthOf(from), widthOf(to)];
  const mean = new Float64Array((directions.length / n) * m);
  const count = countOf(texts);
  await atTexts(lab, [from, to], texts, (J, { tokens }) =>
    spread(lab, J, tokens, directions, n, (product, direction) => {
      product.forEach((entry, i) => {
        mean[direction * m + (i % m)]! += entry / count;
      });
    }),
  );
  return mean;
}

/** The mean Jacobian, [m, n] row-major: see `meanTimes`. */
export async function meanJacobian(lab: Lab, from: Tap, to: Tap, texts: readonly Text[]): Promise<Float64Array> {
  const [n, m] = [widthOf(from), widthOf(to)];
  const unit = Float32Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
  const columns = await meanTimes(lab, [from, to], texts, unit);
  return Float64Array.from({ length: m * n }, (_, i) => columns[(i % n) * m + Math.floor(i / n)]!);
}

/**
 * What each token contributes to a singular value of the mean: uᵀ·Σₛ J(from[t] → to[s])·v, whose mean over tokens is uᵀ·L·v = σ. [vectors,
 * tokens of all texts]
 */
export async function contributions(
  lab: Lab,
  [from, to]: readonly [Tap, Tap],
  texts: readonly Text[],
  { u, v }: { readonly u: Float32Array; readonly v: Float32Array },
): Promise<Float64Array> {
  const [n, m] = [widthOf(from), widthOf(to)];
  const count = countOf(texts);
  const found = new Float64Array((u.length / m) * count);
  let before = 0;
  await atTexts(lab, [from, to], texts, async (J, { tokens }) => {
    const all = Array.from({ length: sizeOf(J.target) / m }, (_, token) => token);
    const transposed = { apply: J.applyTranspose, source: J.target, target: J.source };
    await spread(lab, transposed, all, u, m, (product, vector) => {
      tokens.forEach((token, i) => {
        let total = 0;
        for (let at = 0; at < n; at++) total += product[token * n + at]! * v[vector * n + at]!;
        found[vector * count + before + i] = total;
      });
    });
    before += tokens.length;
  });
  return found;
}

/**
 * The largest relative difference, over random directions, between the mean Jacobian [m, n] times a direction and central differences of
 * the network, in which the states of all tokens move together. Two steps are extrapolated to length 0.
 */
export async function differenceOf(
  lab: Lab,
  [from, to]: readonly [Tap, Tap],
  texts: readonly Text[],
  mean: Float64Array,
): Promise<number> {
  const [n, m] = [widthOf(from), widthOf(to)];
  const w = gaussianArray(createRng(lab.seed, "lens", from.name), DIRECTIONS * n);
  const slopes = new Float64Array(DIRECTIONS * m);
  const count = countOf(texts);
  for (const { input, tokens } of texts) {
    const { point } = lab.inputs[input]!;
    const [states] = await lab.network.forward(point, [from]);
    const step = STEP * Math.sqrt(states!.reduce((sum, entry) => sum + entry * entry, 0) / states!.length);
    /** Each difference, with its part of the extrapolated slope. */
    const terms = [1, 0.5]
      .flatMap((part) => [part * step, -part * step])
      .map((by) => ({ by, share: (Math.abs(by) < step ? 4 : -1) / 3 / (2 * by) }));
    const moved = Array.from({ length: DIRECTIONS }, (_, direction) =>
      terms.map(({ by }) => {
        const values = states!.slice();
        for (const token of tokens)
          for (let at = 0; at < n; at++) values[token * n + at]! += by * w[direction * n + at]!;
        return values;
      }),
    );
    const reached = await lab.network.forwardFrom(point, from, moved.flat(), to);
    reached.forEach((value, i) => {
      const [direction, { share }] = [Math.floor(i / terms.length), terms[i % terms.length]!];
      value.forEach((entry, at) => {
        slopes[direction * m + (at % m)]! += (share * entry) / count;
      });
    });
  }
  return Math.max(
    ...Array.from({ length: DIRECTIONS }, (_, direction) => {
      const product = Array.from({ length: m }, (_, row) => {
        let total = 0;
        for (let at = 0; at < n; at++) total += mean[row * n + at]! * w[direction * n + at]!;
        return total;
      });
      const slope = slopes.subarray(direction * m, (direction + 1) * m);
      const apart = Math.hypot(...product.map((entry, i) => entry - slope[i]!));
      return apart / Math.max(Math.hypot(...slope), Math.hypot(...product), Number.MIN_VALUE);
    }),
  );
}
