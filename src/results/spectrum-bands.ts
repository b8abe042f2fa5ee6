import { resolvedSigma } from "./status.ts";
import type { UnitResult } from "./types.ts";

/** The middle of some values, and where the band about it begins and ends; NaN of nothing. */
export interface Band {
  readonly n: number;
  readonly median: number;
  /** The 10 % and the 90 % quantile. */
  readonly low: number;
  readonly high: number;
}

/**
 * Median, 10 % and 90 % quantile of some σ or ranks, by straight lines between neighbours (`type 7` of Hyndman & Fan 1996, numpy's
 * default). A value of 0 stands for what is too small to be known: a quantile that would need one is 0.
 */
export function bandOf(values: readonly number[]): Band {
  const sorted = [...values].sort((a, b) => a - b);
  const quantile = (share: number): number => {
    const at = share * (sorted.length - 1);
    const [below, above] = [sorted[Math.floor(at)] ?? Number.NaN, sorted[Math.ceil(at)] ?? Number.NaN];
    return below === 0 ? 0 : below + (at - Math.floor(at)) * (above - below);
  };
  return { n: sorted.length, median: quantile(0.5), low: quantile(0.1), high: quantile(0.9) };
}

/** A band of σ at one index: 1 is the largest. */
export interface IndexBand extends Band {
  readonly index: number;
}

/**
 * Quantiles of σ over several spectra, index by index; a σ that is zero or below its floor counts as 0. Spectra with fewer σ leave
 * the later indices to the others.
 */
export function spectrumBands(spectra: readonly Pick<UnitResult, "sigma" | "floor">[]): IndexBand[] {
  const known = spectra.map((spectrum) => resolvedSigma(spectrum));
  const longest = Math.max(0, ...spectra.map(({ sigma }) => sigma.length));
  return Array.from({ length: longest }, (_, i) => ({
    index: i + 1,
    ...bandOf(known.flatMap((sigma, s) => (i < spectra[s]!.sigma.length ? [sigma[i] ?? 0] : []))),
  }));
}

/** The points that a curve is drawn through: it ends where the median is not known. */
export function knownBands<T extends Band>(bands: readonly T[]): T[] {
  const end = bands.findIndex(({ median }) => !(median > 0));
  return bands.slice(0, end < 0 ? bands.length : end);
}
