import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { servedFolder } from "../../src/apps/cli/served.ts";
import { violationsOn } from "../support/accessibility.ts";
import { chromiumPath, withoutChromium } from "../support/chromium.ts";
import { bypass } from "./bypass.ts";
import { start } from "./command-line.ts";
import { type ExplorerSite, openExplorer } from "./explorer-site.ts";

const digits = resolve("examples/digits");
const pictures = ["0-0001.png", "1-0005.png"].map((name) => join(digits, "images", name));

/** The narrowest page that WCAG 2.1 asks to be without sideways scrolling, in CSS pixels (success criterion 1.4.10). */
const NARROWEST = 320;

describe.skipIf(chromiumPath === undefined)(`the explorer for everyone (${withoutChromium})`, () => {
  let explorer: ExplorerSite;
  let run: string;
  let page: Page;

  beforeAll(async () => {
    run = await mkdtemp(join(tmpdir(), "run-"));
    const preset = ["--preprocess", join(digits, "preprocess.json")];
    const asked = [
      "spectrum",
      join(digits, "digits.onnx"),
      ...pictures,
      "--taps",
      "pool2,logits",
      "-k",
      "5",
      ...preset,
    ];
    const { code, stderr } = await start([...asked, "--out", run]).outcome;
    expect(code, stderr).toBe(0);
    explorer = await openExplorer({ "/run/": servedFolder(run) });
    page = await explorer.browser.newPage({ viewport: { width: 1280, height: 900 } });
    await openExample();
  }, 600_000);
  afterAll(async () => {
    await explorer?.close();
    await rm(run, { recursive: true, force: true });
  });

  async function openExample(): Promise<void> {
    await page.goto(explorer.address);
    await page.getByText("The example is shown").waitFor();
  }

  const status = (text: string | RegExp) => page.getByRole("status").filter({ hasText: text });

  /** Nothing violates the rules in either theme, and nothing is wider than a narrow page. */
  async function expectAccessible(): Promise<void> {
    expect(await violationsOn(page)).toEqual([]);
    await page.setViewportSize({ width: NARROWEST, height: 640 });
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    await page.setViewportSize({ width: 1280, height: 900 });
    expect(width).toBe(NARROWEST);
  }

  test("what acts and what tells has the names by which the documents call it", async () => {
    for (const name of ["Network", "Pictures"]) {
      expect(await page.getByLabel(name, { exact: true }).getAttribute("type")).toBe("file");
    }
    for (const name of ["Compute", "Cancel", "Play"]) {
      expect(await page.getByRole("button", { name, exact: true }).count()).toBe(1);
    }
    expect(await page.getByRole("list", { name: "Taps" }).getByRole("listitem").count()).toBeGreaterThan(0);
    expect(await page.getByRole("slider", { name: "Step along the vector" }).isEnabled()).toBe(true);
    expect(await page.getByRole("status").count()).toBe(1);
    const columns = page.getByRole("table", { name: "Singular values" }).getByRole("columnheader");
    expect(await columns.allTextContents()).toEqual(["index", "σ", "residual"]);
  });

  test("the example", () => expectAccessible(), 120_000);

  test("in the dark theme figures are dark, and what the pointer shows in them is light", async () => {
    const figure = page.locator(".curves .drawing");
    const styles = async () => {
      await page.locator(".hover").hover();
      const filter = await figure.locator("svg").evaluate((svg) => getComputedStyle(svg).filter);
      const [dot, ink] = await page
        .locator(".hover .dot")
        .evaluate((at) => [getComputedStyle(at).borderTopColor, getComputedStyle(document.body).color]);
      return { filter, isOfInk: dot === ink };
    };
    await page.emulateMedia({ colorScheme: "dark" });
    expect(await styles()).toEqual({ filter: expect.stringContaining("invert"), isOfInk: true });
    await page.emulateMedia({ colorScheme: "light" });
    expect(await styles()).toEqual({ filter: "none", isOfInk: true });
  });

  test("all that acts is reached by the keyboard, and shows that it is", async () => {
    // Of radio buttons in a group, one is reached, and the arrows go to the others.
    const reachable = await page.evaluate(() => {
      const acting = 'a[href], button:not(:disabled), select, input:not(:disabled), summary, [tabindex="0"]';
      const all = [...document.querySelectorAll<HTMLElement>(acting)].filter((one) => one.checkVisibility());
      const isLeftOut = (one: HTMLElement) => one instanceof HTMLInputElement && one.type === "radio" && !one.checked;
      const reached = all.filter((one) => !isLeftOut(one));
      for (const [i, one] of reached.entries()) one.dataset.place = String(i);
      return reached.length;
    });
    await page.evaluate(() => (document.activeElement as HTMLElement).blur());
    const seen = new Set<string>();
    const unmarked: string[] = [];
    for (let i = 0; i < 2 * reachable && seen.size < reachable; i++) {
      await page.keyboard.press("Tab");
      const { place, html, isMarked } = await page.evaluate(() => {
        const at = document.activeElement as HTMLElement;
        const outlined = [at, at.nextElementSibling].map((one) => one && getComputedStyle(one));
        return {
          place: at.dataset.place,
          html: at.outerHTML.slice(0, 120),
          isMarked: outlined.some((one) => one?.outlineStyle === "solid" && Number.parseFloat(one.outlineWidth) >= 2),
        };
      });
      if (place !== undefined) seen.add(place);
      if (place !== undefined && !isMarked) unmarked.push(html);
    }
    expect(seen.size).toBe(reachable);
    expect(unmarked).toEqual([]);
    await page.getByRole("radio", { name: /^v₁ / }).focus();
    await page.keyboard.press("ArrowRight");
    expect(await page.getByRole("radio", { name: /^v₂ / }).isChecked()).toBe(true);
  }, 120_000);

  test("where motion is to be reduced, pictures go by whole layers, and bars do not glide", async () => {
    await page.emulateMedia({ reducedMotion: "reduce" });
    await page.getByRole("button", { name: "Play" }).click();
    const places = await page.evaluate(async () => {
      const layer = [...document.querySelectorAll<HTMLInputElement>('input[type="range"]')].at(1)!;
      const values = new Set<string>();
      const end = performance.now() + 2500;
      while (performance.now() < end) {
        values.add(layer.value);
        await new Promise((next) => requestAnimationFrame(next));
      }
      return [...values].map(Number);
    });
    await page.getByRole("button", { name: "Pause" }).click();
    expect(places.length).toBeGreaterThan(1);
    expect(places.filter((place) => !Number.isInteger(place))).toEqual([]);
    const duration = () =>
      page
        .locator(".bars .bar")
        .first()
        .evaluate((bar) => getComputedStyle(bar).transitionDuration);
    expect(await duration()).toBe("0s");
    await page.emulateMedia({ reducedMotion: "no-preference" });
    expect(await duration()).not.toBe("0s");
  });

  test("one's own network, ready and computed, with smallest steps and noise", async () => {
    await page.getByLabel("Network").setInputFiles(join(digits, "digits.onnx"));
    await status("Now give pictures").waitFor();
    await expectAccessible();
    await page
      .getByLabel("Pictures")
      .setInputFiles([...pictures, join(digits, "labels.tsv"), join(digits, "train.ts")]);
    await status("1 file cannot be used").waitFor();
    await expectAccessible();
    const boxes = page.getByRole("list", { name: "Taps" }).getByRole("checkbox");
    for (const box of await boxes.all()) await box.uncheck();
    await page.getByRole("button", { name: "Compute" }).click();
    await status("each σ with its residual").waitFor({ timeout: 120_000 });
    await page.getByRole("button", { name: "Find the smallest steps" }).click();
    await status("are in the table").waitFor({ timeout: 60_000 });
    await page.getByRole("slider", { name: "Strength" }).fill("0.4");
    await page.getByRole("img", { name: /^With noise/ }).waitFor({ timeout: 60_000 });
    await page.getByRole("button", { name: "Put aside, to compare" }).click();
    await expectAccessible();
    await page.getByRole("radiogroup", { name: "Picture" }).getByRole("radio").nth(1).check();
    await page.getByRole("table", { name: "Ratios of singular values" }).waitFor();
    await expectAccessible();
    await page.getByRole("button", { name: "Remove what is aside" }).click();
  }, 240_000);

  test("the taps of a network with a bypass", async () => {
    const network = { name: "bypass.onnx", mimeType: "", buffer: Buffer.from(bypass()) };
    await page.getByLabel("Network").setInputFiles(network);
    await page.locator(".graph path").first().waitFor();
    await expectAccessible();
  }, 120_000);

  test("a network that learns, and an error", async () => {
    await page.getByRole("button", { name: "Step", exact: true }).click();
    await status(/^Step 1 of 300/).waitFor({ timeout: 60_000 });
    await expectAccessible();
    const broken = { name: "broken.onnx", mimeType: "", buffer: Buffer.from("no network") };
    await page.getByLabel("Network").setInputFiles(broken);
    await status("an ONNX model is needed").waitFor();
    await expectAccessible();
  }, 180_000);

  test("a stored run", async () => {
    await page.goto(`${explorer.address}?run=run/`);
    await status("A stored run is shown").waitFor();
    await page.getByRole("table", { name: "Singular values" }).waitFor();
    expect(await page.getByRole("button", { name: "Compute" }).isDisabled()).toBe(true);
    await expectAccessible();
  }, 120_000);

  test.each(["README.html", "docs/theory.html", "docs/explorer.html", "docs/bench.html"])(
    "the document %s",
    async (name) => {
      await page.goto(`${explorer.address}${name}`);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await expectAccessible();
    },
    120_000,
  );
});
