import { type Figure, inlineSvg } from "../../figures/index.ts";
import { Html, html } from "./html.ts";

/** Pixels of the two drawings of a figure. */
export const widths = { wide: 900, narrow: 380 };

/** Both drawings of a figure; the style sheet shows the one that fits. */
export function responsive(wide: Figure, narrow: Figure): Html {
  const [large, small] = [wide, narrow].map(({ svg }) => new Html(inlineSvg(svg)));
  return html`<figure><div class="paper wide">${large}</div><div class="paper narrow">${small}</div>
<figcaption>${wide.caption}</figcaption></figure>`;
}
