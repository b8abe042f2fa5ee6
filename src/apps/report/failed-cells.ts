import { plural } from "../../base/index.ts";
import type { StudyRun } from "../../results/index.ts";
import { cellName } from "../../studies/index.ts";
import { type Html, html } from "./html.ts";

/**
 * The cells of a study that have no result, in a box with the reasons; nothing where all have one. `control` names the control that the
 * study is of, if it is of one.
 */
export function failedCells({ manifest, failures }: StudyRun, control?: string): Html | undefined {
  if (failures.length === 0) return undefined;
  const of = control === undefined ? "" : ` of the control ${control}`;
  const items = failures.map(({ cell, why }) => html`<li>${cellName(manifest, cell)}: ${why}</li>`);
  return html`<div class="notice" role="note"><p>${plural(failures.length, "cell")} of the study ${manifest.study}${of} failed. The
command that made the study tries again.</p><ul>${items}</ul></div>`;
}
