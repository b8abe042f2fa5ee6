import { createRng, gaussianArray } from "../base/index.ts";
import { type Block, type BlockAlgebra, block, type Matrix } from "../operator/index.ts";
import { symmetricEigen } from "./small/eigen.ts";

/** What takes a solver's time beside the products with J. */
export type Operation =
  | "gram"
  | "exact gram"
  | "combine"
  | "exact combine"
  | "subtract"
  | "multiply"
  | "mix"
  | "select"
  | "difference"
  | "eigenproblem"
  | "random numbers";

/** Seconds for a multiply-add, for an entry of a sum or a choice, for n³ of an eigenproblem of order n, for a number. */
export type Rates = Readonly<Record<Operation, number>>;

/** Rates of one algebra by the rows of a block. */
export type MeasuredRates = Map<number, Rates>;

/** Extents of the samples: many vectors, so long that they come from memory, or so short that they stay in the caches. */
const SAMPLE = { rows: 128, far: 65_536, near: 8192, order: 256, numbers: 100_000 };
/** The first repeat warms up; the fastest of the others counts. */
const REPEATS = 4;

/** How fast this machine does each operation on blocks of `blockRows` vectors: less than a second. */
export async function measuredRates(algebra: BlockAlgebra, blockRows: number): Promise<Rates> {
  const { rows, far, near, order, numbers } = SAMPLE;
  const [many, few, nearby] = [sampleBlock(rows, far), sampleBlock(blockRows, far), sampleBlock(rows, near)];
  const [square, flat] = [sampleMatrix(rows, rows), sampleMatrix(blockRows, rows)];
  const into = { into: new Float32Array(few.data.length) };
  const symmetric = sampleMatrix(order, order);
  const entry = { weight: 1, block: few };
  const places = Int32Array.from({ length: far }, (_, i) => far - 1 - i);
  const zeros = new Float64Array(blockRows);
  const rng = createRng(0, "rates");
  return {
    gram: await secondsOf(rows * few.data.length, () => algebra.gram(few, many)),
    subtract: await secondsOf(rows * few.data.length, () => algebra.subtract(few, flat, many, into)),
    combine: await secondsOf(rows * nearby.data.length, () => algebra.combine(square, nearby)),
    "exact gram": await secondsOf(rows * nearby.data.length, () => algebra.gram(nearby, nearby, { exact: true })),
    "exact combine": await secondsOf(rows * nearby.data.length, () => algebra.combine(square, nearby, { exact: true })),
    multiply: await secondsOf(rows ** 3, () => algebra.multiply(square, square)),
    mix: await secondsOf(few.data.length, () => algebra.mix([entry, entry, entry], into)),
    select: await secondsOf(2 * few.data.length, () => algebra.select(few, places, into)),
    difference: await secondsOf(few.data.length, () => algebra.squaredDifference(few, zeros, few)),
    eigenproblem: await secondsOf(order ** 3, () => symmetricEigen(symmetric, algebra.multiply)),
    "random numbers": await secondsOf(numbers, async () => gaussianArray(rng, numbers)),
  };
}

async function secondsOf(work: number, job: () => Promise<unknown>): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    const started = performance.now();
    await job();
    if (repeat > 0) least = Math.min(least, performance.now() - started);
  }
  return least / 1000 / work;
}

const sampleBlock = (rows: number, length: number): Block =>
  block(gaussianArray(createRng(rows, length), rows * length), rows);

const sampleMatrix = (rows: number, columns: number): Matrix => ({
  rows,
  columns,
  data: Float64Array.from(gaussianArray(createRng(rows, columns), rows * columns)),
});
