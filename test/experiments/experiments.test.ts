import { afterAll, describe, expect, test } from "vitest";
import {
  type Apparatus,
  type Case,
  type Experiment,
  experiments,
  runCase,
  valuesOf,
} from "../../src/experiments/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";

const backend = createBackend();
afterAll(() => backend.dispose());
const apparatus: Apparatus = { backend, seed: 1, proceed: () => undefined };

const named = (name: string): Experiment => experiments.find((one) => one.name === name)!;
const casesOf = (name: string, given: Readonly<Record<string, string>>): readonly Case[] => {
  const experiment = named(name);
  return experiment.cases(valuesOf(experiment, { quick: true, given }));
};

/** Small instances of every experiment, which take seconds. */
const small: readonly [name: string, given: Readonly<Record<string, string>>][] = [
  ["deep-linear", { depth: "2,4", width: "6", start: "0.2" }],
  ["depth", { depth: "2,4,32", start: "0.001,0.5", width: "2", steps: "3000" }],
  ["random-matrices", { width: "120", depth: "1,2", aspect: "0.5", draws: "4" }],
  ["mean-field", { activation: "tanh,sigmoid", gain: "1.5", width: "100", depth: "6", draws: "4" }],
  ["isometry", { activation: "tanh", depth: "1,6", width: "40", draws: "24", spectra: "24" }],
  [
    "pretraining",
    {
      initial: "orthogonal,auto-encoders,boltzmann-machines,gaussian",
      depth: "2,4",
      width: "12",
      rates: "3",
      draws: "4",
      steps: "400",
      training: "40",
    },
  ],
  ["lyapunov", { gain: "2", width: "40,80", steps: "60", draws: "4" }],
];

test("every experiment has a small instance here", () => {
  expect(small.map(([name]) => name)).toEqual(experiments.map(({ name }) => name));
});

describe.each(small)("%s", (name, given) => {
  test("every quantity is predicted and measured, and the charts show them", { timeout: 60_000 }, async () => {
    const results = [];
    for (const one of casesOf(name, given)) results.push(await runCase(one, apparatus));
    const rows = results.flatMap((result) => result.rows);
    expect(rows.length).toBeGreaterThan(1);
    for (const row of rows) {
      expect([row.quantity, row.measured].every((value) => value !== undefined)).toBe(true);
      expect(Number.isFinite(row.predicted) && Number.isFinite(row.measured)).toBe(true);
      expect(row.n).toBeGreaterThanOrEqual(1);
    }
    // Small networks scatter more and are not wide, so that some rows stay undecided, but none may be far from its prediction.
    for (const { quantity, predicted, precision, measured, error } of rows) {
      if (precision === undefined || "atMost" in precision || "atLeast" in precision) continue;
      const allowed = "absolute" in precision ? precision.absolute : 0.1 * Math.abs(predicted);
      const scatter = Number.isFinite(error) ? 5 * error : 0;
      if (quantity.startsWith("largest distance")) expect(measured).toBeLessThan(0.03);
      else expect(Math.abs(measured - predicted), quantity).toBeLessThan(allowed + scatter);
    }
    const charts = named(name).charts(results);
    expect(charts.length).toBeGreaterThan(0);
    for (const { panels } of charts) {
      const series = panels.flatMap((panel) => panel.series);
      expect(series.some(({ mark, points }) => mark === "line" && points.length > 0)).toBe(true);
      expect(series.some(({ mark, points }) => mark === "dots" && points.length > 0)).toBe(true);
    }
  });
});
