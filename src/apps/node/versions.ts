import { readFileSync } from "node:fs";
import { arch, cpus, platform } from "node:os";

/** The version of Pushforward. */
export const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as {
  readonly version: string;
};

/** The versions and the machine with which numbers are computed. */
export function versionsOf(pushforward: string): Readonly<Record<string, string>> {
  return {
    pushforward,
    node: process.version,
    platform: `${platform()} ${arch()}`,
    cpu: cpus()[0]?.model ?? "",
  };
}
