import { createRng, gaussianArray } from "../base/index.ts";
import type { Block, BlockAlgebra, Matrix } from "../runtime/index.ts";
import { symmetricEigen } from "./small/eigen.ts";

/** The operations that take the time of a solve, apart from the products with J. */
export type Operation =
  | "gram"
  | "exact gram"
  | "exact entry"
  | "combine"
  | "exact combine"
  | "subtract"
  | "multiply"
  | "mix"
  | "select"
  | "difference"
  | "eigenproblem"
  | "random numbers";

/**
 * Seconds for each operation: per multiply-add of a product; per entry that is added, selected or converted to float64; per n³ of an
 * eigenproblem of order n; per random number.
 */
export type Rates = Readonly<Record<Operation, number>>;

/** The rates of one algebra, by the number of rows of a block. */
export type MeasuredRates = Map<number, Rates>;

/** The sizes of the samples: a basis that does not fit into a cache, half of it, an eigenproblem, and random numbers. */
const SAMPLE = { basis: 256, rows: 128, length: 65_536, order: 256, numbers: 100_000 };
/** The first repeat warms up. The fastest of the others counts, because other programs may slow some of them. */
const REPEATS = 4;

/** Measures how fast this machine performs each operation with blocks of `blockRows` vectors. Takes less than a second. */
export async function measuredRates(algebra: BlockAlgebra, blockRows: number): Promise<Rates> {
  const { basis, rows, length, order, numbers } = SAMPLE;
  using all = sampleBlock(algebra, basis, length);
  const [many, few] = [all.range(0, rows), all.range(0, blockRows)];
  using short = sampleBlock(algebra, basis, length / 4);
  const [square, flat, wide] = [sampleMatrix(rows, rows), sampleMatrix(blockRows, basis), sampleMatrix(rows, basis)];
  const [into, toMany] = [few, many].map((like) => ({ into: algebra.allocate(like.rows, like.length) }));
  const symmetric = sampleMatrix(order, order);
  const entry = { weight: 1, block: few };
  const positions = Uint32Array.from({ length }, (_, i) => length - 1 - i);
  const zeros = new Float64Array(blockRows);
  const rng = createRng(0, "rates");
  return {
    gram: await secondsOf(basis * entriesOf(few), () => algebra.gram(few, all)),
    subtract: await secondsOf(basis * entriesOf(few), () => algebra.subtract(few, flat, all, into)),
    combine: await secondsOf(rows * entriesOf(all), () => algebra.combine(wide, all, toMany)),
    "exact gram": await secondsOf(basis * entriesOf(short), () => algebra.gram(short, short, { exact: true })),
    "exact entry": await secondsOf(entriesOf(few), () => algebra.gram(few, few, { exact: true })),
    "exact combine": await secondsOf(rows * entriesOf(many), () => algebra.combine(square, many, { exact: true })),
    multiply: await secondsOf(rows ** 3, () => algebra.multiply(square, square)),
    mix: await secondsOf(entriesOf(few), () => algebra.mix([entry, entry, entry], into)),
    select: await secondsOf(entriesOf(few), () => algebra.select(few, positions, into)),
    difference: await secondsOf(entriesOf(few), () => algebra.squaredDifference(few, zeros, few)),
    eigenproblem: await secondsOf(order ** 3, () => symmetricEigen(symmetric, algebra.multiply)),
    "random numbers": await secondsOf(numbers, async () => gaussianArray(rng, numbers)),
  };
}

/**
 * A rough speed of this machine, as busy as it is now: multiply-adds a second of a matrix product in float32, on average over
 * some tenths of a second.
 */
export async function measuredSpeed(algebra: BlockAlgebra): Promise<number> {
  const { rows, length } = { rows: SAMPLE.rows, length: SAMPLE.length / 8 };
  using ones = algebra.upload(new Float32Array(rows * length).fill(1), rows);
  await algebra.gram(ones, ones);
  const started = performance.now();
  const elapsed = () => (performance.now() - started) / 1000;
  let work = 0;
  for (; elapsed() < 0.2; work += rows * entriesOf(ones)) await algebra.gram(ones, ones);
  return work / elapsed();
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

const sampleBlock = (algebra: BlockAlgebra, rows: number, length: number): Block =>
  algebra.upload(repeated(gaussianArray(createRng(rows, length), DRAWN), rows * length), rows);

/** How many different numbers a sample has: to draw more takes longer than what is measured. */
const DRAWN = 50_021;

function repeated(numbers: Float32Array, length: number): Float32Array {
  const result = new Float32Array(length);
  for (let at = 0; at < length; at += numbers.length) {
    result.set(numbers.subarray(0, Math.min(numbers.length, length - at)), at);
  }
  return result;
}

const sampleMatrix = (rows: number, columns: number): Matrix => ({
  rows,
  columns,
  data: Float64Array.from(gaussianArray(createRng(rows, columns), rows * columns)),
});

const entriesOf = ({ rows, length }: Block): number => rows * length;
