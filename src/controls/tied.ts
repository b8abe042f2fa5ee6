import { PushforwardError } from "../base/index.ts";
import { OTHER_KINDS } from "./kinds.ts";
import type { WeightLayer } from "./layers.ts";
import { rounded } from "./rounded.ts";
import type { Match } from "./sweep.ts";

/** How closely a gain of tied weights is found: the largest |log(reached / trained)|. */
const CLOSE = 1e-3;

/** The runs after which the search for the gains of tied weights is given up. */
const MOST_RUNS = 60;

interface Trial {
  readonly gain: number;
  /** log(reached / trained) */
  readonly error: number;
}

/**
 * The gains of weights by which several nodes multiply. The outputs of these nodes need not be proportional to the gain, because
 * one node may read what another computed. So the gains are found by the secant method, in logarithms, each by itself.
 */
export class TiedGains {
  readonly #layers: readonly WeightLayer[];
  readonly #gains = new Map<WeightLayer, number>();
  readonly #trials = new Map<WeightLayer, Trial>();
  #runs = 0;

  constructor(layers: readonly WeightLayer[]) {
    this.#layers = layers;
  }

  /** The gain to try next; `undefined` before the first run, and for weights that only one node multiplies by. */
  gainOf(layer: WeightLayer): number | undefined {
    return this.#gains.get(layer);
  }

  /**
   * Takes what a run reached. Returns whether that is close enough to what is wanted; otherwise there are new gains to try.
   *
   * @throws PushforwardError `usage` after too many runs
   */
  settle(found: ReadonlyMap<WeightLayer, Match>): boolean {
    this.#runs++;
    const off = this.#layers.filter((layer) => !this.#settled(layer, found.get(layer)!));
    if (off.length > 0 && this.#runs === MOST_RUNS) {
      const [{ node, op, weights, uses }] = off as [WeightLayer];
      throw new PushforwardError("usage", {
        what: `${uses.length} nodes multiply by "${weights}", and no gain was found by which their outputs have the root mean square of the trained network.`,
        where: { node, op },
        fix: OTHER_KINDS,
      });
    }
    return off.length === 0;
  }

  #settled(layer: WeightLayer, { gain, trained, reached, note }: Match): boolean {
    if (note !== undefined) {
      this.#gains.set(layer, 1);
      return gain === 1;
    }
    const error = Math.log(reached / trained);
    const before = this.#trials.get(layer);
    this.#trials.set(layer, { gain, error });
    const most = layer.uses.length;
    const secant = before === undefined ? most : (error - before.error) / Math.log(gain / before.gain);
    const slope = Number.isFinite(secant) ? Math.min(Math.max(secant, 0.5), 2 * most) : most;
    const step = Math.min(Math.max(-error / slope, -1), 1);
    const close = Math.abs(error) < CLOSE;
    // In bits enough to be close however steeply the outputs depend on the gain.
    this.#gains.set(layer, close ? gain : rounded(gain * Math.exp(step), 18));
    return close;
  }
}
