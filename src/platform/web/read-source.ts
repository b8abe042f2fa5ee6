import { messageOf, PushforwardError } from "../../base/index.ts";
import { type ByteRange, partOf } from "../../results/index.ts";

/** Where bytes come from in a browser: bytes, a file that a user chose or dropped, or an address, which may be relative to the page. */
export type Source = Uint8Array | ArrayBuffer | Blob | URL | string;

/** The name of a source for errors; `otherwise` where it has none. */
export function nameOf(source: Source, otherwise: string): string {
  if (source instanceof URL || typeof source === "string") return String(source);
  return source instanceof File ? source.name : otherwise;
}

/** The address of a source, if it is one. */
export function addressOf(source: Source): URL | undefined {
  if (source instanceof URL) return source;
  return typeof source === "string" ? new URL(source, globalThis.document?.baseURI ?? location.href) : undefined;
}

/**
 * The bytes of a source.
 *
 * @throws PushforwardError `file-unreadable`
 */
export async function readSource(source: Source): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source;
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  const address = addressOf(source);
  if (address !== undefined) return fetchBytes(address);
  const blob = source as Blob;
  try {
    return new Uint8Array(await blob.arrayBuffer());
  } catch (cause) {
    throw unreadable(
      nameOf(blob, "blob"),
      `The browser cannot read this file (${messageOf(cause)}).`,
      "It may have changed or moved since it was chosen: choose it again.",
      cause,
    );
  }
}

/**
 * The bytes at an address.
 *
 * @throws PushforwardError `file-unreadable`, also where there is nothing
 */
export async function fetchBytes(address: URL): Promise<Uint8Array> {
  const bytes = await fetchIfThere(address);
  if (bytes !== undefined) return bytes;
  throw unreadable(address.href, "There is nothing at this address.", "Check the address and what the server offers.");
}

/**
 * The bytes at an address, none if only its head is asked for; `undefined` if the server says that there is nothing.
 *
 * @param range the part that was asked for with a header, which is cut out where the server sends everything
 * @throws PushforwardError `file-unreadable` for every other failure
 */
export async function fetchIfThere(
  address: URL,
  asked: { readonly method?: "GET" | "HEAD"; readonly headers?: Readonly<Record<string, string>> } = {},
  range?: ByteRange,
): Promise<Uint8Array | undefined> {
  let response: Response;
  try {
    response = await fetch(address, asked);
    if (response.status === 204) return undefined;
    if (response.ok) {
      const bytes = new Uint8Array(await response.arrayBuffer());
      return range === undefined || response.status === 206 ? bytes : partOf(bytes, range);
    }
  } catch (cause) {
    throw unreadable(
      address.href,
      `The server does not answer, or the browser does not let this page read what it answers (${messageOf(cause)}).`,
      "Check the connection. A page may read from its own site, and from others that allow it (CORS).",
      cause,
    );
  }
  if (response.status === 404 || response.status === 410) return undefined;
  throw unreadable(
    address.href,
    `The server answers ${[response.status, response.statusText].filter(Boolean).join(" ")}.`,
    "Check the address and what the server offers.",
  );
}

function unreadable(file: string, what: string, fix: string, cause?: unknown): PushforwardError {
  return new PushforwardError("file-unreadable", { what, where: { file }, fix, cause });
}
