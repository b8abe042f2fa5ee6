import { signal } from "@preact/signals";
import { EngineClient, type EngineState, type EngineWorker, type FromEngine } from "../../engine/index.ts";
import { notice } from "../state.ts";

let client: EngineClient | undefined;

/** What the engine is able to do now. */
export const engineState = signal<EngineState>({ kind: "ready" });

/** The engine in its worker, which starts when it is first needed, and again after it was lost. */
export function engine(): EngineClient {
  client ??= new EngineClient(startWorker, (state) => {
    engineState.value = state;
    if (!("what" in state)) return;
    notice.value = { kind: "trouble", text: state.what, fix: state.fix };
  });
  if (client.state.kind === "lost") client.restart();
  return client;
}

/** Ends the engine's worker and starts another. All that was open in it is lost. */
export function restartEngine(): void {
  client?.restart();
}

/** A worker is an `EngineWorker`, although TypeScript holds its handlers to be of another type. That it ended is made an error. */
function startWorker(): EngineWorker {
  const worker = new Worker(new URL("../../engine/worker.ts", import.meta.url), { type: "module" });
  worker.addEventListener("message", ({ data }: MessageEvent<FromEngine>) => {
    if (!("lock" in data)) return;
    const ended = () => worker.dispatchEvent(new ErrorEvent("error", { message: "the browser ended it" }));
    void navigator.locks.request(data.lock, ended);
  });
  return worker as unknown as EngineWorker;
}
