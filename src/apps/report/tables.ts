import { boundOf, formatCount, formatNumber, formatShape, formatShare } from "../../base/index.ts";
import { type Moments, summarizeTap, type TapSummary, worstResidualOf } from "../../figures/index.ts";
import type { InputRecord } from "../../results/index.ts";
import type { CollectedRun } from "./collect.ts";
import { Html, html } from "./html.ts";

/** One row for each tap: the shape of its spectra, their accuracy, and their cost. */
export function tapsTable({ manifest, taps }: CollectedRun): Html {
  const usable = manifest.inputs.filter(({ failed }) => failed === undefined).length;
  const rows = taps.map((tapUnits, i) => {
    const record = manifest.taps[i];
    const s = summarizeTap(tapUnits);
    const rank = `${s.numericalRankIsLowerBound ? "≥ " : ""}${formatNumber(s.numericalRank.mean)}`;
    const shape = record === undefined ? "" : `${record.op} · ${formatShape(record.shape)}`;
    return html`<tr><th scope="row" title="${s.tap}">${s.tap}<span class="sub">${shape}</span></th>
<td>${record?.k}${s.whole ? html`<span class="sub">all</span>` : undefined}</td><td>${s.inputs === usable ? usable : `${s.inputs} of ${usable}`}</td>
<td>${convergence(s)}</td><td>${formatNumber(s.worstResidual, 2)}</td><td>${sigmaCell(s.sigmaFirst, s)}</td><td>${sigmaCell(s.sigmaLast, s)}</td>
<td>${spread(s.effectiveRank, s)}</td><td>${spread(s.participationRatio, s)}</td><td>${s.inputs > 0 ? rank : "–"}</td>
<td>${formatShare(s.aboveOne.mean)}</td><td>${formatShare(s.activeShare)}<span class="sub">${s.inputs > 0 ? formatCount(s.activeRows.mean) : undefined}</span></td>
<td>${formatNumber(s.worstOrthogonality, 2)}</td>
<td>${formatNumber(s.seconds)} s<span class="sub">${formatCount(s.jvp)} + ${formatCount(s.vjp)}</span></td></tr>`;
  });
  return scrollTable(
    "The taps in order of depth. With ±: mean ± 1 sample standard deviation over the inputs. Measures use the σ above the floor. " +
      "“<” marks a σ below the floor and gives the floor. Cost: time, and products with J + Jᵀ.",
    [
      "Tap",
      "k",
      "Inputs",
      "Converged",
      "Worst residual / ‖J‖",
      "σ₁",
      "σₖ (last)",
      "Effective rank",
      "Particip. ratio",
      "Numerical rank",
      "σ > 1",
      "Active rows",
      "Orthog. gap",
      "Cost",
    ],
    rows,
  );
}

/** One row for each tap: what is known about the σ that were not computed. */
export function missedTable({ taps }: CollectedRun): Html {
  const rows = taps.map(({ tap, units }) => {
    const claims = units.map(({ unit }) => unit.missed);
    const probable = claims.filter((missed) => missed.kind === "probable");
    const count = (kind: string) => claims.filter((missed) => missed.kind === kind).length;
    const worst = (of: (missed: (typeof probable)[number]) => number) =>
      probable.length === 0 ? "–" : formatNumber(Math.max(...probable.map(of)), 2);
    return html`<tr><th scope="row">${tap}</th><td>${count("exact")}</td><td>${probable.length}</td><td>${count("none")}</td>
<td>${worst(({ bound }) => bound)}</td><td>${worst(({ failureProbability }) => failureProbability)}</td></tr>`;
  });
  return scrollTable(
    "What is known about the largest σ that was not computed: the number of inputs for each kind of claim.",
    ["Tap", "Exact", "Probable", "No claim", "Largest bound on a missed σ", "Worst failure probability"],
    rows,
  );
}

/** One row for each input: its file, its class, and the state of its units. */
export function inputsTable({ manifest, taps }: CollectedRun): Html {
  const classified = manifest.inputs.some(({ label, predicted }) => label !== undefined || predicted !== undefined);
  const rows = manifest.inputs.map((input) => {
    const units = taps.flatMap((tap) =>
      tap.units.filter((entry) => entry.input === input.name).map(({ unit }) => unit),
    );
    const unconverged = units.reduce((sum, { status }) => sum + status.filter((s) => s === "unconverged").length, 0);
    const worst = units.length === 0 ? Number.NaN : Math.max(...units.map(worstResidualOf));
    const classes = html`<td class="text">${input.label ?? "–"}</td><td class="text">${verdict(input)}</td>`;
    return html`<tr><th scope="row" title="${input.name}">${input.name}</th>${classified ? classes : undefined}
<td>${units.length} of ${taps.length}</td><td class="${unconverged > 0 ? "bad" : ""}">${unconverged}</td>
<td>${formatNumber(worst, 2)}</td><td class="text">${input.failed === undefined ? "" : html`<span class="bad">failed: ${input.failed}</span>`}</td>
<td class="text">${input.file}<span class="sub">sha256 ${input.sha256.slice(0, 16)}</span></td></tr>`;
  });
  const classHeads = classified ? ["Label", "Predicted"] : [];
  return scrollTable(
    "The inputs.",
    ["Input", ...classHeads, "Taps done", "Unconverged triplets", "Worst residual / ‖J‖", "Failure", "File"],
    rows,
    new Set(["Label", "Predicted", "Failure", "File"]),
  );
}

/** Right or wrong only where that is known: runs of earlier versions do not say what they can compare. */
function verdict({ label, predicted, isRight = label === predicted ? true : undefined }: InputRecord): Html {
  if (predicted === undefined) return html`–`;
  if (label === undefined || isRight === undefined) return html`${predicted}`;
  return isRight ? html`<span class="good">✓ ${predicted}</span>` : html`<span class="bad">✗ ${predicted}</span>`;
}

function convergence({ converged, atFloor, unconverged, belowFloor, triplets }: TapSummary): Html {
  const below = belowFloor > 0 ? html`<span class="sub">${formatCount(belowFloor)} below the floor</span>` : undefined;
  const floor = atFloor > 0 ? html`<span class="sub">${formatCount(atFloor)} at floor</span>` : undefined;
  const open = unconverged > 0 ? html`<span class="sub bad">× ${formatCount(unconverged)} not</span>` : undefined;
  const all = triplets > 0 && converged === triplets;
  return html`${all ? "all" : `${formatCount(converged)} of`} ${formatCount(triplets)}${below}${floor}${open}`;
}

/** A mean and its spread, which is not printed where it is less than the numbers can tell. */
function spread({ n, mean, std }: Moments, { resolution }: TapSummary): Html {
  const isOne = std <= resolution * Math.abs(mean);
  const more =
    n > 1 ? html`<span class="sub">${isOne ? "the same for all" : `± ${formatNumber(std, 2)}`}</span>` : undefined;
  return html`${formatNumber(mean)}${more}`;
}

/** The mean of a σ over the inputs that have it above their floor, or that floor where none has. */
function sigmaCell(sigma: Moments, summary: TapSummary): Html {
  const { inputs, floor } = summary;
  if (sigma.n === 0) return html`${inputs > 0 ? `< ${formatNumber(boundOf(floor), 2)}` : "–"}`;
  const part = sigma.n < inputs ? html`<span class="sub">of ${sigma.n} of ${inputs} inputs</span>` : undefined;
  return html`${spread(sigma, summary)}${part}`;
}

/** A table in a box that scrolls and can be reached with the keyboard. `heads`: the names of its columns, or the rows of its head. */
export function scrollTable(
  caption: string,
  heads: readonly string[] | Html,
  rows: readonly Html[],
  text: ReadonlySet<string> = new Set(),
): Html {
  const head =
    heads instanceof Html
      ? heads
      : html`<tr>${heads.map((name) => html`<th scope="col" class="${text.has(name) ? "text" : ""}">${name}</th>`)}</tr>`;
  return html`<p class="hint soft">The table is wider than the screen: scroll it sideways.</p>
<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table><caption><span>${caption}</span></caption>
<thead>${head}</thead><tbody>${rows}</tbody></table></div>`;
}
