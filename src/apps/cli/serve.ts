import { createHash, timingSafeEqual } from "node:crypto";
import { createReadStream } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { extname, join } from "node:path";
import { isWithin } from "../../platform/node/is-within.ts";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".wasm": "application/wasm",
};

/** Threads of WebAssembly need the first two. The others keep a browser from guessing types, and from showing an old page without asking. */
const headers = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-resource-policy": "same-origin",
  "x-content-type-options": "nosniff",
  "cache-control": "no-cache",
  vary: "accept-encoding",
};

/** What a file of a run may do that a browser opens by itself: nothing. The site's page states its own policy. */
const ofRun = { "content-security-policy": "default-src 'none'; sandbox" };

/**
 * A server of the files in some folders, read-only, each below its address. A file that lies beside itself compressed, with `.gz` after its
 * name, is sent compressed to a browser that takes it so.
 *
 * Others must not read a run through it. What lies outside of the folders, also behind a link, is not served. Pages of other sites are
 * refused: those that name another host, as after a DNS rebinding, and those that give an origin of their own or none. Other users of
 * this computer are refused if there is a `token`: an address with `?token=…` gives the browser a cookie, without which nothing is sent.
 *
 * Zarr does not store chunks that hold nothing, and a browser complains of each 404. So a request with `x-absent-chunk: 204` is answered
 * 204 for a chunk that an array does not have; other programs hear 404.
 */
export function serveFolders(folders: Readonly<Record<string, string>>, token?: string): Server {
  const byLength = Object.entries(folders).sort(([a], [b]) => b.length - a.length);
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const refuse = (status: number) => response.writeHead(status, headers).end();
    if (request.method !== "GET" && request.method !== "HEAD") return void refuse(405);
    const url = request.url ?? "";
    if (!isPath(url)) return void refuse(400);
    if (!isOwn(request)) return void refuse(403);
    if (token !== undefined && !admits(request, response, token)) return;
    const file = await fileFor(url, byLength);
    if (file === undefined) {
      const isExpected = request.headers["x-absent-chunk"] === "204" && (await isChunk(url, byLength));
      return void refuse(isExpected ? 204 : 404);
    }
    const takesGzip = /\bgzip\b/.test(String(request.headers["accept-encoding"]));
    const compressed = takesGzip ? await fileFor(url, byLength, ".gz") : undefined;
    const sent = compressed ?? file;
    const { size, mtimeMs } = await stat(sent);
    const etag = `"${size}-${mtimeMs}"`;
    if (request.headers["if-none-match"] === etag) return void response.writeHead(304, { ...headers, etag }).end();
    const type = types[extname(file)] ?? "application/octet-stream";
    const policy = folderOf(url, byLength)?.[0] === "/" ? {} : ofRun;
    const encoding = compressed === undefined ? {} : { "content-encoding": "gzip" };
    response.writeHead(200, { ...headers, ...policy, ...encoding, etag, "content-type": type, "content-length": size });
    if (request.method === "HEAD") return void response.end();
    createReadStream(sent)
      .on("error", () => response.destroy())
      .pipe(response);
  };
  return createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
}

/** Whether the target of a request is a path as browsers write them: no address of a whole, no fragment, nothing that leads upwards. */
function isPath(target: string): boolean {
  const [path = ""] = target.split("?");
  if (!/^\/(?!\/)[\x21-\x7e]*$/.test(path) || /[#\\]/.test(target)) return false;
  try {
    const decoded = decodeURIComponent(path);
    return !/[\0\\]/.test(decoded) && !decoded.split("/").includes("..");
  } catch {
    return false;
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

/** The folder that serves an address: the one with the longest prefix. */
const folderOf = (url: string, folders: readonly (readonly [prefix: string, folder: string])[]) =>
  folders.find(([start]) => decodeURIComponent(url.split("?")[0]!).startsWith(start));

/** Whether an address is that of a chunk, there or not, of an array that is there. */
async function isChunk(url: string, folders: readonly (readonly [prefix: string, folder: string])[]): Promise<boolean> {
  const [, array] = /^(.*)\/c(?:\/\d+)*$/.exec(url) ?? [];
  return array !== undefined && (await fileFor(`${array}/zarr.json`, folders)) !== undefined;
}

/** The file of an address, with `ending` after its name, or undefined if there is none in the folders. */
async function fileFor(
  url: string,
  folders: readonly (readonly [prefix: string, folder: string])[],
  ending = "",
): Promise<string | undefined> {
  try {
    const path = decodeURIComponent(new URL(url, "http://127.0.0.1").pathname);
    const [prefix, folder] = folderOf(url, folders)!;
    const name = (path.slice(prefix.length) || "index.html") + ending;
    const [root, file] = await Promise.all([realpath(folder), realpath(join(folder, name))]);
    return isWithin(root, file) && (await stat(file)).isFile() ? file : undefined;
  } catch {
    return undefined; // No such file, or no address: both are answered alike.
  }
}
