/** One record of a text of separated values. */
export interface TextRecord {
  /** Line on which it begins, from 1. */
  readonly line: number;
  /** Without the spaces around them, and without the quotes. */
  readonly cells: readonly string[];
  /** As it stands in the text, without the spaces around it. */
  readonly text: string;
}

/** What may stand between the quotes of a cell. */
const quoted = '[^"]*(?:""[^"]*)*';

/**
 * The records of comma-, semicolon- or tab-separated text; empty lines are left out. The separator is the tab where the first
 * line has one outside quotes, else the semicolon, else the comma. Lines end in LF, CR or both. A cell in quotes may hold
 * separators and ends of lines, and two quotes for one; a quote that is not closed stands for itself.
 *
 * @see RFC 4180
 */
export function readRecords(text: string): TextRecord[] {
  const separator = separatorOf(text);
  const cell = new RegExp(`[ ]*"(${quoted})"[ ]*(?=[${separator}\\r\\n]|$)|[^${separator}\\r\\n]*`, "y");
  const records: TextRecord[] = [];
  let line = 1;
  for (let at = 0; at < text.length; ) {
    const start = at;
    const cells: string[] = [];
    for (let more = true; more; ) {
      cell.lastIndex = at;
      const [whole, inner] = cell.exec(text)!;
      cells.push(inner === undefined ? whole.trim() : inner.replaceAll('""', '"').trim());
      at += whole.length;
      more = text[at] === separator;
      if (more) at++;
    }
    const content = text.slice(start, at);
    if (content.trim() !== "") records.push({ line, cells, text: content.trim() });
    line += 1 + (content.match(/\r\n|\r|\n/g)?.length ?? 0);
    at += text.startsWith("\r\n", at) ? 2 : 1;
  }
  return records;
}

function separatorOf(text: string): "\t" | ";" | "," {
  const [first = ""] = text
    .trimStart()
    .replace(new RegExp(`"${quoted}"`, "g"), "")
    .split(/[\r\n]/);
  if (first.includes("\t")) return "\t";
  return first.includes(";") ? ";" : ",";
}
