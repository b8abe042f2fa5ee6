import type { ServerResponse } from "node:http";
import { PushforwardError } from "../../base/index.ts";
import type { Watch } from "../progress/watch.ts";
import type { Asked, Found, Served } from "./served.ts";

/** Milliseconds after which a browser that lost the events asks for them again. */
const RETRY = 3000;

/**
 * What a command writes, and beside it how far it is: `events` tells that as often as there is something new, and `report/` is the report
 * of what is there, whose script renews it by the events.
 *
 * @param files what is served of it otherwise
 * @param explorer the query with which the explorer shows its spectra, if there are any
 */
export function servedLive(watch: Watch, files: Served, explorer: () => Promise<string | undefined>): Served {
  return {
    async find(name, asked) {
      if (name === "events") return eventsOf(watch);
      if (name === "report/") return reportOf(watch, asked, await explorer());
      const found = await files.find(name, asked);
      return found && name === "zarr.json" ? { ...found, headers: { ...found.headers, "x-events": "events" } } : found;
    },
  };
}

function eventsOf(watch: Watch): Found {
  return {
    headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
    send(response) {
      response.write(`retry: ${RETRY}\n\n`);
      follow(watch, response).catch(() => response.destroy());
    },
  };
}

async function follow(watch: Watch, response: ServerResponse): Promise<void> {
  const leave = await watch.follow((event) => void response.write(`data: ${JSON.stringify(event)}\n\n`));
  if (response.destroyed) leave();
  else response.on("close", leave);
}

/** The report runs one script of the site, and nothing that a name in it could be taken for. */
const policyFor = (host: string): string =>
  [
    `default-src 'none'; script-src http://${host}/report.js; style-src 'unsafe-inline'; img-src data:; connect-src 'self'`,
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  ].join("; ");

async function reportOf(watch: Watch, { host }: Asked, explorer: string | undefined): Promise<Found> {
  const { version, page } = await watch.report().catch((cause: unknown) => {
    if (!(cause instanceof PushforwardError)) throw cause;
    return { version: -1, page: nothingYet };
  });
  // Both pages begin with their own `<head>`; the address has no character that ends an attribute.
  const link = explorer === undefined ? "" : `<meta name="explorer" content="/${explorer}">`;
  const script = `<meta name="version" content="${version}">${link}<script type="module" src="/report.js"></script>`;
  const bytes = Buffer.from(page.replace("<head>", () => `<head>${script}`));
  return {
    headers: {
      ...{ "content-type": "text/html; charset=utf-8", "content-length": bytes.length, "cache-control": "no-store" },
      "content-security-policy": policyFor(host),
    },
    send: (response) => void response.end(bytes),
  };
}

const nothingYet = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>No report yet</title></head><body><main><h1>No report yet</h1></main></body></html>
`;
