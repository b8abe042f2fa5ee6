import type { LiveEvent } from "../../../progress/live-state.ts";

/**
 * The script of a report that `pushforward view` serves. It says how far the run is, and renews the page where there is more to show. The
 * place on the page and what is opened stay. Texts are set as texts, and what comes with a page runs nothing: the policy of the page allows
 * this script only.
 */

/** A pause after a renewal, in lengths of it: what takes the server long is asked for seldom. */
const PAUSE = 4;

const bar = document.createElement("p");
bar.setAttribute("role", "note");
bar.className = "notice";

const metaOf = (page: Document, name: string): string | undefined =>
  page.querySelector<HTMLMetaElement>(`meta[name="${name}"]`)?.content;

let shown = Number(metaOf(document, "version"));
let newest = shown;
let isRenewing = false;

function tell({ summary, isFinished, trouble }: LiveEvent): void {
  const going = isFinished ? "Finished" : "Still going on; this page follows";
  const explorer = metaOf(document, "explorer");
  bar.replaceChildren(`${going}: ${summary}.${trouble === undefined ? "" : ` ${trouble}`}`);
  if (explorer !== undefined) {
    const link = document.createElement("a");
    link.href = explorer;
    link.textContent = "Open in the explorer";
    bar.append(" ", link);
  }
  if (!bar.isConnected) document.querySelector("main")?.prepend(bar);
}

async function renew(): Promise<void> {
  if (isRenewing || newest === shown) return;
  isRenewing = true;
  const begun = performance.now();
  try {
    const response = await fetch(location.href);
    if (response.ok) replace(new DOMParser().parseFromString(await response.text(), "text/html"));
  } finally {
    setTimeout(
      () => {
        isRenewing = false;
        void renew();
      },
      PAUSE * (performance.now() - begun),
    );
  }
}

/** The summaries of what can be opened, each with how many before it have the same text. */
function foldsOf(page: Document): Map<string, HTMLDetailsElement> {
  const folds = new Map<string, HTMLDetailsElement>();
  for (const fold of page.querySelectorAll("details")) {
    const text = fold.querySelector("summary")?.textContent ?? "";
    let name = text;
    for (let copy = 2; folds.has(name); copy++) name = `${text} ${copy}`;
    folds.set(name, fold);
  }
  return folds;
}

function replace(page: Document): void {
  const { scrollX, scrollY } = window;
  const before = foldsOf(document);
  for (const [name, fold] of foldsOf(page)) fold.open = before.get(name)?.open ?? fold.open;
  shown = Number(metaOf(page, "version"));
  document.title = page.title;
  document.body.replaceWith(page.body);
  document.querySelector("main")?.prepend(bar);
  scrollTo(scrollX, scrollY);
}

const source = new EventSource(new URL("../events", location.href));
source.onmessage = ({ data }: MessageEvent<string>) => {
  const event = JSON.parse(data) as LiveEvent;
  newest = event.version;
  tell(event);
  void renew();
};
source.onerror = () => bar.replaceChildren("The server does not answer: this page may be old.");
