import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { serve } from "../../src/apps/cli/serve.ts";
import { type Served, servedSite } from "../../src/apps/cli/served.ts";
import { chromiumPath } from "../support/chromium.ts";

/** The explorer's site with a small example, its server, and a browser to open it. */
export interface ExplorerSite {
  readonly address: string;
  readonly server: Server;
  readonly browser: Browser;
  close(): Promise<void>;
}

/** Builds the site with three pictures, and serves it, with other places below their addresses. */
export async function openExplorer(places: Readonly<Record<string, Served>> = {}): Promise<ExplorerSite> {
  const site = await mkdtemp(join(tmpdir(), "explorer-"));
  const build = spawn("npx", ["tsx", "scripts/explorer.ts", "--pictures", "3", "-k", "12", "--out", site], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const told: string[] = [];
  build.stderr.setEncoding("utf8").on("data", (text: string) => told.push(text));
  const [code] = await once(build, "close");
  if (code !== 0) throw new Error(`The site was not built: ${told.join("")}`);
  const server = serve({ "/": servedSite(site), ...places });
  const address = await listening(server);
  const browser = await chromium.launch({ executablePath: chromiumPath, chromiumSandbox: false }); // root may not have one
  return {
    address,
    server,
    browser,
    async close() {
      await browser.close();
      server.close();
      await rm(site, { recursive: true, force: true });
    },
  };
}

/** The address of a server that listens at a free port. */
export async function listening(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}
