import { chartFigure, type Picture } from "../../figures/index.ts";
import { toPng } from "../../platform/node/png.ts";
import type { Chart } from "../../results/index.ts";
import { drawingDocument } from "./figures.ts";

/** Charts as files by name: `<chart>.svg` and `<chart>.png`. `pictureOf` gives the picture of an image, by its number. */
export async function renderCharts(
  charts: readonly Chart[],
  pictureOf?: (image: number) => Picture | undefined,
): Promise<Map<string, string | Uint8Array>> {
  const document = drawingDocument();
  const files = new Map<string, string | Uint8Array>();
  for (const chart of charts) {
    const { svg } = chartFigure(chart, { document, ...(pictureOf && { pictureOf }) });
    files.set(`${chart.id}.svg`, svg);
    files.set(`${chart.id}.png`, await toPng(svg));
  }
  return files;
}
