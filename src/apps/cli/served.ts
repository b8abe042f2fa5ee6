import { createReadStream } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { extname, join } from "node:path";
import { PushforwardError } from "../../base/index.ts";
import { isWithin } from "../../platform/node/is-within.ts";
import type { Store } from "../../results/index.ts";

/** What is served below one address. */
export interface Served {
  /** What has a name, which is the rest of a path, decoded: empty for the address itself. Undefined if nothing has it. */
  find(name: string, asked: Asked): Promise<Found | undefined>;
}

/** What a request says of itself. */
export interface Asked {
  readonly takesGzip: boolean;
  /** The server's own name in the address, with the port. */
  readonly host: string;
}

export interface Found {
  readonly headers: Readonly<Record<string, string | number>>;
  /** Sends it to somebody whose response has its head. */
  send(response: ServerResponse): void;
}

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

const typeOf = (name: string): string => types[extname(name)] ?? "application/octet-stream";

/** What a file of a run may do that a browser opens by itself: nothing. */
const ofRun = { "content-security-policy": "default-src 'none'; sandbox" };

/**
 * The files of the site. Its pages state their own policy. A file that lies beside itself compressed, with `.gz` after its name, is sent
 * compressed to a browser that takes it so.
 */
export const servedSite = (folder: string): Served => ({
  find: (name, asked) => fileIn(folder, name || "index.html", asked),
});

/** The files of a folder that a command wrote. What lies outside of it, also behind a link, is not served. */
export const servedFolder = (folder: string): Served => ({
  async find(name, asked) {
    const found = await fileIn(folder, name || "index.html", asked);
    return found && { ...found, headers: { ...found.headers, ...ofRun } };
  },
});

/** A folder within what is served otherwise. */
export const servedPart = (whole: Served, folder: string): Served => ({
  find: (name, asked) => whole.find(`${folder}${name}`, asked),
});

/** What a store has under its keys. */
export const servedStore = (store: Store): Served => ({
  async find(name) {
    const bytes = await store.get(`/${name}`).catch((cause: unknown) => {
      if (cause instanceof PushforwardError && cause.code === "usage") return undefined; // The name is no key.
      throw cause;
    });
    if (bytes === undefined) return undefined;
    return {
      headers: { ...ofRun, "content-type": typeOf(name), "content-length": bytes.length },
      send: (response) => void response.end(bytes),
    };
  },
});

async function fileIn(folder: string, name: string, { takesGzip }: Asked): Promise<Found | undefined> {
  const file = await pathIn(folder, name);
  if (file === undefined) return undefined;
  const compressed = takesGzip ? await pathIn(folder, `${name}.gz`) : undefined;
  const sent = compressed ?? file;
  const { size, mtimeMs } = await stat(sent);
  return {
    headers: {
      ...(compressed === undefined ? {} : { "content-encoding": "gzip" }),
      ...{ etag: `"${size}-${mtimeMs}"`, "content-type": typeOf(file), "content-length": size },
    },
    send(response) {
      createReadStream(sent)
        .on("error", () => response.destroy())
        .pipe(response);
    },
  };
}

/** The real path of a file in a folder, or undefined if there is none. */
async function pathIn(folder: string, name: string): Promise<string | undefined> {
  try {
    const [root, file] = await Promise.all([realpath(folder), realpath(join(folder, name))]);
    return isWithin(root, file) && (await stat(file)).isFile() ? file : undefined;
  } catch {
    return undefined;
  }
}
