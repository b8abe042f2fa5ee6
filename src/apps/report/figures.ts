import { parseHTML } from "linkedom";
import { byDepthFigure, galleryFigure, type SvgDocument, spectraFigure } from "../../figures/index.ts";
import { collectRun } from "./collect.ts";
import { fileNamesFor } from "./file-names.ts";
import type { RunReader } from "./run-reader.ts";

/** A document to draw with where there is no browser. */
export function drawingDocument(): SvgDocument {
  return parseHTML("<!doctype html><html><body></body></html>").document;
}

/**
 * The figures of a run as files: `fig3.svg` (spectra), `by-depth.svg`, and `fig4-<tap>.svg` for each tap that kept
 * vectors. Pictures are at most 112 pixels wide and high. A run in progress is drawn as far as it is.
 *
 * @throws PushforwardError what the store throws
 */
export async function renderFigures(run: RunReader): Promise<Map<string, string>> {
  const document = drawingDocument();
  const { manifest, taps, galleries } = await collectRun(run, { input: 112, vector: 112 });
  const files = new Map<string, string>();
  files.set("fig3.svg", spectraFigure(taps, { document, from: manifest.from.name }).svg);
  files.set("by-depth.svg", byDepthFigure(taps, { document, unit: manifest.preprocess.unit }).svg);
  const names = fileNamesFor(galleries.map(({ tap }) => tap));
  galleries.forEach((gallery, i) => {
    files.set(`fig4-${names[i]}.svg`, galleryFigure(gallery).svg);
  });
  return files;
}
