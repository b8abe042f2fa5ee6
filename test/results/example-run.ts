import { createRng, gaussianArray, sizeOf } from "../../src/base/index.ts";
import type { RunManifest, Status, UnitResult } from "../../src/results/index.ts";

/** A run of two inputs and three taps, the last one smaller than k; one tap's name needs care in a key. */
export const exampleManifest: RunManifest = {
  format: "pushforward-run",
  formatVersion: 3,
  model: { file: "net.onnx", sha256: "aa".repeat(32) },
  from: { name: "input", tensor: "data", shape: [3, 4, 4] },
  inputs: [
    { name: "cat", file: "images/cat.png", sha256: "01".repeat(32), label: "cat" },
    { name: "höhle/2", file: "images/höhle.png", sha256: "02".repeat(32) },
  ],
  taps: [
    { name: "conv1", tensor: "t1", op: "Conv", shape: [5, 2, 2], cut: true, k: 6 },
    { name: "block/relu 1", tensor: "t2", op: "Relu", shape: [5, 2, 2], cut: false, k: 6 },
    { name: "logits", tensor: "t3", op: "Gemm", shape: [4], cut: true, k: 4 },
  ],
  preprocess: { name: "imagenet", unit: "full-scale pixel", settings: { crop: [4, 4], mean: [0.5] } },
  k: 6,
  tol: 1e-5,
  seed: 0,
  vectors: 2,
  solver: "block-krylov",
  backend: "cpu",
  versions: { pushforward: "0.1.0", "onnxruntime-node": "1.30.0" },
  created: "2026-01-02T03:04:05Z",
};

const statuses: readonly Status[] = ["converged", "at-floor", "unconverged", "below-floor"];

/** Numbers for a unit that no other unit has. */
export function exampleUnit(manifest: RunManifest, input: number, tap: number, version = 0): UnitResult {
  const rng = createRng("unit", input, tap, version);
  const { shape, k } = manifest.taps[tap]!;
  const [m, n] = [sizeOf(shape), sizeOf(manifest.from.shape)];
  const index = manifest.vectors === 0 ? [] : k < 5 ? [0, 1, 2, 3] : [0, 1, k - 2, k - 1];
  const missed = [
    { kind: "exact" },
    { kind: "probable", bound: rng.uniform(), failureProbability: 1e-9 },
    { kind: "none" },
  ] as const;
  return {
    m,
    n,
    k,
    sigma: Float64Array.from({ length: k }, () => rng.uniform())
      .sort()
      .reverse(),
    residual: Float64Array.from({ length: k }, () => 1e-7 * rng.uniform()),
    status: Array.from({ length: k }, () => statuses[rng.integer(4)]!),
    norm: 1 + rng.uniform(),
    floor: 1e-8,
    // Units of earlier versions have none.
    ...(input === 1 ? {} : { floors: Float64Array.from({ length: k }, () => 1e-8 + 1e-9 * rng.uniform()) }),
    orthogonality: { u: rng.uniform(), v: rng.uniform() },
    missed: missed[(input + tap) % 3]!,
    jvp: rng.integer(1000),
    vjp: rng.integer(1000),
    seconds: rng.uniform(),
    stopped: tap === 0 ? "all-converged" : "budget",
    activeRows: rng.integer(m),
    kinks: [
      { tap: "relu", neurons: rng.integer(m), windows: 0 },
      { tap: "pool", neurons: 0, windows: rng.integer(m) },
    ],
    ...(input === 1 ? { onCpu: ["The device webgpu computes the product wrongly; it is computed on the CPU."] } : {}),
    machine: "onnxruntime-node 1.30.0",
    vectors: { index, u: gaussianArray(rng, index.length * m), v: gaussianArray(rng, index.length * n) },
  };
}
