import { formatNumber, formatShape, formatShare, plural } from "../../base/index.ts";
import type { Checkup, Finding, TapCheck } from "../../checkup/index.ts";
import { Html, html } from "./html.ts";
import { style } from "./style.ts";
import { scrollTable } from "./tables.ts";

/** What the page of a checkup tells beside what was found. */
export interface CheckupPage {
  readonly file: string;
  readonly from: string;
  readonly points: readonly string[];
  readonly backend: string;
  readonly version: string;
  /** The file of the smallest part that fails, by the name of its tap, with its operators. */
  readonly parts: ReadonlyMap<string, { readonly file: string; readonly ops: readonly string[] }>;
}

/** One HTML page of a checkup, with a row for each tap. It loads nothing and runs no script. */
export function renderCheckup({ taps, forward, slowest, advice }: Checkup, page: CheckupPage): string {
  const { file, from, points, backend, version, parts } = page;
  const title = `Checkup of ${file.split(/[/\\]/).at(-1)}`;
  const right = taps.filter(({ finding }) => finding === "right").length;
  const adjoint = taps.filter(({ finding }) => finding === "adjoint").length;
  const failing = [...parts].map(
    ([tap, part]) => html`<li>${tap}: ${part.ops.slice(0, 6).join(", ")} in <code>${part.file}</code></li>`,
  );
  const times = slowest.map((one) => html`<li>${formatShare(one.share, 2)} between ${one.from} and ${one.to}</li>`);
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title><style>${new Html(style)}</style></head><body><main>
<header><h1>${title}</h1><p class="soft">Pushforward ${version} · ${backend} · ${points.join(", ")}</p></header>
<p class="lead">${right} of ${plural(taps.length, "tap")} can be differentiated and ${right === 1 ? "is" : "are"} right.
${adjoint === 0 ? undefined : html`At ${plural(adjoint, "tap")} more, J and Jᵀ are transposes of each other, and differences do not apply: a quantization or a random draw lies before them.`}
One pass to the outputs takes ${formatNumber(1000 * forward)} ms.</p>
<section><h2>Taps</h2>${scrollTable(
    `J leads from ${from} to the tap. “J and Jᵀ”: how far they are from being transposes of each other; above 1e-6 one is wrong. ` +
      "“Differences”: how far J·v is from differences of the network in float64, where these apply. “Kinks”: neurons and windows where J is a convention at the point. " +
      "Times are of one vector in a block.",
    ["Tap", "Found", "J and Jᵀ", "Differences", "Kinks", "J·v", "Jᵀ·u", "Why"],
    taps.map((check) => row(check, forward)),
    new Set(["Tap", "Found", "Why"]),
  )}</section>
${advice.length === 0 ? undefined : html`<section><h2>What would help</h2><ul>${advice.map((text) => html`<li>${text}</li>`)}</ul></section>`}
${times.length === 0 ? undefined : html`<section><h2>Where products take their time</h2><ul>${times}</ul></section>`}
${failing.length === 0 ? undefined : html`<section><h2>The smallest parts that fail</h2><ul>${failing}</ul></section>`}
</main></body></html>
`.markup;
}

/** The look of each finding that is not bad. */
const looks: Partial<Record<Finding, string>> = { right: "good", adjoint: "good", constant: "soft", empty: "soft" };

function row({ tap, finding, reason, adjoint, difference, kinks = [], times }: TapCheck, forward: number): Html {
  const count = kinks.reduce((sum, one) => sum + one.neurons + one.windows, 0);
  const number = (value: number | undefined) => (value === undefined ? "–" : formatNumber(value, 2));
  const time = (seconds: number | undefined) =>
    seconds === undefined
      ? html`–`
      : html`${formatNumber(1000 * seconds)} ms<span class="sub">${formatNumber(seconds / forward, 2)} passes</span>`;
  return html`<tr><th scope="row" title="${tap.tensor}">${tap.name}<span class="sub">${tap.op} · ${formatShape(tap.shape)}</span></th>
<td class="text"><span class="${looks[finding] ?? "bad"}">${finding}</span></td><td>${number(adjoint)}</td>
<td>${number(difference)}</td><td>${times === undefined ? "–" : count}</td><td>${time(times?.jvp)}</td><td>${time(times?.vjp)}</td>
<td class="text">${reason ?? ""}</td></tr>`;
}
