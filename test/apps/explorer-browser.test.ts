import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serveFolders } from "../../src/apps/cli/serve.ts";
import { loadInput, openModel, presets } from "../../src/apps/node/index.ts";
import { chromiumPath, withoutChromium } from "../support/chromium.ts";

const digits = resolve("examples/digits");

describe.skipIf(chromiumPath === undefined)(`the explorer in a browser (${withoutChromium})`, () => {
  let site: string;
  let server: ReturnType<typeof serveFolders>;
  let browser: Browser;
  let page: Page;
  const requests: string[] = [];
  const faults: string[] = [];
  let address: string;

  beforeAll(async () => {
    site = await mkdtemp(join(tmpdir(), "explorer-"));
    const build = spawn("npx", ["tsx", "scripts/explorer.ts", "--pictures", "3", "-k", "12", "--out", site], {
      stdio: "ignore",
    });
    const [code] = await once(build, "exit");
    expect(code).toBe(0);
    server = serveFolders({ "/": site }).listen(0, "127.0.0.1");
    await once(server, "listening");
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    browser = await chromium.launch({ executablePath: chromiumPath, chromiumSandbox: false }); // root may not have one
    page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.on("request", (request) => requests.push(request.url()));
    page.on("console", (message) => faults.push(message.text()));
    page.on("pageerror", (error) => faults.push(error.message));
    await page.goto(address);
    await page.getByText("The example is shown").waitFor();
  }, 240_000);
  afterAll(async () => {
    await browser?.close();
    server?.close();
    await rm(site, { recursive: true, force: true });
  });

  test("is isolated, so that threads can be used", async () => {
    expect(await page.evaluate("crossOriginIsolated")).toBe(true);
  });

  test("a step moves the scores and the prediction of J apart, and none does not", async () => {
    const slider = page.getByRole("slider", { name: "Step along the vector" });
    const gap = async () => Number((await page.locator(".gap .value").textContent())!.replace("−", "-"));
    expect(await gap()).toBe(0);
    await slider.press("ArrowRight");
    const near = await gap();
    for (let i = 0; i < 9; i++) await slider.press("ArrowRight");
    const far = await gap();
    expect(near).toBeGreaterThan(0);
    expect(far).toBeGreaterThan(10 * near); // It grows as ε², until the network leaves the range where J holds.
    await page.getByRole("button", { name: "Back to 0" }).click();
    expect(await gap()).toBe(0);
  });

  test("lists the taps, and the singular values of the chosen one with residuals", async () => {
    const taps = page.getByRole("list", { name: "Taps" });
    expect(await taps.getByRole("listitem").count()).toBe(15);
    await taps.getByRole("button", { name: "pool2" }).click();
    const table = page.getByRole("table", { name: "Singular values" });
    expect(await table.getByRole("columnheader").allTextContents()).toEqual(["index", "σ", "residual"]);
    expect(await table.getByRole("row").count()).toBe(1 + 12);
  });

  test("plays the way of the pictures through the layers", async () => {
    await page.getByRole("button", { name: "Play" }).click();
    await page.getByText(/norm1, 4 of 16/).waitFor();
    await page.getByRole("button", { name: "Pause" }).click();
  });

  test("asks no other host, and has nothing to complain about", () => {
    expect(requests.filter((url) => !url.startsWith(address) && !/^(data|blob):/.test(url))).toEqual([]);
    expect(faults).toEqual([]);
  });

  test("computes one's own network and pictures, with the numbers of the command line", async () => {
    await page.getByLabel("Network").setInputFiles([join(digits, "digits.onnx"), join(digits, "preprocess.json")]);
    await page.getByRole("status").filter({ hasText: "Now give pictures" }).waitFor();
    await page.getByLabel("Pictures").setInputFiles([join(digits, "images/3-0013.png")]);
    await page.getByRole("status").filter({ hasText: "1 picture" }).waitFor();
    const taps = page.getByRole("list", { name: "Taps" });
    for (const box of await taps.getByRole("checkbox").all()) await box.uncheck();
    await taps.getByRole("button", { name: "fc5", exact: true }).click();
    await page.getByRole("button", { name: "Compute" }).click();
    await page.getByRole("status").filter({ hasText: "each σ with its residual" }).waitFor({ timeout: 120_000 });
    const rows = page.getByRole("table", { name: "Singular values" }).locator("tbody tr td:nth-child(2)");
    const shown = await rows.evaluateAll((cells) => cells.map((cell) => Number(cell.getAttribute("title"))));
    const network = await openModel(join(digits, "digits.onnx"));
    const at = await loadInput(join(digits, "images/3-0013.png"), { ...presets.mnist, scale: 1 / 255 });
    using J = await network.jacobian({ at, to: "fc5" });
    const { sigma } = await J.svd({ k: 20 });
    expect(shown).toHaveLength(20);
    for (const [i, value] of shown.entries()) expect(Math.abs(value - sigma[i]!)).toBeLessThan(1e-5 * sigma[0]!);
    await network.close();
  }, 180_000);

  test("a file that is no network is refused, and what to do is told", async () => {
    const status = page.getByRole("status");
    await page
      .getByLabel("Network")
      .setInputFiles({ name: "<img src=x onerror=alert(1)>.onnx", mimeType: "", buffer: Buffer.from("no network") });
    await status.filter({ hasText: "<img src=x onerror=alert(1)>.onnx" }).waitFor();
    expect(await page.locator("img[src=x]").count()).toBe(0);
    expect(await page.getByRole("button", { name: "Cancel" }).isDisabled()).toBe(true);
  });
});
