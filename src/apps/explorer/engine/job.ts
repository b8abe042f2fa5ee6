import type { PartialOf, Progress, RequestKind } from "./protocol.ts";

/** What a request tells while it is computed, and how it hears that it is cancelled. */
export interface Job<K extends RequestKind> {
  readonly signal: AbortSignal;
  partial(partial: PartialOf<K>): void;
  progress(progress: Progress): void;
  /**
   * Awaited between the parts of a long request: lets messages be heard and quick requests go first.
   *
   * @throws PushforwardError `interrupted` if the request was cancelled
   */
  rest(): Promise<void>;
}
