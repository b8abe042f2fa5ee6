import { EngineClient, type EngineWorker } from "../../engine/index.ts";
import { notice } from "../state.ts";

let client: EngineClient | undefined;

/** The engine in its worker, which starts when it is first needed, and again after it was lost. `lost` is called then. */
export function engine(lost: () => void): EngineClient {
  client ??= new EngineClient(startWorker, (state) => {
    if (state.kind === "ready") return;
    notice.value = { kind: "trouble", text: state.what, fix: state.fix };
    if (state.kind === "lost") lost();
  });
  if (client.state.kind === "lost") client.restart();
  return client;
}

/** A worker is an `EngineWorker`, although TypeScript holds its handlers to be of another type. */
function startWorker(): EngineWorker {
  const worker: unknown = new Worker(new URL("../../engine/worker.ts", import.meta.url), { type: "module" });
  return worker as EngineWorker;
}
