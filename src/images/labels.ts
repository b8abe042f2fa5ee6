import { PushforwardError } from "../base/index.ts";

/** One class of a network, in the order of its outputs. */
export interface ClassRecord {
  readonly name: string;
  /** WordNet's number of the class, `n02389026`, where the list gives it. */
  readonly synset?: string;
}

/** What is known of true classes: from a list of the classes, from a table of files, or both. */
export interface Labels {
  readonly classes: readonly ClassRecord[];
  /** Class by the file's path or name, as the table writes it. */
  readonly byFile: ReadonlyMap<string, string>;
}

const synsetLine = /^(n\d{8})(?:[\t, ]+(.+))?$/;
const fileLine = /^"?([^\t,]+\.\w+|[^\t,]*[/\\][^\t,]*)"?[\t,]/;
const heading = /^(file|filename|image|path)[\t,]/i;

/**
 * Reads a labels file, of either kind.
 *
 * - A list of the classes in the order of the outputs: `synset<TAB>name` on every line, or a name on every line.
 * - A table `file<TAB>class`, with or without a heading line; the class is a name, a synset or an output's number.
 *
 * A comma does as well as the tab. Empty lines are skipped.
 *
 * @throws PushforwardError `usage` naming the line that does not fit, or a file named twice
 */
export function parseLabels(text: string, file: string): Labels {
  const refuse: Refuse = (line, what) => {
    throw new PushforwardError("usage", {
      what: `Line ${line} ${what}`,
      where: { file, option: "--labels" },
      fix: "Write one class a line, synset<TAB>name, or file<TAB>class, the same on every line.",
    });
  };
  const rows = text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .map((content, i) => ({ line: i + 1, content: content.trim() }))
    .filter(({ content }) => content !== "");
  const first = rows[0] ?? refuse(1, "is the end of the file: there is no label.");
  if (heading.test(first.content)) return { classes: [], byFile: parseTable(rows.slice(1), refuse) };
  if (fileLine.test(first.content)) return { classes: [], byFile: parseTable(rows, refuse) };
  return { classes: parseClasses(rows, refuse), byFile: new Map() };
}

type Refuse = (line: number, what: string) => never;
type Rows = readonly { readonly line: number; readonly content: string }[];

function parseClasses(rows: Rows, refuse: Refuse): ClassRecord[] {
  const withSynsets = synsetLine.test(rows[0]?.content ?? "");
  return rows.map(({ line, content }) => {
    if (content.includes("\t") && !withSynsets) return refuse(line, "has two columns in a list of names.");
    if (!withSynsets) return { name: content };
    const [, synset, name] =
      synsetLine.exec(content) ?? refuse(line, "does not begin with a synset as the first does.");
    return { synset: synset!, name: name ?? synset! };
  });
}

function parseTable(rows: Rows, refuse: Refuse): Map<string, string> {
  const byFile = new Map<string, string>();
  const separator = rows.some(({ content }) => content.includes("\t")) ? "\t" : ",";
  for (const { line, content } of rows) {
    const cells = content.split(separator).map((cell) => cell.trim().replace(/^"(.*)"$/, "$1"));
    const [path, name] = cells;
    if (cells.length !== 2 || !path || !name) return refuse(line, "is not a file and its class.");
    if (byFile.has(path)) refuse(line, `names "${path}" a second time.`);
    byFile.set(path, name);
  }
  return byFile;
}

/**
 * The true class of an image: from the table of files (by path, by its last folders, or by name), else from the synset that
 * its name begins with (`n02389026_sorrel.JPEG`), else from its folder, where that is named like a class.
 *
 * `undefined` where nothing tells: a folder that is no class says nothing.
 */
export function classOf(path: string, { classes, byFile }: Labels): string | undefined {
  const parts = path.split(/[/\\]/);
  for (let from = 0; from < parts.length; from++) {
    const label = byFile.get(parts.slice(from).join("/"));
    if (label !== undefined) return find(label, classes)?.name ?? classes[Number(label)]?.name ?? label;
  }
  const [, synset, rest] = /^(n\d{8})(?:_(.*?))?(?:\.[^.]*)?$/.exec(parts.at(-1) ?? "") ?? [];
  if (synset !== undefined) return find(synset, classes)?.name ?? rest ?? synset;
  return find(parts.at(-2) ?? "", classes)?.name;
}

function find(label: string, classes: readonly ClassRecord[]): ClassRecord | undefined {
  return classes.find(({ name, synset }) => synset === label || name === label);
}
