import { PushforwardError } from "../base/index.ts";
import { OTHER_KINDS } from "./kinds.ts";
import type { WeightLayer } from "./layers.ts";
import { rounded } from "./rounded.ts";
import type { Match } from "./sweep.ts";

/** How closely a gain of tied weights is found: the largest |log(reached / trained)|. */
const CLOSE = 1e-3;

/** The runs after which the search for the gains of tied weights is given up. */
const MOST_RUNS = 100;

/** The largest change of the logarithm of a gain from one run to the next. */
const LONGEST_STEP = 1;

interface Trial {
  /** The logarithm of each gain. */
  readonly logs: readonly number[];
  /** log(reached / trained) of each layer. */
  readonly errors: readonly number[];
}

/**
 * The gains of weights by which several nodes multiply. The outputs of these nodes need not be proportional to the gain, because one
 * node may read what another computed, and they depend on the gains of other tied weights. So all gains are found together by
 * Broyden's method, in logarithms, in which the outputs of linear networks are linear.
 */
export class TiedGains {
  /** The layers that are still searched for: those that are zero in one of the networks leave. */
  #layers: readonly WeightLayer[];
  readonly #gains = new Map<WeightLayer, number>();
  /** How the logarithms of the gains follow from the errors: the inverse of a Jacobian. */
  #inverse: number[][];
  #last: Trial | undefined;
  #runs = 0;

  constructor(layers: readonly WeightLayer[]) {
    this.#layers = layers;
    this.#inverse = startOf(layers);
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
    const silent = this.#layers.filter((layer) => found.get(layer)!.note !== undefined);
    if (silent.length > 0) this.#leave(silent);
    const matches = this.#layers.map((layer) => found.get(layer)!);
    const trial = {
      logs: matches.map(({ gain }) => Math.log(gain)),
      errors: matches.map(({ reached, trained }) => Math.log(reached / trained)),
    };
    const off = this.#layers.filter((_, i) => Math.abs(trial.errors[i]!) >= CLOSE);
    const isSettled = off.length === 0 && silent.every((layer) => found.get(layer)!.gain === 1);
    if (!isSettled && this.#runs === MOST_RUNS) throw notFound(off[0] ?? silent[0]!);
    if (!isSettled) this.#next(trial);
    return isSettled;
  }

  #leave(silent: readonly WeightLayer[]): void {
    for (const layer of silent) this.#gains.set(layer, 1);
    this.#layers = this.#layers.filter((layer) => !silent.includes(layer));
    this.#inverse = startOf(this.#layers);
    this.#last = undefined;
  }

  #next(trial: Trial): void {
    if (this.#last !== undefined) learn(this.#inverse, this.#last, trial);
    this.#last = trial;
    const step = this.#inverse.map((row) => -dot(row, trial.errors));
    const shorter = Math.min(1, LONGEST_STEP / Math.max(...step.map(Math.abs)));
    for (const [i, layer] of this.#layers.entries()) {
      // In bits enough to be close, however steeply the outputs depend on the gain.
      this.#gains.set(layer, rounded(Math.exp(trial.logs[i]! + shorter * step[i]!), 18));
    }
  }
}

/** The inverse for outputs that are proportional to their own gain once for each node. */
const startOf = (layers: readonly WeightLayer[]): number[][] =>
  layers.map(({ uses }, i) => layers.map((_, j) => (i === j ? 1 / uses.length : 0)));

/** Broyden's update of the inverse, by the step from one trial to the next. It is left out where it would divide by almost nothing. */
function learn(inverse: number[][], before: Trial, after: Trial): void {
  const step = after.logs.map((log, i) => log - before.logs[i]!);
  const change = after.errors.map((error, i) => error - before.errors[i]!);
  const expected = inverse.map((row) => dot(row, change));
  const across = step.map((_, j) =>
    dot(
      step,
      inverse.map((row) => row[j]!),
    ),
  );
  const divisor = dot(step, expected);
  if (Math.abs(divisor) < 1e-3 * dot(step, step)) return;
  for (const [i, row] of inverse.entries()) {
    for (const j of row.keys()) row[j] = row[j]! + ((step[i]! - expected[i]!) * across[j]!) / divisor;
  }
}

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0);

const notFound = ({ node, op, weights, uses }: WeightLayer): PushforwardError =>
  new PushforwardError("usage", {
    what: `${uses.length} nodes multiply by "${weights}", and no gain was found by which their outputs have the root mean square of the trained network.`,
    where: { node, op },
    fix: OTHER_KINDS,
  });
