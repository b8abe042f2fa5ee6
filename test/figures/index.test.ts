import { expect, test } from "vitest";
import * as figures from "../../src/figures/index.ts";

test("the room's public names", () => {
  expect(Object.keys(figures).sort()).toEqual([
    "byDepthFigure",
    "chartFigure",
    "colourMapFigure",
    "escapeXml",
    "galleryFigure",
    "inlineSvg",
    "inputLevels",
    "inputPicture",
    "kindColours",
    "localRegion",
    "pictureDefinition",
    "pictureRowsFigure",
    "spectraFigure",
    "summarizeTap",
    "vectorPicture",
    "worstResidualOf",
  ]);
});
