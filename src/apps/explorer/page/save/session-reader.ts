import { type RunManifest, resolvedSigma, type UnitResult } from "../../../../results/index.ts";
import type { RunReader } from "../../../report/run-reader.ts";
import type { NetworkDescription, PictureDescription, Preprocessing, SpectrumAnswer } from "../../engine/index.ts";
import { type NetworkFacts, spectrumKey } from "../subject.ts";

/** What is known of a network in the engine. */
interface Known {
  readonly description: NetworkDescription;
  readonly network: NetworkFacts;
  readonly preprocessing: Preprocessing;
  readonly pictures: readonly PictureDescription[];
  /** By picture and tap. */
  readonly spectra: ReadonlyMap<string, SpectrumAnswer>;
  /** A right singular vector of the spectrum at a picture and a tap. */
  vectorOf(picture: number, tap: string, index: number): Promise<Float32Array>;
}

/** A network of this page as a report reads a run: all spectra that are known, and their first and last vectors. */
export function readerOf({ description, network, preprocessing, pictures, spectra, vectorOf }: Known): RunReader {
  const known = [...spectra.values()];
  const taps = network.taps
    .filter(({ name }) => pictures.some((_, i) => spectra.has(spectrumKey(i, name))))
    .map(({ name, op, shape, cut }) => ({
      name,
      op,
      shape,
      cut,
      tensor: name,
      k: Math.max(0, ...known.filter((unit) => unit.to === name).map((unit) => unit.k)),
    }));
  const [first] = known;
  const k = Math.max(0, ...known.map((unit) => unit.k));
  const manifest: RunManifest = {
    format: "pushforward-run",
    formatVersion: 2,
    model: { file: description.file, sha256: description.sha256 },
    from: { name: network.source.name, tensor: network.source.name, shape: network.source.shape },
    inputs: pictures.map(({ name, sha256 = "", label, top, isRight }) => ({
      name,
      file: name,
      sha256,
      ...(label === undefined ? {} : { label }),
      ...(top?.[0] === undefined ? {} : { predicted: top[0].name }),
      ...(isRight === undefined ? {} : { isRight }),
    })),
    taps,
    preprocess: { name: preprocessing.name ?? "none", unit: network.unit, settings: {} },
    k,
    tol: first?.tol ?? 1e-5,
    seed: first?.seed ?? 0,
    vectors: "all",
    solver: "block Lanczos, as in src/svd",
    backend: description.backend,
    versions: {},
    created: new Date().toISOString(),
  };
  return {
    manifest,
    async readUnit(input, tap, { vectors = false } = {}): Promise<UnitResult | undefined> {
      const { name } = taps[tap]!;
      const unit = spectra.get(spectrumKey(input, name));
      if (unit === undefined) return undefined;
      const last = resolvedSigma(unit).length - 1;
      const index = vectors === false || last < 0 ? [] : [...new Set([0, last])];
      const v = await Promise.all(index.map((number) => vectorOf(input, name, number)));
      return {
        ...unit,
        vectors: { index, u: new Float32Array(0), v: Float32Array.from(v.flatMap((values) => [...values])) },
      };
    },
    failureOf: () => undefined,
    async readSource(input) {
      const isPicture = network.source.name === description.input;
      return isPicture ? levelsOf(pictures[input]!, network.source.shape) : undefined;
    },
  };
}

/** The picture as the network was given it, from 0 to 1, if it has the extents of the source. */
function levelsOf({ pixels }: PictureDescription, shape: readonly number[]): Float32Array | undefined {
  const [height, width] = shape.slice(-2);
  if (pixels === undefined || pixels.height !== height || pixels.width !== width) return undefined;
  const area = height * width;
  const channels = shape.length > 2 ? shape.at(-3)! : 1;
  return Float32Array.from({ length: channels * area }, (_, i) => {
    return pixels.rgba[4 * (i % area) + (Math.floor(i / area) % 3)]! / 255;
  });
}
