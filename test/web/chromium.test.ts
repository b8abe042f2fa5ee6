import { readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadInput, openModel, presets } from "../../src/apps/node/index.ts";
import type { DecodedImage, ImageDecoder } from "../../src/images/index.ts";
import { buildModel, floatTensor, int, intTensor, node, valueInfo } from "../../src/onnx/index.ts";
import { imageDecoder } from "../../src/platform/node/image-decoder.ts";
import type { Key, Store } from "../../src/results/index.ts";
import { describeBackend } from "../conformance/backend.ts";
import { describeImageDecoder } from "../conformance/image-decoder.ts";
import { type Contents, describeReadOnly } from "../conformance/store.ts";
import { fencesOf, readPage, root } from "../docs/markdown.ts";
import { type BrowserPage, bundle, bundleSite, openPage, openSite } from "../support/browser.ts";
import { chromiumPath, withoutChromium } from "../support/chromium.ts";
import { jpegFiles, type PictureFile, pngFiles } from "../support/pictures.ts";
import { remoteBackend } from "../support/remote-backend.ts";
import { zipOf } from "../support/zip.ts";
import type { digitSpectrum, rowsInBrowser } from "./page.ts";

const file = join(root, "examples/digits/digits.onnx");
const picture = join(root, "examples/digits/images/3-0013.png");
const site = { "/digits.onnx": readFileSync(file), "/3.png": readFileSync(picture) };

describe.skipIf(chromiumPath === undefined)(`in Chromium (${withoutChromium})`, { timeout: 120_000 }, () => {
  let code: string;
  let browser: BrowserPage;
  beforeAll(async () => {
    code = await bundle("test/web/page.ts");
    browser = await openPage({ ...site, "/page.js": code });
  }, 120_000);
  afterAll(() => browser?.close());

  describe("the library", () => {
    /** σ of the page within the sum of its certificates and Node's, at the same input. */
    async function compare(page: BrowserPage, to: string, by = "digitSpectrum") {
      const found = await page.call<Awaited<ReturnType<typeof digitSpectrum>>>(by, to);
      const net = await openModel(file, { threads: 1 });
      const at = await loadInput(picture, { ...presets.mnist, scale: 1 / 255 });
      const J = await net.jacobian({ at, from: "image", to });
      const { sigma, certificate } = await J.svd({ k: 10, seed: 1 });
      for (const [i, value] of sigma.entries()) {
        const certified = certificate.residual[i]! + certificate.floors[i]! + found.certified[i]!;
        expect(Math.abs(value - found.sigma[i]!)).toBeLessThanOrEqual(certified);
      }
      expect(found.status).not.toContain("unconverged");
      expect(found.input).toEqual(Array.from(at.data));
      expect(found.sha256).toBe(at.sha256);
      expect(found.identity).toEqual(net.identity);
      expect(page.faults).toEqual([]);
      await net.close();
      return found;
    }

    test.each(["conv1", "logits"])("σ up to %s agree with those of Node, with threads", async (to) => {
      const { told, backend } = await compare(browser, to);
      expect(told).toEqual([]);
      expect(backend).toMatch(/^onnxruntime-web \d+\.\d+\.\d+ cpu$/);
    });

    test("and in a worker, with threads of its own", async () => {
      browser.site["/worker.js"] =
        'import { digitSpectrum } from "/page.js"; onmessage = async ({ data }) => postMessage(await digitSpectrum(data));';
      expect(await compare(browser, "logits", "spectrumInWorker")).toMatchObject({ told: [] });
    });

    test("and with one thread, where the page is not isolated; it says why", async () => {
      const alone = await openPage({ ...site, "/page.js": code }, false);
      try {
        const { told } = await compare(alone, "logits");
        expect(told).toEqual([expect.stringMatching(/^One thread computes.*Cross-Origin-Opener-Policy: same-origin/)]);
      } finally {
        await alone.close();
      }
    });
  });

  test("the page in the documents shows the σ that Node finds", async () => {
    const shown = fencesOf(readPage("docs/browser.md")).find(({ info }) => info === "html")!.text;
    const { page, faults, close } = await openSite({
      ...site,
      "/3-0013.png": site["/3.png"],
      ...(await bundleSite(shown)),
    });
    try {
      const sigma = (await page.locator("pre", { hasText: /^\d/ }).textContent())!.split(" ").map(Number);
      const net = await openModel(file, { threads: 1 });
      const at = await loadInput(picture, { ...presets.mnist, scale: 1 / 255 });
      const expected = await (await net.jacobian({ at, from: "image", to: "logits" })).svd({ k: 10 });
      await net.close();
      expect(sigma).toHaveLength(10);
      for (const [i, value] of expected.sigma.entries()) expect(Math.abs(sigma[i]! - value)).toBeLessThan(0.01); // two decimals
      expect(faults).toEqual([]);
    } finally {
      await close();
    }
  });

  test("all rows of operators: the pass, J and Jᵀ", async () => {
    const verdicts = await browser.call<Awaited<ReturnType<typeof rowsInBrowser>>>("rowsInBrowser");
    expect(verdicts.length).toBeGreaterThan(600);
    expect(verdicts.filter((verdict) => "failure" in verdict)).toEqual([]);
    // The bounds of test/laws/emission.test.ts.
    const wrong = verdicts.filter(
      (row) => "pass" in row && !(Math.max(row.pass, row.forward) < 32 * 2 ** -23 && row.adjoint < 8 * 2 ** -23),
    );
    expect(wrong).toEqual([]);
  });

  test("a tensor that WebAssembly cannot hold is told as such, and what comes next is computed", async () => {
    const host = await browser.call<number>("openHost");
    const backend = await remoteBackend((what, ...args) => browser.call("askHost", host, what, args));
    const repeated = buildModel({
      inputs: [valueInfo("x", "float32", [1]), valueInfo("size", "int64", [1])],
      outputs: [valueInfo("y", "float32", [])],
      initializers: new Map(),
      nodes: [
        node({ op: "Expand", inputs: ["x", "size"], outputs: ["all"] }),
        node({ op: "ReduceSum", inputs: ["all"], outputs: ["y"], attributes: { keepdims: int(0) } }),
      ],
    });
    const { run } = await backend.compile(repeated);
    const sum = async (size: number) =>
      (await run({ x: floatTensor([1], [1]), size: intTensor([size]) }, ["y"])).y!.data;
    await expect(sum(1.2e9)).rejects.toMatchObject({
      code: "memory-short",
      what: "There is no memory left for a tensor.",
      fix: expect.stringContaining("In a browser ONNX Runtime has at most 4 GiB"),
    });
    expect(await sum(1000)).toEqual(Float32Array.of(1000));
  });

  test("a message is heard while graphs run", async () => {
    expect(await browser.call<number>("messageHeardAfter")).toBeLessThan(500); // 50 ms, or more on a machine with other work
  });

  test("a model that is not there, no model, and missing files of ONNX Runtime are told with what to do", async () => {
    browser.site["/page.onnx"] = "<!DOCTYPE html><title>no model</title>";
    const refused = (model: string, code: string, what: RegExp) =>
      expect(browser.call("openFrom", model)).rejects.toMatchObject({
        code,
        what: expect.stringMatching(what),
        fix: expect.any(String),
      });
    await refused("/nowhere.onnx", "file-unreadable", /^There is nothing at this address\.$/);
    await refused("/page.onnx", "model-invalid", /^The file is a web page/);
    await expect(browser.call("openFrom", "/digits.onnx", "/elsewhere/")).rejects.toMatchObject({
      code: "usage",
      what: "ONNX Runtime is loaded already, with other threads or from another place.",
    });
    const other = await openPage({ ...site, "/page.js": code });
    try {
      await expect(other.call("openFrom", "/digits.onnx", "/elsewhere/")).rejects.toMatchObject({
        code: "backend-failed",
        what: expect.stringMatching(
          /^ONNX Runtime does not start from http:\/\/localhost:\d+\/elsewhere\/ort-wasm-simd-threaded\.mjs \(/,
        ),
        fix: expect.stringContaining("node_modules/onnxruntime-web/dist"),
      });
    } finally {
      await other.close();
    }
  });

  describe("pictures", () => {
    const decoder: ImageDecoder = { decode: (bytes) => browser.call("decode", Uint8Array.from(bytes)) };
    const pixels = [255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30, 128, 128, 128, 1, 2, 3];
    const raw = sharp(Uint8Array.from(pixels), { raw: { width: 2, height: 3, channels: 3 } });
    const rows = ["png", "webp"] as const;
    const files = rows.map(async (format) => {
      const bytes = await raw.clone().toFormat(format, { lossless: true }).toBuffer();
      return { name: format, bytes, width: 2, height: 3, pixels };
    });
    let known: PictureFile[];
    beforeAll(async () => {
      known = [...(await jpegFiles()), ...(await pngFiles())];
    });
    describe("of exact pixels", async () => {
      describeImageDecoder(decoder, await Promise.all(files), "TIFF files are not read in a browser");
    });

    test("JPEG and PNG files of every kind have the pixels that Node finds", async () => {
      for (const { name, bytes } of known) {
        const [expected, found] = [await imageDecoder.decode(bytes), await decoder.decode(bytes)];
        expect({ name, ...sizeOfPicture(found) }).toEqual({ name, ...sizeOfPicture(expected) });
        expect([name, Buffer.compare(found.data, expected.data)]).toEqual([name, 0]);
      }
    });

    test.each([
      { what: /JPEG picture in CMYK, which browsers convert/, make: () => raw.clone().toColourspace("cmyk").jpeg() },
      { what: /an AVIF picture, which is not read in a browser/, make: () => raw.clone().avif() },
      { what: /a TIFF picture, which is not read in a browser/, make: () => raw.clone().tiff() },
      {
        what: /a WebP picture with transparency, whose colours a browser does not keep/,
        make: () => raw.clone().ensureAlpha(0.5).webp({ lossless: true }),
      },
    ])("$what", async ({ what, make }) => {
      await expect(decoder.decode(await make().toBuffer())).rejects.toMatchObject({
        code: "image-undecodable",
        what: expect.stringMatching(what),
        fix: expect.stringContaining("PNG"),
      });
    });

    test("JPEG files that are cut short are refused, wherever they end", async () => {
      const bytes = new Uint8Array(await raw.clone().resize(40, 40).jpeg({ progressive: true }).toBuffer());
      for (const part of [0.3, 0.7, 0.95]) {
        await expect(decoder.decode(bytes.slice(0, part * bytes.length))).rejects.toMatchObject({
          code: "image-undecodable",
          what: expect.stringContaining("cut short"),
        });
      }
    });
  });

  describe("stores", () => {
    const remote = (store: number): Store => {
      const ask = <T>(what: string, key: Key) => browser.call<T>("askStore", store, what, key);
      return {
        location: "page",
        get: (key) => ask("get", key),
        has: (key) => ask("has", key),
        set: (key) => ask("set", key),
        create: (key) => ask("create", key),
        delete: (key) => ask("delete", key),
        async *list(prefix) {
          yield* await ask<Key[]>("list", prefix);
        },
      };
    };
    const opening = (name: string) => async (contents: Contents) => remote(await browser.call<number>(name, contents));
    describeReadOnly("a folder behind a handle", opening("openFolderStore"));
    describeReadOnly("a list of files", opening("openFileStore"));
    describeReadOnly("a ZIP archive", async (contents) => {
      const entries = Object.entries(contents).map(([key, bytes]) => [`run${key}`, bytes] as const);
      return remote(await browser.call<number>("openZipStore", zipOf(entries)));
    });
    let count = 0;
    describeReadOnly(
      "a folder of a site",
      async (contents) => {
        const folder = `/store-${count++}`;
        for (const [key, bytes] of Object.entries(contents)) browser.site[folder + key] = bytes;
        return remote(await browser.call<number>("openFetchStore", folder));
      },
      "a server does not list its files",
    );
  });

  describeBackend(
    "ONNX Runtime in a browser",
    async () => {
      const host = await browser.call<number>("openHost");
      return remoteBackend((what, ...args) => browser.call("askHost", host, what, args));
    },
    2,
  );
});

const sizeOfPicture = ({ width, height, channels }: DecodedImage) => ({ width, height, channels });
