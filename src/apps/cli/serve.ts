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

/**
 * A server of the files in some folders, read-only, each below its address. What lies outside of them, also behind a link, is not
 * served, and neither is a request that names another host: pages of other sites cannot read a run through it. A file that lies beside
 * itself compressed, with `.gz` after its name, is sent compressed to a browser that takes it so.
 *
 * Zarr does not store chunks that hold nothing, and a browser complains of each 404. So a request with `x-absent-chunk: 204` is answered
 * 204 for a chunk that an array does not have; other programs hear 404.
 */
export function serveFolders(folders: Readonly<Record<string, string>>): Server {
  const byLength = Object.entries(folders).sort(([a], [b]) => b.length - a.length);
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const refuse = (status: number) => response.writeHead(status, headers).end();
    if (request.method !== "GET" && request.method !== "HEAD") return void refuse(405);
    if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(request.headers.host ?? "")) return void refuse(403);
    const url = request.url ?? "/";
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
    const encoding = compressed === undefined ? {} : { "content-encoding": "gzip" };
    response.writeHead(200, { ...headers, ...encoding, etag, "content-type": type, "content-length": size });
    if (request.method === "HEAD") return void response.end();
    createReadStream(sent)
      .on("error", () => response.destroy())
      .pipe(response);
  };
  return createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
}

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
    const [prefix, folder] = folders.find(([start]) => path.startsWith(start))!;
    const name = (path.slice(prefix.length) || "index.html") + ending;
    const [root, file] = await Promise.all([realpath(folder), realpath(join(folder, name))]);
    return isWithin(root, file) && (await stat(file)).isFile() ? file : undefined;
  } catch {
    return undefined; // No such file, or no address: both are answered alike.
  }
}
