import {
  chartFigure,
  colourMapFigure,
  type Figure,
  type Picture,
  pictureRowsFigure,
  type SvgDocument,
} from "../../figures/index.ts";
import { toPng } from "../../platform/node/png.ts";
import type { Chart, ColourMap, PictureRows } from "../../results/index.ts";
import { drawingDocument } from "./figures.ts";

interface ChartsOptions {
  readonly maps?: readonly ColourMap[] | undefined;
  readonly pictures?: readonly PictureRows[] | undefined;
  /** Gives the picture of an image, by its number. */
  readonly pictureOf?: (image: number) => Picture | undefined;
}

/** A figure before it has a width. */
interface Drawing {
  readonly id: string;
  readonly title: string;
  /** @param options the width in pixels, or nothing for that of a file */
  draw(options?: { readonly width?: number }): Figure;
}

/** Maps, charts and pictures in the order in which they stand in a page. */
export function drawingsOf(
  charts: readonly Chart[],
  { maps = [], pictures = [], pictureOf }: ChartsOptions,
  document: SvgDocument,
): Drawing[] {
  const ofChart = { document, ...(pictureOf && { pictureOf }) };
  return [
    ...maps.map((map): Drawing => ({ ...map, draw: (options) => colourMapFigure(map, { document, ...options }) })),
    ...charts.map(
      (chart): Drawing => ({ ...chart, draw: (options) => chartFigure(chart, { ...ofChart, ...options }) }),
    ),
    ...pictures.map((rows): Drawing => ({ ...rows, draw: (options) => pictureRowsFigure(rows, options) })),
  ];
}

/** Figures as files by name: `<id>.svg` and `<id>.png`. */
export async function renderCharts(
  charts: readonly Chart[],
  options: ChartsOptions = {},
): Promise<Map<string, string | Uint8Array>> {
  const files = new Map<string, string | Uint8Array>();
  for (const { id, draw } of drawingsOf(charts, options, drawingDocument())) {
    const { svg } = draw();
    files.set(`${id}.svg`, svg);
    files.set(`${id}.png`, await toPng(svg));
  }
  return files;
}
