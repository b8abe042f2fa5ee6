import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { build, defaultClientConditions, type InlineConfig } from "vite";
import { PushforwardError } from "../../src/base/index.ts";
import { root } from "../docs/markdown.ts";
import { chromiumPath } from "./chromium.ts";

const types: Readonly<Record<string, string>> = {
  "": "text/html",
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

/** What a page needs to compute with several threads. */
const isolation = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

/** A strict content security policy: no code from texts, and nothing from elsewhere. */
const policy =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'";

/** Files of the site by their paths, beside those of ONNX Runtime below `/ort/`. */
type SiteFiles = Record<string, string | Uint8Array>;

const common: InlineConfig = {
  configFile: false,
  logLevel: "error",
  resolve: {
    // ONNX Runtime's WebAssembly is a file of the site, and not a part of the module.
    conditions: ["onnxruntime-web-use-extern-wasm", ...defaultClientConditions],
    alias: { "pushforward/browser": join(root, "src/apps/web/index.ts") },
  },
};

/** One module that contains a program for browsers and all that it imports. */
export async function bundle(entry: string): Promise<string> {
  const lib = { entry: join(root, entry), formats: ["es"] as const, fileName: "page" };
  const rolldownOptions = { output: { codeSplitting: false } };
  const output = await built({
    root,
    build: { lib: { ...lib, formats: [...lib.formats] }, minify: false, rolldownOptions },
  });
  return output[0]!.code!;
}

/** The site that a bundler makes of a page. */
export async function bundleSite(html: string): Promise<SiteFiles> {
  const folder = await mkdtemp(join(tmpdir(), "pushforward-site-"));
  try {
    await writeFile(join(folder, "index.html"), html);
    const output = await built({ root: folder, build: {} });
    return Object.fromEntries(
      output.map(({ fileName, code, source }) => [`/${fileName === "index.html" ? "" : fileName}`, code ?? source!]),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

interface BuiltFile {
  readonly fileName: string;
  readonly code?: string;
  readonly source?: string | Uint8Array;
}

async function built(config: InlineConfig): Promise<readonly BuiltFile[]> {
  const options = { ...common, ...config, build: { ...config.build, write: false, target: "esnext" } };
  const result = (await build(options)) as unknown as { output: BuiltFile[] } | [{ output: BuiltFile[] }];
  return (Array.isArray(result) ? result[0] : result).output;
}

async function serve(files: SiteFiles, isIsolated: boolean): Promise<Server> {
  const runtime = join(root, "node_modules/onnxruntime-web/dist");
  const server = createServer(async (request, response) => {
    const path = new URL(request.url!, "http://site").pathname;
    const found = path.startsWith("/ort/")
      ? await readFile(join(runtime, path.slice(5))).catch(() => undefined)
      : files[decodeURIComponent(path)];
    const head = { "Content-Type": types[extname(path)] ?? "application/octet-stream" };
    response.writeHead(found === undefined ? 404 : 200, {
      ...head,
      "Content-Security-Policy": policy,
      ...(isIsolated ? isolation : {}),
    });
    response.end(request.method === "HEAD" ? undefined : (found ?? "nothing here"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

/** A site that is open in Chromium. */
interface OpenSite {
  readonly page: Page;
  /** The files of the site; more may be added. */
  readonly site: SiteFiles;
  /** What the browser complained of. */
  readonly faults: readonly string[];
  close(): Promise<void>;
}

/** Opens the page `/` of a site. */
export async function openSite(files: SiteFiles, isIsolated = true): Promise<OpenSite> {
  const site = { ...files };
  const server = await serve(site, isIsolated);
  const browser: Browser = await chromium.launch({ executablePath: chromiumPath, chromiumSandbox: false }); // root may not have one
  const page = await browser.newPage();
  const faults: string[] = [];
  page.on("console", (message) => void faults.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => void faults.push(error.message));
  await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`);
  return {
    page,
    site,
    faults,
    async close() {
      await browser.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A page whose module exports functions. */
export interface BrowserPage extends OpenSite {
  /** Calls a function that the module exports; typed arrays pass as they are. */
  call<T>(name: string, ...args: readonly unknown[]): Promise<T>;
}

/** Opens a site with a page that imports `/page.js`. */
export async function openPage(files: SiteFiles, isIsolated = true): Promise<BrowserPage> {
  const html = '<!DOCTYPE html><title>test</title><script type="module" src="/start.js"></script>';
  const start = 'import * as all from "/page.js"; globalThis.exported = all; document.body.append("ready");';
  const opened = await openSite({ "/": html, "/start.js": start, ...files }, isIsolated);
  const { page, faults } = opened;
  await page
    .getByText("ready")
    .waitFor({ timeout: 20_000 })
    .catch((cause) => {
      throw new Error(`the page does not start: ${faults.join("; ")}`, { cause });
    });
  return {
    ...opened,
    async call<T>(name: string, ...args: readonly unknown[]): Promise<T> {
      const answer = await page.evaluate(
        async ([called, given]) => {
          const { exported } = globalThis as unknown as { exported: Record<string, (...all: unknown[]) => unknown> };
          try {
            return { result: await exported[called]!(...given) };
          } catch (thrown) {
            const { code, what, where, fix, message, stack } = thrown as PushforwardError;
            return { error: { code, what, where, fix, message: message ?? String(thrown), stack } };
          }
        },
        [name, args] as const,
      );
      if (answer.error === undefined) return answer.result as T;
      const { code, message, stack, ...parts } = answer.error;
      throw code === undefined ? new Error(`${message}\n${stack}`) : new PushforwardError(code, parts as never);
    },
  };
}
