import type { DisplaySettings } from "../../../../figures/index.ts";
import { type RunManifest, resolvedSigma, type UnitResult } from "../../../../results/index.ts";
import { displaySettings } from "../../../report/collect.ts";
import type { RunReader } from "../../../report/run-reader.ts";
import type { NetworkDescription, PictureDescription, Preprocessing, SpectrumAnswer } from "../../engine/index.ts";
import { type NetworkFacts, spectrumKey } from "../subject.ts";

/** Put here by the build. */
declare const PUSHFORWARD_VERSION: string;

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
export function readerOf(known: Known): RunReader {
  const { description, network, pictures, spectra, vectorOf } = known;
  const preprocess = preprocessOf(known);
  const units = [...spectra.values()];
  const taps = network.taps
    .filter(({ name }) => pictures.some((_, i) => spectra.has(spectrumKey(i, name))))
    .map(({ name, op, shape, cut }) => ({
      name,
      op,
      shape,
      cut,
      tensor: name,
      k: Math.max(0, ...units.filter((unit) => unit.to === name).map((unit) => unit.k)),
    }));
  const [first] = units;
  const k = Math.max(0, ...units.map((unit) => unit.k));
  const manifest: RunManifest = {
    format: "pushforward-run",
    formatVersion: 3,
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
    preprocess,
    k,
    tol: first?.tol ?? 1e-5,
    seed: first?.seed ?? 0,
    vectors: "all",
    solver: "block Lanczos, as in src/svd",
    backend: description.backend,
    versions: { pushforward: PUSHFORWARD_VERSION, browser: navigator.userAgent },
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
      if (!isPicture) return undefined;
      return inputOf(pictures[input]!, network.source.shape, displaySettings(preprocess.settings));
    },
  };
}

/** How pictures became inputs, as a run tells it; arrays are taken as they are. */
function preprocessOf({
  preprocessing: { name = "none", settings = {} },
  network,
  pictures,
}: Known): RunManifest["preprocess"] {
  const onlyArrays = pictures.every((picture) => /\.npy$/i.test(picture.name));
  return onlyArrays
    ? { name: "array", unit: "the network's own", settings: {} }
    : { name, unit: network.unit, settings };
}

/** The input that was made of a picture, within the rounding of its levels; undefined if the picture has not the extents of the source. */
function inputOf(
  { pixels }: PictureDescription,
  shape: readonly number[],
  { mean = [0], std = [1], scale = 1 / 255, invert, bgr }: DisplaySettings,
): Float32Array | undefined {
  const [height, width] = shape.slice(-2);
  if (pixels === undefined || pixels.height !== height || pixels.width !== width) return undefined;
  const area = height * width;
  const channels = shape.length > 2 ? shape.at(-3)! : 1;
  const of = (values: readonly number[], channel: number) => values[values.length === 1 ? 0 : channel]!;
  return Float32Array.from({ length: channels * area }, (_, i) => {
    const channel = Math.floor(i / area);
    const shown = pixels.rgba[4 * (i % area) + (bgr ? 2 - channel : channel)]!;
    const level = invert ? 255 - shown : shown;
    return (level * scale - of(mean, channel)) / of(std, channel);
  });
}
