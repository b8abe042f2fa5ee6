import type { Verdict } from "../../studies/index.ts";
import { type Html, html } from "./html.ts";

type ControlVerdict = Verdict["controls"][number];
type Outcome = Verdict["verdict"] | ControlVerdict["difference"];

const signs: Readonly<Record<Outcome, string>> = {
  supported: "✓",
  contradicted: "✗",
  "not supported": "○",
  undecided: "?",
  "training adds": "+",
  "training takes away": "−",
  "no difference shown": "=",
};

/** The claims with their verdicts in short: of the network, and of its difference from each control. */
export function verdictList(verdicts: readonly Verdict[]): Html | undefined {
  if (verdicts.length === 0) return undefined;
  const items = verdicts.map(({ claim, verdict, controls }) => {
    const differences = controls.map(
      ({ kind, difference }) =>
        html` <span class="against"><span class="soft">against ${kind}:</span> ${badge(difference)}</span>`,
    );
    return html`<li>${badge(verdict)} ${claim}${differences}</li>`;
  });
  return html`<ul class="verdicts">${items}</ul>`;
}

/** The claims with their verdicts and the numbers from which these follow: a list, or a table if there are controls. */
export function verdictsWithNumbers(verdicts: readonly Verdict[]): Html | undefined {
  if (verdicts.length === 0) return undefined;
  if (verdicts.some(({ controls }) => controls.length > 0)) return verdictTable(verdicts);
  const items = verdicts.map(
    ({ claim, verdict, because }) => html`<li>${badge(verdict)} ${claim} <span class="soft">${because}</span></li>`,
  );
  return html`<ul class="verdicts">${items}</ul>`;
}

function verdictTable(verdicts: readonly Verdict[]): Html {
  const row = (network: string, outcome: Outcome, numbers: string) =>
    html`<tr><td>${network}</td><td>${badge(outcome)}</td><td class="soft">${numbers}</td></tr>`;
  const groups = verdicts.map(({ claim, verdict, because, controls }) => {
    const compared = controls.map(({ kind, verdict: own, because: numbers, difference, differenceBecause }) => [
      row(kind, own, numbers),
      row(`trained − ${kind}`, difference, differenceBecause),
    ]);
    return html`<tbody><tr><th scope="rowgroup" colspan="3">${claim}</th></tr>${row("trained", verdict, because)}${compared}</tbody>`;
  });
  return html`<table class="claims"><caption>Three verdicts on each claim: of the trained network, of each control, and of their difference.</caption>
<thead><tr><th scope="col">Network</th><th scope="col">Verdict</th><th scope="col">Numbers</th></tr></thead>${groups}</table>`;
}

function badge(outcome: Outcome): Html {
  return html`<strong class="badge ${outcome.replaceAll(" ", "-")}"><span aria-hidden="true">${signs[outcome]} </span>${outcome}</strong>`;
}
