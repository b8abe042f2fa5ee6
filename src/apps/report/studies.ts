import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { formatSeconds } from "../../base/index.ts";
import { chartFigure, plural } from "../../figures/index.ts";
import { DirectoryStore } from "../../platform/node/directory-store.ts";
import { unreadable } from "../../platform/node/file-errors.ts";
import { toPng } from "../../platform/node/png.ts";
import { openStudyRun, type StudyRun } from "../../results/index.ts";
import {
  FEWEST_IMAGES,
  type Findings,
  type FindingTable,
  readStudy,
  type Study,
  studies,
  type Verdict,
} from "../../studies/index.ts";
import { cellTexts } from "./cell-texts.ts";
import { field } from "./downloads.ts";
import { failedCells } from "./failed-cells.ts";
import { drawingDocument } from "./figures.ts";
import { Html, html } from "./html.ts";
import { baseName } from "./prose.ts";
import { responsive, widths } from "./responsive.ts";
import { style } from "./style.ts";
import { scrollTable } from "./tables.ts";

/** The results of the studies of a folder: their files by name, and one page for all of them. */
export interface StudiesReport {
  /** `<study>-<table>.csv`, `<study>-<chart>.svg` and `.png`. */
  readonly files: ReadonlyMap<string, string | Uint8Array>;
  readonly page: string;
}

/**
 * Reads every study of a folder, finished or not, and renders its results.
 *
 * @throws PushforwardError what the store throws
 */
export async function renderStudies(folder: string): Promise<StudiesReport> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw unreadable(folder, cause);
  });
  const present = new Set(names);
  const files = new Map<string, string | Uint8Array>();
  const sections: Html[] = [];
  let claims = 0;
  let manifest: StudyRun["manifest"] | undefined;
  for (const study of studies.filter(({ id }) => present.has(id))) {
    const run = await openStudyRun(new DirectoryStore(join(folder, study.id)));
    manifest ??= run.manifest;
    const findings = study.conclude(await readStudy(run), run.manifest.params);
    for (const table of findings.tables) files.set(`${study.id}-${table.id}.csv`, csvOf(table));
    const document = drawingDocument();
    for (const chart of findings.charts) {
      const { svg } = chartFigure(chart, { document });
      files.set(`${study.id}-${chart.id}.svg`, svg);
      files.set(`${study.id}-${chart.id}.png`, await toPng(svg));
    }
    claims += findings.verdicts.length;
    sections.push(sectionOf(study, run, findings, await run.seconds()));
    const failed = failedCells(run);
    if (failed !== undefined) sections.push(failed);
  }
  const title = `Studies of ${baseName(manifest?.model.file ?? "no network")}`;
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title><style>${new Html(style)}</style></head><body><main>
<header><h1>${title}</h1><p class="soft">${manifest?.created.slice(0, 10)} · Pushforward ${manifest?.versions.pushforward}
· ${manifest?.backend}</p>
<p>${plural(claims, "claim")} ${claims === 1 ? "is" : "are"} held against the data, each by a 95 % interval over images of its own: where there is no effect at all,
one in 40 still comes out as supported, and one in 40 as contradicted. Fewer than ${FEWEST_IMAGES} images decide nothing.</p></header>${sections}</main></body></html>
`;
  return { files, page: page.markup };
}

function sectionOf(
  study: Study,
  { manifest }: StudyRun,
  { tables, charts, verdicts }: Findings,
  seconds: number,
): Html {
  const document = drawingDocument();
  const settings = Object.entries(manifest.params).map(([name, value]) => `${name} = ${value}`);
  return html`<section id="${study.id}"><h2>${study.question}</h2><p>${study.method}</p>
<p class="soft">${manifest.inputs.length} inputs · seed ${manifest.seed} · ${formatSeconds(seconds)}${settings.map((text) => ` · ${text}`)}</p>
${verdicts.length === 0 ? undefined : html`<ul>${verdicts.map(verdictItem)}</ul>`}
${charts.map((chart) => {
  return responsive(
    chartFigure(chart, { document, width: widths.wide }),
    chartFigure(chart, { document, width: widths.narrow }),
  );
})}
${tables.map(({ caption, columns, rows }) => {
  const body = rows.map((row) => {
    const [first, ...cells] = cellTexts(columns, row);
    return html`<tr><th scope="row">${first}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`;
  });
  return scrollTable(caption, columns, body);
})}</section>`;
}

function verdictItem({ claim, verdict, because }: Verdict): Html {
  return html`<li>${claim} <strong>${verdict}</strong>: ${because}</li>`;
}

/** A table as comma-separated values, with all digits; a cell without a number is empty. */
export function csvOf({ columns, rows }: FindingTable): string {
  const cell = (value: string | number) =>
    typeof value === "string" ? field(value) : Number.isFinite(value) ? String(value) : "";
  return [columns, ...rows].map((cells) => `${cells.map(cell).join(",")}\n`).join("");
}
