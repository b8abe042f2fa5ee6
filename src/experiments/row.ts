import { formatNumber } from "../base/index.ts";

/** How near a measurement has to come to its prediction. */
export type Precision =
  /** In the units of the quantity. */
  | { readonly absolute: number }
  /** As a share of the prediction. */
  | { readonly relative: number }
  /** So many standard errors, which must not exceed a share of the prediction. */
  | { readonly standardErrors: number; readonly within: number }
  /** On one side of a bound, with its whole interval. */
  | { readonly atMost: number }
  | { readonly atLeast: number };

/** What theory says of a quantity. */
export interface Prediction {
  readonly predicted: number;
  /** The paper or the closed form that it comes from. */
  readonly source: string;
  /** Without it, the measurement is only reported. */
  readonly precision?: Precision;
}

/** What was measured of a quantity. */
export interface Measurement {
  readonly measured: number;
  /** The ends of a 95 % interval; NaN where there is none, as for the largest of several errors. */
  readonly low: number;
  readonly high: number;
  /** How many independent draws of weights it rests on. */
  readonly n: number;
  /** The standard error; NaN where there is none. */
  readonly error: number;
}

/** A prediction beside its measurement. */
export interface Row extends Prediction, Measurement {
  readonly quantity: string;
  /**
   * `holds`: the measurement is as near as the precision asks. `misses`: it is not. `undecided`: it is, but its interval is so wide that
   * it would be so by chance.
   */
  readonly verdict: "holds" | "misses" | "undecided" | "reported";
}

export function rowOf(quantity: string, prediction: Prediction, measurement: Measurement): Row {
  return { quantity, ...prediction, ...measurement, verdict: verdictOn(prediction, measurement) };
}

function verdictOn({ predicted, precision }: Prediction, { measured, low, high, error }: Measurement): Row["verdict"] {
  if (precision === undefined) return "reported";
  if (!Number.isFinite(measured)) return "misses";
  if ("atMost" in precision) return sideOf(precision.atMost - measured, precision.atMost - high);
  if ("atLeast" in precision) return sideOf(measured - precision.atLeast, low - precision.atLeast);
  const distance = Math.abs(measured - predicted);
  if ("standardErrors" in precision) {
    if (!(error <= precision.within * Math.abs(predicted))) return "undecided";
    return distance <= precision.standardErrors * error ? "holds" : "misses";
  }
  const allowed = "absolute" in precision ? precision.absolute : precision.relative * Math.abs(predicted);
  if (!(distance <= allowed)) return "misses";
  return (high - low) / 2 > allowed ? "undecided" : "holds";
}

/** By how much the measurement, and the end of its interval, are on the right side of a bound. */
function sideOf(margin: number, marginOfEnd: number): Row["verdict"] {
  if (margin < 0) return "misses";
  return marginOfEnd < 0 ? "undecided" : "holds";
}

/** `2 %`, `0.01`, `3 s.e.`, `≤ 0.1`: what a precision asks, for a table. */
export function describePrecision(precision: Precision | undefined): string {
  if (precision === undefined) return "";
  if ("absolute" in precision) return `± ${formatNumber(precision.absolute)}`;
  if ("relative" in precision) return `± ${Number((100 * precision.relative).toPrecision(3))} %`;
  if ("standardErrors" in precision) return `± ${precision.standardErrors} s.e.`;
  return "atMost" in precision ? `≤ ${precision.atMost}` : `≥ ${precision.atLeast}`;
}
