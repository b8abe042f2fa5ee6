import { PushforwardError } from "../base/index.ts";
import { readRecords, type TextRecord } from "./records.ts";

/** One class of a network; classes are in the order of the outputs. */
export interface ClassRecord {
  readonly name: string;
  /** The WordNet id of the class, such as `n02389026`, if the list has it. */
  readonly synset?: string;
}

/** What is known of true classes: from a list of the classes or from a table of files. */
export interface Labels {
  readonly classes: readonly ClassRecord[];
  /** Class by the file's path or name, as the table writes it but with `/` between folders. */
  readonly byFile: ReadonlyMap<string, string>;
}

const synsetLine = /^(n\d{8})(?:[\t, ]+(.+))?$/;
const fileName = /\.\w{1,5}$|[/\\]/;
const inputName = /\.(png|jpe?g|webp|gif|tiff?|avif|npy)$/i;
/** What the heading of the column of files may be, the surest first. */
const fileHeadings = [/^(file|file_?name|file_?path|path|image|image_?(id|name|path|file)|img|picture)$/i, /^id$/i];
/** What the heading of the column of classes may be. */
const classHeading =
  /^((true_?)?(class|label)(_?(name|id|idx|index))?|category(_?(name|id))?|target|ground_?truth|species|breed|synset|wnid|digit)$/i;
/** Headings of columns that hold neither, such as the numbers of the rows. */
const otherHeading = /^(|id|index|row|unnamed: \d+|split|set|subset|fold|usage)$/i;

/**
 * Reads a labels file, of either kind.
 *
 * - A list of the classes in the order of the outputs: `synset<TAB>name` on every line, or a name on every line; or names in JSON, as
 *   tokenizers have them: a list, or an object with the number of the output for each name. There, names are taken as they are.
 * - A table of files and their classes, separated by tabs, semicolons or commas, with quotes where a cell needs them. The
 *   class is a name, a synset or an output's number. Under a heading, the columns are found by their names, else they are
 *   the first two; further columns are not read.
 *
 * Names are compared in Unicode's composed form (NFC). Empty lines are skipped.
 *
 * @throws PushforwardError `usage` naming the line that does not fit, or a file that is given two classes
 */
export function parseLabels(text: string, file: string): Labels {
  const refuseFile = (what: string): never => {
    throw new PushforwardError("usage", {
      what,
      where: { file, option: "--labels" },
      fix:
        "Write one class a line (name, or synset<TAB>name), or a file and its class on every line, separated by a tab or a " +
        "comma, in quotes where a name holds one.",
    });
  };
  const refuse: Refuse = (line, what) => refuseFile(`Line ${line} ${what}`);
  if (text.includes("\0")) refuseFile("This file is not text in UTF-8 or UTF-16.");
  const json = /^\s*[[{]/.test(text) ? parsed(text) : undefined;
  if (json !== undefined) {
    const names =
      namesIn(json) ??
      refuseFile("This file is JSON, but neither a list of names nor the numbers of the outputs by name.");
    return { classes: names.map((name) => ({ name })), byFile: new Map() };
  }
  const rows = readRecords(text.normalize("NFC"));
  if (rows.length === 0) refuseFile("This file is empty.");
  const columns = columnsOf(rows, refuse);
  if (columns !== undefined) return { classes: [], byFile: parseTable(rows, columns, refuse) };
  return { classes: parseClasses(rows, refuse), byFile: new Map() };
}

/** What a text in JSON says; undefined if it is none. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The names of all outputs, from a list of them or from their numbers; undefined if these are not 0, 1, 2, … */
function namesIn(json: unknown): string[] | undefined {
  if (Array.isArray(json)) return json.length > 0 && json.every((name) => typeof name === "string") ? json : undefined;
  const entries = Object.entries(json as object).sort(([, a], [, b]) => Number(a) - Number(b));
  return entries.length > 0 && entries.every(([, output], i) => output === i)
    ? entries.map(([name]) => name)
    : undefined;
}

type Refuse = (line: number, what: string) => never;

function parseClasses(rows: readonly TextRecord[], refuse: Refuse): ClassRecord[] {
  const withSynsets = synsetLine.test(rows[0]!.text);
  return rows.map(({ line, cells, text }) => {
    const content = cells.length === 1 ? cells[0]! : text;
    if (content.includes("\t") && !withSynsets) return refuse(line, "has two columns in a list of names.");
    if (!withSynsets) return { name: content };
    const [, synset, name] =
      synsetLine.exec(content) ?? refuse(line, "does not begin with a synset as the first does.");
    return { synset: synset!, name: name ?? synset! };
  });
}

interface Columns {
  readonly file: number;
  readonly class: number;
  readonly hasHeading: boolean;
}

/** The columns of a table, by its first row or by the heading above it; undefined where the rows are a list of classes. */
function columnsOf(rows: readonly TextRecord[], refuse: Refuse): Columns | undefined {
  const [first, second] = rows as [TextRecord, TextRecord | undefined];
  if (first.cells.length > 1 && fileName.test(first.cells[0]!)) return { file: 0, class: 1, hasHeading: false };
  const file = first.cells.some((cell) => fileName.test(cell)) ? -1 : fileColumn(first, second);
  if (file < 0) return undefined;
  if (first.cells.length < 2) return refuse(first.line, "is not a file and its class.");
  return { file, class: classColumn(first, file, refuse), hasHeading: true };
}

/** The column of files under a heading: the one in which the next row has an input, else the one that is called so; −1 where there is none. */
function fileColumn({ cells }: TextRecord, next: TextRecord | undefined): number {
  const inNext =
    next === undefined || next.cells.length < 2 ? -1 : next.cells.findIndex((cell) => inputName.test(cell));
  if (cells.length < 2 || inNext >= 0) return inNext;
  const named = fileHeadings.map((heading) => cells.findIndex((cell) => heading.test(cell)));
  return named.find((column) => column >= 0) ?? -1;
}

/** The column of classes under a heading: the one that is called so, else the only one that it can be. */
function classColumn({ line, cells }: TextRecord, file: number, refuse: Refuse): number {
  const named = cells.findIndex((cell, column) => column !== file && classHeading.test(cell));
  if (named >= 0) return named;
  const others = [...cells.keys()].filter((column) => column !== file && !otherHeading.test(cells[column]!));
  if (others.length === 1) return others[0]!;
  return refuse(line, `does not say which column holds the class: call it "class".`);
}

function parseTable(rows: readonly TextRecord[], columns: Columns, refuse: Refuse): Map<string, string> {
  const byFile = new Map<string, string>();
  const width = rows[0]!.cells.length;
  for (const { line, cells } of columns.hasHeading ? rows.slice(1) : rows) {
    const [path, name] = [cells[columns.file], cells[columns.class]];
    if (!path || !name) return refuse(line, "is not a file and its class.");
    if (columns.hasHeading ? cells.length > width : cells.length !== width)
      refuse(line, `has ${cells.length} columns, and the first has ${width}.`);
    const key = plainPath(path);
    if ((byFile.get(key) ?? name) !== name) refuse(line, `names "${path}" a second time, with another class.`);
    byFile.set(key, name);
  }
  return byFile;
}

const plainPath = (path: string): string => path.normalize("NFC").replaceAll("\\", "/").replace(/^\.\//, "");

/**
 * The row of the table that is a file's: the one with most of its path, with or without the ending. `undefined` where there
 * is none.
 */
export function rowOf(path: string, { byFile }: Labels): string | undefined {
  const parts = plainPath(path).split("/");
  for (let from = 0; from < parts.length; from++) {
    const end = parts.slice(from).join("/");
    const key = [end, end.replace(/\.[^./]*$/, "")].find((name) => byFile.has(name));
    if (key !== undefined) return key;
  }
  return undefined;
}

/**
 * The true class of an image: from the table of files, else from the synset that its name begins with
 * (`n02389026_sorrel.JPEG`), else from its folder, where that is named like a class.
 *
 * `undefined` where nothing tells: a folder that is no class says nothing.
 */
export function classOf(path: string, labels: Labels): string | undefined {
  const { classes, byFile } = labels;
  const row = rowOf(path, labels);
  if (row !== undefined) {
    const label = byFile.get(row)!;
    const known = find(label, classes)?.name;
    if (known !== undefined || !wholeNumber.test(label)) return known ?? label;
    return classes[Number(label)]?.name ?? String(Number(label));
  }
  const parts = plainPath(path).split("/");
  const [, synset, rest] = /^(n\d{8})(?:_(.*?))?(?:\.[^.]*)?$/.exec(parts.at(-1) ?? "") ?? [];
  if (synset !== undefined) return find(synset, classes)?.name ?? rest ?? synset;
  return find(parts.at(-2) ?? "", classes)?.name;
}

/** As tables write the number of an output: `007`, and `7.0` where a column has gaps. */
const wholeNumber = /^\d+(\.0*)?$/;

function find(label: string, classes: readonly ClassRecord[]): ClassRecord | undefined {
  return classes.find(({ name, synset }) => synset === label || name === label);
}
