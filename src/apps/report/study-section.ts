import { formatSeconds, plural } from "../../base/index.ts";
import type { Picture, SvgDocument } from "../../figures/index.ts";
import type { Study } from "../../studies/index.ts";
import { drawingsOf } from "./charts.ts";
import { findingTable } from "./finding-table.ts";
import { type Html, html } from "./html.ts";
import { responsive, widths } from "./responsive.ts";
import type { StudyFindings } from "./study-findings.ts";
import { verdictList, verdictsWithNumbers } from "./verdicts.ts";

/** A study as its page shows it. */
export interface ShownStudy extends StudyFindings {
  readonly study: Study;
  readonly pictureOf: (image: number) => Picture | undefined;
  /** Notices of cells that could not be measured, or not as a whole. */
  readonly failed: readonly Html[];
}

/** What the claims of studies are over, in words: `images`, `trainings`, `images or trainings`. */
export function observationsOf(shown: readonly Pick<ShownStudy, "study" | "findings">[]): string {
  const units = shown.flatMap(({ study, findings: { claims } }) =>
    claims.map(({ effect }) => effect.measure.unit ?? study.inputs ?? "image"),
  );
  return [...new Set(units.length === 0 ? ["image"] : units)].map((unit) => `${unit}s`).join(" or ");
}

/** What came out of every study, with a link to each. */
export function contents(shown: readonly ShownStudy[]): Html {
  const entries = shown.map(
    ({ study, findings: { verdicts } }) =>
      html`<li><a href="#${study.id}">${study.question}</a>${verdictList(verdicts)}</li>`,
  );
  return html`<nav aria-labelledby="contents"><h2 id="contents">What was asked, and what came out</h2><ol>${entries}</ol></nav>`;
}

/** The question, its verdicts, the figure that they rest on, further figures and tables to be opened. */
export function sectionOf(
  { study, manifest, findings, seconds, pictureOf, controls, leftOut, failed }: ShownStudy,
  document: SvgDocument,
): Html {
  const { tables, maps, pictures, charts, verdicts } = findings;
  const settings = Object.entries(manifest.params).map(([name, value]) => `${name} = ${[value].flat().join(", ")}`);
  const [key, ...further] = drawingsOf(charts, { maps, pictures, pictureOf }, document).map(({ title, draw }) => ({
    title,
    figure: responsive(draw({ width: widths.wide }), draw({ width: widths.narrow })),
  }));
  const notices = leftOut.map((line) => html`<div class="notice" role="note"><p>${line}</p></div>`);
  const kinds = controls.map(({ kind }) => kind);
  const ofDraws = controls.flatMap(({ runs }) => runs).reduce((sum, draw) => sum + draw.seconds, 0);
  const ofControls = controls.length > 0 ? ` and ${formatSeconds(ofDraws)} of controls` : "";
  return html`<section id="${study.id}"><h2>${study.question}</h2><p>${study.method}</p>
<p class="soft">${plural(manifest.inputs.length, study.inputs ?? "image")} · seed ${manifest.seed} · ${formatSeconds(seconds)}${ofControls}${settings.map((text) => ` · ${text}`)}</p>
${failed}${notices}${verdictsWithNumbers(verdicts)}
${key?.figure}
${further.map(({ title, figure }) => html`<details><summary>Figure: ${title}</summary>${figure}</details>`)}
${tables.map((table) => findingTable(study, table, kinds))}
<p class="soft"><a href="#contents">Back to the contents</a></p></section>`;
}
