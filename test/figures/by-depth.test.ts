import { expect, test } from "vitest";
import { byDepthFigure } from "../../src/figures/index.ts";
import { document, rounded, tapOf } from "./units.ts";

test("three measures by depth, as stored", async () => {
  const taps = [
    tapOf("conv1", [
      [4, 4, 4],
      [6, 6, 6],
    ]),
    { tap: "conv2", units: [] },
    tapOf("logits", [
      [40, 4, 0.4],
      [60, 6, 0.6],
    ]),
  ];
  const { svg, caption } = byDepthFigure(taps, { document, unit: "full scale of a pixel" });
  await expect(rounded(svg)).toMatchFileSnapshot("drawings/by-depth.svg");
  expect(caption).toContain("The unit of the source is full scale of a pixel.");
  expect(caption).toContain("10 % to the 90 % quantile");
  for (const unit of ["units of the tap per unit of the source", "effective rank, directions"]) {
    expect(svg).toContain(unit);
  }
});

test("one input has no bars; a largest σ of zero has no place on its axis; nothing at all is said", () => {
  const { svg } = byDepthFigure([tapOf("a", [[2, 1]]), tapOf("b", [[0, 0]])], { document });
  expect(svg).not.toMatch(/NaN|Infinity|aria-label="rule"/);
  expect(byDepthFigure([], { document }).svg).toContain("No singular values yet.");
});
