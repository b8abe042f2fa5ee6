import { createRng, gaussianArray, PushforwardError, sizeOf } from "../base/index.ts";
import type { Jacobian, KinkCount, Network, Point, Tap } from "../jacobian/index.ts";
import { dotTest, type LinearOperator } from "../operator/index.ts";
import { type Differences, differencesAt, smallestGap } from "./differences.ts";
import { roundingOf } from "./rounding.ts";

/**
 * What is found of a tap. `right`: J is what differences give, and Jᵀ is its transpose. `adjoint`: Jᵀ is the transpose of J, and differences
 * do not apply, behind the rounding to quantized numbers or what is drawn at random. `inexact`: both are right, but terms of J cancel, so that
 * products in float32 are off by rounding, as far as the numbers say. `constant`: no derivative leads there. `no rule`,
 * `no value`, `empty`: it cannot be computed, for an operator, for an input that is not given, or since it has no entries. `not finite`: its
 * value at the point has a NaN, or its derivative is infinite. `not adjoint`, `wrong`: the computation is at fault. `failed`: an error.
 */
export type Finding =
  | "right"
  | "adjoint"
  | "inexact"
  | "constant"
  | "no rule"
  | "no value"
  | "empty"
  | "not finite"
  | "not adjoint"
  | "wrong"
  | "failed";

/** Vectors of a block that a checkup multiplies. */
const ROWS = 8;

/** Seconds of one vector's product, in a block of `ROWS`. */
interface ProductTimes {
  readonly jvp: number;
  readonly vjp: number;
}

export interface TapCheck {
  readonly tap: Tap;
  readonly finding: Finding;
  /** What stands in the way, or what is wrong, in a sentence. */
  readonly reason?: string;
  /** |⟨u, Jv⟩ − ⟨Jᵀu, v⟩|, relative: see `dotTest`. */
  readonly adjoint?: number;
  /** How far J·v is from differences, relative; absent where differences do not apply. */
  readonly difference?: number;
  /** Nodes that lie at a kink at the point, where J is a convention. */
  readonly kinks?: readonly KinkCount[];
  readonly times?: ProductTimes;
}

/** Above this, J and Jᵀ are not transposes of each other (`dotTest`). */
const MOST_ADJOINT = 1e-6;
/** Above this, J is not what differences in float64 give; the second where a node runs in float32. */
const MOST_DIFFERENCE = 1e-3;
const MOST_ROUGH_DIFFERENCE = 3e-2;

/** Rounding may put a gap this many times as far as it moves one product. */
const ROUNDINGS = 16;
/** Products of more multiply-adds are not computed once more by plain loops. */
const MOST_COST = 2 ** 28;

export interface TapOptions {
  readonly from: Tap;
  readonly point: Point;
  readonly seed: number;
  readonly isTimed: boolean;
}

/** Checks one tap by products and differences. What keeps it from being differentiated must be known before: see `checkNetwork`. */
export async function checkTap(
  network: Network,
  tap: Tap,
  differences: Differences,
  { from, point, seed, isTimed }: TapOptions,
): Promise<TapCheck> {
  try {
    using J = await network.jacobian({ at: point, from, to: tap });
    const adjoint = await dotTest(inSmallBlocks(J), seed);
    const without = differences.without.get(tap.tensor);
    const gap = without !== undefined ? 0 : await gapAt(J, tap, differences);
    const { kinks } = J;
    const most = differences.isRough(tap.tensor) ? MOST_ROUGH_DIFFERENCE : MOST_DIFFERENCE;
    // At a kink, J is a convention that differences need not follow: they are asked beside it.
    const difference =
      gap > most && kinks.length > 0 ? await besideKinks(network, tap, gap, { from, point, seed }) : gap;
    const times = isTimed ? { times: await timesOf(inSmallBlocks(J)) } : {};
    const found = { tap, adjoint, ...(without !== undefined ? {} : { difference }), kinks, ...times };
    if (!Number.isFinite(adjoint)) {
      return { tap, finding: "not finite", reason: "the derivative at the point is not finite", kinks, ...times };
    }
    if ((adjoint > MOST_ADJOINT || difference > most) && J.productCost <= MOST_COST) {
      const rounding = await roundingOf(network, { from, to: tap, point, seed }, differences.direction);
      const allowed = ROUNDINGS * rounding.noise;
      const isTransposed = adjoint <= MOST_ADJOINT + allowed && rounding.adjoint <= MOST_ADJOINT;
      if (isTransposed && difference <= most + allowed) {
        const reason = "terms of J cancel, so that products in float32 keep few digits; in float64, J and Jᵀ agree";
        return { ...found, finding: "inexact", reason };
      }
    }
    if (adjoint > MOST_ADJOINT) {
      return { ...found, finding: "not adjoint", reason: "the products with J and Jᵀ disagree" };
    }
    if (!(difference <= most)) {
      return { ...found, finding: "wrong", reason: "the products with J are not what differences of the network give" };
    }
    if (without === undefined) return { ...found, finding: "right" };
    return {
      ...found,
      finding: "adjoint",
      reason: `differences do not apply ${without}; J and Jᵀ are transposes of each other`,
    };
  } catch (error) {
    if (!(error instanceof PushforwardError)) throw error;
    return { tap, finding: error.code === "not-finite" ? "not finite" : "failed", reason: error.what };
  }
}

async function gapAt(J: Jacobian, { tensor }: Tap, { of, direction }: Differences): Promise<number> {
  const { data } = await J.jvp(direction);
  return smallestGap(of.get(tensor)!, data);
}

/** The gap at a point that is moved a little at random, as far as the source is the input of the point; the given gap otherwise. */
async function besideKinks(
  network: Network,
  tap: Tap,
  gap: number,
  { from, point, seed }: Pick<TapOptions, "from" | "point" | "seed">,
): Promise<number> {
  if (!(point instanceof Float32Array) || from.tensor !== network.input.tensor) return gap;
  const noise = gaussianArray(createRng(seed, "beside kinks"), point.length);
  const scale = 1e-3 * (Math.sqrt(point.reduce((sum, x) => sum + x * x, 0) / point.length) || 1);
  const moved = point.map((entry, i) => entry + scale * noise[i]!);
  using J = await network.jacobian({ at: moved, from, to: tap });
  return await gapAt(J, tap, await differencesAt(network, from, [tap], moved, seed));
}

/** J in blocks of `ROWS` vectors, so that a checkup takes little memory. */
const inSmallBlocks = (J: Jacobian): LinearOperator => ({
  source: J.source,
  target: J.target,
  algebra: J.algebra,
  preferredRows: ROWS,
  apply: J.apply,
  applyTranspose: J.applyTranspose,
});

/** Products that took less than this, in seconds, are measured a second time: the first run of a graph also takes its memory. */
const SHORT = 0.2;

async function timesOf(J: LinearOperator): Promise<ProductTimes> {
  const block = (size: number) => J.algebra.upload(gaussianArray(createRng("times", size), ROWS * size), ROWS);
  using v = block(sizeOf(J.source));
  using u = block(sizeOf(J.target));
  const run = async (product: () => Promise<Disposable>): Promise<number> => {
    const start = performance.now();
    (await product())[Symbol.dispose]();
    return (performance.now() - start) / 1000;
  };
  const measured = async (product: () => Promise<Disposable>): Promise<number> => {
    const first = await run(product);
    return (first > SHORT ? first : Math.min(first, await run(product))) / ROWS;
  };
  return { jvp: await measured(() => J.apply(v)), vjp: await measured(() => J.applyTranspose(u)) };
}
