// How near the convolutions of J and Jᵀ come to the float32 matrix peak: each alone, as the products emit it.
import { emit, type Linearization, type LinearProgram, transpose } from "../src/autodiff/index.ts";
import { gaussianArray, type Rng, sizeOf } from "../src/base/index.ts";
import { buildModel, node, type Tensor, valueInfo } from "../src/onnx/index.ts";
import type { Backend } from "../src/runtime/index.ts";
import { interleaved } from "./timing.ts";

/** Side of the square matrices whose product measures the peak. */
const SIDE = 2048;

interface Layer {
  readonly layer: string;
  readonly gflops: number;
  /** Of the matrix product's median rate. */
  readonly share: number;
  /** Of its best round: what a disturbed machine cannot lower for the one and leave for the other. */
  readonly shareOfBest: number;
}

interface Side extends Omit<Layer, "layer"> {
  readonly layers: readonly Layer[];
}

/** Rates in GFLOP/s of the median round, those of the matrix product of the best round too. */
export interface ConvolutionShares {
  readonly peak: number;
  readonly bestPeak: number;
  readonly J: Side;
  readonly Jt: Side;
}

interface Job {
  /** Of the layer. */
  readonly name: string;
  readonly flops: number;
  readonly run: () => Promise<unknown>;
}

const tensor = (rng: Rng, shape: readonly number[]): Tensor => ({
  type: "float32",
  shape,
  data: gaussianArray(rng, sizeOf(shape)),
});

/** Each convolution of a program, compiled alone; only the multiplications that the network's own layer has are counted. */
async function convolutionJobs(
  program: LinearProgram,
  { constants }: Linearization,
  backend: Backend,
  rows: number,
  rng: Rng,
): Promise<Job[]> {
  const jobs: Job[] = [];
  for (const step of program.steps) {
    if (step.op !== "conv" && step.op !== "convTranspose") continue;
    const [x, y] = [step.inputs[0]!, step.output];
    const emitted = emit({ sources: [x], targets: [y], steps: [step] }, constants);
    const executable = await backend.compile(emitted.model);
    const [input, output] = [emitted.inputs[0]!, emitted.outputs[0]!];
    const held = (shape: readonly number[]) => [rows, ...shape.slice(1)];
    const feeds = { [input]: backend.upload(tensor(rng, held(x.shape))) };
    const into = { [output]: backend.allocate(held(y.shape)) };
    const positions = step.op === "conv" ? sizeOf(y.shape) : sizeOf(x.shape);
    jobs.push({
      name: `${step.operands[0]!.name} [${step.operands[0]!.shape}]`,
      flops: 2 * rows * positions * sizeOf(step.operands[0]!.shape.slice(1)),
      run: () => executable.compute(feeds, [output], into),
    });
  }
  return jobs;
}

async function peakJob(backend: Backend, rng: Rng): Promise<Job> {
  const square = (name: string) => valueInfo(name, "float32", [SIDE, SIDE]);
  const nodes = [node({ op: "MatMul", inputs: ["a", "b"], outputs: ["c"] })];
  const graph = { inputs: [square("a"), square("b")], outputs: [square("c")], nodes, initializers: new Map() };
  const executable = await backend.compile(buildModel(graph));
  const random = () => backend.upload(tensor(rng, [SIDE, SIDE]));
  const feeds = { a: random(), b: random() };
  const into = { c: backend.allocate([SIDE, SIDE]) };
  return { name: "peak", flops: 2 * SIDE ** 3, run: () => executable.compute(feeds, ["c"], into) };
}

/** Measures the matrix peak and every convolution of J and Jᵀ in turn, in one run. */
export async function convolutionShares(
  linearization: Linearization,
  backend: Backend,
  { rows, rounds, rng }: { readonly rows: number; readonly rounds: number; readonly rng: Rng },
): Promise<ConvolutionShares> {
  const { program } = linearization;
  const peak = await peakJob(backend, rng);
  const forward = await convolutionJobs(program, linearization, backend, rows, rng);
  const backward = await convolutionJobs(transpose(program), linearization, backend, rows, rng);
  const all = [peak, ...forward, ...backward];
  const taken = Object.values(
    await interleaved(Object.fromEntries(all.map(({ run }, i) => [`job ${i}`, run])), rounds),
  );
  const times = new Map(all.map((job, i) => [job, taken[i]!]));
  const rate = (flops: number, ms: number) => flops / ms / 1e6;
  const [peakRate, bestPeak] = [times.get(peak)!.median, times.get(peak)!.least].map((ms) => rate(peak.flops, ms));
  const compared = (gflops: number) => ({ gflops, share: gflops / peakRate!, shareOfBest: gflops / bestPeak! });
  const total = (of: readonly number[]) => of.reduce((sum, value) => sum + value, 0);
  const side = (jobs: readonly Job[]): Side => {
    const medians = jobs.map((job) => times.get(job)!.median);
    const layers = jobs.map(({ name, flops }, i) => ({ layer: name, ...compared(rate(flops, medians[i]!)) }));
    return { ...compared(rate(total(jobs.map(({ flops }) => flops)), total(medians))), layers };
  };
  return { peak: peakRate!, bestPeak: bestPeak!, J: side(forward), Jt: side(backward) };
}
