import axe from "axe-core";
import type { Page } from "playwright-core";

/** WCAG 2.1 A and AA, and what axe holds to be good practice, such as the order of headings. */
const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"];

/** What violates the rules of accessibility on a page, in light and in dark, and where. */
export async function violationsOn(page: Page) {
  await page.evaluate(axe.source);
  const found = [];
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    const violations = await page.evaluate(async (values) => {
      const run = await (globalThis as unknown as { axe: typeof axe }).axe.run({ runOnly: { type: "tag", values } });
      return run.violations.map(({ id, nodes }) => ({ id, at: nodes.map(({ html, target }) => `${target} ${html}`) }));
    }, tags);
    found.push(...violations.map((violation) => ({ colorScheme, ...violation })));
  }
  return found;
}
