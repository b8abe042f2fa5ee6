import { chartFigure, colourMapFigure, type Picture } from "../../figures/index.ts";
import { toPng } from "../../platform/node/png.ts";
import type { Chart, ColourMap } from "../../results/index.ts";
import { drawingDocument } from "./figures.ts";

interface ChartsOptions {
  readonly maps?: readonly ColourMap[];
  /** Gives the picture of an image, by its number. */
  readonly pictureOf?: (image: number) => Picture | undefined;
}

/** Charts and maps as files by name: `<chart>.svg` and `<chart>.png`. */
export async function renderCharts(
  charts: readonly Chart[],
  { maps = [], pictureOf }: ChartsOptions = {},
): Promise<Map<string, string | Uint8Array>> {
  const document = drawingDocument();
  const drawings = [
    ...maps.map((map) => ({ id: map.id, ...colourMapFigure(map, { document }) })),
    ...charts.map((chart) => ({ id: chart.id, ...chartFigure(chart, { document, ...(pictureOf && { pictureOf }) }) })),
  ];
  const files = new Map<string, string | Uint8Array>();
  for (const { id, svg } of drawings) {
    files.set(`${id}.svg`, svg);
    files.set(`${id}.png`, await toPng(svg));
  }
  return files;
}
