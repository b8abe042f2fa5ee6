import type { RunReader } from "../../src/apps/report/index.ts";
import { createRng } from "../../src/base/index.ts";
import type { InputRecord, RunManifest, Status, TapRecord, UnitResult } from "../../src/results/index.ts";

export interface SyntheticOptions {
  readonly inputs?: number;
  readonly taps?: readonly string[];
  readonly k?: number;
  readonly source?: readonly number[];
  /** Units that are not there, `input|tap`. */
  readonly absent?: ReadonlySet<string>;
  readonly failed?: readonly number[];
  /** Why absent units failed, by `input|tap`. */
  readonly failures?: ReadonlyMap<string, string>;
  /** σ behind this share of the last taps are exactly zero. */
  readonly zeros?: number;
  readonly unconverged?: number;
  readonly vectors?: boolean;
  readonly seed?: number;
}

/** A run with made-up but plausible numbers: spectra that fall faster with depth, local first and spread last vectors. */
export function syntheticRun(options: SyntheticOptions = {}): RunReader {
  const { inputs = 16, k = 200, source = [1, 28, 28], absent = new Set(), failed = [], vectors = true } = options;
  const { taps = ["conv1", "relu1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5", "logits"] } =
    options;
  const { zeros = 0, unconverged = 0, seed = 0 } = options;
  const n = source.reduce((product, extent) => product * extent, 1);
  const width = source.at(-1) as number;
  const height = source.at(-2) as number;
  const colour = n === width * height * 3;
  const inputRecords = Array.from({ length: inputs }, (_, i): InputRecord => {
    const label = animals[i % animals.length] as string;
    const name = `${label.replace(/ /g, "_")}-${i + 1}`;
    const record = { name, file: `images/${name}.jpg`, sha256: `${i}a`.repeat(40).slice(0, 64), label };
    if (failed.includes(i)) return { ...record, failed: "not a JPEG file" };
    return { ...record, predicted: i % 5 === 3 ? "toaster" : label };
  });
  const tapRecords = taps.map((name, depth): TapRecord => {
    const last = depth === taps.length - 1;
    const shape = last
      ? [10]
      : [8 + 8 * depth, Math.max(3, 28 >> Math.floor(depth / 3)), Math.max(3, 28 >> Math.floor(depth / 3))];
    const m = shape.reduce((product, extent) => product * extent, 1);
    return { name, tensor: `${name}_out`, op: last ? "Gemm" : "Conv", shape, cut: true, k: Math.min(k, m, n) };
  });
  const manifest: RunManifest = {
    format: "pushforward-run",
    formatVersion: 3,
    model: { file: "models/small-net.onnx", sha256: "0123456789abcdef".repeat(4) },
    from: { name: "input", tensor: "data", shape: source },
    inputs: inputRecords,
    taps: tapRecords,
    preprocess: {
      name: colour ? "imagenet" : "mnist",
      unit: colour ? "one standard deviation of ImageNet pixels" : "full-scale pixel",
      settings: colour
        ? { colour: "RGB", scale: 1 / 255, invert: false, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }
        : { colour: "gray", scale: 1 / 255, invert: false, mean: [0], std: [1] },
    },
    k,
    tol: 1e-5,
    seed: 0,
    vectors: 2,
    solver: "block Golub-Kahan-Lanczos",
    backend: "onnxruntime-node cpu",
    versions: { pushforward: "0.1.0", "onnxruntime-node": "1.30.0", node: "20.20.0" },
    created: "2026-11-24T15:49:00.000Z",
  };

  function unit(i: number, depth: number): UnitResult | undefined {
    const record = tapRecords[depth];
    const { name: input, failed: broken } = inputRecords[i] ?? { name: "", failed: "unknown" };
    const tap = record?.name ?? "";
    if (record === undefined || broken !== undefined || absent.has(`${input}|${tap}`)) return undefined;
    const rng = createRng(seed, input, tap);
    const m = record.shape.reduce((product, extent) => product * extent, 1);
    const level = 4 * 1.3 ** depth * Math.exp(0.2 * rng.gaussian());
    const steep = 0.15 + 0.17 * depth + 0.03 * rng.gaussian();
    const dead = Math.round(record.k * (1 - (depth > taps.length / 2 ? zeros : 0)));
    const sigma = Float64Array.from({ length: record.k }, (_, j) =>
      j < dead ? level * (1 + j / 6) ** -steep * Math.exp(-j * depth * 0.0012) : 0,
    );
    const status = Array.from(
      { length: record.k },
      (_, j): Status => (j >= record.k - unconverged ? "unconverged" : "converged"),
    );
    const residual = Float64Array.from(
      sigma,
      (_, j) => level * (status[j] === "converged" ? 2e-7 * (1 + j / 9) : 4e-4),
    );
    const index = vectors ? [...new Set([0, record.k - 1])] : [];
    const v = new Float32Array(index.length * n);
    const cx = width * (0.3 + 0.4 * rng.uniform());
    const cy = height * (0.3 + 0.4 * rng.uniform());
    index.forEach((kept, row) => {
      const spread = kept === 0 ? 0.06 * width : 0.35 * width;
      for (let p = 0; p < n; p++) {
        const x = p % width;
        const y = Math.floor(p / width) % height;
        const wave =
          Math.sin(x * 0.9 + Math.floor(p / (width * height))) * Math.cos(y * 0.7) +
          (kept === 0 ? 0 : rng.gaussian() * 0.7);
        v[row * n + p] = wave * Math.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * spread ** 2));
      }
      const part = v.subarray(row * n, (row + 1) * n);
      const norm = Math.sqrt(part.reduce((sum, value) => sum + value * value, 0));
      for (let p = 0; p < n; p++) part[p] = (part[p] as number) / norm;
    });
    const whole = record.k === Math.min(m, n);
    return {
      m,
      n,
      k: record.k,
      sigma,
      residual,
      status,
      norm: sigma[0] as number,
      floor: 1e-7,
      orthogonality: { u: 4e-7, v: 3e-7 },
      missed: whole
        ? { kind: "exact" }
        : depth % 4 === 1
          ? { kind: "none" }
          : { kind: "probable", bound: sigma.at(-1) as number, failureProbability: 1e-6 },
      jvp: whole ? 0 : 2 * record.k + 57,
      vjp: whole ? m : 2 * record.k + 32,
      seconds: 1.2 + depth * 0.7,
      stopped: unconverged > 0 ? "budget" : "all-converged",
      activeRows: Math.round(m * (depth % 3 === 1 ? 0.43 : 1)),
      vectors: { index, u: new Float32Array(index.length * m), v },
    };
  }

  function picture(input: number): Float32Array {
    const rng = createRng("picture", input);
    const cx = width * (0.4 + 0.2 * rng.uniform());
    const cy = height * (0.4 + 0.2 * rng.uniform());
    const tint = [rng.uniform(), rng.uniform(), rng.uniform()];
    return Float32Array.from({ length: n }, (_, p) => {
      const channel = Math.floor(p / (width * height));
      const x = p % width;
      const y = Math.floor(p / width) % height;
      const inside = Math.hypot(x - cx, y - cy) / width;
      const pixel =
        inside < 0.25 ? (tint[channel] as number) : 0.6 * Math.abs(Math.sin((x * (channel + 1)) / width + y / height));
      const settings = manifest.preprocess.settings as { mean?: number[]; std?: number[] };
      return (pixel - (settings.mean?.[channel] ?? 0)) / (settings.std?.[channel] ?? 1);
    });
  }

  return {
    manifest,
    readUnit: async (input, tap) => unit(input, tap),
    failureOf: (input, tap) => options.failures?.get(`${inputRecords[input]!.name}|${tapRecords[tap]!.name}`),
    readSource: async (input) => (input < inputs ? picture(input) : undefined),
  };
}

const animals = ["tench", "tiger shark", "robin", "mud turtle", "goose", "grey whale", "bloodhound", "jaguar"];
