import { PushforwardError } from "../../../base/index.ts";

/** How long a long job works before it lets messages be heard, in milliseconds. */
const SLICE = 40;

/**
 * Whose turn it is. Of the long jobs one works at a time, in the order in which they came. Quick jobs work one after another, at once: a
 * long job that pauses waits for them.
 */
export class Turns {
  readonly #pause: () => Promise<void>;
  #rested = performance.now();
  #lastLong: Promise<unknown> = Promise.resolve();
  #lastQuick: Promise<unknown> = Promise.resolve();
  #quick = 0;

  /** @param pause lets messages be heard */
  constructor(pause: () => Promise<void>) {
    this.#pause = pause;
  }

  /** Works when the long jobs before have ended. @throws PushforwardError `interrupted` if that is no longer wanted by then */
  long<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const job = this.#lastLong.then(async () => {
      await this.rest(signal);
      return work();
    });
    this.#lastLong = job.catch(() => undefined);
    return job;
  }

  /** Works when the quick jobs before have ended. */
  quick<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    this.#quick++;
    const job = this.#lastQuick
      .then(() => {
        throwIfCancelled(signal);
        return work();
      })
      .finally(() => this.#quick--);
    this.#lastQuick = job.catch(() => undefined);
    return job;
  }

  /**
   * What a long job awaits between its parts: messages are heard now and then, and quick jobs go first.
   *
   * @throws PushforwardError `interrupted` if it was cancelled
   */
  async rest(signal: AbortSignal): Promise<void> {
    if (performance.now() - this.#rested >= SLICE) {
      await this.#pause();
      this.#rested = performance.now();
    }
    while (this.#quick > 0) await this.#lastQuick;
    throwIfCancelled(signal);
  }
}

/** @throws PushforwardError `interrupted` */
function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw new PushforwardError("interrupted", { what: "The request was cancelled." });
}
