export { byDepthFigure } from "./by-depth.ts";
export { chartFigure } from "./chart.ts";
export { colourMapFigure } from "./colour-map.ts";
export { kindColours } from "./colours.ts";
export { type Gallery, type GalleryVector, galleryFigure } from "./gallery.ts";
export {
  type DisplaySettings,
  type InputPicture,
  inputLevels,
  inputPicture,
  localRegion,
  type Picture,
  vectorPicture,
} from "./picture.ts";
export { pictureDefinition } from "./picture-parts.ts";
export { pictureRowsFigure } from "./picture-rows.ts";
export { spectraFigure } from "./spectra.ts";
export { inlineSvg } from "./standalone.ts";
export type { Moments } from "./statistics.ts";
export { summarizeTap, type TapSummary, worstResidualOf } from "./summary.ts";
export { escapeXml } from "./text.ts";
export type { Figure, SvgDocument, TapUnits, UnitNumbers } from "./types.ts";
