import { expect, test } from "vitest";
import { chartFigure } from "../../src/figures/index.ts";
import type { Chart } from "../../src/results/index.ts";
import { document, rounded } from "./units.ts";

const lines: Chart = {
  id: "lines",
  title: "What <survives>",
  caption: "Two series by tap.",
  x: { label: "tap, by depth", names: ["conv1", "relu1", "logits"] },
  y: { label: "share" },
  panels: [
    {
      title: "",
      rule: { y: 0.5, label: "chance" },
      series: [
        {
          name: "within",
          mark: "line",
          points: [
            { x: "conv1", y: 1, low: 0.9, high: 1.1 },
            { x: "relu1", y: 0.7, low: 0.6, high: 0.8 },
            { x: "logits", y: 0.2, low: 0.1, high: 0.4 },
          ],
        },
        {
          name: "between",
          mark: "line",
          points: [
            { x: "conv1", y: 0.9 },
            { x: "logits", y: Number.NaN },
          ],
        },
      ],
    },
  ],
};

test("lines with bands over named places, as stored", async () => {
  const { svg, caption } = chartFigure(lines, { document });
  await expect(rounded(svg)).toMatchFileSnapshot("drawings/chart-lines.svg");
  expect(caption).toBe(lines.caption);
  expect(svg).not.toMatch(/NaN|<survives>/);
});

test("panels of dots share one scale, as stored", async () => {
  const dots = (scale: number) => ({
    name: "a",
    mark: "dots" as const,
    points: [
      { x: -scale, y: scale },
      { x: scale, y: 0 },
    ],
  });
  const bare = { label: "direction", bare: true };
  const panels = ["one", "two", "three"].map((title, i) => ({ title, series: [dots(i + 1)] }));
  const { svg } = chartFigure({ ...lines, id: "dots", x: bare, y: bare, panels }, { document, width: 380 });
  await expect(rounded(svg)).toMatchFileSnapshot("drawings/chart-dots.svg");
});

test("logarithmic axes leave out what has no place on them; no numbers at all are an empty frame", () => {
  const points = [
    { x: 0.01, y: 0 },
    { x: 0.1, y: 1e-3 },
    { x: 1, y: 10 },
  ];
  const log: Chart = {
    ...lines,
    x: { label: "level", log: true },
    y: { label: "σ", log: true },
    panels: [{ title: "", series: [{ name: "a", mark: "line", points }] }],
  };
  expect(chartFigure(log, { document }).svg).not.toMatch(/NaN|Infinity/);
  expect(chartFigure({ ...log, panels: [{ title: "", series: [] }] }, { document }).svg).not.toMatch(/NaN|Infinity/);
});
