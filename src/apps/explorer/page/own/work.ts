import { signal } from "@preact/signals";
import { PushforwardError } from "../../../../base/index.ts";
import { notice, tell } from "../state.ts";

/** Cancels what is under way; undefined if nothing is. */
export const running = signal<AbortController | undefined>(undefined);
/** How far the work under way is, from 0 to 1; undefined if nothing is or that is not known. */
export const share = signal<number | undefined>(undefined);

/** The end of the work that was asked for last, and how many are not at their end. */
let last: Promise<void> = Promise.resolve();
let open = 0;
/** Whether what is under way gives way to what is asked for next. */
let givesWay = false;
/** Counts cancellations and failures: what waited for its turn then does not begin. */
let ended = 0;

/**
 * Does one thing at a time, and tells how it ends. What `givesWay` is cancelled by the next; other work is waited for. Cancel, and a
 * failure, also end what waits.
 */
export function busy(
  text: string,
  work: (signal: AbortSignal) => Promise<string>,
  options: { readonly givesWay?: boolean } = {},
): Promise<void> {
  if (givesWay) running.value?.abort();
  open++;
  const asked = ended;
  last = last.then(async () => {
    if (asked === ended) await run(text, work, options.givesWay ?? false);
    open--;
    if (open > 0) return;
    running.value = undefined;
    share.value = undefined;
    givesWay = false;
  });
  return last;
}

async function run(text: string, work: (signal: AbortSignal) => Promise<string>, yields: boolean): Promise<void> {
  const controller = new AbortController();
  running.value = controller;
  share.value = undefined;
  givesWay = yields;
  say(text);
  try {
    ready(await work(controller.signal));
  } catch (cause) {
    if (cause instanceof PushforwardError && cause.code === "interrupted") {
      ready("Cancelled. What is finished stays.");
    } else {
      ended++;
      tell(cause);
    }
  }
}

/** Tells what is being done. */
export function say(text: string): void {
  notice.value = { kind: "busy", text };
}

/** Tells what was done. */
export function ready(text: string): void {
  notice.value = { kind: "ready", text };
}

export function cancel(): void {
  ended++;
  running.value?.abort();
}
