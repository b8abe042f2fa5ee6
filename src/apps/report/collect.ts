import { PushforwardError } from "../../base/index.ts";
import {
  type DisplaySettings,
  type Gallery,
  type GalleryVector,
  type InputPicture,
  inputPicture,
  localRegion,
  type TapUnits,
  vectorPicture,
} from "../../figures/index.ts";
import { type RunManifest, resolvedSigma, type UnitResult } from "../../results/index.ts";
import type { RunReader } from "./run-reader.ts";

/** The data of a run for a report: every number, with long vectors already converted to pictures. */
export interface CollectedRun {
  readonly manifest: RunManifest;
  /** Every tap of the manifest in its order, with its finished units. */
  readonly taps: readonly TapUnits[];
  /** The taps with at least one picture to show. */
  readonly galleries: readonly Gallery[];
  /** The units of usable inputs that are not stored yet. */
  readonly missing: readonly { readonly input: string; readonly tap: string }[];
  /** Units that were tried and have no result, with the reason. */
  readonly failed: readonly { readonly input: string; readonly tap: string; readonly why: string }[];
}

/** The largest height and width of pictures, in pixels. */
export interface PictureSides {
  readonly input: number;
  readonly vector: number;
}

/**
 * Reads a run once, tap by tap, so that only the vectors of one unit are in memory at a time.
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
  const failures: { input: string; tap: string; why: string }[] = [];
  for (const [t, { name: tap, k }] of manifest.taps.entries()) {
    const units: TapUnits["units"][number][] = [];
    const columns: Gallery["columns"][number][] = [];
    for (const [i, { name: input, failed }] of manifest.inputs.entries()) {
      if (failed !== undefined) continue;
      const numbers = await run.readUnit(i, t, { vectors: false });
      const shown = numbers === undefined ? [] : shownVectors(numbers, manifest.vectors);
      const result = await run.readUnit(i, t, { vectors: shown });
      if (result === undefined) {
        const why = run.failureOf(i, t);
        if (why === undefined) missing.push({ input, tap });
        else failures.push({ input, tap, why });
        continue;
      }
      const { vectors: _, ...unit } = result;
      units.push({ input, unit });
      const vector = (index: number | undefined) => {
        try {
          return vectorOf(result, index, shape, sides.vector);
        } catch (thrown) {
          throw thrown instanceof PushforwardError ? thrown.at({ tap }) : thrown;
        }
      };
      columns.push({
        input,
        source: sources[i],
        largest: vector(shown[0]),
        smallest: vector(shown[1]),
      });
    }
    taps.push({ tap, units });
    if (columns.some(({ largest, smallest }) => largest !== undefined || smallest !== undefined)) {
      galleries.push({ tap, k, shape, columns });
    }
  }
  return { manifest, taps, galleries, missing, failed: failures };
}

/**
 * The vectors that a gallery shows of a unit that keeps so many from either end: of the first σ, and of the last one that is kept and
 * above the floor. None of those below it, which point anywhere.
 */
function shownVectors(unit: Pick<UnitResult, "sigma" | "floor">, kept: RunManifest["vectors"]): readonly number[] {
  const k = unit.sigma.length;
  const last = resolvedSigma(unit).length - 1;
  if (last < 0) return [];
  const isKept = kept === "all" || last < kept || last >= k - kept;
  return [0, isKept ? last : kept - 1];
}

function vectorOf(
  unit: UnitResult,
  index: number | undefined,
  shape: readonly number[],
  side: number,
): GalleryVector | undefined {
  if (index === undefined) return undefined;
  const kept = unit.vectors.index.indexOf(index);
  const sigma = unit.sigma[index];
  const status = unit.status[index];
  if (kept < 0 || sigma === undefined || status === undefined) return undefined;
  const v = unit.vectors.v.subarray(kept * unit.n, (kept + 1) * unit.n);
  const picture = vectorPicture(v, shape, side);
  const region = localRegion(v, shape);
  const detail =
    region === undefined
      ? undefined
      : { region, picture: vectorPicture(v, shape, side / 2, { region, limit: picture.limit }) };
  return { picture, detail, sigma, number: index + 1, status };
}

/**
 * The settings of a manifest's preprocessing that are needed to show an input. Unknown settings are ignored. For a mean image only its
 * mean pixel is known, which is close enough for display.
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
