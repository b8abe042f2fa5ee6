import { formatNumber, formatShape, type Shape, subscript } from "../base/index.ts";
import type { Status } from "../results/index.ts";
import { ink } from "./colours.ts";
import { layoutOf } from "./gallery-layout.ts";
import { type InputPicture, type Picture, pixelsOf, type Region, type SignedPicture } from "./picture.ts";
import {
  below,
  COLOURS_SAID,
  framed,
  headOf,
  nameAt,
  pictureDefinition,
  round,
  STRETCHED_SAID,
  vectorNote,
} from "./picture-parts.ts";
import { standalone } from "./standalone.ts";
import { escapeXml } from "./text.ts";
import type { Box, Figure } from "./types.ts";

/** One singular vector of a column. */
export interface GalleryVector {
  readonly picture: SignedPicture;
  /** For a local vector: the region that contains it, and that region enlarged, with the same limits of colour. */
  readonly detail?: { readonly region: Region; readonly picture: SignedPicture };
  readonly sigma: number;
  /** The number of σ; 1 is the largest. */
  readonly number: number;
  readonly status: Status;
}

/** One input. A part is absent if it was not stored or is not computed yet. */
interface GalleryColumn {
  readonly input: string;
  readonly source?: InputPicture;
  readonly largest?: GalleryVector;
  /**
   * The vector of the last computed σ, or, if that σ is below the floor, of the last stored one above it. Below the
   * floor, a vector has an arbitrary direction.
   */
  readonly smallest?: GalleryVector;
}

export interface Gallery {
  readonly tap: string;
  /** The number of triplets computed at this tap. */
  readonly k: number;
  /** The shape of the source. */
  readonly shape: Shape;
  readonly columns: readonly GalleryColumn[];
}

export interface GalleryOptions {
  /** In pixels; 900 by default, and 380 for a phone. Inputs that do not fit into a row stand in further rows. */
  readonly width?: number;
  /**
   * The id of a picture that the page defines elsewhere (`pictureDefinition`), so that several drawings can share it. By
   * default, a drawing contains its own pictures.
   */
  readonly sharedId?: (picture: Picture) => string | undefined;
}

/** The opacity of the picture below a vector. */
const FADED = 0.3;

/**
 * Inputs and their first and last right singular vectors at one tap, as pictures of the source's shape: the paper's figure 4.
 *
 * For each input, the figure shows the input, v of the largest σ, and v of the last computed σ. The vectors are drawn over the
 * faded input. Each has its own limits of colour, ± max |v|, which are written below it. If a vector is local, the region that
 * contains it is shown enlarged beside it. A picture that is absent leaves an empty frame.
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
      nameAt(x, y, column.input, layout.cardWidth) +
      (source === undefined ? absent(slots.input, "not stored") : placed(source, idOf, slots.input)) +
      below(slots.input, "input") +
      vectorAt(largest, slots.largest) +
      detailAt(largest, slots.largestDetail) +
      vectorAt(smallest, slots.smallest) +
      detailAt(smallest, slots.smallestDetail)
    );
  });
  const frames = layout.cards.flatMap(({ slots }) => Object.values(slots));
  const definitions = [...own].map(([picture, id]) => pictureDefinition(picture, id)).join("");
  const body =
    (definitions === "" ? "" : `<defs>${definitions}</defs>`) +
    `${headOf(title, width)}<g font-size="10">${content.join("")}</g>${framed(frames)}`;
  return { svg: standalone(body, { width, height: layout.height, title, caption }), caption };
}

function placed(picture: Picture, idOf: (picture: Picture) => string, { x, y, width, height }: Box): string {
  const scale = `${round(width / picture.width)} ${round(height / picture.height)}`;
  return `<use href="#${escapeXml(idOf(picture))}" transform="translate(${x} ${y}) scale(${scale})"/>`;
}

/** The faded input, or a region of it, over which a vector is drawn. */
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

const absent = ({ x, y, width, height }: Box, said: string): string =>
  `<text x="${x + width / 2}" y="${y + height / 2}" text-anchor="middle" fill="#555">${said}</text>`;

/** The lines below a vector: its σ, with its number, and the limits of colour. */
function note({ sigma, number, status, picture }: GalleryVector, place: Box): string {
  const mark = status === "unconverged" ? "× " : status === "at-floor" ? "○ " : "";
  return vectorNote(place, `${mark}σ${subscript(number)} = ${formatNumber(sigma)}`, picture);
}

function captionOf({ tap, k, shape, columns }: Gallery, hasDetails: boolean): string {
  const vectors = columns
    .flatMap(({ largest, smallest }) => [largest, smallest])
    .filter((vector) => vector !== undefined);
  const said = [
    `Each input is shown with two right singular vectors v of the Jacobian from the source (${formatShape(shape)}) to ${tap}, drawn ` +
      `over the faded input: v of the largest σ, and v of the last of the k = ${k} computed σ. The last computed σ is the smallest ` +
      "of all only if all σ were computed.",
    COLOURS_SAID,
  ];
  if (hasDetails) {
    said.push(
      "A box marks the region of a local vector: along each axis, 5 % of the vector's energy lie on either side of the box. The " +
        "region is shown enlarged beside the picture.",
    );
  }
  const shown = columns.flatMap(({ source: picture }) => picture ?? []);
  if (shown.some(({ undone }) => !undone)) said.push(STRETCHED_SAID);
  else if (shown.length > 0) said.push("Inputs are shown with their preprocessing undone.");
  if (columns.length === 1) said.push("One input (n = 1).");
  if (vectors.some(({ status }) => status === "unconverged"))
    said.push("A cross (×) marks a triplet that did not converge.");
  if (vectors.some(({ status }) => status === "at-floor"))
    said.push("A circle (○) marks a triplet whose residual reached only the floor, which is above the tolerance.");
  if (columns.some(({ smallest }) => smallest !== undefined && smallest.number !== k)) {
    said.push(
      "Where the last computed σ lie below the floor, their vectors have arbitrary directions. The figure then shows v of the last " +
        "stored σ above the floor, with the number of that σ.",
    );
  }
  if (vectors.some(({ sigma }) => sigma === 0))
    said.push("Where σ = 0, v is an arbitrary direction that does not change the tap.");
  return said.join(" ");
}
