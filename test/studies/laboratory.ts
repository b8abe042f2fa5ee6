import { createRng, gaussianArray, sizeOf } from "../../src/base/index.ts";
import { levelScaleOfArrays } from "../../src/images/index.ts";
import { Network } from "../../src/jacobian/index.ts";
import { normalize, type OnnxModel } from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { throughJpeg } from "../../src/platform/node/image-decoder.ts";
import {
  createRun,
  createStudyRun,
  MemoryStore,
  type RunManifest,
  type StudyManifest,
} from "../../src/results/index.ts";
import { evaluateWith } from "../../src/runtime/index.ts";
import {
  type Checkpoints,
  type EncoderTrainings,
  Lab,
  paramsOf,
  readStudy,
  runStudy,
  type Study,
  type StudyData,
} from "../../src/studies/index.ts";

export interface LaboratoryOptions {
  readonly model: OnnxModel;
  /** Taps beside the input, by name. */
  readonly taps: readonly string[];
  readonly points?: readonly Float32Array[];
  /** Random points, where none are given. */
  readonly count?: number;
  readonly labels?: readonly string[];
  readonly classes?: readonly string[];
  readonly names?: readonly string[];
  /** The shape of the input, where the file leaves it open. */
  readonly shape?: readonly number[];
  readonly k?: number;
  readonly vectors?: number;
  readonly checkpoints?: Checkpoints;
  readonly encoders?: EncoderTrainings;
}

/** A lab in memory, and the way from a study to what it read back. */
export interface Laboratory {
  readonly lab: Lab;
  study(
    study: Study,
    options?: Parameters<typeof paramsOf>[1],
    events?: Parameters<typeof runStudy>[3],
  ): Promise<StudyData>;
  close(): Promise<void>;
}

export async function laboratory(options: LaboratoryOptions): Promise<Laboratory> {
  const { model, count = 4, k = 6, vectors = 3 } = options;
  const backend = createBackend({ threads: 1 });
  const network = new Network(
    await normalize(model, { evaluate: evaluateWith(backend), ...(options.shape && { inputShape: options.shape }) }),
    backend,
  );
  const random = (i: number) => gaussianArray(createRng("image", i), sizeOf(network.input.shape));
  const points = options.points ?? Array.from({ length: count }, (_, i) => random(i));
  const taps = [network.input, ...options.taps.map((name) => network.tap(name))];
  const records = points.map((_, i) => {
    const label = options.labels?.[i];
    return { name: `image${i}`, file: `image${i}.npy`, sha256: String(i), ...(label === undefined ? {} : { label }) };
  });
  const common = {
    model: { file: "net.onnx", sha256: "00" },
    inputs: records,
    preprocess: { name: "none", unit: "1", settings: {} },
    seed: 0,
    backend: backend.description,
    versions: {},
    created: "",
  } as const;
  const manifest: RunManifest = {
    ...common,
    format: "pushforward-run",
    formatVersion: 3,
    from: taps[0]!,
    taps: taps.slice(1).map((tap) => ({ ...tap, k: Math.min(k, sizeOf(taps[0]!.shape), sizeOf(tap.shape)) })),
    k,
    tol: 1e-5,
    vectors,
    solver: "",
  };
  const lab = new Lab({
    network,
    inputs: points.map((point, i) => ({ name: records[i]!.name, point, className: options.labels?.[i] })),
    classes: options.classes ?? Array.from({ length: network.classCount }, (_, i) => String(i)),
    names: options.names ?? [],
    pictures: { scale: levelScaleOfArrays(points, network.input.shape), throughJpeg },
    taps,
    seed: 0,
    k,
    tol: 1e-5,
    vectors,
    encoders: options.encoders,
    checkpoints: options.checkpoints,
    openSpectra: async () => ({ run: await createRun(new MemoryStore(), manifest), places: [...points.keys()] }),
  });
  return {
    lab,
    async study(study, settings, events) {
      const params = paramsOf(study, settings);
      const asked: StudyManifest = {
        ...common,
        format: "pushforward-study",
        formatVersion: 2,
        study: study.id,
        params,
        spectra: { k, tol: 1e-5, vectors },
        ...(await study.design(lab, params)),
      };
      const run = await createStudyRun(new MemoryStore(), asked);
      await runStudy(study, run, lab, events);
      return readStudy(run);
    },
    async close() {
      await network.close();
    },
  };
}
