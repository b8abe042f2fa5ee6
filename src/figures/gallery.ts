import { formatNumber, formatShape, type Shape, subscript } from "../base/index.ts";
import type { Status } from "../results/index.ts";
import { ink, signedSteps, softInk } from "./colours.ts";
import { type Box, layoutOf } from "./gallery-layout.ts";
import {
  type InputPicture,
  type Picture,
  pixelsOf,
  type Region,
  type SignedPicture,
  vectorPicture,
} from "./picture.ts";
import { standalone } from "./standalone.ts";
import { escapeXml, shorten } from "./text.ts";
import type { Figure } from "./types.ts";

/** One singular vector of a column. */
export interface GalleryVector {
  readonly picture: SignedPicture;
  /** Of a local vector, the region where it is, enlarged, to the same limits. */
  readonly detail?: { readonly region: Region; readonly picture: SignedPicture };
  readonly sigma: number;
  /** The number of σ; 1 is the largest. */
  readonly number: number;
  readonly status: Status;
}

/** One input: what is absent was not kept, or is not there yet. */
interface GalleryColumn {
  readonly input: string;
  readonly source?: InputPicture;
  readonly largest?: GalleryVector;
  /** Of the last σ computed, or of the last one kept that is above the floor: vectors of those below point anywhere. */
  readonly smallest?: GalleryVector;
}

export interface Gallery {
  readonly tap: string;
  /** Triplets computed at this tap. */
  readonly k: number;
  /** Of the source space. */
  readonly shape: Shape;
  readonly columns: readonly GalleryColumn[];
}

export interface GalleryOptions {
  /** Pixels; 900 by default, 380 for a phone. Inputs wrap into further rows. */
  readonly width?: number;
  /**
   * The id of a picture that the page holds elsewhere (`pictureDefinition`), so that several drawings share it; by default
   * a drawing holds its own.
   */
  readonly sharedId?: (picture: Picture) => string | undefined;
}

const gap = 8;
/** Pixels of a letter in an input's name. */
const LETTER = 6.6;
/** Of a picture that a vector lies over. */
const FADED = 0.3;

/**
 * Inputs and their extreme right singular vectors at one tap, as pictures in source space: the paper's figure 4.
 *
 * Of each input: the input; v of the largest σ and v of the last σ computed, laid over the faded input, each with its own limits
 * ± max |v|, which stand below it. Where a vector is local, the box where it is stands enlarged beside it. What is absent is an empty
 * frame.
 *
 * @see Mototake & Ikegami 2015, figure 4
 */
export function galleryFigure(
  gallery: Gallery,
  { width = 900, sharedId = () => undefined }: GalleryOptions = {},
): Figure {
  const { tap, columns, shape } = gallery;
  const pixels = pixelsOf(shape);
  const hasDetails = columns.some(({ largest, smallest }) => largest?.detail ?? smallest?.detail);
  const layout = layoutOf({ width, count: columns.length, hasDetails, aspect: pixels.height / pixels.width });
  const title = `Singular vectors at ${tap}`;
  const caption = captionOf(gallery, hasDetails);
  const own = new Map<Picture, string>();
  const idOf = (picture: Picture): string => {
    const id = sharedId(picture) ?? own.get(picture) ?? `picture-${own.size}`;
    if (sharedId(picture) === undefined) own.set(picture, id);
    return id;
  };
  const content = columns.map((column, i) => {
    const { x, y, slots } = layout.cards[i]!;
    const { source, largest, smallest } = column;
    const name = shorten(column.input, Math.floor(layout.cardWidth / LETTER));
    const vectorAt = (vector: GalleryVector | undefined, place: Box) => {
      if (vector === undefined) return absent(place, "none to show");
      const box = vector.detail === undefined ? "" : boxOf(vector.detail.region, pixels, place);
      return `${faded(source, idOf, place, pixels)}${placed(vector.picture, idOf, place)}${box}${note(vector, place)}`;
    };
    const detailAt = (vector: GalleryVector | undefined, place: Box | undefined) => {
      if (place === undefined || vector === undefined) return "";
      if (vector.detail === undefined) return absent(place, "not local");
      const { region, picture } = vector.detail;
      const times = formatNumber(pixels.width / region.width, 2);
      return `${faded(source, idOf, place, pixels, region)}${placed(picture, idOf, place)}${below(place, `the box, ×${times}`)}`;
    };
    return (
      `<text x="${x}" y="${y + 14}" font-weight="600"><title>${escapeXml(column.input)}</title>${escapeXml(name)}</text>` +
      (source === undefined ? absent(slots.input, "not stored") : placed(source, idOf, slots.input)) +
      below(slots.input, "input") +
      vectorAt(largest, slots.largest) +
      detailAt(largest, slots.largestDetail) +
      vectorAt(smallest, slots.smallest) +
      detailAt(smallest, slots.smallestDetail)
    );
  });
  const frames = layout.cards.flatMap(({ slots }) => Object.values(slots).map(frame));
  const definitions = [...own].map(([picture, id]) => pictureDefinition(picture, id)).join("");
  const head =
    `<text x="${gap}" y="20" font-size="13" font-weight="600">${escapeXml(shorten(title, width < 560 ? 44 : 70))}</text>` +
    colourBar(width < 560 ? gap : width - 260, width < 560 ? 32 : 8);
  const body =
    `${definitions === "" ? "" : `<defs>${definitions}</defs>`}${head}<g font-size="10">${content.join("")}</g>` +
    `<g fill="none" stroke="${softInk}" stroke-width="0.5">${frames.join("")}</g>`;
  return { svg: standalone(body, { width, height: layout.height, title, caption }), caption };
}

/** A picture to be placed once in a page's `<defs>` and drawn from there by `sharedId`. */
export function pictureDefinition(picture: Picture, id: string): string {
  return imageElement(picture, `id="${escapeXml(id)}" width="${picture.width}" height="${picture.height}"`);
}

function imageElement({ href }: Picture, attributes: string): string {
  return `<image ${attributes} href="${href}" preserveAspectRatio="none" style="image-rendering:pixelated"/>`;
}

function placed(picture: Picture, idOf: (picture: Picture) => string, { x, y, width, height }: Box): string {
  const scale = `${round(width / picture.width)} ${round(height / picture.height)}`;
  return `<use href="#${escapeXml(idOf(picture))}" transform="translate(${x} ${y}) scale(${scale})"/>`;
}

/** The input, or a region of it, as the ground of a vector. */
function faded(
  source: InputPicture | undefined,
  idOf: (picture: Picture) => string,
  { x, y, width, height }: Box,
  pixels: { readonly width: number; readonly height: number },
  region: Region = { x: 0, y: 0, ...pixels },
): string {
  if (source === undefined) return "";
  const [across, down] = [source.width / pixels.width, source.height / pixels.height];
  const view = [region.x * across, region.y * down, region.width * across, region.height * down].map(round);
  return (
    `<svg x="${x}" y="${y}" width="${width}" height="${height}" viewBox="${view.join(" ")}" preserveAspectRatio="none">` +
    `<use href="#${escapeXml(idOf(source))}" opacity="${FADED}"/></svg>`
  );
}

function boxOf(region: Region, pixels: { readonly width: number; readonly height: number }, place: Box): string {
  const [across, down] = [place.width / pixels.width, place.height / pixels.height];
  const [x, y] = [round(place.x + region.x * across), round(place.y + region.y * down)];
  const size = `width="${round(region.width * across)}" height="${round(region.height * down)}"`;
  return `<rect x="${x}" y="${y}" ${size} fill="none" stroke="${ink}"/>`;
}

function frame({ x, y, width, height }: Box): string {
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}"/>`;
}

const absent = ({ x, y, width, height }: Box, said: string): string =>
  `<text x="${x + width / 2}" y="${y + height / 2}" text-anchor="middle" fill="#555">${said}</text>`;

/** The first line below a picture. */
const below = ({ x, y, height }: Box, said: string): string =>
  `<text x="${x}" y="${y + height + 12}">${escapeXml(said)}</text>`;

/** What stands below a vector: the number of its σ is that of its vector. */
function note({ sigma, number, status, picture }: GalleryVector, place: Box): string {
  const mark = status === "unconverged" ? "× " : status === "at-floor" ? "○ " : "";
  return (
    below(place, `${mark}σ${subscript(number)} = ${formatNumber(sigma)}`) +
    `<text x="${place.x}" y="${place.y + place.height + 23}" font-size="9" fill="#555">±${formatNumber(picture.limit, 2)}</text>`
  );
}

function colourBar(x: number, y: number): string {
  const steps = 2 * signedSteps + 1;
  const ramp = Float64Array.from({ length: steps }, (_, i) => {
    const t = i / signedSteps - 1;
    return Math.sign(t) * t * t;
  });
  const place = `x="${x + 58}" y="${y}" width="120" height="10"`;
  return (
    `<g font-size="10">${imageElement(vectorPicture(ramp, [steps], steps), place)}` +
    `<rect ${place} fill="none" stroke="${softInk}" stroke-width="0.5"/>` +
    `<text x="${x + 52}" y="${y + 9}" text-anchor="end">−max |v|</text><text x="${x + 118}" y="${y + 21}" text-anchor="middle">0</text>` +
    `<text x="${x + 88}" y="${y + 21}" text-anchor="middle">−¼</text><text x="${x + 148}" y="${y + 21}" text-anchor="middle">¼</text>` +
    `<text x="${x + 184}" y="${y + 9}">+max |v|</text></g>`
  );
}

function captionOf({ tap, k, shape, columns }: Gallery, hasDetails: boolean): string {
  const vectors = columns
    .flatMap(({ largest, smallest }) => [largest, smallest])
    .filter((vector) => vector !== undefined);
  const said = [
    `Inputs and right singular vectors v of the Jacobian from the source (${formatShape(shape)}) to ${tap}, laid over the faded ` +
      `input: v of the largest σ, and v of the last of the k = ${k} computed (not the smallest of all, unless all were computed).`,
    "Each picture pixel shows the entry of largest magnitude among its channels and the source pixels it covers: red positive, blue " +
      "negative, nothing at zero, with its own limits ± max |v|, printed below. Opacity goes with the square root of |v|. The sign of " +
      "v as a whole is arbitrary.",
  ];
  if (hasDetails) {
    said.push(
      "A box marks where a local vector lies: along each axis, 5 % of its energy lie to either side of it. The box stands enlarged " +
        "beside the picture.",
    );
  }
  const shown = columns.flatMap(({ source: picture }) => picture ?? []);
  if (shown.some(({ undone }) => !undone))
    said.push("Inputs are stretched from their smallest to their largest entry.");
  else if (shown.length > 0) said.push("Inputs are shown with their preprocessing undone.");
  if (columns.length === 1) said.push("One input (n = 1).");
  if (vectors.some(({ status }) => status === "unconverged")) said.push("× did not converge.");
  if (vectors.some(({ status }) => status === "at-floor"))
    said.push("○ reached only the floor, which is above the tolerance.");
  if (columns.some(({ smallest }) => smallest !== undefined && smallest.number !== k)) {
    said.push(
      "Where the last σ lie below the floor, so that their vectors point anywhere, v of the last one kept above it stands in their " +
        "place, with the number of its σ.",
    );
  }
  if (vectors.some(({ sigma }) => sigma === 0))
    said.push("Where σ = 0, v is an arbitrary direction that does not change the tap.");
  return said.join(" ");
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
