import { mkdtemp, rm } from "node:fs/promises";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serve } from "../../src/apps/cli/serve.ts";
import { servedFolder, servedSite } from "../../src/apps/cli/served.ts";
import { servedLive } from "../../src/apps/cli/served-live.ts";
import { FollowedRun } from "../../src/apps/progress/followed-run.ts";
import type { RunningUnit } from "../../src/apps/progress/live-state.ts";
import { Watch } from "../../src/apps/progress/watch.ts";
import { DirectoryStore } from "../../src/platform/node/directory-store.ts";
import { createRun, type Run, type RunManifest } from "../../src/results/index.ts";
import { exampleManifest, exampleUnit } from "../results/example-run.ts";
import { violationsOn } from "../support/accessibility.ts";
import { chromiumPath, withoutChromium } from "../support/chromium.ts";
import { listening } from "./explorer-site.ts";

/** Would run if a page took it for markup. */
const hostile = (what: string) => `<img src=x onerror="globalThis.ran=1"><script>globalThis.ran=1</script>${what}`;

const [first, second] = exampleManifest.inputs;
const [conv, relu, logits] = exampleManifest.taps;
const manifest: RunManifest = {
  ...exampleManifest,
  inputs: [{ ...first!, name: hostile("cat"), label: hostile("label"), predicted: hostile("class") }, second!],
  taps: [{ ...conv!, name: hostile("conv") }, relu!, logits!],
};

/** Looks so often, so that the tests need not wait. */
const pace = { least: 100, most: 200, finished: 400 };
const patient = { timeout: 20_000 };

describe.skipIf(chromiumPath === undefined)(`a run that goes on, in a browser (${withoutChromium})`, () => {
  let folder: string;
  let run: Run;
  let server: Server;
  let browser: Browser;
  let page: Page;
  let report: Page;
  let address: string;
  let running: RunningUnit[] = [];
  const faults: string[] = [];

  /** As another program writes them. */
  const write = (input: number, tap: number) => run.writeUnit(input, tap, exampleUnit(run.manifest, input, tap));

  async function grow(grown: RunManifest): Promise<void> {
    run = await createRun(new DirectoryStore(join(folder, "run")), grown);
    for (const input of grown.inputs.keys()) await run.writeSource(input, new Float32Array(48).fill(0.25 * input));
  }

  async function open(path: string): Promise<Page> {
    const opened = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    opened.on("console", (message) => faults.push(message.text()));
    opened.on("pageerror", (error) => faults.push(error.message));
    await opened.goto(`${address}${path}`);
    return opened;
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "live-"));
    await build({
      configFile: "src/apps/explorer/vite.config.ts",
      logLevel: "error",
      build: { outDir: join(folder, "site") },
    });
    await grow(manifest);
    await write(0, 0);
    const watch = new Watch(new FollowedRun(new DirectoryStore(join(folder, "run")), async () => running), pace);
    server = serve({
      "/": servedSite(join(folder, "site")),
      "/run/": servedLive(watch, servedFolder(join(folder, "run")), async () => "?run=run/"),
    });
    address = await listening(server);
    browser = await chromium.launch({ executablePath: chromiumPath, chromiumSandbox: false }); // root may not have one
    page = await open("?run=run/");
    report = await open("run/report/");
  }, 240_000);
  afterAll(async () => {
    await browser?.close();
    server?.closeAllConnections();
    server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const panel = () => page.getByRole("region", { name: /^The run is/ });
  const said = (text: string | RegExp) => panel().filter({ hasText: text }).waitFor(patient);
  const follows = (text: string) => report.getByRole("note").filter({ hasText: text }).first().waitFor(patient);

  test("the page says how far it is", async () => {
    await said("1 of 6 units is done, 0 failed, 5 left");
    await follows("Still going on; this page follows: 1 of 6 units is done");
    expect(await panel().getByRole("progressbar").getAttribute("value")).toBe(String(1 / 6));
  });

  test("a unit that is written appears, and what the user has chosen stays", async () => {
    await page.getByRole("button", { name: "höhle/2" }).first().click();
    await page.getByRole("list", { name: "Taps" }).getByRole("button", { name: "block/relu 1" }).click();
    await page.getByLabel("Include logits").uncheck();
    await page.getByText("The spectrum of block/relu 1 at this picture is not stored yet").waitFor(patient);
    const drawing = page.locator(".curves svg").first();
    const before = await drawing.innerHTML();
    await write(1, 1);
    const values = page.getByRole("table", { name: "Singular values" }).locator("tbody tr td:nth-child(2)");
    const shown = () => values.evaluateAll((cells) => cells.map((cell) => Number(cell.getAttribute("title"))));
    await expect.poll(shown, patient).toEqual([...exampleUnit(manifest, 1, 1).sigma]);
    expect(await drawing.innerHTML()).not.toBe(before);
    await said("2 of 6 units are done");
    expect(await page.getByLabel("Include logits").isChecked()).toBe(false);
    expect(await page.locator(".taps li.chosen").textContent()).toContain("block/relu 1");
  });

  test("the report's figures are drawn again, and what is opened in it stays", async () => {
    await follows("2 of 6 units are done");
    const gallery = report.locator("details > summary").first();
    const name = (await gallery.textContent())!;
    await gallery.click(); // The last one is open at first, and this one was it.
    await report.evaluate("scrollTo(0, 300)");
    const drawing = report.locator("figure .wide svg").first();
    const before = await drawing.innerHTML();
    await write(1, 2);
    await expect.poll(() => drawing.innerHTML(), patient).not.toBe(before);
    await report.getByText("3 spectra", { exact: false }).first().waitFor(patient);
    expect(await report.locator("details:not([open]) > summary").allTextContents()).toContain(name);
    expect(await report.evaluate("scrollY")).toBe(300);
  });

  test("failed units are told with their reasons, and who computes what", async () => {
    await run.failUnit(0, 2, hostile("not finite"));
    running = [{ input: 1, tap: 0, worker: hostile("machine"), since: "2026-01-02T03:04:05Z" }];
    await said(`${hostile("cat")} → logits failed: ${hostile("not finite")}`);
    await said(`höhle/2 → ${hostile("conv")} on ${hostile("machine")}, since 02/01/2026`);
    await report.getByText(`${hostile("cat")} → logits: ${hostile("not finite")}`).waitFor(patient);
  });

  test("hostile names are texts everywhere, and nothing of them runs", async () => {
    for (const name of ["cat", "label", "class", "conv"]) {
      await page.getByText(hostile(name)).first().waitFor({ state: "attached" });
      if (name !== "class") await report.getByText(hostile(name)).first().waitFor({ state: "attached" });
    }
    for (const one of [page, report]) {
      expect(await one.locator("img[src=x]").count()).toBe(0);
      expect(await one.evaluate("globalThis.ran")).toBeUndefined();
    }
    const saved = page.waitForEvent("download");
    await page.getByRole("button", { name: "Save as one HTML file" }).click();
    const other = await browser.newPage();
    await other.goto(`file://${await (await saved).path()}`);
    expect(await other.locator("img[src=x]").count()).toBe(0);
    expect(await other.evaluate("globalThis.ran")).toBeUndefined();
    await other.close();
  });

  test("a script in the report would not run, if a name became one", async () => {
    const refused = await report.evaluate(`new Promise((resolve) => {
      addEventListener("securitypolicyviolation", ({ violatedDirective }) => resolve(violatedDirective), { once: true });
      const script = document.createElement("script");
      script.src = "/run/zarr.json";
      document.body.append(script);
    })`);
    expect(refused).toBe("script-src-elem");
    faults.pop(); // The browser complains of it.
  });

  test.each([400, 1280])(
    "violates no rule of accessibility and does not scroll sideways, %i pixels wide",
    async (width) => {
      for (const one of [page, report]) {
        await one.setViewportSize({ width, height: 900 });
        expect(await violationsOn(one)).toEqual([]);
        expect(await one.evaluate<number>("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
      }
    },
  );

  test("a run that gets more inputs is opened again, and what the user has chosen stays", async () => {
    const third = { name: "third", file: "third.png", sha256: "03".repeat(32) };
    await grow({ ...manifest, inputs: [...manifest.inputs, third] });
    await page.getByRole("button", { name: "third" }).first().waitFor(patient);
    await said("3 of 9 units are done, 1 failed, 5 left");
    expect(await page.locator(".taps li.chosen").textContent()).toContain("block/relu 1");
    expect(await page.getByLabel("Include logits").isChecked()).toBe(false);
    await page.getByText("höhle/2 in net.onnx").waitFor();
  });

  test("it is told when the run is finished, and when the server does not answer", async () => {
    running = [];
    for (const [input, tap] of [
      [0, 1],
      [1, 0],
      [2, 0],
      [2, 1],
      [2, 2],
    ] as const)
      await write(input, tap);
    await panel().getByRole("heading", { name: "The run is finished" }).waitFor(patient);
    await said("8 of 9 units are done, 1 failed, 0 left");
    expect(await panel().getByRole("progressbar").count()).toBe(0);
    await follows("Finished: 8 of 9 units are done");
    await write(0, 2); // The command was given again.
    await said("9 of 9 units are done, 0 failed");
    expect(faults).toEqual([]);
    server.close();
    server.closeAllConnections();
    await said("The server does not answer");
    await follows("The server does not answer");
  });
});
