import { plural } from "../../base/index.ts";
import type { Chart } from "../../results/index.ts";
import type { ReplayStudy } from "../../search/index.ts";
import { renderCharts } from "./charts.ts";
import { csvOf } from "./studies.ts";

/** The strategies that the figure shows. */
const SHOWN: readonly string[] = ["random", "halving", "hyperband", "theory", "spectrum", "depthOnly"];

/** The results of replays: a table, and the files `replays.csv`, `replays.svg` and `replays.png`. */
export async function renderReplays(study: ReplayStudy) {
  const { strategies, trainings, candidates, seeds, replays } = study;
  const costs = strategies[0]!.errors.map((one) => one.trainings);
  const columns = [
    "strategy",
    ...costs.map((cost) => `error at ${cost}`),
    `trainings spent of ${trainings}`,
    "minus halving",
    "low",
    "high",
  ];
  const rows = strategies.map(({ name, errors, cost, minusHalving: { value, low, high } }) => [
    name,
    ...errors.map(({ error }) => error),
    cost,
    ...(name === "halving" ? ["", "", ""] : [value, low, high]),
  ]);
  const chart: Chart = {
    id: "replays",
    title: "Expected test error against the cost of a search",
    caption:
      `${replays} replays on ${candidates} trained candidates, ${plural(seeds, "seed")} each. The cost is in seconds of the ` +
      "processor, divided by those of a mean full training; measured spectra are counted.",
    x: { label: "cost, in full trainings", log: true },
    y: { label: "test error of the candidate that is picked" },
    panels: [
      {
        title: "",
        series: strategies
          .filter(({ name }) => SHOWN.includes(name))
          .map(({ name, errors }) => ({
            name,
            mark: "line",
            points: errors.map(({ trainings: x, error: y }) => ({ x, y })),
          })),
      },
    ],
  };
  const csv = csvOf({ id: "replays", caption: "", columns, rows });
  const files = new Map<string, string | Uint8Array>([["replays.csv", csv], ...(await renderCharts([chart]))]);
  return { columns, rows, files };
}
