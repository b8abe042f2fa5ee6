import { sizeOf } from "../base/index.ts";
import { type Network, productCost, type Tap } from "../jacobian/index.ts";
import { counted, type MeasuredRates, measuredSpeed, type Prediction, rehearse } from "../svd/index.ts";
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
  /** Called after each rehearsal. */
  readonly onTap?: (tap: Tap) => void;
}

/** A run whose counted cost is less than this many seconds is not rehearsed, because a rehearsal takes about five. */
const SHORT = 60;

/** Predicts the cost of a run at each of its taps, from rehearsals at one input. */
export class Forecast {
  private readonly network: Network;
  private readonly from: Tap;
  private readonly demands: readonly Demand[];
  private readonly rates: MeasuredRates = new Map();
  private speed: Promise<number> | undefined;
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
  async rehearse(k: number, { point, tol, share, onTap }: ForecastOptions): Promise<void> {
    const started = performance.now();
    for (const index of spread(this.demands.length)) {
      if (share !== undefined) {
        const total = totalSeconds(await this.at(k));
        const spent = (performance.now() - started) / 1000;
        if (this.rehearsed === 0 ? total < SHORT : spent > share * total) return;
      }
      const { tap } = this.demands[index]!;
      const compiled = await this.network.compile(this.from, tap);
      try {
        const predict = await rehearse(await compiled.at(point), this.rates);
        const known = new Map<number, Promise<Prediction>>();
        this.rehearsals.set(index, {
          predict(asked) {
            const prediction = known.get(asked) ?? predict({ k: asked, tol });
            known.set(asked, prediction);
            return prediction;
          },
          isConstant: compiled.isConstant,
        });
      } finally {
        await compiled.release();
      }
      onTap?.(tap);
    }
  }

  /** The forecast for k triplets at each tap, or all that it has. */
  async at(k: number): Promise<TapForecast[]> {
    const taps: TapForecast[] = [];
    for (const [index, { tap, inputs }] of this.demands.entries()) {
      const [here, nearest] = [this.rehearsals.get(index), this.nearest(index)];
      const prediction = await (here?.predict(tripletsAt(k, this.from, tap)) ?? this.scaled(index, k, nearest));
      taps.push({
        ...this.extent(index, k),
        ...prediction,
        tap,
        inputs,
        solves: here?.isConstant ? Math.min(1, inputs) : inputs,
      });
    }
    return taps;
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
  readonly isConstant: boolean;
}

/** Seconds of all solves. */
export const totalSeconds = (taps: readonly TapForecast[]): number =>
  taps.reduce((total, { seconds, solves }) => total + seconds * solves, 0);

/** 0 to count − 1 in an order that covers the range early: first the middle, then the quarters, and so on. */
function spread(count: number): number[] {
  const order = new Set<number>();
  for (let parts = 2; order.size < count; parts *= 2) {
    for (let i = 1; i < parts; i++) order.add(Math.min(count - 1, Math.round((i * count) / parts)));
    if (parts > count) for (let i = 0; i < count; i++) order.add(i);
  }
  return [...order];
}
