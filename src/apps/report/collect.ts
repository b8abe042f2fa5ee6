import { formatShape, PushforwardError } from "../../base/index.ts";
import {
  type DisplaySettings,
  type Gallery,
  type GalleryVector,
  type InputPicture,
  inputPicture,
  type TapUnits,
  vectorPicture,
} from "../../figures/index.ts";
import type { RunManifest, UnitResult } from "../../results/index.ts";
import type { RunReader } from "./run-reader.ts";

/** A run as a report sees it: every number, and the long vectors already turned into pictures. */
export interface CollectedRun {
  readonly manifest: RunManifest;
  /** Every tap of the manifest in its order, with the units that are there. */
  readonly taps: readonly TapUnits[];
  /** The taps that have anything to show. */
  readonly galleries: readonly Gallery[];
  /** Units that a usable input should have and has not. */
  readonly missing: readonly { readonly input: string; readonly tap: string }[];
}

/** Largest pictures wanted, in pixels either way. */
export interface PictureSides {
  readonly input: number;
  readonly vector: number;
}

/**
 * Reads a run once, a tap at a time, so that never more than one unit's vectors are in memory.
 *
 * @throws PushforwardError what the store throws, or `shape-mismatch` (with the tap) if a vector does not fit the source
 */
export async function collectRun(run: RunReader, sides: PictureSides): Promise<CollectedRun> {
  const { manifest } = run;
  const shape = manifest.from.shape;
  const settings = displaySettings(manifest.preprocess.settings);
  const sources: (InputPicture | undefined)[] = [];
  for (const i of manifest.inputs.keys()) {
    const x = await run.readSource(i);
    sources.push(x === undefined ? undefined : inputPicture(x, shape, settings, sides.input));
  }
  const taps: TapUnits[] = [];
  const galleries: Gallery[] = [];
  const missing: { input: string; tap: string }[] = [];
  for (const [t, { name: tap, k }] of manifest.taps.entries()) {
    const units: TapUnits["units"][number][] = [];
    const columns: Gallery["columns"][number][] = [];
    for (const [i, { name: input, failed }] of manifest.inputs.entries()) {
      if (failed !== undefined) continue;
      const result = await run.readUnit(i, t, { vectors: [0, k - 1] });
      if (result === undefined) {
        missing.push({ input, tap });
        continue;
      }
      const { vectors: _, ...unit } = result;
      units.push({ input, unit });
      const vector = (index: number) => {
        try {
          return vectorOf(result, index, shape, sides.vector);
        } catch (thrown) {
          throw thrown instanceof PushforwardError ? thrown.at({ tap }) : thrown;
        }
      };
      columns.push({
        input,
        source: sources[i],
        largest: vector(0),
        smallest: vector(result.sigma.length - 1),
      });
    }
    taps.push({ tap, units });
    if (columns.some(({ largest, smallest }) => largest !== undefined || smallest !== undefined)) {
      galleries.push({ tap, k, source: formatShape(shape), columns });
    }
  }
  return { manifest, taps, galleries, missing };
}

function vectorOf(unit: UnitResult, index: number, shape: readonly number[], side: number): GalleryVector | undefined {
  const kept = unit.vectors.index.indexOf(index);
  const sigma = unit.sigma[index];
  const status = unit.status[index];
  if (kept < 0 || sigma === undefined || status === undefined) return undefined;
  const v = unit.vectors.v.subarray(kept * unit.n, (kept + 1) * unit.n);
  return { picture: vectorPicture(v, shape, side), sigma, status };
}

/**
 * What a manifest's preprocessing tells about showing an input; settings of other names and kinds are left alone. Of a
 * mean image only the mean pixel is known, which is near enough to look at.
 */
export function displaySettings(settings: Readonly<Record<string, unknown>>): DisplaySettings {
  const { mean, std, scale, invert, colour } = settings;
  return {
    mean: numbersOf(isRecord(mean) ? mean.pixel : mean),
    std: numbersOf(std),
    scale: typeof scale === "number" ? scale : undefined,
    invert: invert === true,
    bgr: colour === "BGR",
  };
}

function numbersOf(value: unknown): number[] | undefined {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list.length > 0 && list.every((entry) => typeof entry === "number") ? list : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
