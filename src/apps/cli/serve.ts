import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Asked, Found, Served } from "./served.ts";

/** Threads of WebAssembly need the first two. The others keep a browser from guessing types, and from showing an old page without asking. */
const headers = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-resource-policy": "same-origin",
  "x-content-type-options": "nosniff",
  "cache-control": "no-cache",
  vary: "accept-encoding",
};

/**
 * A server that only reads, of what is served below some addresses, such as `/` and `/run/`. The longest address that fits counts.
 *
 * Others must not read a run through it. Pages of other sites are refused: those that name another host, as after a DNS rebinding, and
 * those that give an origin of their own or none. Other users of this computer are refused if there is a `token`: an address with
 * `?token=…` gives the browser a cookie, without which nothing is sent.
 *
 * Zarr does not store chunks that hold nothing, and a browser complains of each 404. So a request with `x-absent-chunk: 204` is answered
 * 204 for a chunk that an array does not have; other programs hear 404.
 */
export function serve(places: Readonly<Record<string, Served>>, token?: string): Server {
  const byLength = Object.entries(places).sort(([a], [b]) => b.length - a.length);
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const refuse = (status: number) => response.writeHead(status, headers).end();
    if (request.method !== "GET" && request.method !== "HEAD") return void refuse(405);
    const path = pathOf(request.url ?? "");
    if (path === undefined) return void refuse(400);
    if (!isOwn(request)) return void refuse(403);
    if (token !== undefined && !admits(request, response, token)) return;
    const [address, served] = byLength.find(([start]) => path.startsWith(start)) ?? [];
    if (address === undefined || served === undefined) return void refuse(404);
    const asked: Asked = {
      takesGzip: /\bgzip\b/.test(String(request.headers["accept-encoding"])),
      host: request.headers.host!,
    };
    const name = path.slice(address.length);
    const found = await served.find(name, asked);
    if (found !== undefined) return send(found, request, response);
    const isExpected = request.headers["x-absent-chunk"] === "204" && (await isChunk(name, served, asked));
    refuse(isExpected ? 204 : 404);
  };
  return createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
}

function send(found: Found, request: IncomingMessage, response: ServerResponse): void {
  const { etag } = found.headers;
  if (etag !== undefined && request.headers["if-none-match"] === etag) {
    response.writeHead(304, { ...headers, etag }).end();
    return;
  }
  response.writeHead(200, { ...headers, ...found.headers });
  if (request.method === "HEAD") response.end();
  else found.send(response);
}

/**
 * The path that a request names, decoded, if it is one as browsers write them: no address of a whole, no fragment, nothing that leads
 * upwards. Undefined for any other.
 */
function pathOf(target: string): string | undefined {
  const [path = ""] = target.split("?");
  if (!/^\/(?!\/)[\x21-\x7e]*$/.test(path) || /[#\\]/.test(target)) return undefined;
  try {
    const decoded = decodeURIComponent(path);
    return /[\0\\]/.test(decoded) || decoded.split("/").includes("..") ? undefined : decoded;
  } catch {
    return undefined;
  }
}

/** Whether a request is to this server by its own name, once, and from its own page or from none: not from a page of another site. */
function isOwn({
  headers: { host, origin, "sec-fetch-site": site, "sec-fetch-mode": mode },
  rawHeaders,
  socket,
}: IncomingMessage) {
  const hosts = rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === "host");
  const names = [`127.0.0.1:${socket.localPort}`, `localhost:${socket.localPort}`];
  if (hosts.length !== 1 || !names.includes(host ?? "")) return false;
  if (origin !== undefined && origin !== `http://${host}`) return false;
  return site === undefined || site === "same-origin" || site === "none" || mode === "navigate";
}

/**
 * Whether a request has the cookie of this server. One with the token in its address gets it, and is sent to the same address without the
 * token, which so does not stay in the browser's history; others are refused.
 */
function admits(request: IncomingMessage, response: ServerResponse, token: string): boolean {
  const name = `pushforward-${request.socket.localPort}`; // cookies do not tell ports apart
  const address = new URL(request.url!, "http://127.0.0.1");
  if (isSame(address.searchParams.get("token") ?? "", token)) {
    address.searchParams.delete("token");
    const cookie = `${name}=${token}; HttpOnly; SameSite=Strict; Path=/`;
    const location = `${address.pathname}${address.search}`;
    response.writeHead(303, { ...headers, location, "set-cookie": cookie, "referrer-policy": "no-referrer" }).end();
    return false;
  }
  const cookies = (request.headers.cookie ?? "").split("; ");
  if (cookies.some((cookie) => cookie.startsWith(`${name}=`) && isSame(cookie.slice(name.length + 1), token)))
    return true;
  response.writeHead(403, { ...headers, "content-type": "text/plain; charset=utf-8" });
  response.end("Open the address that `pushforward view` printed: it has a token, which this request lacks.\n");
  return false;
}

/** Compares in a time that says nothing of how much is equal. */
function isSame(a: string, b: string): boolean {
  const [left, right] = [a, b].map((text) => createHash("sha256").update(text).digest()) as [Buffer, Buffer];
  return timingSafeEqual(left, right);
}

/** Whether a name is that of a chunk, there or not, of an array that is there. */
async function isChunk(name: string, served: Served, asked: Asked): Promise<boolean> {
  const [, array] = /^(.*)\/c(?:\/\d+)*$/.exec(name) ?? [];
  return array !== undefined && (await served.find(`${array}/zarr.json`, asked)) !== undefined;
}
