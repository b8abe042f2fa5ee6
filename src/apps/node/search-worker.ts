// A process that does jobs of a search. It is told what by its parent, and ends with it.
import { PushforwardError } from "../../base/index.ts";
import type { Job } from "../../search/index.ts";
import { Laborer, type SearchSetting } from "./search-laborer.ts";

/** What a parent says: first the setting, then a job after each that is done; or that the job under way should end. */
export type ToWorker =
  | { readonly kind: "open"; readonly setting: SearchSetting }
  | { readonly kind: "job"; readonly job: Job }
  | { readonly kind: "stop" };

/** What a worker says. */
export type FromWorker =
  | { readonly kind: "ready" }
  | { readonly kind: "found"; readonly found: Parameters<Parameters<Laborer["do"]>[1]>[0] }
  | { readonly kind: "done" }
  | {
      readonly kind: "failed";
      readonly error: Pick<PushforwardError, "code" | "what" | "where" | "fix"> | { readonly message: string };
    };

const tell = (message: FromWorker): void => void process.send!(message);

const stopping = new AbortController();
let laborer: Laborer | undefined;

async function handle(message: ToWorker): Promise<void> {
  switch (message.kind) {
    case "open":
      laborer = await Laborer.open(message.setting);
      return tell({ kind: "ready" });
    case "job":
      await laborer!.do(message.job, async (found) => tell({ kind: "found", found }), stopping.signal);
      return tell({ kind: "done" });
    case "stop":
      stopping.abort();
  }
}

process.on("message", (message: ToWorker) => {
  handle(message).catch((cause: unknown) => {
    const error =
      cause instanceof PushforwardError
        ? { code: cause.code, what: cause.what, where: cause.where, fix: cause.fix }
        : { message: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause) };
    tell({ kind: "failed", error });
  });
});
process.on("disconnect", () => process.exit());
// An interrupt from the terminal reaches all processes; the parent says when to stop.
process.on("SIGINT", () => undefined);
