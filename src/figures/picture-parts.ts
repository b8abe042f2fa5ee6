import { formatNumber } from "../base/index.ts";
import { signedSteps, softInk } from "./colours.ts";
import { type Picture, type SignedPicture, vectorPicture } from "./picture.ts";
import { NARROW } from "./standalone.ts";
import { escapeXml, shorten } from "./text.ts";
import type { Box } from "./types.ts";

/** Pixels between pictures. */
export const GAP = 8;
/** Pixels of the name above pictures. */
export const NAME_HEIGHT = 20;
/** Pixels of the two lines below a picture. */
export const NOTE_HEIGHT = 30;
/** The width of a letter in a name, in pixels. */
const LETTER = 6.6;

/** How the colours of vectors are to be read. */
export const COLOURS_SAID =
  "Each pixel of a picture shows the entry of largest magnitude among its channels and the source pixels it covers. Red is " +
  "positive, blue is negative, and zero is transparent. Every vector has its own limits ± max |v|, which are printed below it. " +
  "Opacity is proportional to the square root of |v|. The sign of v as a whole is arbitrary.";

/** How inputs are shown whose preprocessing cannot be undone. */
export const STRETCHED_SAID =
  "The levels of each input are stretched so that they reach from its smallest to its largest entry.";

/** The height of a picture of this width; one that is very high or very low is squeezed. */
export const pictureHeight = (width: number, aspect: number): number =>
  Math.round(width * Math.min(2, Math.max(0.25, aspect)));

/** The title of a drawing of vectors, and the bar of their colours. */
export function headOf(title: string, width: number): string {
  const narrow = width < NARROW;
  return (
    `<text x="${GAP}" y="20" font-size="13" font-weight="600">${escapeXml(shorten(title, narrow ? 44 : 70))}</text>` +
    colourBar(narrow ? GAP : width - 260, narrow ? 32 : 8)
  );
}

/** The height of `headOf`. */
export const headHeight = (width: number): number => (width < NARROW ? 62 : 40);

/** A name above pictures that are so wide together. */
export function nameAt(x: number, y: number, name: string, width: number): string {
  const shown = shorten(name, Math.floor(width / LETTER));
  return `<text x="${x}" y="${y + 14}" font-weight="600"><title>${escapeXml(name)}</title>${escapeXml(shown)}</text>`;
}

/** Frames around pictures. */
export const framed = (places: readonly Box[]): string =>
  `<g fill="none" stroke="${softInk}" stroke-width="0.5">${places.map(frame).join("")}</g>`;

function frame({ x, y, width, height }: Box): string {
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}"/>`;
}

/** The first line below a picture. */
export const below = ({ x, y, height }: Box, said: string): string =>
  `<text x="${x}" y="${y + height + 12}">${escapeXml(said)}</text>`;

/** The lines below a vector: what is said of it, and the limits of its colours. */
export const vectorNote = (place: Box, said: string, { limit }: SignedPicture): string =>
  below(place, said) +
  `<text x="${place.x}" y="${place.y + place.height + 23}" font-size="9" fill="#555">±${formatNumber(limit, 2)}</text>`;

/** A picture as an element for the `<defs>` of a page, where it stands once; drawings refer to it by `sharedId`. */
export function pictureDefinition(picture: Picture, id: string): string {
  return imageElement(picture, `id="${escapeXml(id)}" width="${picture.width}" height="${picture.height}"`);
}

/** A picture that fills a place. */
export const imageAt = (picture: Picture, { x, y, width, height }: Box): string =>
  imageElement(picture, `x="${x}" y="${y}" width="${width}" height="${height}"`);

function imageElement({ href }: Picture, attributes: string): string {
  return `<image ${attributes} href="${href}" preserveAspectRatio="none" style="image-rendering:pixelated"/>`;
}

function colourBar(x: number, y: number): string {
  const steps = 2 * signedSteps + 1;
  const ramp = Float64Array.from({ length: steps }, (_, i) => {
    const t = i / signedSteps - 1;
    return Math.sign(t) * t * t;
  });
  const place = { x: x + 58, y, width: 120, height: 10 };
  return (
    `<g font-size="10">${imageAt(vectorPicture(ramp, [steps], steps), place)}` +
    `<rect x="${place.x}" y="${y}" width="120" height="10" fill="none" stroke="${softInk}" stroke-width="0.5"/>` +
    `<text x="${x + 52}" y="${y + 9}" text-anchor="end">−max |v|</text><text x="${x + 118}" y="${y + 21}" text-anchor="middle">0</text>` +
    `<text x="${x + 88}" y="${y + 21}" text-anchor="middle">−¼</text><text x="${x + 148}" y="${y + 21}" text-anchor="middle">¼</text>` +
    `<text x="${x + 184}" y="${y + 9}">+max |v|</text></g>`
  );
}

export function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
