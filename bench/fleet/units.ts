import { DEFAULT_TOL } from "../../src/apps/cli/options.ts";
import type { Network } from "../../src/apps/node/index.ts";
import { sizeOf } from "../../src/base/index.ts";
import type { Tap } from "../../src/jacobian/index.ts";
import type { UnitResult } from "../../src/results/index.ts";
import { Forecast, solveUnit, type TapForecast, tripletsAt } from "../../src/studies/index.ts";
import { manifestOf } from "./networks.ts";

/** How much is measured. */
export interface Effort {
  /** At so many taps, from the last to the first in equal steps, units are measured. */
  readonly taps: number;
  /** The fraction of the time of all taps at one picture that rehearsals may take; a minute at most. */
  readonly rehearsed: number;
  /** Seconds of units at each k. Those that are expected not to fit are left out, but for the first at each k. */
  readonly budget: ReadonlyMap<number, number>;
}

interface MeasuredUnit {
  readonly tap: number;
  readonly k: number;
  /** Of the whole unit, with the pass at its picture, without compiling. */
  readonly seconds: number;
  /** What the forecast said of the solve. */
  readonly forecast: number;
}

export interface Units {
  readonly measured: readonly MeasuredUnit[];
  /** How many of the taps were rehearsed. */
  readonly rehearsed: number;
  /** Seconds to compile a tap, by its index. */
  readonly compile: readonly number[];
  /** For each k, the forecast of each tap. */
  readonly forecasts: ReadonlyMap<number, readonly TapForecast[]>;
  /** One of the units that were computed, to be stored. */
  readonly example: { readonly tap: number; readonly unit: UnitResult };
}

/** Measures units at some of the taps, and asks for the forecast of all. */
export async function measureUnits(
  network: Network,
  taps: readonly Tap[],
  points: readonly Float32Array[],
  { taps: count, rehearsed, budget }: Effort,
): Promise<Units> {
  const [from, [first]] = [network.source, points];
  const forecast = new Forecast(
    network,
    from,
    taps.map((tap) => ({ tap, inputs: points.length })),
  );
  await forecast.rehearse(Math.max(...budget.keys()), {
    point: first!,
    tol: DEFAULT_TOL,
    share: rehearsed / points.length,
  });
  const forecasts = new Map<number, readonly TapForecast[]>();
  for (const k of budget.keys()) forecasts.set(k, await forecast.at(k));

  const chosen = Array.from({ length: count }, (_, i) =>
    Math.round(((count - 1 - i) * (taps.length - 1)) / (count - 1)),
  );
  const [measured, compile, spent] = [[] as MeasuredUnit[], new Map<number, number>(), new Map<number, number>()];
  let example: Units["example"] | undefined;
  for (const [rank, at] of chosen.entries()) {
    const tap = taps[at]!;
    const cold = await firstProducts(network, tap, first!);
    compile.set(at, Math.max(0, cold - (await firstProducts(network, tap, first!))));
    for (const [k, seconds] of budget) {
      const expected = forecasts.get(k)![at]!.seconds;
      for (const point of points) {
        if (spent.has(k) && spent.get(k)! + expected > (seconds * (rank + 1)) / count) break;
        const began = performance.now();
        using J = await network.jacobian({ at: point, from, to: tap });
        const unit = await solveUnit(J, tripletsAt(k, from, tap), manifestOf(network, k, 1));
        const took = (performance.now() - began) / 1000;
        spent.set(k, (spent.get(k) ?? 0) + took);
        measured.push({ tap: at, k, seconds: took, forecast: expected });
        if (k === Math.min(...budget.keys())) example = { tap: at, unit };
        console.log(`  ${tap.name}, k = ${k}: ${took.toFixed(2)} s, forecast ${expected.toFixed(2)} s`);
      }
    }
  }
  return {
    ...{ measured, forecasts, rehearsed: forecast.rehearsed, compile: between(compile, taps.length) },
    example: example!,
  };
}

/** Seconds until J and Jᵀ of a tap have multiplied their first vector. */
async function firstProducts(network: Network, tap: Tap, at: Float32Array): Promise<number> {
  const began = performance.now();
  using J = await network.jacobian({ at, from: network.source, to: tap });
  using v = J.algebra.upload(new Float32Array(sizeOf(J.source)).fill(1), 1);
  using u = await J.apply(v);
  using _ = await J.applyTranspose(u);
  return (performance.now() - began) / 1000;
}

/** Values at some places of a line, and straight lines between them. */
function between(known: ReadonlyMap<number, number>, length: number): number[] {
  const places = [...known.keys()].sort((a, b) => a - b);
  return Array.from({ length }, (_, at) => {
    const after = places.find((place) => place >= at) ?? places.at(-1)!;
    const before = places.findLast((place) => place <= at) ?? after;
    const share = after === before ? 0 : (at - before) / (after - before);
    return known.get(before)! * (1 - share) + known.get(after)! * share;
  });
}
