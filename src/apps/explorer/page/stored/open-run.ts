import { PushforwardError, plural } from "../../../../base/index.ts";
import type { Store } from "../../../../results/index.ts";
import { notice, show } from "../state.ts";
import { filesAt, readOnlyStore } from "./stores.ts";

/**
 * Shows the run below an address of this site.
 *
 * @throws PushforwardError `usage` for an address of another site; and those of the store
 */
export async function openRunAt(address: string): Promise<void> {
  const url = new URL(address, location.href);
  if (url.origin !== location.origin) {
    throw new PushforwardError("usage", {
      what: `The run at ${url.origin} is on another site, and this page reads nothing from there.`,
      fix: "Save the run's folder on this computer, and drop it here.",
    });
  }
  await open(readOnlyStore(url.href, filesAt(url.href)));
}

async function open(store: Store): Promise<void> {
  notice.value = { kind: "busy", text: "Reading the run." };
  const { openStoredRun } = await import("./stored-run.ts");
  const run = await openStoredRun(store);
  show(run);
  const { network, pictures } = run;
  const text = `A stored run is shown: ${network.name} with ${plural(pictures.length, "picture")}. Nothing is computed.`;
  notice.value = { kind: "ready", text };
}
