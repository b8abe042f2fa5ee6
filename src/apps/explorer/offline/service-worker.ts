/**
 * Stands between the page and its server: it keeps what was loaded, so that the page opens without a network, and adds the headers
 * that threads need where a static host does not send them.
 */
declare const self: ServiceWorkerGlobalScope;

const CACHE = "explorer";

/** @see https://html.spec.whatwg.org/multipage/document-sequences.html#cross-origin-isolation */
const isolation = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-resource-policy": "same-origin",
};

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  if (method === "GET" && isOfPage(url)) event.respondWith(answer(event.request));
});

/** The page names the files to keep; what else is kept goes if `only` says so. */
self.addEventListener("message", (event) => {
  const { keep, only } = event.data as { readonly keep: readonly string[]; readonly only: boolean };
  event.waitUntil(keepAll(keep.filter(isOfPage), only));
});

/** Files of this site, but not those of a run, which may still grow. */
function isOfPage(url: string): boolean {
  const { scope } = self.registration;
  return url.startsWith(scope) && !url.startsWith(`${scope}run/`);
}

/** Files with a digest in their name never change; all others are asked for again, and taken from what is kept if nobody answers. */
async function answer(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE);
  const kept = () => cache.match(request, { ignoreSearch: request.mode === "navigate" });
  if (new URL(request.url).pathname.includes("/assets/")) {
    const found = await kept();
    if (found !== undefined) return found;
  }
  try {
    const response = isolated(await fetch(request));
    if (response.ok) await cache.put(request, response.clone());
    return response;
  } catch (cause) {
    const found = await kept();
    if (found === undefined) throw cause;
    return found;
  }
}

async function keepAll(urls: readonly string[], only: boolean): Promise<void> {
  const cache = await caches.open(CACHE);
  for (const url of urls) {
    if ((await cache.match(url)) !== undefined) continue;
    const response = await fetch(url);
    if (response.ok) await cache.put(url, isolated(response));
  }
  if (!only) return;
  const wanted = new Set(urls);
  for (const { url } of await cache.keys()) if (!wanted.has(url.split("?")[0]!)) await cache.delete(url);
}

/** The same response with the headers that make the page isolated. */
function isolated(response: Response): Response {
  if (response.status === 0 || response.status === 304) return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(isolation)) headers.set(name, value);
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}
