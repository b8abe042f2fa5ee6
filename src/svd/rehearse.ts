import { createRng } from "../base/index.ts";
import type { LinearOperator } from "../operator/index.ts";
import type { Block } from "../runtime/index.ts";
import { GAP_VECTORS } from "./adjoint-gap.ts";
import { memoryOf, type Prediction } from "./count.ts";
import { measuringProducts, readTriplets } from "./dense.ts";
import { density } from "./density.ts";
import { PROBE_VECTORS, probePower } from "./missed.ts";
import { Products } from "./products.ts";
import { randomBlock } from "./random-block.ts";
import { type MeasuredRates, measuredRates, type Rates } from "./rates.ts";
import { Search } from "./search.ts";
import { SideOperator, shortSide } from "./short-side.ts";
import { extentOf, supportOf } from "./solve.ts";
import { type Prepared, prepared, type SvdOptions } from "./svd.ts";
import { TimedOperator } from "./timed-operator.ts";
import { Workload } from "./workload.ts";

/** The number of rows of the blocks with which products are timed. */
const TIMED_ROWS = 8;
/** The problem is made smaller by at most this factor, and at least so many triplets or vectors are left. */
const SMALLER = { most: 8, left: 48 };
/** The cost of a banded eigenproblem relative to n³ of a full one: this times n²·k for k vectors, `LOOK`·n² for the values. */
const BANDED = 0.5;
const LOOK = 70;

/**
 * Predicts the cost of `svd` on J for any k, to about 30 % if the machine is as busy during the solve as now. About 350 vectors are
 * multiplied by J; after that, a prediction for one k takes a few tenths of a second.
 *
 * The products are timed, a short Lanczos process estimates the singular values, and the search of `svd` runs on a diagonal
 * matrix with such values. If the singular values are thinned out, and k, the blocks and the vectors made smaller by the same
 * factor, block Lanczos takes the same number of steps. So the small rehearsal gives the number of products of the whole solve.
 * Work on vectors is charged at measured rates, for the lengths of the whole problem.
 *
 * `rates` stores what was measured of the algebra, for use with the next operator.
 *
 * @throws PushforwardError `not-finite` if a product is not finite
 */
export async function rehearse(
  J: LinearOperator,
  rates: MeasuredRates = new Map(),
): Promise<(options: SvdOptions) => Promise<Prediction>> {
  const timed = new TimedOperator(J);
  const { solve } = await prepared(timed, { k: 1 });
  const { products, side, algebra, rng } = solve;
  for (const [length, product] of [
    [products.n, (x: Block) => timed.apply(x)],
    [products.m, (x: Block) => timed.applyTranspose(x)],
  ] as const) {
    using random = await randomBlock(algebra, rng, TIMED_ROWS, length);
    (await product(random)).dispose();
  }
  const sigmaAt = await density(new SideOperator(products, algebra, side), algebra, rng);
  timed.release();
  return async (options) => {
    const whole = await prepared(timed, options);
    const { blockRows } = whole.search;
    const known = rates.get(blockRows) ?? (await measuredRates(algebra, blockRows));
    rates.set(blockRows, known);
    return predicted(whole, { sigmaAt, rates: known, timed });
  };
}

interface Known {
  readonly sigmaAt: (rank: number) => number;
  readonly rates: Rates;
  readonly timed: TimedOperator;
}

async function predicted(whole: Prepared, { sigmaAt, rates, timed }: Known): Promise<Prediction> {
  const { solve, method } = whole;
  const { products, side, k } = solve;
  const { m, n } = products;
  const scale = scaleOf(whole);
  const work = new Workload(solve.algebra, rates, scale);
  const small = scaledDown(whole, scale, sigmaAt, work);

  if (method === "dense") {
    await readTriplets(small.solve);
    work.add("eigenproblem", side.positions.length ** 3);
  } else {
    const rehearsal = new Search(small.solve, small.search);
    await rehearsal.untilFull();
    await rehearsal.completed();
    for (const size of rehearsal.looks) work.add("eigenproblem", LOOK * (scale * size) ** 2);
    work.add("eigenproblem", BANDED * work.mostVectors ** 2 * k + k ** 3);
  }
  const searched = { jvp: scale * small.solve.products.jvp, vjp: scale * small.solve.products.vjp };
  // The steps after the search, or after a matrix was read, are not rehearsed: their few vectors are not fewer in a smaller problem.
  const power = method === "dense" || k === Math.min(m, n) ? -1 : probePower(searched.jvp + searched.vjp);
  const { along, across } = method === "dense" ? measuringProducts(solve) : { along: GAP_VECTORS, across: GAP_VECTORS };
  const measuring = side.of === "target" ? { jvp: across, vjp: along } : { jvp: along, vjp: across };
  const jvp = searched.jvp + PROBE_VECTORS * (power + 1) + measuring.jvp;
  const vjp = searched.vjp + PROBE_VECTORS * Math.max(0, power) + measuring.vjp;
  for (const operation of ["gram", "subtract"] as const) work.add(operation, PROBE_VECTORS * (power + 1) * k * (m + n));
  const support = supportOf(solve)?.length ?? m;
  work.add("exact gram", k ** 2 * ((2 * support > m ? m : support) + n) + 2 * GAP_VECTORS * k * (m + n));
  work.add("exact entry", 2 * k * (m + n));
  work.add("random numbers", GAP_VECTORS * (m + n) + PROBE_VECTORS * n);

  const seconds = jvp * timed.secondsOfJ + vjp * timed.secondsOfTranspose + work.seconds;
  return { method, jvp, vjp, seconds, ...memoryOf(extentOf(solve), method, work.mostVectors) };
}

/** The power of two by which the problem is made smaller. */
function scaleOf({ solve, method, search }: Prepared): number {
  const least = method === "dense" ? solve.side.positions.length : solve.k;
  const blocks = method === "dense" ? SMALLER.most : search.blockRows;
  const most = Math.min(SMALLER.most, blocks, least / SMALLER.left);
  return most < 2 ? 1 : 2 ** Math.floor(Math.log2(most));
}

/** The same solve with everything smaller by a factor, of a diagonal matrix with every `scale`-th singular value. */
function scaledDown(
  { solve, method, search }: Prepared,
  scale: number,
  sigmaAt: (rank: number) => number,
  { algebra }: Workload,
): Prepared {
  const { products, activeRows } = solve;
  const fewer = (count: number): number => Math.ceil(count / scale);
  const [m, n] = [fewer(products.m), fewer(products.n)];
  const active = activeRows && Uint32Array.from({ length: fewer(activeRows.length) }, (_, i) => i);
  const side = shortSide(m, n, active);
  const sigma = Float32Array.from(side.positions, (i) => sigmaAt((i + 0.5) * scale));
  const scaledBySigma = (to: number) => async (x: Block) => {
    const [from, data] = [await x.read(), new Float32Array(x.rows * to)];
    for (let row = 0; row < x.rows; row++) {
      for (let i = 0; i < sigma.length; i++) data[row * to + i] = sigma[i]! * from[row * x.length + i]!;
    }
    return algebra.upload(data, x.rows, to);
  };
  const blockRows = fewer(products.blockRows);
  const J: LinearOperator = {
    source: [n],
    target: [m],
    preferredRows: blockRows,
    productCost: products.cost / scale ** 2,
    algebra,
    apply: scaledBySigma(m),
    applyTranspose: scaledBySigma(n),
  };
  return {
    method,
    solve: {
      ...solve,
      products: new Products(J, blockRows),
      algebra,
      k: fewer(solve.k),
      rng: createRng(0, "rehearsal"),
      witnesses: async () => undefined,
      activeRows: active,
      side,
      report: () => undefined,
      estimate: () => undefined,
    },
    search: {
      blockRows: fewer(search.blockRows),
      maxBasis: fewer(search.maxBasis),
      maxStored: fewer(search.maxStored),
      maxProducts: fewer(search.maxProducts),
      mixCost: search.mixCost / scale ** 2,
      // The block of the smaller problem has too few random vectors to estimate these as well as the whole problem does.
      sigmaAt: (rank) => sigmaAt((rank - 0.5) * scale),
    },
  };
}
