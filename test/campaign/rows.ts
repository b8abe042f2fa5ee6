import { createRng, gaussianArray } from "../../src/base/index.ts";
import type { Backend } from "../../src/runtime/index.ts";
import { emittedJacobian, interpretOnce } from "../laws/emitted.ts";
import { relativeDistance } from "../laws/vectors.ts";
import { rows } from "../rows/index.ts";
import { problemOf } from "../rows/problem.ts";
import { type OpRow, type Row, titleOf } from "../rows/row.ts";

/** Convolutions with as many channels as networks have: one WebGPU gets them wrong where small ones are right. */
const wideRows: readonly OpRow[] = [
  ...[6, 9, 33].map((channels): OpRow => ({ op: "Conv", in: { X: [1, channels, 8, 8], W: [32, channels, 3, 3] } })),
  { op: "Conv", in: { X: [1, 8, 8, 8], W: [12, 4, 3, 3] }, attrs: { group: 2 } },
  { op: "Conv", in: { X: [1, 16, 9, 9], W: [24, 16, 5, 5] }, attrs: { pads: [2, 2, 2, 2], strides: [2, 2] } },
  { op: "MaxPool", in: { X: [1, 16, 13, 13] }, attrs: { kernel_shape: [3, 3], strides: [2, 2] }, from: "distinct" },
];

/** The rows that a device is tried on. */
export const deviceRows: readonly Row[] = [...wideRows, ...rows];

/** What a device makes of J of a row. */
export interface RowVerdict {
  readonly title: string;
  /** `on the CPU`: the device gets a graph of it wrong, or cannot run it, and this was noticed. */
  readonly outcome: "right" | "on the CPU" | "false";
  /** The largest relative distance between products with J, or with Jᵀ, and those of the CPU. */
  readonly apart: number;
  /** What was noticed of the device. */
  readonly notices: readonly string[];
}

/** The numbers of vectors in a block that are tried. */
const BLOCKS = [1, 3, 8];
/** Two float32 sums of the same terms differ by less, in whichever order they are added; twice what passes as right. */
const APART = 2 ** -16;

/**
 * Computes products with J of a row on a device and on the CPU.
 *
 * @param noticed what the device's backend has noticed so far; it grows while the row is computed
 */
export async function rowOn(row: Row, device: Backend, cpu: Backend, noticed: readonly string[]): Promise<RowVerdict> {
  const before = noticed.length;
  const title = titleOf(row);
  const problem = problemOf(row);
  const keep = row.withoutForward === undefined ? undefined : interpretOnce;
  const named: Backend = {
    ...device,
    upload: (tensor) => device.upload(tensor),
    compile: (model) => device.compile({ ...model, graph: { ...model.graph, name: `J of ${title}` } }),
  };
  const expected = await emittedJacobian(cpu, problem, keep);
  const J = await emittedJacobian(named, problem, keep);
  let apart = 0;
  for (const K of BLOCKS) {
    const v = gaussianArray(createRng("device", K, "v"), K * J.n);
    const u = gaussianArray(createRng("device", K, "u"), K * J.m);
    const gaps = [
      relativeDistance(await J.jvp(v, K), await expected.jvp(v, K)),
      relativeDistance(await J.vjp(u, K), await expected.vjp(u, K)),
    ];
    apart = Math.max(apart, ...gaps);
  }
  await J.release();
  await expected.release();
  const notices = noticed.slice(before);
  const outcome = !(apart <= APART) ? "false" : notices.length > 0 ? "on the CPU" : "right";
  return { title, outcome, apart, notices };
}
