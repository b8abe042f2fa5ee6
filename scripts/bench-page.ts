import { type BenchResult, type ResultTable, readResult } from "../bench/result.ts";

/** What has a result, in the order of the page. */
export const benches = [
  { name: "products", title: "Products" },
  { name: "recurrent", title: "Recurrent layers and attention" },
  { name: "solver", title: "Solver" },
  { name: "prediction", title: "Prediction" },
  { name: "cost", title: "Growth" },
  { name: "figure3", title: "Figure 3" },
  { name: "explorer", title: "Explorer" },
  { name: "store", title: "Stores" },
  { name: "fleet", title: "Many machines" },
  { name: "gpu", title: "GPU" },
  { name: "peers", title: "Peers" },
  { name: "propack", title: "PROPACK" },
  { name: "campaign", title: "Certificates" },
  { name: "campaign-webgpu", title: "Certificates on WebGPU" },
] as const;

/** The page of measurements, from what the benches have stored; a bench without a result has no section. */
export function benchPage(read: (name: string) => BenchResult | undefined = readResult): string {
  const sections = benches.flatMap(({ name, title }) => {
    const result = read(name);
    return result === undefined ? [] : [section(title, result)];
  });
  return `<!-- Written by \`npm run docs\` from the stored results of the benches. Do not edit this page; run the benches. -->

# Measurements

Each table comes from one run of the command above it, on the machine and with the versions that are named. Compare only numbers of
the same table, not of different machines.
${sections.map((text) => `\n${text}`).join("")}`;
}

function section(title: string, { command, machine, versions, results }: BenchResult): string {
  const made = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `## ${title}

\`${command}\`
on ${machine.cores} cores of ${machine.cpu}, ${machine.memory} GiB; ${made.join(", ")}.

${results.map(table).join("\n\n")}
`;
}

function table({ title, note, columns, rows, picture }: ResultTable): string {
  for (const row of rows) {
    if (row.length !== columns.length) throw new Error(`${title}: a row of ${row.length} cells, not ${columns.length}`);
  }
  const lines = [columns, columns.map((_, i) => alignment(rows, i)), ...rows.map((row) => row.map(shown))];
  const body = lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
  const shownAbove = picture === undefined ? "" : `![${picture.alt}](${picture.file})\n\n`;
  return `${shownAbove}**${title}.**${note === undefined ? "" : ` ${note}`}\n\n${body}`;
}

/** Numbers to the right. */
const alignment = (rows: ResultTable["rows"], column: number): string =>
  rows.every((row) => typeof row[column] === "number") ? "---:" : "---";

function shown(cell: string | number): string {
  if (typeof cell === "string") return cell.replaceAll("|", "\\|");
  return Number.isInteger(cell) ? String(cell) : String(Number(cell.toPrecision(3)));
}
