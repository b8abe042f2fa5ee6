/** Code points of East Asian scripts and signs that take two columns, as Unicode's East_Asian_Width has them. */
const wide = new RegExp(
  "[\\u1100-\\u115F\\u2E80-\\u303E\\u3041-\\u33FF\\u3400-\\u4DBF\\u4E00-\\uA4CF\\uA960-\\uA97C\\uAC00-\\uD7A3\\uF900-\\uFAFF" +
    "\\uFE10-\\uFE19\\uFE30-\\uFE6F\\uFF01-\\uFF60\\uFF9E\\uFF9F\\uFFE0-\\uFFE6\\u{16FE0}-\\u{18CFF}\\u{1AFF0}-\\u{1B2FF}\\u{20000}-\\u{3FFFD}]|" +
    "\\p{Emoji_Presentation}|\\uFE0F",
  "u",
);
const invisible = /^[\p{Mark}\p{Format}\p{Control}]+$/u;
const graphemes = new Intl.Segmenter();

const columnsOf = (grapheme: string): number => (wide.test(grapheme) ? 2 : invisible.test(grapheme) ? 0 : 1);

/** The number of columns that a line of text takes on a terminal. */
export function widthOf(text: string): number {
  let columns = 0;
  for (const { segment } of graphemes.segment(text)) columns += columnsOf(segment);
  return columns;
}

/**
 * The text itself if it takes at most so many columns, otherwise as much of its beginning as fits before an ellipsis.
 */
export function cutToWidth(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let [kept, taken] = ["", 1];
  for (const { segment } of graphemes.segment(text)) {
    taken += columnsOf(segment);
    if (taken > columns) break;
    kept += segment;
  }
  return columns < 1 ? "" : `${kept}…`;
}
