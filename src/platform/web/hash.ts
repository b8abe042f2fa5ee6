import { sha256 } from "../../base/index.ts";

/**
 * SHA-256, hexadecimal. The browser computes it beside the page where it offers that: on pages over https and on localhost.
 */
export async function sha256Of(bytes: Uint8Array): Promise<string> {
  if (globalThis.crypto.subtle === undefined) return sha256(bytes);
  const digest = await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
