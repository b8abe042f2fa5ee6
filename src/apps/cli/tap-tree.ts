/** A line of a tree: a row with its name, or the name of what the lines below it are in. */
export interface TreeLine<Row> {
  /** Indented, and without the part that the lines above it name. */
  readonly name: string;
  readonly row: Row | undefined;
}

interface Branch<Row> {
  readonly parts: string[];
  row: Row | undefined;
  readonly children: Map<string, Branch<Row>>;
}

/**
 * Rows whose names are paths (`encoder.layer.0.norm`) as a tree in the order in which each part is first met. A part with one child and
 * no row of its own stands on one line with it.
 */
export function treeOf<Row>(rows: readonly Row[], nameOf: (row: Row) => string): TreeLine<Row>[] {
  const root: Branch<Row> = { parts: [], row: undefined, children: new Map() };
  for (const row of rows) {
    let branch = root;
    for (const part of nameOf(row).split(".")) {
      const child = branch.children.get(part) ?? { parts: [part], row: undefined, children: new Map() };
      branch.children.set(part, child);
      branch = child;
    }
    branch.row = row;
  }
  return linesOf(root, 0);
}

function linesOf<Row>({ children }: Branch<Row>, depth: number): TreeLine<Row>[] {
  return [...children.values()]
    .map(joined)
    .flatMap((branch) => [
      { name: `${"  ".repeat(depth)}${branch.parts.join(".")}`, row: branch.row },
      ...linesOf(branch, depth + 1),
    ]);
}

function joined<Row>(branch: Branch<Row>): Branch<Row> {
  const [only] = branch.children.values();
  if (branch.row !== undefined || branch.children.size !== 1 || only === undefined) return branch;
  const below = joined(only);
  return { ...below, parts: [...branch.parts, ...below.parts] };
}
