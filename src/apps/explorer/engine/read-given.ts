import { messageOf, PushforwardError } from "../../../base/index.ts";
import type { GivenFile } from "./protocol.ts";

/** A file with its bytes. */
export interface NamedBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The bytes of a file that a user gave. @throws PushforwardError `file-unreadable` */
export async function readGiven({ name, content }: GivenFile): Promise<NamedBytes> {
  if (content instanceof Uint8Array) return { name, bytes: content };
  try {
    return { name, bytes: new Uint8Array(await content.arrayBuffer()) };
  } catch (cause) {
    throw new PushforwardError("file-unreadable", {
      what: `The browser cannot read this file (${messageOf(cause)}).`,
      where: { file: name },
      fix: "It may have changed or moved since it was chosen: choose it again.",
      cause,
    });
  }
}
