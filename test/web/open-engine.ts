import { readFileSync } from "node:fs";
import type { PicturesAnswer } from "../../src/apps/explorer/engine/index.ts";
import { type BrowserPage, bundle, openPage } from "../support/browser.ts";

/** A page with the explorer's engine in a worker; `files` of this computer lie in the site, by their paths there. */
export async function openEngine(files: Readonly<Record<string, string>>): Promise<BrowserPage> {
  const served = Object.entries(files).map(([path, file]) => [path, readFileSync(file)] as const);
  return openPage({
    ...Object.fromEntries(served),
    "/engine.js": await bundle("src/apps/explorer/engine/worker.ts"),
    "/page.js": await bundle("test/web/engine-page.ts"),
  });
}

/** Opens a network in the engine, with pictures. */
export async function openInEngine(
  page: BrowserPage,
  network: readonly string[],
  pictures: readonly string[],
): Promise<PicturesAnswer> {
  await page.call("openFiles", network);
  return page.call<PicturesAnswer>("addPictures", pictures);
}
