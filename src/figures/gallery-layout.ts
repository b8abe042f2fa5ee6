import { GAP, headHeight, NAME_HEIGHT, NOTE_HEIGHT, pictureHeight } from "./picture-parts.ts";
import { NARROW } from "./standalone.ts";
import type { Box } from "./types.ts";

interface Card {
  readonly x: number;
  readonly y: number;
  readonly slots: {
    readonly input: Box;
    readonly largest: Box;
    readonly smallest: Box;
    /** The enlarged part beside the vector, if some vector of the gallery is local. */
    readonly largestDetail?: Box;
    readonly smallestDetail?: Box;
  };
}

/** The places of the pictures in a card, as column and row. */
type Grid = Readonly<Record<keyof Card["slots"], readonly [number, number] | undefined>>;

const grids = {
  row: { input: [0, 0], largest: [1, 0], smallest: [2, 0], largestDetail: undefined, smallestDetail: undefined },
  column: { input: [0, 0], largest: [0, 1], smallest: [0, 2], largestDetail: undefined, smallestDetail: undefined },
  details: { input: [0, 0], largest: [1, 0], largestDetail: [2, 0], smallest: [3, 0], smallestDetail: [4, 0] },
  block: { input: [0, 0], largest: [1, 0], smallest: [2, 0], largestDetail: [1, 1], smallestDetail: [2, 1] },
} satisfies Record<string, Grid>;

/**
 * The places of the pictures of each input. An input has a card of three pictures, or of five with enlarged parts. As many
 * cards stand side by side as leaves the pictures large enough, and together they fill the width.
 */
export function layoutOf({
  width,
  count,
  hasDetails,
  aspect,
}: {
  readonly width: number;
  readonly count: number;
  readonly hasDetails: boolean;
  /** Height over width of a picture. */
  readonly aspect: number;
}) {
  const narrow = width < NARROW;
  const [grid, columns, rows, beside] = hasDetails
    ? narrow
      ? ([grids.block, 3, 2, 1] as const)
      : ([grids.details, 5, 1, count <= 4 ? 1 : 2] as const)
    : count <= (narrow ? 1 : 2)
      ? ([grids.row, 3, 1, Math.max(1, count)] as const)
      : ([grids.column, 1, 3, Math.min(count, narrow ? 3 : 8)] as const);
  const cell = Math.floor((width - GAP) / (beside * columns)) - GAP;
  const cellHeight = pictureHeight(cell, aspect);
  const cardWidth = columns * (cell + GAP) - GAP;
  const cardHeight = NAME_HEIGHT + rows * (cellHeight + NOTE_HEIGHT) + 6;
  const top = headHeight(width);
  const cards = Array.from({ length: count }, (_, i): Card => {
    const [x, y] = [GAP + (i % beside) * (cardWidth + GAP), top + Math.floor(i / beside) * cardHeight];
    const boxAt = ([column, row]: readonly [number, number]): Box => ({
      x: x + column * (cell + GAP),
      y: y + NAME_HEIGHT + row * (cellHeight + NOTE_HEIGHT),
      width: cell,
      height: cellHeight,
    });
    const details = hasDetails
      ? { largestDetail: boxAt(grid.largestDetail!), smallestDetail: boxAt(grid.smallestDetail!) }
      : {};
    return {
      x,
      y,
      slots: { input: boxAt(grid.input), largest: boxAt(grid.largest), smallest: boxAt(grid.smallest), ...details },
    };
  });
  return { cards, cardWidth, height: top + Math.ceil(count / beside) * cardHeight };
}
