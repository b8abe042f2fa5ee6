import { formatNumber, subscript } from "../base/index.ts";
import type { Status } from "../results/index.ts";
import { signedSteps } from "./colours.ts";
import { type InputPicture, type Picture, type SignedPicture, vectorPicture } from "./picture.ts";
import { standalone } from "./standalone.ts";
import { columnsOf, escapeXml, shorten } from "./text.ts";
import type { Figure } from "./types.ts";

/** One singular vector of a column. */
export interface GalleryVector {
  readonly picture: SignedPicture;
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
  /** Channels and pixels of the source, for the caption: `3×224×224`. */
  readonly source: string;
  readonly columns: readonly GalleryColumn[];
}

export interface GalleryOptions {
  /** Pixels; 900 by default (8 columns), 380 for a phone (3). Columns wrap into further bands. */
  readonly width?: number;
  /**
   * The id of a picture that the page holds elsewhere (`pictureDefinition`), so that several drawings share it; by default
   * every picture is embedded.
   */
  readonly sharedId?: (picture: Picture) => string | undefined;
}

const labelWidth = { wide: 92, narrow: 58 };
const gap = 8;
const nameHeight = 20;
/** Pixels of a letter in a column's name. */
const LETTER = 6.6;
const noteHeight = 30;

/**
 * Inputs and their extreme right singular vectors at one tap, as pictures in source space: the paper's figure 4.
 *
 * Rows: the input; v of the largest σ; v of the last σ computed. Each vector has its own limits ± max |v|, which stand
 * below it. What is absent is an empty frame.
 *
 * @see Mototake & Ikegami 2015, figure 4
 */
export function galleryFigure(
  gallery: Gallery,
  { width = 900, sharedId = () => undefined }: GalleryOptions = {},
): Figure {
  const { tap, k, columns } = gallery;
  const narrow = width < 560;
  const left = narrow ? labelWidth.narrow : labelWidth.wide;
  const perBand = Math.max(1, Math.min(columns.length, narrow ? 3 : 8));
  const cell = Math.min(narrow ? 104 : 96, Math.floor((width - left - gap) / perBand) - gap);
  const aspect = Math.min(2, Math.max(0.25, aspectOf(columns)));
  const cellHeight = Math.round(cell * aspect);
  const bandHeight = nameHeight + 3 * cellHeight + 2 * noteHeight + 10 + 14;
  const bands = Math.ceil(columns.length / perBand);
  const top = narrow ? 62 : 40;
  const height = top + bands * bandHeight;
  const title = `Singular vectors at ${tap}`;
  const caption = captionOf(gallery);
  const frame = { width, height, title, caption };
  const shown = shorten(title, narrow ? 44 : 70);
  // Above the last column, or after the title where that is longer.
  const barAt = Math.min(width - 260, Math.max(left + perBand * (cell + gap) - 250, gap + 8 * columnsOf(shown) + 20));
  const content = [
    `<text x="${gap}" y="20" font-size="13" font-weight="600">${escapeXml(shown)}</text>`,
    colourBar(narrow ? gap : barAt, narrow ? 32 : 8),
  ];
  for (let band = 0; band < bands; band++) {
    const y = top + band * bandHeight;
    const rows = [
      y + nameHeight,
      y + nameHeight + cellHeight + 10,
      y + nameHeight + 2 * cellHeight + noteHeight + 10,
    ] as const;
    content.push(
      rowLabel(gap, rows[0] + cellHeight / 2, ["input"]),
      rowLabel(gap, rows[1] + cellHeight / 2, ["v of the", "largest σ"]),
      rowLabel(
        gap,
        rows[2] + cellHeight / 2,
        narrow ? ["v of the", "last σ", `(k = ${k})`] : ["v of the last", `of ${k} σ`, "computed"],
      ),
    );
    columns.slice(band * perBand, (band + 1) * perBand).forEach((column, place) => {
      const x = left + place * (cell + gap);
      const placed = (picture: Picture | undefined, row: number) =>
        placePicture(picture, sharedId, { x, y: row, width: cell, height: cellHeight });
      content.push(
        `<text x="${x}" y="${y + 14}" font-size="10"><title>${escapeXml(column.input)}</title>` +
          `${escapeXml(shorten(column.input, Math.floor(cell / LETTER)))}</text>`,
        placed(column.source, rows[0]),
        placed(column.largest?.picture, rows[1]),
        note(column.largest, 1, x, rows[1] + cellHeight),
        placed(column.smallest?.picture, rows[2]),
        note(column.smallest, k, x, rows[2] + cellHeight),
      );
    });
  }
  return { svg: standalone(content.join(""), frame), caption };
}

/** A picture to be placed once in a page's `<defs>` and drawn from there by `sharedId`. */
export function pictureDefinition(picture: Picture, id: string): string {
  return imageElement(picture, `id="${escapeXml(id)}" width="${picture.width}" height="${picture.height}"`);
}

function imageElement({ href }: Picture, attributes: string): string {
  return `<image ${attributes} href="${href}" preserveAspectRatio="none" style="image-rendering:pixelated"/>`;
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

function placePicture(
  picture: Picture | undefined,
  sharedId: (picture: Picture) => string | undefined,
  box: Box,
): string {
  const { x, y, width, height } = box;
  const outline = `<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="none" stroke="#bbb" stroke-width="0.5"/>`;
  if (picture === undefined) {
    return `${outline}<text x="${x + width / 2}" y="${y + height / 2}" text-anchor="middle" fill="#666" font-size="10">none to show</text>`;
  }
  const id = sharedId(picture);
  if (id === undefined) return imageElement(picture, `x="${x}" y="${y}" width="${width}" height="${height}"`) + outline;
  const scale = `${round(width / picture.width)} ${round(height / picture.height)}`;
  return `<use href="#${escapeXml(id)}" transform="translate(${x} ${y}) scale(${scale})"/>${outline}`;
}

/** What stands below a vector; its number, where it is not the expected one. */
function note(vector: GalleryVector | undefined, expected: number, x: number, y: number): string {
  if (vector === undefined) return "";
  const name = vector.number === expected ? "σ" : `σ${subscript(vector.number)}`;
  const mark = vector.status === "unconverged" ? "× " : vector.status === "at-floor" ? "○ " : "";
  return (
    `<text x="${x}" y="${y + 12}" font-size="10">${mark}${name} = ${formatNumber(vector.sigma)}</text>` +
    `<text x="${x}" y="${y + 23}" font-size="9" fill="#555">±${formatNumber(vector.picture.limit, 2)}</text>`
  );
}

function rowLabel(x: number, middle: number, lines: readonly string[]): string {
  const first = middle - (lines.length - 1) * 6.5 + 4;
  return lines
    .map((line, i) => `<text x="${x}" y="${round(first + i * 13)}" font-size="10.5">${escapeXml(line)}</text>`)
    .join("");
}

function colourBar(x: number, y: number): string {
  const steps = 2 * signedSteps + 1;
  const ramp = Float64Array.from({ length: steps }, (_, i) => i / signedSteps - 1);
  const place = `x="${x + 58}" y="${y}" width="120" height="10"`;
  return (
    `<g font-size="10">${imageElement(vectorPicture(ramp, [steps], steps), place)}` +
    `<rect ${place} fill="none" stroke="#999" stroke-width="0.5"/>` +
    `<text x="${x + 52}" y="${y + 9}" text-anchor="end">−max |v|</text><text x="${x + 118}" y="${y + 21}" text-anchor="middle">0</text>` +
    `<text x="${x + 184}" y="${y + 9}">+max |v|</text></g>`
  );
}

function aspectOf(columns: readonly GalleryColumn[]): number {
  const picture = columns.flatMap(({ source, largest }) => source ?? largest?.picture ?? [])[0];
  return picture === undefined ? 1 : picture.height / picture.width;
}

function captionOf({ tap, k, source, columns }: Gallery): string {
  const vectors = columns
    .flatMap(({ largest, smallest }) => [largest, smallest])
    .filter((vector) => vector !== undefined);
  const said = [
    `Inputs (first row) and right singular vectors v of the Jacobian from the source (${source}) to ${tap}, as pictures in ` +
      `source space: v of the largest σ, and v of the last of the k = ${k} computed (not the smallest of all, unless all ` +
      "were computed).",
    "Each picture pixel shows the entry of largest magnitude among its channels and the source pixels it covers: red " +
      "positive, blue negative, white zero, with its own limits ± max |v|, printed below. The sign of v as a whole is arbitrary.",
  ];
  const shown = columns.flatMap(({ source: picture }) => picture ?? []);
  if (shown.some(({ undone }) => !undone))
    said.push("Inputs are stretched from their smallest to their largest entry.");
  else if (shown.length > 0) said.push("Inputs are shown with their preprocessing undone.");
  if (columns.length === 1) said.push("One input (n = 1).");
  if (vectors.some(({ status }) => status === "unconverged")) said.push("× did not converge.");
  if (vectors.some(({ status }) => status === "at-floor")) said.push("○ stopped at the rounding floor of the backend.");
  if (columns.some(({ smallest }) => smallest !== undefined && smallest.number !== k)) {
    said.push(
      "Where the last σ lie below the floor, so that their vectors point anywhere, v of the last one kept above it stands in their " +
        "place, with the number of its σ.",
    );
  }
  if (vectors.some(({ sigma }) => sigma === 0)) said.push("Where σ = 0, v is any direction that the tap does not see.");
  return said.join(" ");
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
