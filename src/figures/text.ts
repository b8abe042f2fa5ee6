/** Text made safe for element content and quoted attributes; characters that XML forbids become U+FFFD. */
export function escapeXml(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are exactly the characters that XML forbids
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd")
      .replace(/&/g, "&amp;")
      .replace(/</g, "&lt;")
      .replace(/>/g, "&gt;")
      .replace(/"/g, "&quot;")
      .replace(/'/g, "&#39;")
  );
}

/**
 * The width of a text in letters of common width. East Asian characters and those beyond the first Unicode plane count
 * twice.
 */
export function columnsOf(text: string): number {
  return [...text].reduce((sum, letter) => sum + ((letter.codePointAt(0) ?? 0) >= 0x2e80 ? 2 : 1), 0);
}

/**
 * A name that is cut in its middle to at most `columns` columns. Its two ends are kept, because they distinguish taps.
 */
export function shorten(name: string, columns: number): string {
  if (columnsOf(name) <= columns) return name;
  const letters = [...name];
  let head = "";
  let tail = "";
  while (letters.length > 0) {
    const fromHead = columnsOf(head) <= columnsOf(tail);
    const next = (fromHead ? letters.shift() : letters.pop()) as string;
    if (columnsOf(head + next + tail) > columns - 1) break;
    if (fromHead) head += next;
    else tail = next + tail;
  }
  return `${head}…${tail}`;
}

/** A text broken between words into lines of at most `columns` columns. A word that is longer has a line of its own. */
export function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && columnsOf(`${last} ${word}`) <= columns) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
