import { escapeXml } from "../../figures/index.ts";

/** Markup that is already safe. */
export class Html {
  readonly markup: string;
  constructor(markup: string) {
    this.markup = markup;
  }
}

/** What may stand in a template: text and numbers are escaped, markup and lists of it go in as they are. */
type HtmlValue = string | number | undefined | Html | readonly HtmlValue[];

/** Markup from a template; every text put into it is escaped, so that no file or tap name can become markup. */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  const parts = strings.map((fixed, i) => fixed + (i < values.length ? markupOf(values[i]) : ""));
  return new Html(parts.join(""));
}

function markupOf(value: HtmlValue): string {
  if (value === undefined) return "";
  if (value instanceof Html) return value.markup;
  if (typeof value === "string" || typeof value === "number") return escapeXml(String(value));
  return value.map(markupOf).join("");
}
