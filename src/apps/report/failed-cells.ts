import { plural } from "../../base/index.ts";
import type { StudyRun } from "../../results/index.ts";
import { cellName } from "../../studies/index.ts";
import { type Html, html } from "./html.ts";

/**
 * The cells of a study that have no result, and those that lack a part of it, each in a box with the reasons; nothing where there are none.
 * `control` names the control that the study is of, if it is of one.
 */
export function failedCells(run: StudyRun, control?: string): Html[] {
  const { manifest, failures } = run;
  const of = `of the study ${manifest.study}${control === undefined ? "" : ` of the control ${control}`}`;
  const box = (found: StudyRun["failures"], said: string) => {
    const items = found.map(({ cell, why }) => html`<li>${cellName(manifest, cell)}: ${why}</li>`);
    return html`<div class="notice" role="note"><p>${plural(found.length, "cell")} ${of} ${said}</p><ul>${items}</ul></div>`;
  };
  const [none, partial] = [
    failures.filter(({ cell }) => !run.isDone(cell)),
    failures.filter(({ cell }) => run.isDone(cell)),
  ];
  const lack = partial.length === 1 ? "lacks" : "lack";
  return [
    ...(none.length === 0 ? [] : [box(none, "failed. The command that made the study tries again.")]),
    ...(partial.length === 0 ? [] : [box(partial, `${lack} a part, which the numbers leave out.`)]),
  ];
}
