import { expect, test } from "vitest";
import { colourMapFigure } from "../../src/figures/index.ts";
import type { ColourMap } from "../../src/results/index.ts";
import { document, rounded } from "./units.ts";

const cells = (slope: number) =>
  [0.5, 1, 4, 16].flatMap((x) => [1, 2, 5].map((y) => ({ x, y, value: -slope * Math.log10(y) * Math.log2(2 * x) })));

const map: ColourMap = {
  id: "map",
  title: "Spectra <in> training",
  caption: "Two maps and a curve.",
  x: "step",
  y: "index k",
  colour: { label: "log₁₀ of σ/σ₁", ends: [-2, 0] },
  panels: [
    { title: "logits, trained", cells: cells(0.5) },
    { title: "logits, permuted", control: true, cells: cells(0.1) },
  ],
  curves: [
    {
      name: "accuracy",
      mark: "line",
      points: [
        { x: 0.5, y: 0.1, low: 0, high: 0.2 },
        { x: 1, y: 0.4, low: 0.3, high: 0.5 },
        { x: 4, y: Number.NaN },
        { x: 16, y: 0.9, low: 0.8, high: 1 },
      ],
    },
  ],
};

test("a map beside that of its control, with a curve below, as stored", async () => {
  const { svg, caption } = colourMapFigure(map, { document });
  await expect(rounded(svg)).toMatchFileSnapshot("drawings/colour-map.svg");
  expect(caption).toBe(map.caption);
  expect(svg).not.toMatch(/NaN|<in>/);
});

test("a narrow drawing has one column, and a map without cells or curves is drawn empty", async () => {
  const { svg } = colourMapFigure(map, { document, width: 380 });
  expect(svg).toContain('width="380"');
  const empty = colourMapFigure({ ...map, curves: [], panels: [{ title: "logits", cells: [] }] }, { document });
  expect(empty.svg).not.toMatch(/NaN|Infinity|undefined/);
});
