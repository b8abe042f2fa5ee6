import { messageOf, PushforwardError } from "../../../base/index.ts";
import type { NamedBytes } from "./host.ts";
import type { GivenFile } from "./protocol.ts";

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
