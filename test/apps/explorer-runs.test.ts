import { execFileSync } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { servedFolder } from "../../src/apps/cli/served.ts";
import { loadInput, openModel, openTraining, presets } from "../../src/apps/node/index.ts";
import { DirectoryStore } from "../../src/platform/node/directory-store.ts";
import { openRun, type UnitResult } from "../../src/results/index.ts";
import { chromiumPath, withoutChromium } from "../support/chromium.ts";
import { hasXarray, python, withoutXarray } from "../support/python.ts";
import { zipOf } from "../support/zip.ts";
import { pushforward } from "./command-line.ts";
import { type ExplorerSite, openExplorer } from "./explorer-site.ts";
import { createWorkplace, type Workplace } from "./workplace.ts";

const digits = resolve("examples/digits");
const model = join(digits, "digits.onnx");
/** The machine may be busy. */
const patient = { timeout: 30_000 };
const pictures = ["3-0013.png", "7-0002.png"].map((name) => join(digits, "images", name));

describe.skipIf(chromiumPath === undefined)(`stored runs in a browser (${withoutChromium})`, () => {
  let explorer: ExplorerSite;
  let place: Workplace;
  let page: Page;
  const faults: string[] = [];
  beforeAll(async () => {
    place = await createWorkplace({});
    const common = [model, ...pictures, "--preprocess", "mnist", "-k", "6", "--vectors", "1"];
    const commands = [
      ["spectrum", ...common, "--taps", "pool2,fc5,logits", "--out", "runs/from-image"],
      ["spectrum", ...common, "--taps", "fc5,logits", "--from", "pool1", "--out", "runs/from-pool1"],
      ["train", resolve("examples/training/by-heart.json"), "--out", "training"],
    ];
    const places = {
      "/run/": servedFolder(place.path("runs/from-image")),
      "/learnt/": servedFolder(place.path("training")),
    };
    const run = async (command: readonly string[]) =>
      expect(await pushforward(command, { cwd: place.folder })).toMatchObject({ code: 0 });
    [explorer] = await Promise.all([openExplorer(places), ...commands.map(run)]);
    page = await explorer.browser.newPage({ viewport: { width: 1280, height: 900 } });
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    page.on("console", (message) => faults.push(message.text()));
    page.on("pageerror", (error) => faults.push(error.message));
    await page.goto(explorer.address);
    await page.getByText("The example is shown").waitFor();
    await page.getByText("A stored run or training").click();
  }, 480_000);
  afterAll(async () => {
    await explorer?.close();
    await place?.remove();
  });

  test("an address of the site in the page opens a run, and chunks that it need not have are no faults", async () => {
    await open("run/");
    await said("A stored run is shown: digits.onnx with 2 pictures");
    await page.getByRole("list", { name: "Taps" }).getByRole("button", { name: "fc5" }).click();
    const run = await openRun(new DirectoryStore(place.path("runs/from-image")));
    const { sigma } = (await run.readUnit(0, 1))!;
    await expect.poll(() => numbers("Singular values", 1), patient).toEqual([...sigma]);
    expect(await page.getByRole("button", { name: "Compute" }).isDisabled()).toBe(true);
    expect(faults).toEqual([]);
  });

  test("the command that is copied computes the same again", async () => {
    await page.getByRole("button", { name: "Copy command" }).click();
    const command = (await page.evaluate(() => navigator.clipboard.readText())).replaceAll("\\\n", " ").split(/\s+/);
    expect(command.slice(0, 2)).toEqual(["pushforward", "spectrum"]);
    const args = command.slice(1).map((word) => (word === basename(model) ? model : word));
    expect(await pushforward([...args, "--out", "again"], { cwd: place.folder })).toMatchObject({ code: 0 });
    expect(await sigmasOf("again")).toEqual(await sigmasOf("runs/from-image"));
  }, 120_000);

  test.skipIf(!hasXarray())(`the copied Python holds what xarray reads from the run (${withoutXarray})`, async () => {
    for (const box of await page.getByRole("list", { name: "Taps" }).getByRole("checkbox").all()) await box.check();
    await page.getByRole("button", { name: "Copy as xarray" }).click();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    await place.put("copied.py", copied);
    const script = `
exec(open("copied.py").read())
with xr.open_zarr("runs/from-image") as run:
    for name in ("sigma", "residual"):
        for axis in ("input", "tap", "k"):
            assert spectra[axis].values.tolist() == run[axis].values.tolist(), axis
        np.testing.assert_array_equal(spectra[name].values, run[name].values)
print(spectra.sizes["input"], spectra.sizes["tap"], spectra.sizes["k"])
`;
    expect(execFileSync(python, ["-c", script], { cwd: place.folder, encoding: "utf8" }).trim()).toBe("2 3 6");
  });

  test("of a folder with runs from several sources, and of a ZIP archive of it, one is chosen", async () => {
    const zip = zipOf(await filesOf(place.path("runs")));
    const given = [
      ["Folder", place.path("runs")],
      ["ZIP archive", { name: "runs.zip", mimeType: "application/zip", buffer: Buffer.from(zip) }],
    ] as const;
    for (const [label, files] of given) {
      await page.getByLabel(label).setInputFiles(files);
      const choice = page.getByLabel("Of these is shown");
      await said("A stored run is shown: digits.onnx");
      await expect
        .poll(() => choice.locator("option").allTextContents(), patient)
        .toEqual(["from-image", "from-pool1"]);
      await page.getByRole("heading", { name: "J(pool1 → logits)" }).waitFor();
      await choice.selectOption("from-image");
      await page.getByRole("heading", { name: "J(image → logits)" }).waitFor();
    }
  });

  test("two runs stand side by side, and a run from another source is told by name", async () => {
    await page.getByRole("button", { name: "Put aside, to compare" }).click();
    await page.getByText("Now open another network, run or checkpoint").waitFor();
    await page.getByLabel("Of these is shown").selectOption("from-pool1");
    const beside = page.getByRole("region", { name: "Side by side" });
    await beside.getByText("A, put aside: digits.onnx (from-image), J(image → tap), 3-0013").waitFor();
    await beside.getByText("B, shown: digits.onnx (from-pool1), J(pool1 → tap), 3-0013").waitFor();
    const [a, b] = [await sigmasOf("runs/from-image"), await sigmasOf("runs/from-pool1")];
    const expected = Array.from(a[0]!.at(-1)!, (sigma, i) => b[0]!.at(-1)![i]! / sigma);
    await expect.poll(() => numbers("Ratios of singular values", 3), patient).toEqual(expected);
    await page.getByRole("button", { name: "Remove what is aside" }).click();
    expect(await beside.count()).toBe(0);
  });

  test("two checkpoints of one training stand side by side, with bounds that hold in Node", async () => {
    await open("learnt/");
    await said("step-100.onnx is open");
    expect(await page.getByLabel("Preprocessing").inputValue()).toBe("mnist");
    await page.getByLabel("Pictures", { exact: true }).setInputFiles(pictures[0]!);
    await said("step-100.onnx with 1 picture");
    await compute();
    await page.getByRole("button", { name: "Put aside, to compare" }).click();
    await page.getByLabel("Of these is shown").selectOption("step 0");
    await said("step-0.onnx with 1 picture");
    await compute();
    await expect.poll(() => numbers("Ratios of singular values", 3), patient).toHaveLength(10);
    const [ratio, low, high] = await Promise.all(
      [3, 4, 5].map((column) => numbers("Ratios of singular values", column)),
    );
    const [a, b] = [await sigmaAt(100), await sigmaAt(0)];
    let known = 0;
    for (const [i, { sigma, within }] of b.entries()) {
      const [least, most] = [
        (sigma - within) / (a[i]!.sigma + a[i]!.within),
        (sigma + within) / (a[i]!.sigma - a[i]!.within),
      ];
      if (Number.isNaN(ratio![i])) {
        expect(Math.min(sigma - within, a[i]!.sigma - a[i]!.within)).toBeLessThanOrEqual(0); // One cannot be told from zero.
        continue;
      }
      known++;
      expect(low![i]).toBeLessThan(ratio![i]!);
      expect(high![i]).toBeGreaterThan(ratio![i]!);
      // Both intervals hold the ratio of the true ones, so they meet.
      expect(low![i]).toBeLessThan(most);
      expect(high![i]).toBeGreaterThan(least);
      // All of these converged: each is within 1e-5 of the largest.
      const part = 1e-5 * (a[0]!.sigma / a[i]!.sigma + b[0]!.sigma / sigma);
      expect((high![i]! - low![i]!) / ratio![i]!).toBeLessThan(2.1 * part);
    }
    expect(known).toBeGreaterThan(0);
    expect(await page.locator(".beside svg").textContent()).toContain("A: step-100.onnx");
  }, 240_000);

  test("another site, and an address without a run, are refused; the latter is a fault that the browser tells", async () => {
    expect(faults).toEqual([]);
    await open("https://example.org/run/");
    await said("is on another site");
    expect(faults).toEqual([]);
    await open("nowhere/");
    await said("There is no run and no training at this address");
    expect(faults.join()).toContain("404");
  });

  async function open(address: string): Promise<void> {
    await page.getByLabel("Address on this site").fill(address);
    await page.getByRole("button", { name: "Open", exact: true }).click();
  }

  const said = (text: string) => page.getByRole("status").filter({ hasText: text }).waitFor({ timeout: 60_000 });

  async function compute(): Promise<void> {
    await page.getByRole("button", { name: "Compute" }).click();
    await page.getByRole("status").filter({ hasText: "each σ with its residual" }).waitFor({ timeout: 120_000 });
  }

  /** The exact numbers in a column of a table. */
  const numbers = (table: string, column: number): Promise<number[]> =>
    page
      .getByRole("table", { name: table })
      .locator(`tbody tr > :nth-child(${column + 1})`)
      .evaluateAll((cells) => cells.map((cell) => Number(cell.getAttribute("title"))));

  /** The σ of a stored run: [input][tap]. */
  async function sigmasOf(folder: string): Promise<(readonly number[])[][]> {
    const run = await openRun(new DirectoryStore(place.path(folder)));
    const { inputs, taps } = run.manifest;
    const unit = async (i: number, t: number): Promise<readonly number[]> => [
      ...((await run.readUnit(i, t)) as UnitResult).sigma,
    ];
    return Promise.all(inputs.map((_, i) => Promise.all(taps.map((_, t) => unit(i, t)))));
  }

  /** The σ of the output of a checkpoint, and within which distance there is a true one. */
  async function sigmaAt(step: number): Promise<{ readonly sigma: number; readonly within: number }[]> {
    const training = await openTraining(place.path("training"));
    const file = place.path(`${step}.onnx`);
    await training.write(file, step);
    const network = await openModel(file);
    const at = await loadInput(pictures[0]!, presets.mnist);
    using J = await network.jacobian({ at, to: network.output });
    const { sigma, certificate } = await J.svd({ k: 10 });
    const found = Array.from(sigma, (value, i) => ({
      sigma: value,
      within: Math.max(certificate.residual[i]!, certificate.floors[i]!),
    }));
    await network.close();
    return found;
  }
});

/** All files of a folder, with their paths in it. */
async function filesOf(folder: string): Promise<(readonly [path: string, bytes: Uint8Array])[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(files.map(async (file) => [file.slice(folder.length + 1), await readFile(file)] as const));
}
