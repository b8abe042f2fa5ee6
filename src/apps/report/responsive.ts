import type { Figure } from "../../figures/index.ts";
import { Html, html } from "./html.ts";

/** Pixels of the two drawings of a figure. */
export const widths = { wide: 900, narrow: 380 };

/** Both drawings of a figure; the style sheet shows the one that fits. */
export function responsive(wide: Figure, narrow: Figure): Html {
  return html`<figure><div class="paper wide">${new Html(wide.svg)}</div><div class="paper narrow">${new Html(narrow.svg)}</div>
<figcaption>${wide.caption}</figcaption></figure>`;
}
