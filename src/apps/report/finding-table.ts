import { formatNumber, plural } from "../../base/index.ts";
import type { FindingTable, Study } from "../../studies/index.ts";
import { estimateTexts } from "./estimate-texts.ts";
import { Html, html } from "./html.ts";
import { scrollTable } from "./tables.ts";

/** Rows of a table that is open from the start. */
const SHORT_TABLE = 8;

/**
 * A table of a study, with its estimates and their intervals in one cell each. What the network and its controls (of the given kinds) have
 * of one quantity stands under one heading. A long table is closed at first.
 */
export function findingTable(study: Study, table: FindingTable, kinds: readonly string[]): Html {
  const { id, caption, columns, rows } = table;
  const body = rows.map(([first, ...cells]) => {
    const { text } = textOf(first!);
    return html`<tr><th scope="row">${text}</th>${cells.map(cellOf)}</tr>`;
  });
  const open = new Html(rows.length <= SHORT_TABLE ? " open" : "");
  const file = `${study.id}-${id}.csv`;
  return html`<details${open}><summary>Table: ${study.id}, ${id.replaceAll("-", " ")} (${plural(rows.length, "row")})</summary>
<p class="soft">In full digits beside this page: <a href="${file}">${file}</a></p>${scrollTable(caption, headOf(columns, kinds), body)}</details>`;
}

type Cell = FindingTable["rows"][number][number];

function textOf(cell: Cell): { readonly text: string; readonly interval?: string | undefined } {
  if (typeof cell === "string") return { text: cell };
  if (typeof cell === "number") return { text: formatNumber(cell) };
  const { value, interval } = estimateTexts(cell);
  return { text: value, interval };
}

function cellOf(cell: Cell): Html {
  const { text, interval } = textOf(cell);
  return html`<td>${text}${interval === undefined ? undefined : html`<span class="sub">${interval}</span>`}</td>`;
}

/** The heads of the columns: one row, or two if quantities have columns of controls. */
function headOf(columns: readonly string[], kinds: readonly string[]): readonly string[] | Html {
  const networks = kinds.flatMap((kind) => [kind, `trained − ${kind}`]);
  const groups: { name: string; networks: string[] }[] = [];
  for (const column of columns) {
    const last = groups.at(-1);
    const network = networks.find((name) => column === `${last?.name}, ${name}`);
    if (network === undefined) groups.push({ name: column, networks: ["trained"] });
    else last!.networks.push(network);
  }
  if (groups.length === columns.length) return columns;
  const above = groups.map(({ name, networks: { length } }) =>
    length === 1
      ? html`<th scope="col" rowspan="2">${name}</th>`
      : html`<th scope="colgroup" colspan="${length}" class="group">${name}</th>`,
  );
  const below = groups.flatMap((group) =>
    group.networks.length === 1 ? [] : group.networks.map((network) => html`<th scope="col">${network}</th>`),
  );
  return html`<tr>${above}</tr><tr>${below}</tr>`;
}
