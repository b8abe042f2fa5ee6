/** All files of the site are kept so many milliseconds after the page has loaded; what was loaded, at once. */
const LATER = 30_000;

/**
 * Starts the service worker, by which the page works without a network, and with threads on a host that sends no headers for them. For
 * those, the page is loaded again once, unless the user has begun.
 */
export async function workOffline(): Promise<void> {
  if (!("serviceWorker" in navigator) || !isSecureContext) return;
  const { serviceWorker } = navigator;
  const hasBegun = new Promise<void>((begun) => addEventListener("pointerdown", () => begun(), { once: true }));
  let isBegun = false;
  hasBegun.then(() => {
    isBegun = true;
  });
  await serviceWorker.register("./service-worker.js");
  const { active } = await serviceWorker.ready;
  if (!crossOriginIsolated && !isBegun && sessionStorage.getItem("isolated") === null) {
    sessionStorage.setItem("isolated", "tried");
    location.reload();
    return;
  }
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
