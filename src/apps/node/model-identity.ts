import { createHash } from "node:crypto";
import type { ExternalReader } from "../../onnx/index.ts";
import { sha256InThread } from "../../platform/node/hash-thread.ts";
import { type HashLists, IdentifyingReader } from "../library/identifying-reader.ts";

/** The most bytes that Node.js hashes at once. */
const MOST = 2 ** 30;

/** Hash of a file's bytes, hexadecimal. */
export function sha256Of(bytes: Uint8Array): string {
  const hash = createHash("sha256");
  for (let at = 0; at < bytes.length; at += MOST) hash.update(bytes.subarray(at, at + MOST));
  return hash.digest("hex");
}

/** From so many bytes on, a thread of its own hashes. */
const LARGE = 2 ** 23;

const hashLists: HashLists = async (lists) => {
  const isLarge = lists.flat().reduce((sum, { length }) => sum + length, 0) >= LARGE;
  return isLarge ? sha256InThread(lists) : lists.map((pieces) => sha256Of(Buffer.concat(pieces)));
};

/** A reader of external data that knows the identity of the model to which they belong. */
export const identifyingReader = (read: ExternalReader): IdentifyingReader => new IdentifyingReader(read, hashLists);
