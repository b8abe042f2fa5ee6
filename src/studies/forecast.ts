import { type Range, sizeOf } from "../base/index.ts";
import { type Network, productCost, type Tap } from "../jacobian/index.ts";
import { COUNTED_WITHIN, counted, type MeasuredRates, measuredSpeed, type Prediction, rehearse } from "../svd/index.ts";
import { tripletsAt } from "./spectrum.ts";

/** The predicted cost of one solve at a tap. */
export interface TapForecast extends Prediction {
  readonly tap: Tap;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly inputs: number;
  /** The number of solves: one for each input, or one for all if J does not depend on the input. */
  readonly solves: number;
  /** Seconds that are spent once, before the first solve: J is compiled. */
  readonly setup: number;
  /** The factor by which the seconds may be off. */
  readonly within: number;
}

/** A tap of a run, and the number of inputs at which it is to be solved. */
export interface Demand {
  readonly tap: Tap;
  readonly inputs: number;
}

interface ForecastOptions {
  /** The input of the network at which to rehearse. */
  readonly point: Float32Array;
  readonly tol: number;
  /**
   * The fraction of the run's time that rehearsals may take. When it is used up, the cost of the other taps is counted, and their time
   * is scaled like that of the nearest tap rehearsed. A run that is short by its counted cost is not rehearsed at all. If this is
   * absent, all taps are rehearsed.
   */
  readonly share?: number;
  /** Called before and after each rehearsal. */
  readonly onStart?: (tap: Tap) => void;
  readonly onTap?: (tap: Tap) => void;
}

/** Seconds to compile a Jacobian of a small network. For a larger one they are small against its solves. */
const SETUP = 0.15;
/** The factor by which a time may be off: one that was rehearsed at this tap, and one that was scaled like that of another tap. */
const WITHIN = { rehearsed: 1.4, scaled: 1.8 };

/** A run that counts as less than this many seconds is not rehearsed, because a rehearsal takes about five. */
const SHORT = 60;

/** Rehearsals before a run take no longer than this many seconds, however long the run is. */
const LONG = 60;

/** Predicts the cost of a run at each of its taps, from rehearsals at one input. */
export class Forecast {
  private readonly network: Network;
  private readonly from: Tap;
  private readonly demands: readonly Demand[];
  private readonly rates: MeasuredRates = new Map();
  private speed: Promise<number> | undefined;
  private constant: Promise<ReadonlySet<Tap>> | undefined;
  /** By index of the demand. */
  private readonly rehearsals = new Map<number, Rehearsal>();

  constructor(network: Network, from: Tap, demands: readonly Demand[]) {
    this.network = network;
    this.from = from;
    this.demands = demands;
  }

  /** How many taps were rehearsed. */
  get rehearsed(): number {
    return this.rehearsals.size;
  }

  /** @throws PushforwardError what compiling and multiplying throw */
  async rehearse(k: number, { point, tol, share, onStart, onTap }: ForecastOptions): Promise<void> {
    const started = performance.now();
    for (const index of spread(this.demands.length)) {
      if (share !== undefined) {
        const { low, high } = timeOf(await this.at(k));
        const spent = (performance.now() - started) / 1000;
        if (this.rehearsed === 0 ? high < SHORT : spent > Math.min((share * (low + high)) / 2, LONG)) return;
      }
      const { tap } = this.demands[index]!;
      onStart?.(tap);
      const compiling = performance.now();
      using J = await this.network.jacobian({ at: point, from: this.from, to: tap });
      const setup = (performance.now() - compiling) / 1000;
      const predict = await rehearse(J, this.rates);
      const known = new Map<number, Promise<Prediction>>();
      this.rehearsals.set(index, {
        predict(asked) {
          const prediction = known.get(asked) ?? predict({ k: asked, tol });
          known.set(asked, prediction);
          return prediction;
        },
        setup,
      });
      onTap?.(tap);
    }
  }

  /** The forecast for k triplets at each tap, or all that it has. */
  async at(k: number): Promise<TapForecast[]> {
    this.constant ??= this.constantTaps();
    const constant = await this.constant;
    const taps: TapForecast[] = [];
    for (const [index, { tap, inputs }] of this.demands.entries()) {
      const [here, nearest] = [this.rehearsals.get(index), this.nearest(index)];
      const prediction = await (here?.predict(tripletsAt(k, this.from, tap)) ?? this.scaled(index, k, nearest));
      taps.push({
        ...this.extent(index, k),
        ...prediction,
        tap,
        inputs,
        solves: constant.has(tap) ? Math.min(1, inputs) : inputs,
        setup: here?.setup ?? SETUP,
        within: here ? WITHIN.rehearsed : nearest === undefined ? COUNTED_WITHIN : WITHIN.scaled,
      });
    }
    return taps;
  }

  /** The first taps at which J does not depend on the point. Behind a tap where it does, it hardly ever does not. */
  private async constantTaps(): Promise<ReadonlySet<Tap>> {
    const constant = new Set<Tap>();
    for (const { tap } of this.demands) {
      if (!(await this.network.isConstant(this.from, tap))) break;
      constant.add(tap);
    }
    return constant;
  }

  /** The counted cost, with its time scaled by the error of counting at a tap that was rehearsed. */
  private async scaled(index: number, k: number, known: number | undefined): Promise<Prediction> {
    const byCount = await this.counted(index, k);
    if (known === undefined) return byCount;
    const { tap } = this.demands[known]!;
    const { seconds } = await this.rehearsals.get(known)!.predict(tripletsAt(k, this.from, tap));
    return { ...byCount, seconds: (byCount.seconds * seconds) / (await this.counted(known, k)).seconds };
  }

  private async counted(index: number, k: number): Promise<Prediction> {
    const cost = productCost(this.network.model, this.from, this.demands[index]!.tap);
    this.speed ??= measuredSpeed(this.network.backend.algebra);
    return counted({ ...this.extent(index, k), cost }, await this.speed);
  }

  private extent(index: number, k: number): Pick<TapForecast, "m" | "n" | "k"> {
    const { tap } = this.demands[index]!;
    return { m: sizeOf(tap.shape), n: sizeOf(this.from.shape), k: tripletsAt(k, this.from, tap) };
  }

  private nearest(index: number): number | undefined {
    return [...this.rehearsals.keys()].sort((a, b) => Math.abs(a - index) - Math.abs(b - index))[0];
  }
}

interface Rehearsal {
  readonly predict: (k: number) => Promise<Prediction>;
  readonly setup: number;
}

/** How long the solves of all taps take, one after the other. */
export function timeOf(taps: readonly TapForecast[]): Range {
  const total = (secondsOf: (tap: TapForecast) => number) =>
    taps.reduce((sum, tap) => sum + tap.setup + tap.solves * secondsOf(tap), 0);
  return {
    low: total(({ seconds, within }) => seconds / within),
    high: total(({ seconds, within }) => seconds * within),
  };
}

/** 0 to count − 1 in an order that covers the range early: first the middle, then the quarters, and so on. */
function spread(count: number): number[] {
  const order = new Set<number>();
  for (let parts = 2; order.size < count; parts *= 2) {
    for (let i = 1; i < parts; i++) order.add(Math.min(count - 1, Math.round((i * count) / parts)));
    if (parts > count) for (let i = 0; i < count; i++) order.add(i);
  }
  return [...order];
}
