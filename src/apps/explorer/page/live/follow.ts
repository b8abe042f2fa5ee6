import { effect, signal } from "@preact/signals";
import type { LiveEvent, LiveState } from "../../../progress/live-state.ts";
import { lookAtAll, showAgain, subject, tell } from "../state.ts";
import type { OpenedRun } from "../stored/stored-run.ts";

/** The run that is shown, where its server tells how far it is. */
interface Live {
  readonly state: LiveState;
  /** The address of its report. */
  readonly report: string;
  /** Whether the server has stopped telling. */
  readonly isLost: boolean;
}

export const live = signal<Live | undefined>(undefined);

/** Ends what is followed. */
let leave = (): void => undefined;

/**
 * Follows a run that is shown, as long as it is, if the server at its address tells how far it is. Units appear when they are stored. If the
 * run has more inputs than before, it is opened again.
 */
export async function follow(folder: string, shown: OpenedRun, reopen: () => Promise<OpenedRun>): Promise<void> {
  leave();
  const { headers } = await fetch(new URL("zarr.json", folder), { method: "HEAD" });
  const events = headers.get("x-events");
  if (events === null || subject.peek() !== shown.subject) return;
  let opened = shown;
  let edition: number | undefined;
  const report = new URL("report/", folder).href;
  const hear = async ({ units, ...state }: LiveEvent): Promise<void> => {
    if (subject.peek() !== opened.subject) return;
    live.value = { state, report, isLost: false };
    const isOther = edition !== undefined && edition !== state.edition;
    edition = state.edition;
    if (!isOther && (await opened.take(units))) return;
    const next = await reopen();
    if (subject.peek() !== opened.subject) return;
    opened = next;
    showAgain(next.subject);
    lookAtAll(next.subject).catch(tell);
  };
  const source = new EventSource(new URL(events, folder));
  let heard = Promise.resolve();
  source.onmessage = ({ data }: MessageEvent<string>) => {
    heard = heard.then(() => hear(JSON.parse(data) as LiveEvent)).catch(tell);
  };
  source.onerror = () => {
    if (live.peek() !== undefined) live.value = { ...live.peek()!, isLost: true };
  };
  leave = effect(() => {
    if (subject.value === opened.subject) return;
    source.close();
    live.value = undefined;
  });
}
