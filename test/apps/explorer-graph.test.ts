import { readdirSync } from "node:fs";
import { resolve } from "node:path";
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeNetwork } from "../../src/apps/explorer/engine/network-description.ts";
import { openModel } from "../../src/apps/node/index.ts";
import { chromiumPath, withoutChromium } from "../support/chromium.ts";
import { sharedDir, sharedPath, withoutShared } from "../support/shared.ts";
import { bypass } from "./bypass.ts";
import { type ExplorerSite, openExplorer } from "./explorer-site.ts";

const picture = resolve("examples/digits/images/3-0013.png");

describe.skipIf(chromiumPath === undefined)(`the graph of taps in a browser (${withoutChromium})`, () => {
  let explorer: ExplorerSite;
  let page: Page;
  let taps: Locator;
  const [requests, faults]: [string[], string[]] = [[], []];
  beforeAll(async () => {
    explorer = await openExplorer();
    page = await explorer.browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.on("request", (request) => requests.push(request.url()));
    page.on("console", (message) => faults.push(message.text()));
    page.on("pageerror", (error) => faults.push(error.message));
    await page.goto(explorer.address);
    await page.getByText("The example is shown").waitFor();
    taps = page.getByRole("list", { name: "Taps" });
  }, 240_000);
  afterAll(() => explorer?.close());

  const isLoaded = () => requests.some((url) => /assets\/tap-graph/.test(url));
  const lines = () => page.locator(".graph path");

  test("a chain is a list, for which no layout is loaded", async () => {
    expect(await taps.getByRole("listitem").count()).toBe(15);
    expect(await page.locator(".graph").count()).toBe(0);
    expect(isLoaded()).toBe(false);
  });

  test("a network with a bypass is a graph, which the keyboard reaches", async () => {
    const buffer = Buffer.from(bypass());
    await open("bypass.onnx", [{ name: "bypass.onnx", mimeType: "", buffer }], picture);
    await lines().first().waitFor();
    expect(isLoaded()).toBe(true);
    expect(await lines().count()).toBe(3);
    const boxes = await boxesOf(taps);
    expect([...boxes.keys()]).toEqual(["trunk", "branch", "y"]);
    const join = taps.getByRole("button", { name: "y", exact: true });
    expect(await join.getAttribute("aria-description")).toBe("computed from trunk and branch");
    await taps.getByRole("checkbox", { name: "Include trunk" }).focus();
    await page.keyboard.press("Space");
    expect(await taps.getByRole("checkbox", { name: "Include trunk" }).isChecked()).toBe(false);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    expect(await taps.getByRole("button", { pressed: true }).textContent()).toBe("trunk");
  });

  describe.skipIf(sharedDir === undefined)(withoutShared, () => {
    test.each([
      ["squeezenet1.1.onnx", ["data", "images"], ["fire2.expand1x1", "fire2.expand3x3"]],
      ["resnet20-cifar10.onnx", ["data", "cifar10", "cat"], ["layer2.0.conv2", "layer2.0.shortcut.slice"]],
    ])(
      "%s: each tap below those that it follows from, none on another, branches side by side",
      async (file, images, [a, b]) => {
        const folder = sharedPath(...images);
        const path = sharedPath("data", "models", file);
        await open(file, path, resolve(folder, readdirSync(folder).filter((name) => /\.(png|jpe?g)$/i.test(name))[0]!));
        const network = await openModel(path);
        const { taps: all } = describeNetwork(network, { told: { reason: "", isUnsure: false } });
        await network.close();
        const edges = all.flatMap(({ name, op, next }) =>
          op === "Input" ? [] : next.map((to) => [name, all[to]!.name]),
        );
        await expect.poll(() => lines().count()).toBe(edges.length);
        for (const width of [400, 1280]) {
          await page.setViewportSize({ width, height: 900 });
          const boxes = await boxesOf(taps);
          expect(boxes.size).toBe(all.length - 1);
          for (const [from, to] of edges) expect(boxes.get(to!)!.top).toBeGreaterThan(boxes.get(from!)!.bottom);
          const placed = [...boxes.values()];
          const isOver = (one: DOMRect, other: DOMRect) =>
            one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;
          expect(placed.flatMap((one, i) => placed.slice(i + 1).filter((other) => isOver(one, other)))).toEqual([]);
          expect(boxes.get(a!)!.top).toBe(boxes.get(b!)!.top);
          expect(boxes.get(a!)!.right).toBeLessThan(boxes.get(b!)!.left);
          expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
        }
        await expect.poll(() => isInSight(taps.getByRole("button", { name: "logits", exact: true }))).toBe(true);
      },
      120_000,
    );
  });

  test("has nothing to complain about", () => {
    expect(faults).toEqual([]);
  });

  /** How many pictures were given: a network that is opened has those given before. */
  let given = 0;

  /** Opens a network with one more picture. */
  async function open(file: string, network: Parameters<Locator["setInputFiles"]>[0], image: string): Promise<void> {
    const status = page.getByRole("status").filter({ hasText: file });
    await page.getByLabel("Network", { exact: true }).setInputFiles(network);
    await status.filter({ hasText: /Now give|Press Compute/ }).waitFor({ timeout: 60_000 });
    await page.getByLabel("Pictures", { exact: true }).setInputFiles(image);
    await status.filter({ hasText: `${++given} picture` }).waitFor({ timeout: 60_000 });
  }
});

/** Where the taps lie, by name. */
async function boxesOf(taps: Locator): Promise<Map<string, DOMRect>> {
  const found = await taps
    .getByRole("listitem")
    .evaluateAll((items) =>
      items.map((item) => [item.querySelector("button")!.title, item.getBoundingClientRect().toJSON()] as const),
    );
  return new Map(found);
}

/** Whether all of an element lies in what its scrolled box shows. */
const isInSight = (element: Locator): Promise<boolean> =>
  element.evaluate((inner) => {
    const [box, within] = [inner.getBoundingClientRect(), inner.closest(".graph")!.getBoundingClientRect()];
    return box.top >= within.top && box.bottom <= within.bottom;
  });
