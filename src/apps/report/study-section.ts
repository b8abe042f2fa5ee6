import { formatSeconds, plural } from "../../base/index.ts";
import { chartFigure, type Picture, type SvgDocument } from "../../figures/index.ts";
import type { Chart, StudyManifest } from "../../results/index.ts";
import { type Findings, type FindingTable, flatTable, type Study, type Verdict } from "../../studies/index.ts";
import { cellTexts } from "./cell-texts.ts";
import { Html, html } from "./html.ts";
import { responsive, widths } from "./responsive.ts";
import { scrollTable } from "./tables.ts";

/** A study as its page shows it. */
export interface ShownStudy {
  readonly study: Study;
  readonly manifest: StudyManifest;
  readonly findings: Findings;
  /** Wall time. */
  readonly seconds: number;
  readonly pictureOf: (image: number) => Picture | undefined;
  /** A notice of cells that could not be measured. */
  readonly failed: Html | undefined;
}

/** Rows of a table that is open from the start. */
const SHORT_TABLE = 8;

const signs: Readonly<Record<Verdict["verdict"], string>> = {
  supported: "✓",
  contradicted: "✗",
  "not supported": "○",
  undecided: "?",
};

/** What came out of every study, with a link to each. */
export function contents(shown: readonly ShownStudy[]): Html {
  const entries = shown.map(({ study, findings: { verdicts } }) => {
    const items = verdicts.map(({ claim, verdict }) => html`<li>${badge(verdict)} ${claim}</li>`);
    return html`<li><a href="#${study.id}">${study.question}</a>${verdicts.length === 0 ? undefined : html`<ul class="verdicts">${items}</ul>`}</li>`;
  });
  return html`<nav aria-labelledby="contents"><h2 id="contents">What was asked, and what came out</h2><ol>${entries}</ol></nav>`;
}

function badge(verdict: Verdict["verdict"]): Html {
  return html`<strong class="badge ${verdict.replace(" ", "-")}"><span aria-hidden="true">${signs[verdict]} </span>${verdict}</strong>`;
}

/** The question, its verdicts, the figure that they rest on, further figures and tables to be opened. */
export function sectionOf(
  { study, manifest, findings, seconds, pictureOf, failed }: ShownStudy,
  document: SvgDocument,
): Html {
  const { tables, charts, verdicts } = findings;
  const settings = Object.entries(manifest.params).map(([name, value]) => `${name} = ${[value].flat().join(", ")}`);
  const draw = (chart: Chart) => {
    const [wide, narrow] = [widths.wide, widths.narrow].map((width) =>
      chartFigure(chart, { document, width, pictureOf }),
    );
    return responsive(wide!, narrow!);
  };
  const [key, ...further] = charts;
  const items = verdicts.map(
    ({ claim, verdict, because }) => html`<li>${badge(verdict)} ${claim} <span class="soft">${because}</span></li>`,
  );
  return html`<section id="${study.id}"><h2>${study.question}</h2><p>${study.method}</p>
<p class="soft">${plural(manifest.inputs.length, "image")} · seed ${manifest.seed} · ${formatSeconds(seconds)}${settings.map((text) => ` · ${text}`)}</p>
${failed}${verdicts.length === 0 ? undefined : html`<ul class="verdicts">${items}</ul>`}
${key === undefined ? undefined : draw(key)}
${further.map((chart) => html`<details><summary>Figure: ${chart.title}</summary>${draw(chart)}</details>`)}
${tables.map((table) => tableSection(study, table))}
<p class="soft"><a href="#contents">Back to the contents</a></p></section>`;
}

/** A long table is closed at first. */
function tableSection(study: Study, table: FindingTable): Html {
  const { id, caption, columns, rows } = flatTable(table);
  const body = rows.map((row) => {
    const [first, ...cells] = cellTexts(columns, row);
    return html`<tr><th scope="row">${first}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`;
  });
  const open = new Html(rows.length <= SHORT_TABLE ? " open" : "");
  const file = `${study.id}-${id}.csv`;
  return html`<details${open}><summary>Table: ${study.id}, ${id.replaceAll("-", " ")} (${plural(rows.length, "row")})</summary>
<p class="soft">In full digits beside this page: <a href="${file}">${file}</a></p>${scrollTable(caption, columns, body)}</details>`;
}
