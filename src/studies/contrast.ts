import type { Sample } from "../results/index.ts";
import {
  type Estimate,
  FEWEST_FOR_INTERVAL,
  intervalOn,
  mean,
  resolved,
  scaleOf,
  varianceWithout,
} from "./statistics.ts";

/** A number of the trained network beside the same number of the random networks of a control. */
interface Contrast {
  /** The mean over the draws. */
  readonly control: Estimate;
  /** That of the trained network, minus that mean. */
  readonly difference: Estimate;
}

/**
 * Compares a number of the trained network with that of each draw of a control, at the same images.
 *
 * Two things vary: the images, and the random weights of the draws. The variance of a mean over both is the sum of the jackknife's
 * variance over images (all networks at the same images, so that the comparison is paired) and of the variance over draws. The 95 %
 * interval is Student's, with the degrees of freedom of such a sum. A draw that has no number for half of the images or more is left out.
 * A control that is `one` network, and no sample of random ones, has no variance over draws. Of a share, the interval of the control is
 * taken on the scale of arcsin √p (`jackknife`); that of the difference, which may be negative, is not.
 *
 * @see Owen 2007 (crossed random effects); Efron & Tibshirani 1993, chapter 11; Satterthwaite 1946
 */
export function contrast(trained: Sample, draws: readonly Sample[], { one = false } = {}): Contrast {
  const { images, known } = comparable(trained, draws);
  const { unit, scale } = trained;
  const crossed = (kept: Pick<Sample, "unit" | "scale">, of: (chosen: readonly number[], draw: Sample) => number) =>
    estimate(images, known, { of, kept }, one);
  const ofUnit = unit === undefined ? {} : { unit };
  return {
    control: crossed({ ...ofUnit, ...(scale && { scale }) }, (chosen, draw) => draw.of(chosen)),
    difference: crossed(ofUnit, (chosen, draw) => trained.of(chosen) - draw.of(chosen)),
  };
}

/** The draws that have a number for more than half of the images of the trained network, and the images for which all have one. */
export function comparable(trained: Sample, draws: readonly Sample[]): { images: number[]; known: Sample[] } {
  const known = draws.filter((draw) => {
    const images = common([trained, draw]);
    return 2 * images.length > trained.images.length && Number.isFinite(draw.of(images));
  });
  return { images: common([trained, ...known]), known };
}

/** The images for which all have a number. */
function common([first, ...others]: readonly Sample[]): number[] {
  const sets = others.map(({ images }) => new Set(images));
  return first!.images.filter((image) => sets.every((set) => set.has(image)));
}

function estimate(
  images: readonly number[],
  draws: readonly Sample[],
  { of, kept }: { of: (chosen: readonly number[], draw: Sample) => number; kept: Pick<Sample, "unit" | "scale"> },
  one: boolean,
): Estimate {
  const [n, count] = [images.length, draws.length];
  const meanOver = (chosen: readonly number[]) => mean(draws.map((draw) => of(chosen, draw)));
  const sample = { ...kept, images, of: meanOver };
  const value = meanOver(images);
  const found = { value, n, draws: count, sample };
  const isFew = n < FEWEST_FOR_INTERVAL || (!one && count < FEWEST_FOR_INTERVAL);
  if (isFew || count === 0) return { ...found, low: Number.NaN, high: Number.NaN };
  const scale = scaleOf(sample);
  const overImages = varianceWithout(images, (chosen) => scale.to(meanOver(chosen)));
  const ofDraws = draws.map((draw) => of(images, draw));
  // Of the mean itself, this is the variance of the draws over their number.
  const overDraws = one
    ? 0
    : varianceWithout([...draws.keys()], (some) => scale.to(mean(some.map((d) => ofDraws[d]!))));
  const variance = overImages + overDraws;
  if (variance === 0) return { ...found, low: value, high: value };
  const freedom = variance ** 2 / (overImages ** 2 / (n - 1) + (one ? 0 : overDraws ** 2 / (count - 1)));
  return resolved({ ...found, ...intervalOn(scale, value, Math.sqrt(variance), freedom) });
}
