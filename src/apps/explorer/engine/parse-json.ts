import { jsonOf, messageOf, PushforwardError } from "../../../base/index.ts";
import { decodeText } from "../../../images/index.ts";
import type { GivenFile } from "./protocol.ts";
import { readGiven } from "./read-given.ts";

/** The value of a JSON file. @throws PushforwardError `usage` if it is none, with what it must be; `file-unreadable` */
export async function parseJson(file: GivenFile, fix: string): Promise<unknown> {
  const { name, bytes } = await readGiven(file);
  try {
    return jsonOf(decodeText(bytes).text);
  } catch (cause) {
    throw new PushforwardError("usage", {
      what: `This is not JSON: ${messageOf(cause)}.`,
      where: { file: name },
      fix,
      cause,
    });
  }
}
