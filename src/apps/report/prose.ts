import { formatNumber } from "../../base/index.ts";
import { formatCount, plural, summarizeTap, type TapSummary } from "../../figures/index.ts";
import type { RunManifest } from "../../results/index.ts";
import { kinkSentence } from "../kinks.ts";
import type { CollectedRun } from "./collect.ts";
import { type Html, html } from "./html.ts";

/** Sentences computed from the data: what was computed, how far it can be trusted, what it shows. */
export function summarySentences({ manifest, taps }: CollectedRun): string[] {
  const summaries = taps.map(summarizeTap).filter(({ inputs }) => inputs > 0);
  const total = (of: (summary: (typeof summaries)[number]) => number) => summaries.reduce((sum, s) => sum + of(s), 0);
  const triplets = total((s) => s.triplets);
  if (triplets === 0) return ["No unit of this run is finished yet."];
  const inputs = new Set(taps.flatMap(({ units }) => units.map(({ input }) => input))).size;
  const worst = summaries.reduce((a, b) => (b.worstResidual > a.worstResidual ? b : a));
  const rest = [
    [total((s) => s.belowFloor), "lie below the floor, where they cannot be told from zero"],
    [total((s) => s.atFloor), "stopped at the rounding floor of the backend"],
    [total((s) => s.unconverged), "did not converge"],
  ] as const;
  const others = rest.filter(([count]) => count > 0).map(([count, what]) => `${formatCount(count)} ${what}`);
  const said = [
    `The Jacobian from ${manifest.from.name} to ${plural(summaries.length, "tap")} of ${baseName(manifest.model.file)} was ` +
      `analysed at ${plural(inputs, "input")}: ${plural(
        total((s) => s.inputs),
        "spectrum",
      ).replace("spectrums", "spectra")}, ` +
      `${plural(triplets, "singular triplet")}.`,
    `Of these, ${formatCount(total((s) => s.converged))} are certified at the tolerance ${formatNumber(manifest.tol)} (relative to ` +
      `the largest σ)${others.length > 0 ? `, ${others.join(", ")}` : ""}; the worst residual is ` +
      `${formatNumber(worst.worstResidual, 2)} of the largest σ, at ${worst.tap}.`,
  ];
  const known = summaries.filter(({ sigmaFirst }) => sigmaFirst.n > 0);
  if (known.length > 1) {
    const means = inputs > 1 ? " (means over the inputs)" : " (n = 1)";
    said.push(
      `The largest σ is ${endsOf(known, ({ sigmaFirst }) => sigmaFirst.mean)}${means}.`,
      `The effective rank is ${endsOf(known, ({ effectiveRank }) => effectiveRank.mean, capOf(manifest))}.`,
    );
  }
  const units = taps.flatMap((tap) => tap.units.map(({ input, unit }) => ({ input, kinks: unit.kinks ?? [] })));
  const kinks = kinkSentence(units, inputs);
  return kinks === undefined ? said : [...said, kinks];
}

/**
 * `6.48 at conv1 and 63.9 at logits`, with the largest and the smallest between them where they lie beyond both: `; between them it
 * reaches 1911 at fire9`.
 */
function endsOf(
  summaries: readonly TapSummary[],
  of: (summary: TapSummary) => number,
  more: (summary: TapSummary) => string = () => "",
): string {
  const [first, last] = [summaries[0]!, summaries.at(-1)!];
  const told = (summary: TapSummary) => `${formatNumber(of(summary))} at ${summary.tap}${more(summary)}`;
  const extreme = (sign: 1 | -1) => summaries.reduce((a, b) => (sign * of(b) > sign * of(a) ? b : a));
  const [most, least] = [extreme(1), extreme(-1)];
  const beyond = [
    ...(of(most) > Math.max(of(first), of(last)) ? [`rises to ${told(most)}`] : []),
    ...(of(least) < Math.min(of(first), of(last)) ? [`falls to ${told(least)}`] : []),
  ];
  return `${told(first)} and ${told(last)}${beyond.length > 0 ? `; between them it ${beyond.join(" and ")}` : ""}`;
}

/** Of which σ a tap's effective rank is: not more than those computed can count. */
function capOf({ taps }: RunManifest): (summary: TapSummary) => string {
  return ({ tap, whole }) => {
    const { k } = taps.find(({ name }) => name === tap)!;
    return whole ? ` (of all ${k} σ)` : ` (of the first ${k} σ only)`;
  };
}

/** Failed units that a page names one by one. */
const MOST_LISTED = 12;

/** What is missing of the run, in a box; nothing where all is there. */
export function incompleteNotice({ manifest, taps, missing, failed: units }: CollectedRun): Html | undefined {
  const failed = manifest.inputs.filter((input) => input.failed !== undefined);
  const stopped = taps.flatMap(({ units }) => units.filter(({ unit }) => unit.stopped !== "all-converged"));
  const lines: string[] = [];
  if (missing.length > 0) {
    const usable = manifest.inputs.length - failed.length;
    const byTap = manifest.taps.flatMap(({ name }) => {
      const count = missing.filter(({ tap }) => tap === name).length;
      return count > 0 ? [`${name} (${count} of ${plural(usable, "input")})`] : [];
    });
    lines.push(
      `Unfinished: ${plural(missing.length, "unit")} of ${formatCount(usable * taps.length)} are missing, at ${byTap.join(", ")}. ` +
        "What follows is drawn from what is there, so means of different taps may stand on different inputs.",
    );
  }
  if (units.length > 0) {
    const listed = units.slice(0, MOST_LISTED).map(({ input, tap, why }) => `${input} → ${tap}: ${why}`);
    const others = units.length > MOST_LISTED ? [`and ${plural(units.length - MOST_LISTED, "unit")} more`] : [];
    lines.push(
      `${plural(units.length, "unit")} failed, and the command that made the run tries ${units.length === 1 ? "it" : "them"} again:`,
      ...listed,
      ...others,
    );
  }
  if (failed.length > 0) {
    lines.push(`${plural(failed.length, "input")} could not be used: ${failed.map(({ name }) => name).join(", ")}.`);
  }
  if (stopped.length > 0) {
    lines.push(
      `${plural(stopped.length, "unit")} ended at the solver's budget or by interruption before all triplets converged.`,
    );
  }
  if (lines.length === 0) return undefined;
  return html`<div class="notice" role="note">${lines.map((line) => html`<p>${line}</p>`)}</div>`;
}

/** For readers who meet such a page for the first time. */
export function howToRead({ preprocess, from }: RunManifest): Html {
  return html`<p>Think of the network as a machine that carries a point, the input, from layer to layer. Nudge the input a
little: the Jacobian J says how the activations at a layer (a <em>tap</em>) move in reply. Its singular values σ are the
factors of that reply along perpendicular directions. The direction that belongs to a σ, drawn as a picture, is its right
singular vector v: nudge the input along v, and the tap moves σ times as far. Where σ is above 1 the nudge arrives
enlarged, far below 1 it is all but erased. Here σ counts units of the tap per unit of the source (${from.name}), which
is: ${preprocess.unit}. If that unit changes, all σ change with it, so compare runs of the same unit.</p>
<p>A spectrum that falls steeply says that the layer listens to a few directions only. Two numbers sum that up. The
<em>effective rank</em> (Roy and Vetterli 2007) is the exponential of the entropy of σ/Σσ: how many equal σ would be as
spread out. The <em>participation ratio</em> (Σσ²)²/Σσ⁴ counts likewise but listens to the large σ more. The
<em>numerical rank</em> counts the σ above the floor: those that float32 can tell from zero. σ below it enter none of these numbers. Where only the first k of all σ
were computed, these measures, the share above 1 included, speak of those k alone, and the numerical rank may be a
lower bound (≥). <em>Active units</em> are those that can move at all: behind a ReLU, a unit at rest has a row of zeros in J.</p>
<p>This way of looking at a network follows Mototake and Ikegami (2015), whose figures 3 and 4 the first and last figure
here repeat.</p>`;
}

/** The two claims of a certificate, kept apart. */
export function whatIsClaimed({ tol }: RunManifest): Html {
  return html`<p><strong>Each triplet is near a true one.</strong> After the last step of the solver the residual
(‖J v − σ u‖² + ‖Jᵀ u − σ v‖²)<sup>½</sup> was measured: one of J v and Jᵀ u computed afresh, the other combined from products
made before, and both checked against each other with random vectors. Some true singular value lies within the residual of σ.
A triplet is certified where the residual is at most ${formatNumber(tol)} times the largest σ. In float32 J and Jᵀ are not exact
adjoints, so residuals end at a floor; a residual at that floor is marked so, not passed. A σ that does not exceed the floor
could as well be zero. It is shown as less than the floor and counted apart.</p>
<p><strong>No larger σ was overlooked</strong> is another claim, and no residual can show it. It is <em>exact</em> where the whole
spectrum was computed; <em>probable</em> where a random test bounds what may lie outside the set, with its probability to fail;
otherwise there is no claim.</p>`;
}

/** The last part of a path of either style. */
export function baseName(file: string): string {
  return file.split(/[\\/]/).at(-1) || file;
}
