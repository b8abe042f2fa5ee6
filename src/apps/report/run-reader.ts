import type { RunManifest, UnitResult } from "../../results/index.ts";

/** What a report needs of a finished or running run; inputs and taps are numbered as in the manifest, from 0. */
export interface RunReader {
  readonly manifest: RunManifest;
  /** `undefined` where the unit is not there yet; of its vectors, those with the indices given that were kept. */
  readUnit(
    input: number,
    tap: number,
    options?: { readonly vectors?: boolean | readonly number[] },
  ): Promise<UnitResult | undefined>;
  /** Why a unit that is not there has no result, where it was tried. */
  failureOf(input: number, tap: number): string | undefined;
  /** The preprocessed input, [n]; `undefined` where it was not stored. */
  readSource(input: number): Promise<Float32Array | undefined>;
}
