import { formatCount, formatNumber, plural } from "../../base/index.ts";
import { summarizeTap, type TapSummary } from "../../figures/index.ts";
import { controlName, type RunManifest } from "../../results/index.ts";
import { kinkSentence } from "../kinks.ts";
import type { CollectedRun } from "./collect.ts";
import { type Html, html } from "./html.ts";

/** Sentences computed from the data: what was computed, how accurate it is, and what it shows. */
export function summarySentences({ manifest, taps }: CollectedRun): string[] {
  const summaries = taps.map(summarizeTap).filter(({ inputs }) => inputs > 0);
  const total = (of: (summary: (typeof summaries)[number]) => number) => summaries.reduce((sum, s) => sum + of(s), 0);
  const triplets = total((s) => s.triplets);
  if (triplets === 0) return ["No unit of this run is finished yet."];
  const inputs = new Set(taps.flatMap(({ units }) => units.map(({ input }) => input))).size;
  const worst = summaries.reduce((a, b) => (b.worstResidual > a.worstResidual ? b : a));
  const rest = [
    [total((s) => s.belowFloor), "have σ below the floor, where it cannot be told from zero"],
    [total((s) => s.atFloor), "reached only the floor, which is above the tolerance"],
    [total((s) => s.unconverged), "did not converge"],
  ] as const;
  const others = rest.filter(([count]) => count > 0).map(([count, what]) => `${formatCount(count)} ${what}`);
  const said = [
    `The Jacobian from ${manifest.from.name} to ${plural(summaries.length, "tap")} of ${networkName(manifest.model)} was ` +
      `computed at ${plural(inputs, "input")}: ${plural(
        total((s) => s.inputs),
        "spectrum",
      ).replace("spectrums", "spectra")}, ` +
      `${plural(triplets, "singular triplet")}.`,
    `Of these, ${formatCount(total((s) => s.converged))} are certified at the tolerance ${formatNumber(manifest.tol)} (relative to ` +
      `the largest σ)${others.length > 0 ? `, ${others.join(", ")}` : ""}. The largest residual is ` +
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
  const units = taps.flatMap((tap) => tap.units.map(({ input, unit }) => ({ input, kinks: unit.kinks })));
  const kinks = kinkSentence(units);
  return kinks === undefined ? said : [...said, kinks];
}

/**
 * `6.48 at conv1 and 63.9 at logits`. If a tap between them has a larger or smaller value than both, it is added: `; between them it
 * rises to 1911 at fire9`.
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

/** From which σ the effective rank of a tap was computed; it cannot be larger than their number. */
function capOf({ taps }: RunManifest): (summary: TapSummary) => string {
  return ({ tap, whole }) => {
    const { k } = taps.find(({ name }) => name === tap)!;
    return whole ? ` (of all ${k} σ)` : ` (of the first ${k} σ only)`;
  };
}

/** Failed units that a page names one by one. */
const MOST_LISTED = 12;

/** A box that says what is missing from the run; nothing if the run is complete. */
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
      `This run is unfinished: ${plural(missing.length, "unit")} of ${formatCount(usable * taps.length)} are missing, at ${byTap.join(", ")}. ` +
        "This page shows the finished units, so means at different taps may be over different inputs.",
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
      `In ${plural(stopped.length, "unit")}, the solver reached its limit of products or was interrupted before all triplets converged.`,
    );
  }
  if (lines.length === 0) return undefined;
  return html`<div class="notice" role="note">${lines.map((line) => html`<p>${line}</p>`)}</div>`;
}

/** For readers who meet such a page for the first time. */
export function howToRead({ preprocess, from }: RunManifest): Html {
  return html`<p>A network carries its input, a point, from layer to layer. If the input changes a little, the activations at a
layer (a <em>tap</em>) change too, and the Jacobian J is the matrix that maps the one change to the other. Each singular value σ of
J belongs to a direction of the input, its right singular vector v, which the page shows as a picture. A small change of the input
along v changes the tap by σ times as much. Above 1, the change is amplified; far below 1, it is almost erased. Here σ is measured
in units of the tap per unit of the source (${from.name}). The unit of the source is: ${preprocess.unit}. All σ depend on this unit,
so compare only runs with the same unit.</p>
<p>If a spectrum falls steeply, the tap responds to few directions of the input. Two numbers measure this. The <em>effective
rank</em> (Roy and Vetterli 2007) is the exponential of the entropy of σ/Σσ; k equal singular values have the effective rank k. The
<em>participation ratio</em> (Σσ²)²/Σσ⁴ is a similar count that gives more weight to large σ. The <em>numerical rank</em> is the number
of σ above the floor, which are those that float32 can tell from zero. All of these measures use only σ above the floor. If only the
first k singular values were computed, the measures (and the share above 1) use only these k, and the numerical rank may be a lower
bound (≥). <em>Active rows</em> are the rows of J that are not zero by structure; the row of an inactive ReLU neuron is zero.</p>
<p>This kind of analysis follows Mototake and Ikegami (2015). The first figure on this page corresponds to their figure 3, and the last
one to their figure 4.</p>`;
}

/** The two claims of a certificate, each in its own paragraph. */
export function whatIsClaimed({ tol }: RunManifest): Html {
  return html`<p><strong>Each σ is close to a true singular value.</strong> After the search, the solver measures the residual
(‖J v − σ u‖² + ‖Jᵀ u − σ v‖²)<sup>½</sup> of each triplet. For this, one of J v and Jᵀ u is computed anew; the other may be combined
from products of the search. Products with random vectors test whether J and Jᵀ agree. The distance from σ to a true singular value
is at most the residual. A triplet is certified if its residual is at most ${formatNumber(tol)} times the largest σ. In float32, J and
Jᵀ are not exactly adjoint. The residual that this can cause alone is the floor, and a triplet that reaches only the floor is marked
and not certified. A σ that is not larger than the floor could also be zero. It is shown as less than the floor and counted
separately.</p>
<p><strong>No larger σ was missed.</strong> This is a separate claim, because small residuals cannot show it. It is <em>exact</em> if the
whole spectrum was computed. It is <em>probable</em> if a random test gave an upper bound on the largest σ that was not computed; the
bound fails with the probability stated. Otherwise there is no such claim.</p>`;
}

/** `digits.onnx`; `digits.onnx (control matched, seed 0, draw 3)` */
export function networkName({ file, control }: RunManifest["model"]): string {
  return control === undefined ? baseName(file) : `${baseName(file)} (control ${controlName(control)})`;
}

/** The last part of a path of either style. */
export function baseName(file: string): string {
  return file.split(/[\\/]/).at(-1) || file;
}
