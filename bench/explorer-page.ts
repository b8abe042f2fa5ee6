import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import type { Browser, Page } from "playwright-core";
import { serve } from "../src/apps/cli/serve.ts";
import { servedSite } from "../src/apps/cli/served.ts";
import { peakMemory } from "./peak-memory.ts";

/** No step takes so many milliseconds. */
const LONGEST = 300_000;

/** A solve: the k largest σ up to a tap. */
export interface Solve {
  readonly tap: string;
  readonly k: number;
}

export interface Solved {
  readonly seconds: number;
  readonly sigma: readonly number[];
}

export const secondsSince = (started: number): number => (performance.now() - started) / 1000;

/** A built site behind the project's server, which counts the bytes that it sends. */
export async function serveSite(folder: string) {
  const sockets: Socket[] = [];
  const server = serve({ "/": servedSite(folder) }).on("connection", (socket: Socket) => sockets.push(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    sent: () => sockets.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0),
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** The explorer in a page, driven by what a user sees. */
export class ExplorerPage {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
    page.setDefaultTimeout(LONGEST);
  }

  /** Seconds until the example moves along its vector. */
  async open(address: string): Promise<number> {
    const started = performance.now();
    await this.#page.goto(address, { waitUntil: "commit" });
    await this.#page.getByRole("slider", { name: "Step along the vector" }).press("ArrowRight");
    await this.#told("The example is shown");
    return secondsSince(started);
  }

  /** Seconds until a network and pictures are open, from the moment when they are given. */
  async give(network: readonly string[], pictures: readonly string[]): Promise<number> {
    const started = performance.now();
    await this.#page.getByLabel("Network").setInputFiles(network);
    await this.#told("Now give pictures");
    await this.#page.getByLabel("Pictures").setInputFiles(pictures);
    await this.#told("Press Compute");
    return secondsSince(started);
  }

  /** Seconds until the first spectrum of all that are ticked. The others are cancelled. */
  async firstSpectrum(): Promise<number> {
    const started = performance.now();
    await this.#button("Compute").click();
    await this.#page.getByRole("table", { name: "Singular values" }).waitFor();
    const seconds = secondsSince(started);
    await this.#button("Cancel").click();
    await this.#told("Cancelled");
    return seconds;
  }

  /** One spectrum at a tap that is not computed yet. */
  async solve({ tap, k }: Solve): Promise<Solved> {
    await this.#choose({ tap, k });
    const started = performance.now();
    await this.#button("Compute").click();
    await this.#page.getByRole("heading", { name: `→ ${tap})` }).waitFor();
    const seconds = secondsSince(started);
    const cells = this.#page.getByRole("table", { name: "Singular values" }).locator("tbody tr td:nth-child(2)");
    return { seconds, sigma: await cells.evaluateAll((all) => all.map((cell) => Number(cell.getAttribute("title")))) };
  }

  /** Milliseconds from the click on Cancel, in the middle of a solve, until the page says that it is cancelled. */
  async cancel(solve: Solve): Promise<number> {
    await this.#choose(solve);
    await this.#button("Compute").click();
    await this.#told("So far σ₁");
    return this.#page.evaluate<number>(`new Promise((resolve) => {
      const status = document.querySelector("[role=status]");
      const cancel = [...document.querySelectorAll("button")].find((button) => button.textContent === "Cancel");
      const started = performance.now();
      new MutationObserver(() => {
        if (status.textContent.startsWith("Cancelled")) resolve(performance.now() - started);
      }).observe(status, { subtree: true, childList: true, characterData: true });
      cancel.click();
    })`);
  }

  close(): Promise<void> {
    return this.#page.close();
  }

  /** Looks at a tap, and has only its spectrum computed. */
  async #choose({ tap, k }: Solve): Promise<void> {
    const count = this.#page.getByLabel("Values per tap");
    await count.fill(String(k));
    await count.press("Tab");
    const taps = this.#page.getByRole("list", { name: "Taps" });
    for (const box of await taps.getByRole("checkbox").all()) await box.uncheck();
    await taps.getByRole("button", { name: tap, exact: true }).click();
  }

  #button(name: string) {
    return this.#page.getByRole("button", { name, exact: true });
  }

  async #told(hasText: string): Promise<void> {
    await this.#page.getByRole("status").filter({ hasText }).waitFor();
  }
}

/** The most bytes that a tab of the browser has held so far; undefined where the system does not tell. */
export async function memoryOfTabs(browser: Browser): Promise<number | undefined> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  const peaks = processInfo.flatMap(({ type, id }) => (type === "renderer" ? (peakMemory(id) ?? []) : []));
  return peaks.length === 0 ? undefined : Math.max(...peaks);
}
