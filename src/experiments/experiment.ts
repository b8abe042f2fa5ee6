import type { Chart, ChartSeries } from "../results/index.ts";
import type { Backend } from "../runtime/index.ts";
import type { Option } from "./option.ts";
import type { Measurement, Prediction, Row } from "./row.ts";

/** A prediction of theory that the engine's own measurements can refute. `experiment` makes one. */
export interface Experiment {
  /** Lower-case letters, digits and `-`. */
  readonly name: string;
  readonly question: string;
  /** Which result would refute the prediction; written down before anything is measured. */
  readonly falsifiedBy: string;
  readonly options: Readonly<Record<string, Option<unknown>>>;
  /** What is measured, one after another, with these values of the options. */
  cases(values: Readonly<Record<string, unknown>>): readonly Case[];
  /** The prediction as a line and the measurement as points. */
  charts(results: readonly Result[]): readonly Chart[];
}

/** One setting: what theory says of it, and how it is measured. */
export interface Case {
  readonly setting: Setting;
  /** About how long it takes on two cores, for the estimate of the time left. */
  readonly seconds: number;
  /** What theory says, by the name of the quantity. */
  predict(): Readonly<Record<string, Prediction>>;
  /** @throws PushforwardError `interrupted` */
  measure(apparatus: Apparatus): Promise<Measured>;
}

type Setting = Readonly<Record<string, string | number>>;

/** What a case measured: a number for every prediction, by the same name. */
export interface Measured {
  readonly numbers: Readonly<Record<string, Measurement>>;
  /** For the charts: what was predicted and what was measured along an axis. */
  readonly curves?: readonly ChartSeries[];
}

/** What experiments measure with. */
export interface Apparatus {
  readonly backend: Backend;
  /** Determines every random number. */
  readonly seed: number;
  /**
   * Is called now and then, with what has been done of the case.
   *
   * @throws PushforwardError `interrupted` if the command was interrupted
   */
  proceed(done: string): void;
}

/** A case and what came of it. */
export interface Result {
  readonly setting: Setting;
  readonly rows: readonly Row[];
  readonly curves: readonly ChartSeries[];
}

interface Definition<V extends object> extends Pick<Experiment, "name" | "question" | "falsifiedBy" | "charts"> {
  readonly options: { readonly [K in keyof V]: Option<V[K]> };
  cases(values: V): readonly Case[];
}

/** An experiment whose cases take the values of its options with their types. */
export function experiment<V extends object>(definition: Definition<V>): Experiment {
  return { ...definition, cases: (values) => definition.cases(values as V) };
}
