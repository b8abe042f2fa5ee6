import { notice } from "./state.ts";

/** What the page is doing, or what went wrong and what to do. */
export function Status() {
  const { kind, text, fix } = notice.value;
  return (
    <p role="status" class={`status ${kind}`}>
      {text}
      {fix !== undefined && <> {fix}</>}
    </p>
  );
}
