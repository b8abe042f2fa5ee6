import { oneThread } from "./state.ts";

/** All files of the site are kept so many milliseconds after the page has loaded; what was loaded, at once. */
const LATER = 30_000;

/**
 * Starts the service worker, by which the page works without a network, and with threads on a host that sends no headers for them. For
 * those, the page is loaded again once, unless the user has begun.
 */
export async function workOffline(): Promise<void> {
  if (!("serviceWorker" in navigator) || !isSecureContext) {
    needsThreads("Open it by an https address, or on this computer by pushforward view.");
    return;
  }
  const { serviceWorker } = navigator;
  const hasBegun = new Promise<void>((begun) => addEventListener("pointerdown", () => begun(), { once: true }));
  let isBegun = false;
  hasBegun.then(() => {
    isBegun = true;
  });
  await serviceWorker.register("./service-worker.js").catch((cause: unknown) => {
    needsThreads(NEEDS_HEADERS);
    throw cause;
  });
  const { active } = await serviceWorker.ready;
  if (!crossOriginIsolated && !isBegun && sessionStorage.getItem("isolated") === null) {
    sessionStorage.setItem("isolated", "tried");
    location.reload();
    return;
  }
  needsThreads(isBegun ? "Load the page again." : NEEDS_HEADERS);
  const loaded = performance.getEntriesByType("resource").map(({ name }) => name.split("?")[0]!);
  const page = new URL(".", location.href).href;
  active?.postMessage({ keep: [page, ...loaded], only: false });
  setTimeout(async () => {
    const response = await fetch("files.json").catch(() => undefined);
    if (response?.ok !== true) return;
    const files = (await response.json()) as readonly string[];
    active?.postMessage({ keep: [page, ...files.map((file) => new URL(file, page).href)], only: true });
  }, LATER);
}

const NEEDS_HEADERS =
  "Load the page again; if that does not help, its server must send the headers that docs/browser.md names, or use pushforward view.";

/** Tells that one thread computes, where that is so. */
function needsThreads(fix: string): void {
  if (crossOriginIsolated) return;
  oneThread.value = `One thread computes, which takes longer and gives the same numbers: the browser does not isolate this page. ${fix}`;
}
