import { formatNumber, subscript } from "../base/index.ts";
import type { PictureRow, PictureRows } from "../results/index.ts";
import { inputPicture, pixelsOf, vectorPicture } from "./picture.ts";
import {
  below,
  COLOURS_SAID,
  framed,
  GAP,
  headHeight,
  headOf,
  imageAt,
  NAME_HEIGHT,
  NOTE_HEIGHT,
  nameAt,
  pictureHeight,
  STRETCHED_SAID,
  vectorNote,
} from "./picture-parts.ts";
import { NARROW, standalone } from "./standalone.ts";
import type { Box, Figure } from "./types.ts";

export interface PictureRowsOptions {
  /** In pixels; 900 by default, and 380 for a phone. Vectors that do not fit into a line stand in further lines. */
  readonly width?: number;
}

/** The most vectors in a line. */
const IN_LINE = { wide: 8, narrow: 4 } as const;
/** The largest width of a picture, in pixels. */
const LARGEST = 120;
/** The largest height and width of the pictures that are stored, in pixels. */
const SIDE = 112;

/**
 * Draws rows of signed pictures: in each row an input, if it is known, and vectors with their σ below them. Each vector has its own limits
 * of colour; one without a direction of its own leaves an empty frame.
 *
 * @see Rifai et al. 2011, the first tangents of each kind of auto-encoder
 */
export function pictureRowsFigure(pictures: PictureRows, { width = 900 }: PictureRowsOptions = {}): Figure {
  const { title, shape, rows } = pictures;
  const sources = rows.map(({ source }) => source && inputPicture(source, shape, {}, SIDE));
  const layout = layoutOf(pictures, width);
  const frames: Box[] = [];
  const content = rows.map(({ name, vectors }, r) => {
    const top = headHeight(width) + r * layout.rowHeight;
    const source = sources[r];
    const place = layout.boxAt(top, 0, 0);
    if (source !== undefined) frames.push(place);
    const drawn = vectors.map((vector, i) => {
      const box = layout.vectorAt(top, i);
      frames.push(box);
      if (vector === undefined) return "";
      const picture = vectorPicture(vector.entries, shape, SIDE);
      return imageAt(picture, box) + vectorNote(box, `σ${subscript(i + 1)} = ${formatNumber(vector.sigma)}`, picture);
    });
    const first = source === undefined ? "" : imageAt(source, place) + below(place, "input");
    return `${nameAt(GAP, top, name, width - 2 * GAP)}${first}${drawn.join("")}`;
  });
  const caption = captionOf(pictures);
  const height = headHeight(width) + rows.length * layout.rowHeight;
  const body = `${headOf(title, width)}<g font-size="10">${content.join("")}</g>${framed(frames)}`;
  return { svg: standalone(body, { width, height, title, caption }), caption };
}

const hasSource = ({ source }: PictureRow): boolean => source !== undefined;
const hasGap = ({ vectors }: PictureRow): boolean => vectors.includes(undefined);

/** The places of pictures: inputs have a column of their own, beside that of all lines of vectors. */
function layoutOf({ shape, rows }: PictureRows, width: number) {
  const most = Math.max(1, ...rows.map(({ vectors }) => vectors.length));
  const inLine = Math.min(most, width < NARROW ? IN_LINE.narrow : IN_LINE.wide);
  const before = rows.some(hasSource) ? 1 : 0;
  const pixels = pixelsOf(shape);
  const cell = Math.min(LARGEST, Math.floor((width - GAP) / (before + inLine)) - GAP);
  const cellHeight = pictureHeight(cell, pixels.height / pixels.width);
  const boxAt = (top: number, line: number, column: number): Box => ({
    x: GAP + column * (cell + GAP),
    y: top + NAME_HEIGHT + line * (cellHeight + NOTE_HEIGHT),
    width: cell,
    height: cellHeight,
  });
  return {
    boxAt,
    vectorAt: (top: number, i: number) => boxAt(top, Math.floor(i / inLine), before + (i % inLine)),
    rowHeight: NAME_HEIGHT + Math.ceil(most / inLine) * (cellHeight + NOTE_HEIGHT) + 6,
  };
}

const captionOf = ({ caption, rows }: PictureRows): string =>
  [
    caption,
    COLOURS_SAID,
    ...(rows.some(hasSource) ? [STRETCHED_SAID] : []),
    ...(rows.some(hasGap)
      ? [
          "An empty frame stands for a vector that is not known, or whose σ is below the floor, so that its direction is arbitrary.",
        ]
      : []),
  ].join(" ");
