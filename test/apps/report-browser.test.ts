import { pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { paperStudies } from "../../src/studies/index.ts";
import { violationsOn } from "../support/accessibility.ts";
import { chromiumPath, withoutChromium } from "../support/chromium.ts";
import { pushforward } from "./command-line.ts";
import { digits, quickly } from "./digits.ts";
import { createWorkplace, type Workplace } from "./workplace.ts";

const commands = [
  ["spectrum", ...digits, "-k", "12", "--no-plan", "--out", "run"],
  ["report", "run"],
  ["paper", ...quickly, "--control", "permuted", "--draws", "1"],
];
/** Each page with its headings, in their order. */
const pages = {
  "run/report.html": [
    "Singular values by tap",
    "By depth",
    "What is certified, and what is not",
    "Singular vectors",
    "Inputs",
    "How to read this",
    "Provenance",
    "The numbers",
  ],
  "studies/studies.html": [
    "What was asked, and what came out",
    "How controls are compared",
    ...paperStudies.map(({ question }) => question),
    "Provenance",
  ],
};
/** Each width with the drawing that fits it. */
const widths = [
  { width: 1280, fits: "wide" },
  { width: 420, fits: "narrow" },
];
const cases = Object.entries(pages).flatMap(([file, headings]) => widths.map((at) => ({ file, headings, ...at })));

describe.skipIf(chromiumPath === undefined)(`pages in a browser (${withoutChromium})`, () => {
  let place: Workplace;
  let browser: Browser;
  beforeAll(async () => {
    place = await createWorkplace({});
    for (const command of commands) {
      expect(await pushforward(command, { cwd: place.folder })).toMatchObject({ code: 0 });
    }
    browser = await chromium.launch({ executablePath: chromiumPath, chromiumSandbox: false }); // root may not have one
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await place?.remove();
  });

  describe.each(cases)("$file, $width pixels wide", ({ file, headings, width, fits }) => {
    const requests: string[] = [];
    const faults: string[] = [];
    let address: string;
    let page: Page;
    beforeAll(async () => {
      address = pathToFileURL(place.path(file)).href;
      page = await browser.newPage({ viewport: { width, height: 800 } });
      page.on("request", (request) => requests.push(request.url()));
      page.on("console", (message) => faults.push(message.text()));
      page.on("pageerror", (error) => faults.push(error.message));
      await page.goto(address);
      for (const closed of await page.locator("details:not([open]) > summary").elementHandles()) await closed.click();
    });
    afterAll(() => page?.close());

    test("asks for itself only, and has nothing to complain about", () => {
      expect(requests).toEqual([address]);
      expect(faults).toEqual([]);
    });

    test("has its headings", async () => {
      const shown = await page.locator("h2:visible").allTextContents();
      expect(shown).toEqual(headings);
    });

    test("violates no rule of accessibility", async () => {
      expect(await violationsOn(page)).toEqual([]);
    });

    test("does not scroll sideways", async () => {
      expect(await page.evaluate<number>("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
    });

    test("has headings in order, and a text for every drawing", async () => {
      const found = await page.evaluate<number[]>(
        "[...document.querySelectorAll('h1, h2, h3, h4')].map(({ tagName }) => Number(tagName[1]))",
      );
      expect(found[0]).toBe(1);
      expect(found.slice(1).every((level, i) => level <= found[i]! + 1 && level > 1)).toBe(true);
      for (const drawing of await page.locator("figure .paper > svg").all()) {
        expect(await drawing.getAttribute("role")).toBe("img");
        expect((await drawing.getAttribute("aria-label"))!.length).toBeGreaterThan(8);
      }
      expect(await page.locator("figure").count()).toBe(await page.locator("figure figcaption").count());
    });

    test("has no id twice, and links within the page that lead somewhere", async () => {
      const ids = await page.evaluate<string[]>("[...document.querySelectorAll('[id]')].map(({ id }) => id)");
      expect(new Set(ids).size).toBe(ids.length);
      const links = await page.evaluate<string[]>(
        "[...document.querySelectorAll('[href^=\"#\"]')].map((node) => node.getAttribute('href').slice(1))",
      );
      expect(links.filter((link) => !ids.includes(link))).toEqual([]);
    });

    test("says that a table scrolls where the screen is narrow", async () => {
      const hints = await page.locator(".hint").all();
      const shown = await Promise.all(hints.map((hint) => hint.isVisible()));
      expect(shown.length).toBeGreaterThan(2);
      expect(shown.every((is) => is === (fits === "narrow"))).toBe(true);
    });

    test("shows every figure once, within the page", async () => {
      const figures = await page.locator("figure").all();
      expect(figures.length).toBeGreaterThan(2);
      for (const figure of figures) {
        const drawings = figure.locator(".paper > svg:visible");
        expect(await drawings.count()).toBe(1);
        expect(await drawings.locator("xpath=..").getAttribute("class")).toBe(`paper ${fits}`);
        const box = (await drawings.boundingBox())!;
        expect(Math.min(box.width, box.height)).toBeGreaterThan(100);
        expect(box.x).toBeGreaterThanOrEqual(0);
        expect(box.x + box.width).toBeLessThanOrEqual(width);
      }
    });
  });
});
