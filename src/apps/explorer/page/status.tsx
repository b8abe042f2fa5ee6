import { reopen } from "./own/computing.ts";
import { engineState } from "./own/engine.ts";
import { notice, oneThread } from "./state.ts";

/** What the page is doing, or what went wrong and what to do. */
export function Status() {
  const { kind, text, fix } = notice.value;
  const engine = engineState.value.kind;
  return (
    <>
      <p role="status" class={`status ${kind}`}>
        {text}
        {fix !== undefined && <> {fix}</>}
        {engine === "finishing" && kind === "busy" && (
          <> Before that, the engine finishes what was cancelled: a graph that is being compiled cannot be stopped.</>
        )}
        {oneThread.value !== undefined && <> {oneThread.value}</>}
      </p>
      {(engine === "lost" || engine === "short") && (
        <button type="button" onClick={reopen}>
          Start the engine again
        </button>
      )}
    </>
  );
}
