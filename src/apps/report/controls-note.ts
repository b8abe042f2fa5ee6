import { plural } from "../../base/index.ts";
import { FEWEST_DRAWS, FEWEST_IMAGES } from "../../studies/index.ts";
import { type Html, html } from "./html.ts";
import type { StudiedControl } from "./study-findings.ts";

const made: Readonly<Record<string, string>> = {
  permuted: "the weights of each layer in a random order",
  "permuted-filters": "the weights of each filter, row or column in a random order",
  gaussian: "normal random weights with the mean and the variance of each layer's weights",
  matched:
    "the permuted weights, multiplied by one gain a layer, by which the layer's output has the trained network's root mean square over the images",
  initial: "the network before its training",
};

/**
 * What the controls of the studies of a page are, and how their verdicts follow; nothing if there are none. `observations` are what claims
 * are over: images or trainings.
 */
export function controlsNote(controls: readonly StudiedControl[], observations: string): Html | undefined {
  const kinds = Object.keys(made).filter((kind) => controls.some((one) => one.kind === kind));
  if (kinds.length === 0) return undefined;
  const items = kinds.map((kind) => html`<li><strong>${kind}</strong>: ${made[kind]}</li>`);
  return html`<section><h2>How controls are compared</h2><p>A control is a network of the same graph whose weights hold nothing that was
learned. It has run through the same studies, with the same inputs and random choices.</p><ul>${items}</ul>
<p>Each claim has three verdicts: of the trained network, of each control (its mean over ${observations} and draws), and of their difference, trained
− control, at the same ${observations}. <em>Training adds</em> to a claim if the whole 95 % interval of the difference, over ${observations} and draws, lies on
the side that the claim states, and <em>takes away</em> if it lies on the other side. If the interval includes 0, there is <em>no difference
shown</em>. With fewer than ${FEWEST_IMAGES} ${observations} or ${FEWEST_DRAWS} draws the verdict is <em>undecided</em>. The network before its training is
one network, so its intervals are over ${observations} alone. A control that supports a claim shows that no training is needed for it. Only
draws that are finished count.</p></section>`;
}

/** Where the numbers of the controls come from: for each kind, the model and the draws. */
export function drawnControls(controls: readonly StudiedControl[]): (readonly [string, string])[] {
  const rows = new Map<string, string>();
  for (const { kind, runs } of controls) {
    const { model } = runs[0]!.run.manifest;
    const { seed } = model.control!;
    const counted = `${plural(runs.length, "draw")} of seed ${seed}: ${runs.map(({ draw }) => draw).join(", ")}`;
    const told = seed === undefined ? `${model.file}, sha256 ${model.sha256}` : counted;
    const known = rows.get(kind);
    // Studies of one folder may have different numbers of finished draws.
    if (known === undefined || told.length > known.length) rows.set(kind, told);
  }
  return [...rows].map(([kind, told]) => [`Control ${kind}`, told]);
}
