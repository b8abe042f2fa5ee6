import type { Server } from "node:http";
import { type Browser, chromium, type Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serve } from "../../src/apps/cli/serve.ts";
import { servedSite } from "../../src/apps/cli/served.ts";
import { placeAt } from "../../src/apps/cli/view-place.ts";
import { writeNpy } from "../../src/images/index.ts";
import { buildModel, node, valueInfo, writeModel } from "../../src/onnx/index.ts";
import { chromiumPath, withoutChromium } from "../support/chromium.ts";
import { start } from "./command-line.ts";
import { listening } from "./explorer-site.ts";
import { createWorkplace, type Workplace } from "./workplace.ts";

/** Would run if a page took it for markup. A file may have this name. */
const hostile = (what: string) => `<img src=x onerror="globalThis.ran=1">${what}`;

/** |2x|², and its root, which has no derivative where x is 0. */
const norm = buildModel({
  name: "norm",
  inputs: [valueInfo("x", "float32", [1, 4])],
  outputs: [valueInfo(hostile("norm"), "float32", [1, 1])],
  nodes: [
    node({ op: "Add", inputs: ["x", "x"], outputs: ["double"] }),
    node({ op: "Mul", inputs: ["double", "double"], outputs: ["squares"] }),
    node({ op: "ReduceSum", inputs: ["squares", "axes"], outputs: ["sum"], attributes: {} }),
    node({ op: "Sqrt", name: hostile("root"), inputs: ["sum"], outputs: [hostile("norm")] }),
  ],
  initializers: new Map([["axes", { type: "int64", shape: [1], data: BigInt64Array.of(1n) }]]),
});
const array = (...data: readonly number[]) => writeNpy({ shape: [1, 4], data: Float32Array.from(data) });
const inputs = {
  [`${hostile("zero")}.npy`]: array(0, 0, 0, 0),
  "one.npy": array(1, 2, 3, 4),
  "two.npy": array(4, 3, 2, 1),
};
const patient = { timeout: 60_000 };

describe.skipIf(chromiumPath === undefined)(`studies that go on, in a browser (${withoutChromium})`, () => {
  let place: Workplace;
  let server: Server;
  let browser: Browser;
  let page: Page;
  let address: string;
  const faults: string[] = [];

  const shard = (which: string) =>
    start(
      ["study", "spectra", "norm.onnx", ...Object.keys(inputs), "--taps", "all", "--out", "studies", "--shard", which],
      { cwd: place.folder },
    ).outcome;

  beforeAll(async () => {
    place = await createWorkplace({ "norm.onnx": writeModel(norm), ...inputs });
    await build({
      configFile: "src/apps/explorer/vite.config.ts",
      logLevel: "error",
      build: { outDir: place.path("site") },
    });
    await shard("0/2");
    const { places, run, report } = await placeAt(place.path("studies"), "run/");
    expect({ run, report }).toEqual({ run: "run/run/", report: "run/report/" });
    server = serve({ "/": servedSite(place.path("site")), ...places });
    address = await listening(server);
    browser = await chromium.launch({ executablePath: chromiumPath, chromiumSandbox: false }); // root may not have one
    page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.on("console", (message) => faults.push(message.text()));
    page.on("pageerror", (error) => faults.push(error.message));
    await page.goto(`${address}${report}`);
  }, 240_000);
  afterAll(async () => {
    await browser?.close();
    server?.closeAllConnections();
    server?.close();
    await place?.remove();
  });

  const follows = (text: RegExp) => page.getByRole("note").filter({ hasText: text }).first().waitFor(patient);

  test("their report is drawn again while another program measures the other cells", async () => {
    await follows(/^Still going on; this page follows: \d+ cells done, \d+ left/);
    const drawing = page.locator("figure .wide svg").first();
    const before = await drawing.innerHTML();
    await shard("1/2");
    await follows(/^Finished: \d+ cells done, 0 left/);
    await expect.poll(() => drawing.innerHTML(), patient).not.toBe(before);
  }, 120_000);

  test("names of files, tensors and nodes are texts, in the reasons of failed cells too", async () => {
    await page
      .getByText(`image ${hostile("zero")}: There is no Jacobian at this input.`)
      .first()
      .waitFor(patient);
    for (const what of ["norm", "root"]) {
      await page.getByText(hostile(what)).first().waitFor({ state: "attached" });
    }
    expect(await page.locator("img[src=x]").count()).toBe(0);
    expect(await page.evaluate("globalThis.ran")).toBeUndefined();
    expect(faults).toEqual([]);
  });

  test("the explorer shows their spectra, and is linked", async () => {
    await page.getByRole("link", { name: "Open in the explorer" }).click();
    await page.getByText("A stored run is shown: norm.onnx with 3 pictures").waitFor(patient);
    await page
      .getByRole("region", { name: /^The run is/ })
      .filter({ hasText: "1 failed" })
      .waitFor(patient);
    await page.getByText(hostile("zero")).first().waitFor({ state: "attached" });
    expect(await page.locator("img[src=x]").count()).toBe(0);
    expect(await page.evaluate("globalThis.ran")).toBeUndefined();
    await page.getByRole("link", { name: "Report of the run" }).click();
    await page.getByRole("heading", { name: "Jacobian spectra of norm.onnx" }).waitFor(patient);
    expect(faults).toEqual([]);
  });
});
