import { readdir } from "node:fs/promises";
import { plural } from "../../base/index.ts";
import { unreadable } from "../../platform/node/file-errors.ts";
import { claimsTable, FEWEST_IMAGES, type FlatTable, flatTable, studies } from "../../studies/index.ts";
import { renderCharts } from "./charts.ts";
import { controlsNote, drawnControls } from "./controls-note.ts";
import { field } from "./downloads.ts";
import { failedCells } from "./failed-cells.ts";
import { drawingDocument } from "./figures.ts";
import { Html, html } from "./html.ts";
import { networkName } from "./prose.ts";
import { studiesProvenance } from "./provenance.ts";
import { findingsIn } from "./study-findings.ts";
import { picturesOf } from "./study-pictures.ts";
import { contents, observationsOf, type ShownStudy, sectionOf } from "./study-section.ts";
import { style } from "./style.ts";

/** The results of the studies of a folder: their files by name, and one page for all of them. */
export interface StudiesReport {
  /** `<study>-<table>.csv`, `<study>-claims.csv`, `<study>-<chart>.svg` and `.png`. */
  readonly files: ReadonlyMap<string, string | Uint8Array>;
  readonly page: string;
}

/**
 * Reads every study of a folder, finished or not, and renders its results.
 *
 * @throws PushforwardError what the store throws
 */
export async function renderStudies(folder: string): Promise<StudiesReport> {
  const files = new Map<string, string | Uint8Array>();
  const shown = await readStudies(folder);
  for (const { study, findings, controls, pictureOf } of shown) {
    for (const table of findings.tables) files.set(`${study.id}-${table.id}.csv`, csvOf(flatTable(table)));
    if (findings.claims.length > 0) files.set(`${study.id}-claims.csv`, csvOf(claimsTable(findings, controls)));
    const { charts, maps, pictures } = findings;
    for (const [name, content] of await renderCharts(charts, { maps, pictures, pictureOf })) {
      files.set(`${study.id}-${name}`, content);
    }
  }
  return { files, page: pageOf(shown) };
}

/** The page of `renderStudies` alone. */
export const renderStudiesPage = async (folder: string): Promise<string> => pageOf(await readStudies(folder));

async function readStudies(folder: string): Promise<ShownStudy[]> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw unreadable(folder, cause);
  });
  const present = new Set(names);
  const shown: ShownStudy[] = [];
  for (const study of studies.filter(({ id }) => present.has(id))) {
    const found = await findingsIn(folder, study);
    const { run, manifest, controls } = found;
    const pictureOf = await picturesOf(folder, manifest);
    const drawn = controls.flatMap(({ runs }) => runs);
    const failed = [...failedCells(run), ...drawn.flatMap((one) => failedCells(one.run, one.name))];
    shown.push({ ...found, study, pictureOf, failed });
  }
  return shown;
}

function pageOf(shown: readonly ShownStudy[]): string {
  const document = drawingDocument();
  const { manifest } = shown[0] ?? {};
  const controls = shown.flatMap((each) => each.controls);
  const claims = shown.reduce((sum, { findings }) => sum + findings.verdicts.length, 0);
  const observations = observationsOf(shown);
  const title = `Studies of ${manifest === undefined ? "no network" : networkName(manifest.model)}`;
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title><style>${new Html(style)}</style></head><body><main>
<header><h1>${title}</h1><p class="soft">${manifest?.created.slice(0, 10)} · Pushforward ${manifest?.versions.pushforward}
· ${manifest?.backend}</p></header>
${contents(shown)}
${claims === 0 ? undefined : claimsNote(claims, observations)}
${controlsNote(controls, observations)}${shown.map((each) => sectionOf(each, document))}
${manifest === undefined ? undefined : studiesProvenance(manifest, drawnControls(controls))}</main></body></html>
`;
  return page.markup;
}

const claimsNote = (claims: number, observations: string) =>
  html`<p>${plural(claims, "claim")} ${claims === 1 ? "is" : "are"} held against the data, each by a 95 % interval over ${observations} of its own: where there is no effect at all,
one in 40 still comes out as supported, and one in 40 as contradicted. Fewer than ${FEWEST_IMAGES} ${observations} decide nothing.</p>`;

/** A table as comma-separated values, with all digits; a cell without a number is empty. */
export function csvOf({ columns, rows }: FlatTable): string {
  const cell = (value: string | number) =>
    typeof value === "string" ? field(value) : Number.isFinite(value) ? String(value) : "";
  return [columns, ...rows].map((cells) => `${cells.map(cell).join(",")}\n`).join("");
}
