import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { Socket } from "node:net";
import { join, resolve } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadInput, openModel, presets } from "../../src/apps/node/index.ts";
import { buildModel, int, intTensor, node, valueInfo, writeModel } from "../../src/onnx/index.ts";
import { chromiumPath, withoutChromium } from "../support/chromium.ts";
import { type ExplorerSite, listening, openExplorer } from "./explorer-site.ts";

const digits = resolve("examples/digits");

describe.skipIf(chromiumPath === undefined)(`the explorer in a browser (${withoutChromium})`, () => {
  let explorer: ExplorerSite;
  let page: Page;
  const requests: string[] = [];
  const faults: string[] = [];
  /** The connections of the server, which count what they sent. */
  const sockets: Socket[] = [];
  let address: string;

  beforeAll(async () => {
    explorer = await openExplorer();
    address = explorer.address;
    explorer.server.on("connection", (socket) => sockets.push(socket));
    page = await explorer.browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.on("request", (request) => requests.push(request.url()));
    page.on("console", (message) => faults.push(message.text()));
    page.on("pageerror", (error) => faults.push(error.message));
    await page.goto(address);
    await page.getByText("The example is shown").waitFor();
  }, 600_000);
  afterAll(() => explorer?.close());

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

  test("a network learns in the page, step by step, and its spectrum moves", async () => {
    const reading = page.locator(".learn .reading");
    const largest = async () => Number(await reading.locator(".value").textContent());
    await page.getByRole("button", { name: "Step", exact: true }).click();
    await page
      .getByRole("status")
      .filter({ hasText: /^Step 1 of 300: / })
      .waitFor({ timeout: 60_000 });
    const before = await largest();
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await reading.filter({ hasText: /Step (1\d|[2-9]\d) of 300/ }).waitFor({ timeout: 60_000 });
    await page.getByRole("button", { name: "Stop", exact: true }).click();
    await page.getByRole("status").filter({ hasText: "Cancelled" }).waitFor();
    expect(await largest()).not.toBe(before);
    expect(await reading.textContent()).toMatch(/: [\d.]+ % of the held-out digits/);
    expect(await page.locator(".learn .charts > div").count()).toBe(3);
  }, 150_000);

  test("asks no other host, and has nothing to complain about", () => {
    expect(requests.filter((url) => !url.startsWith(address) && !/^(data|blob):/.test(url))).toEqual([]);
    expect(faults).toEqual([]);
  });

  test("computes one's own network and pictures, with the numbers of the command line", async () => {
    await page.getByLabel("Network").setInputFiles([join(digits, "digits.onnx"), join(digits, "preprocess.json")]);
    await page.getByRole("status").filter({ hasText: "Now give pictures" }).waitFor();
    await page.getByLabel("Pictures").setInputFiles([join(digits, "images/3-0013.png")]);
    await page.getByRole("status").filter({ hasText: "1 picture" }).waitFor();
    await expectComputed("fc5");
    const sent = sockets.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0);
    expect(sent).toBeGreaterThan(3e6); // The WebAssembly is among them.
    expect(sent).toBeLessThan(4.5e6);
  }, 180_000);

  test("saves a report with the settings of the preprocessing, the versions, and a command", async () => {
    const downloads = page.waitForEvent("download");
    await page.getByRole("button", { name: "Save as one HTML file" }).click();
    const report = await readFile(await (await downloads).path(), "utf8");
    const other = await explorer.browser.newPage();
    await other.setContent(report);
    const told = async (term: string) =>
      await other.locator("dt", { hasText: term }).first().locator("xpath=following-sibling::dd[1]").textContent();
    expect(await told("Preprocessing")).toContain(`"scale":${1 / 255}`);
    expect(await told("Unit of the source")).toBe("full-scale pixel");
    expect(await told("Versions")).toMatch(/pushforward \d+\.\d+\.\d+, browser .*Chrome/);
    expect(await told("Backend")).toMatch(/onnxruntime-web \d/);
    expect(await other.locator("pre").allTextContents()).toContainEqual(
      expect.stringContaining("pushforward spectrum"),
    );
    await other.close();
  });

  test("changes may begin at a tap within the network", async () => {
    await page.getByLabel("Changes begin at").selectOption("pool2");
    await page.getByRole("status").filter({ hasText: "Changes begin at pool2 now" }).waitFor();
    expect(await page.getByRole("list", { name: "Taps" }).getByRole("button", { name: "pool2" }).count()).toBe(0);
    await expectComputed("fc5", "pool2");
    await page
      .locator(".gap .value")
      .filter({ hasText: /[1-9]|^0$/ })
      .waitFor(); // Steps are answered from there too.
    await page.getByLabel("Changes begin at").selectOption("image");
  }, 180_000);

  /** Computes the spectrum of one tap, and compares it with that of Node. */
  async function expectComputed(to: string, from = "image", picture = "3-0013.png"): Promise<void> {
    const taps = page.getByRole("list", { name: "Taps" });
    for (const box of await taps.getByRole("checkbox").all()) await box.uncheck();
    await taps.getByRole("button", { name: to, exact: true }).click();
    await page.getByRole("button", { name: "Compute" }).click();
    await page.getByRole("status").filter({ hasText: "each σ with its residual" }).waitFor({ timeout: 120_000 });
    const rows = page.getByRole("table", { name: "Singular values" }).locator("tbody tr td:nth-child(2)");
    const shown = await rows.evaluateAll((cells) => cells.map((cell) => Number(cell.getAttribute("title"))));
    const network = await openModel(join(digits, "digits.onnx"));
    const at = await loadInput(join(digits, "images", picture), { ...presets.mnist, scale: 1 / 255 });
    using J = await network.jacobian({ at, from, to });
    const { sigma } = await J.svd({ k: 20 });
    expect(shown).toHaveLength(20);
    for (const [i, value] of shown.entries()) expect(Math.abs(value - sigma[i]!)).toBeLessThan(1e-5 * sigma[0]!);
    await network.close();
  }

  test("when a worker ends, its spectra stay, and the next request opens the network in another one", async () => {
    const status = page.getByRole("status");
    const taps = page.getByRole("list", { name: "Taps" });
    const values = page.getByRole("table", { name: "Singular values" }).locator("tbody tr");
    await expectComputed("conv4");
    const before = await values.allTextContents();
    const endWorker = async () => {
      // One that has ended may still be listed, before the one that took its place.
      const worker = page.workers().findLast((one) => /assets\/worker/.test(one.url()))!;
      await worker.evaluate("void setTimeout(() => self.close(), 100)"); // After it has answered.
      await status.filter({ hasText: "The worker that computes has ended" }).waitFor();
    };
    await endWorker();
    expect(await values.allTextContents()).toEqual(before);
    await expectComputed("relu4"); // No file is given again.
    await taps.getByRole("button", { name: "conv4", exact: true }).click();
    await status.filter({ hasText: "The vectors of conv4 are computed again" }).waitFor({ timeout: 60_000 });
    expect(await values.allTextContents()).toEqual(before);
    await page
      .locator(".gap .value")
      .filter({ hasText: /[1-9]|^0$/ })
      .waitFor();
    await endWorker();
    const again = page.getByRole("button", { name: "Start the engine again" });
    await again.click();
    await status.filter({ hasText: "digits.onnx with 1 picture" }).waitFor();
    expect(await again.count()).toBe(0);
    expect(await values.allTextContents()).toEqual(before);
  }, 240_000);

  test("a network for which the memory is too short is told, and what to do", async () => {
    const model = buildModel({
      inputs: [valueInfo("picture", "float32", [1, 1, 28, 28])],
      outputs: [valueInfo("scores", "float32", [1, 28])],
      initializers: new Map([
        ["size", intTensor([1, 1_600_000, 28, 28])],
        ["axes", intTensor([1, 2])],
      ]),
      nodes: [
        node({ op: "Expand", inputs: ["picture", "size"], outputs: ["all"] }),
        node({ op: "ReduceSum", inputs: ["all", "axes"], outputs: ["scores"], attributes: { keepdims: int(0) } }),
      ],
    });
    const buffer = Buffer.from(writeModel(model));
    await page.getByLabel("Network").setInputFiles({ name: "large.onnx", mimeType: "", buffer });
    const told = page.getByRole("status").filter({ hasText: "There is no memory left for a tensor" });
    await told.waitFor();
    expect(await told.textContent()).toContain("In a browser ONNX Runtime has at most 4 GiB");
  });

  test("a file that is no network is refused, and what to do is told", async () => {
    const status = page.getByRole("status");
    await page
      .getByLabel("Network")
      .setInputFiles({ name: "<img src=x onerror=alert(1)>.onnx", mimeType: "", buffer: Buffer.from("no network") });
    await page.getByRole("button", { name: "Cancel", disabled: true }).waitFor(); // Nothing is under way any more.
    await status.filter({ hasText: "<img src=x onerror=alert(1)>.onnx" }).waitFor();
    expect(await page.locator("img[src=x]").count()).toBe(0);
  });

  test("the documents are pages of the site, with their pictures", async () => {
    const other = await explorer.browser.newPage();
    const complaints: string[] = [];
    other.on("console", (message) => complaints.push(message.text()));
    await other.goto(`${address}README.html`);
    await other.getByRole("heading", { name: "Pushforward", exact: true }).waitFor();
    const pictures = other.locator("img");
    expect(await pictures.first().evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0);
    await other.getByRole("navigation").getByRole("link", { name: "The paper, claim by claim" }).click();
    await other.getByRole("heading", { level: 1 }).waitFor();
    expect(new URL(other.url()).pathname).toBe("/docs/paper.html");
    expect(complaints).toEqual([]);
    await other.close();
  });

  test("where nothing isolates the page, it tells that one thread computes, and what to do", async () => {
    const plain = createServer((request, response) => {
      if (request.url === "/service-worker.js") return void response.writeHead(404).end();
      const { writeHead } = response;
      const only = (status: number, headers: Record<string, string>) =>
        writeHead.call(
          response,
          status,
          Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith("cross-origin"))),
        );
      explorer.server.emit("request", request, Object.assign(response, { writeHead: only }));
    });
    const other = await explorer.browser.newPage();
    await other.goto(await listening(plain));
    await other.getByRole("status").filter({ hasText: "One thread computes" }).waitFor();
    expect(await other.getByRole("status").textContent()).toContain("its server must send the headers");
    await other.close();
    plain.close();
  });

  test("opens again after its server has stopped, and computes", async () => {
    const keeps = async () => {
      const missing = await page.evaluate(async () => {
        const files = (await (await fetch("files.json")).json()) as string[];
        const cache = await caches.open("explorer");
        const kept = new Set((await cache.keys()).map(({ url }) => url));
        return files.filter((file) => !kept.has(new URL(file, location.href).href));
      });
      return missing.length;
    };
    await expect.poll(keeps, { timeout: 120_000, interval: 1000 }).toBe(0);
    explorer.server.close();
    explorer.server.closeAllConnections();
    await expect(fetch(address)).rejects.toThrow();
    await page.goto(address);
    await page.getByText("The example is shown").waitFor();
    await expectComputed("fc5", "image", "0-0001.png");
    await page.goto(`${address}docs/how-it-works.html`);
    await page.getByRole("heading", { level: 1 }).waitFor();
  }, 240_000);
});
